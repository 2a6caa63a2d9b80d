/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What it costs a request that a policy looks into its body or edits it: CPU
 * microseconds, best of the rounds, the copy and the scan of the new body
 * included.
 */
#include "cpu.h"

#include "policy/policy.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS = 7, BODY_MAX = 4 << 20 };

struct job {
    struct config config;
    struct conf_policy policy;
    struct policy_set *set;
    struct json index;  /* of the client's body */
    struct json edited; /* of the last one that was made */
    struct buf text;
};

static void on_field(void *req, enum policy_field f, struct policy_value *out)
{
    (void)req;
    (void)f;
    *out = (struct policy_value){ .type = VALUE_INT, .i = 100 };
}

static struct str on_header(void *req, struct str name)
{
    (void)req;
    (void)name;
    return STR_NULL;
}

static int on_rewrite(void *req, struct buf *text, struct json *index,
                      struct err *err)
{
    struct job *j = req;

    (void)err;
    json_clear(&j->edited);
    buf_clear(&j->text);
    j->edited = *index;
    j->text = *text;
    *index = (struct json){ 0 };
    *text = (struct buf)BUF_INIT(0);
    return 0;
}

static const struct policy_view view = { .field = on_field,
                                         .header = on_header,
                                         .rewrite = on_rewrite };

/* A chat of messages of 1 KB. */
static void make_body(struct buf *b, int messages)
{
    buf_puts(b, "{\"model\":\"m\",\"max_tokens\":100,\"messages\":[");
    for (int i = 0; i < messages; i++) {
        buf_puts(b, i ? ",{\"role\":\"user\",\"content\":\""
                      : "{\"role\":\"user\",\"content\":\"");
        for (int k = 0; k < 20; k++)
            buf_puts(b, "Some words of a user, 47 bytes of them in a line. ");
        buf_puts(b, "\"}");
    }
    buf_puts(b, "]}");
}

static double run(struct job *j, int times)
{
    double spent = 0;

    for (int i = 0; i < times; i++) {
        struct arena *a = arena_new(4 << 20);
        struct policy_run r = { .req = j, .view = &view, .arena = a,
                                .endpoint = STR("chat"),
                                .dialect = DIALECT_OPENAI_CHAT,
                                .body = &j->index };
        struct policy_result out;
        double t0 = cpu_us();

        policy_run(j->set, PHASE_VALIDATE, &r, &out);
        spent += cpu_us() - t0;
        arena_free(a);
        if (out.verdict != POLICY_NONE)
            exit(1);
    }
    return spent / times;
}

static void measure(const char *what, const char *body, int messages)
{
    static char source[4096];
    struct buf text = BUF_INIT(BODY_MAX);
    struct job j = { 0 };
    struct err err = { 0 };
    double least = 1e9;

    snprintf(source, sizeof source,
             "return { api = 1, dialects = { 'openai-chat' }, validate = "
             "function(req) %s end }", body);
    j.policy = (struct conf_policy){ .name = STR("bench"),
                                     .source = str_of(source) };
    j.config.policies = &j.policy;
    j.config.n_policies = 1;
    j.set = policy_set_new(&j.config, &err);
    make_body(&text, messages);
    if (!j.set || json_scan(&j.index, buf_str(&text), NULL, &err)) {
        fprintf(stderr, "body_bench: %s: %s\n", err.at, err.msg);
        exit(1);
    }
    for (int round = 0; round < ROUNDS; round++) {
        double us = run(&j, messages > 100 ? 50 : 20000);

        least = us < least ? us : least;
    }
    printf("%-44s %4zu KB %9.2f us\n", what, buf_len(&text) / 1024, least);
    policy_set_free(j.set);
    json_clear(&j.index);
    json_clear(&j.edited);
    buf_clear(&j.text);
    buf_clear(&text);
}

int main(void)
{
    static const struct {
        const char *what, *body;
    } rows[] = {
        { "a phase that does nothing", "" },
        { "reads req.body:get('/model')", "req.body:get('/model')" },
        { "req.max_tokens = 50", "req.max_tokens = 50" },
        { "each_text that reads", "req:each_text(function(t) end)" },
        { "each_text that edits each text",
          "req:each_text(function(t) return t .. '!' end)" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        measure(rows[i].what, rows[i].body, 1);
        measure(rows[i].what, rows[i].body, 256);
    }
    return 0;
}
