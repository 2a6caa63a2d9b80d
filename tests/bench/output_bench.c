/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What an output policy costs a streamed event: CPU microseconds of the
 * windows, the policy's call and the edited bytes, best of the rounds, beside
 * the scan that every event has anyway. Events as OpenAI sends them, some six
 * characters of text each.
 */
#include "cpu.h"

#include "engine/crumb.h"
#include "flow/output.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS = 9, EVENTS = 20000, CHUNK = 16 };

static struct crumb crumb;

struct job {
    struct config config;
    struct conf_policy policies[2];
    struct policy_set *set;
    struct policy_run run;
    struct json scratch;
    struct output *o;
    size_t bytes;
};

static void on_field(void *req, enum policy_field f, struct policy_value *out)
{
    (void)req;
    (void)f;
    *out = (struct policy_value){ .type = VALUE_STRING, .s = STR("req-1") };
}

static struct str on_header(void *req, struct str name)
{
    (void)req;
    (void)name;
    return STR_NULL;
}

static void on_note(void *req, struct str policy, struct str text)
{
    (void)req;
    printf(STR_FMT ": " STR_FMT "\n", STR_ARG(policy), STR_ARG(text));
}

static const struct policy_view view = { .field = on_field,
                                         .header = on_header,
                                         .note = on_note };

static void on_ask(void *ud, struct policy_window *w, struct policy_result *out)
{
    struct job *j = ud;

    j->run.window = w;
    policy_run(j->set, PHASE_OUTPUT, &j->run, out);
}

static void on_fail(void *ud, struct policy_window *w, const char *why,
                    struct policy_result *out)
{
    struct job *j = ud;

    (void)why;
    (void)w;
    policy_output_fail(j->set, &j->run, why, out);
}

static const struct output_ops ops = { on_ask, on_fail };

static int on_event(void *ud, const struct sse_event *ev)
{
    struct job *j = ud;

    if (json_scan(&j->scratch, ev->data, NULL, NULL))
        exit(1);
    if (!j->o)
        return 0;
    return output_event(j->o, ev, &j->scratch, false);
}

/* One stream of `bytes`, as a loop turn would read it. */
static void stream(struct job *j, struct str bytes, size_t step)
{
    struct sse sse;

    sse_init(&sse, 1 << 20);
    for (size_t at = 0; at < bytes.n; at += step) {
        struct str part = { bytes.p + at, step < bytes.n - at ? step
                                                              : bytes.n - at };

        if (sse_feed(&sse, part, on_event, j, NULL))
            exit(1);
        if (j->o) {
            j->bytes += output_bytes(j->o).n;
            output_sent(j->o);
        }
    }
    if (j->o && output_end(j->o))
        exit(1);
    sse_clear(&sse);
}

static double best(struct job *j, struct str bytes, size_t step)
{
    struct policy_output wants;
    double least = 1e9;

    for (int round = 0; round < ROUNDS; round++) {
        struct arena *a = arena_new(4 << 20);
        double t0;

        j->run.arena = a;
        j->o = NULL;
        if (j->set && policy_output_wants(j->set, STR("chat"), &wants))
            j->o = output_new(&wants, DIALECT_OPENAI_CHAT,
                              wire_text_ops(DIALECT_OPENAI_CHAT), a, &ops, j);
        t0 = cpu_us();
        stream(j, bytes, step);
        t0 = (cpu_us() - t0) / EVENTS;
        least = t0 < least ? t0 : least;
        output_free(j->o);
        arena_free(a);
    }
    return least;
}

static void measure(struct job *j, const char *what, const char *source,
                    struct str bytes, double base)
{
    struct err err = { 0 };

    j->policies[0] = (struct conf_policy){ .name = STR("p"),
                                           .source = str_of(source) };
    j->config.policies = j->policies;
    j->config.n_policies = 1;
    j->set = policy_set_new(&j->config, &err);
    if (!j->set) {
        fprintf(stderr, "output_bench: %s: %s\n", err.at, err.msg);
        exit(1);
    }
    printf("%-40s %6.2f us an event more\n", what,
           best(j, bytes, bytes.n / EVENTS * CHUNK) - base);
    policy_set_free(j->set);
}

int main(void)
{
    static const char *const words[] = { "The", " quick", " brown", " fox,",
                                         " sk-", " jumps", " over", "\\n" };
    struct buf b = BUF_INIT(64 << 20);
    struct job j = { .run = { .view = &view, .endpoint = STR("chat") } };
    double base;

    crumb_here = &crumb;
    for (int i = 0; i < EVENTS; i++)
        buf_printf(&b, "data: {\"id\":\"chatcmpl-0123456789\",\"object\":"
                       "\"chat.completion.chunk\",\"created\":1700000000,"
                       "\"model\":\"gpt-6-luna\",\"system_fingerprint\":"
                       "\"fp_44709d6fcb\",\"choices\":[{\"index\":0,\"delta\":"
                       "{\"content\":\"%s\"},\"logprobs\":null,"
                       "\"finish_reason\":null}]}\n\n", words[i % 8]);
    base = best(&j, buf_str(&b), b.n / EVENTS * CHUNK);
    printf("%-40s %6.2f us an event\n", "framing and scan", base);
    measure(&j, "output = function() end",
            "return { api = 1, output = function() end }", buf_str(&b), base);
    measure(&j, "w:replace('secret', '*')",
            "return { api = 1, output = function(r, c, w) "
            "w:replace('secret', '*') end }", buf_str(&b), base);
    measure(&j, "w:replace('sk%-%w%w%w%w+', '*')",
            "return { api = 1, output = function(r, c, w) "
            "w:replace('sk%-%w%w%w%w+', '*') end }", buf_str(&b), base);
    measure(&j, "w:replace('%d%d%d%-%d%d%d%d', '*')",
            "return { api = 1, output = function(r, c, w) "
            "w:replace('%d%d%d%-%d%d%d%d', '*') end }", buf_str(&b), base);
    measure(&j, "w.text = w.text:gsub('fox', 'dog')",
            "return { api = 1, output = function(r, c, w) "
            "w.text = w.text:gsub('fox', 'dog') end }", buf_str(&b), base);
    measure(&j, "w.text:find('FORBIDDEN', 1, true)",
            "return { api = 1, output = function(r, c, w) "
            "if w.text:find('FORBIDDEN', 1, true) then return ps.stop() end "
            "end }", buf_str(&b), base);
    measure(&j, "hold = 'all'",
            "return { api = 1, window = { hold = 'all' }, output = "
            "function() end }", buf_str(&b), base);
    json_clear(&j.scratch);
    buf_clear(&b);
    return 0;
}
