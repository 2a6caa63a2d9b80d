/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What the functions of ps cost: CPU microseconds a call, best of the rounds,
 * the loop around it taken off.
 *
 *     prims_bench
 */
#include "cpu.h"

#include "engine/kv.h"
#include "engine/metrics_column.h"
#include "policy/policy.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS = 7, RUNS = 40, CALLS = 100 };

static const struct {
    const char *name, *before, *call;
} rows[] = {
    { "an empty loop", "", "" },
    { "kv:get, an integer", "kv:set('k', 1)", "kv:get('k')" },
    { "kv:get, 1 KB", "kv:set('k', ('x'):rep(1024))", "kv:get('k')" },
    { "kv:get, nothing there", "kv:delete('k')", "kv:get('k')" },
    { "kv:set, 20 bytes", "", "kv:set('k', 'twenty bytes of text.')" },
    { "kv:set, 20 bytes, with ttl", "",
      "kv:set('k', 'twenty bytes of text.', { ttl = 60 })" },
    { "kv:incr", "kv:set('n', 1)", "kv:incr('n')" },
    { "kv:cas", "kv:set('c', 1)", "kv:cas('c', 1, 1)" },
    { "re:test, a literal, 4 KB, no match",
      "local r = ps.re('sk-[a-z]{20}')", "r:test(text)" },
    { "re:test, words, 4 KB, no match",
      "local r = ps.re('\\\\b(?:secret|password|api[_-]?key)\\\\b')",
      "r:test(text)" },
    { "re:test, an address, 4 KB, no match",
      "local r = ps.re('[\\\\w.+-]+@[\\\\w-]+\\\\.[\\\\w.]+')",
      "r:test(text)" },
    { "re:match, 40 bytes", "local r = ps.re('^Bearer (\\\\w+)$')"
      " local s = 'Bearer abcdefghijklmnopqrstuvwxyz012345'", "r:match(s)" },
    { "re:gsub, 4 KB, 40 hits", "local r = ps.re('dolor')",
      "r:gsub(text, '[x]')" },
    { "ps.re, seen before", "", "ps.re('^Bearer (\\\\w+)$')" },
    { "string.find, 4 KB, no match", "", "text:find('sk%-%l+')" },
    { "json.decode, 300 bytes", "", "ps.json.decode(json)" },
    { "json.encode, the same", "local v = ps.json.decode(json)",
      "ps.json.encode(v)" },
    { "b64.encode, 1 KB", "local s = ('x'):rep(1024)", "ps.b64.encode(s)" },
    { "ps.sha256, 50 bytes", "local s = ('x'):rep(50)", "ps.sha256(s)" },
    { "ps.hmac, 50 bytes", "local s = ('x'):rep(50)", "ps.hmac('key', s)" },
    { "ps.metric", "", "ps.metric('hits')" },
    { "ps.metric, one label", "", "ps.metric('hits', 1, { kind = 'email' })" },
    { "ps.now", "", "ps.now()" },
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

static const struct policy_view view = { .field = on_field,
                                         .header = on_header };

static struct policy_set *load(size_t i, struct kv *kv)
{
    static char source[4096];
    static struct conf_policy p = { .name = STR("bench") };
    static struct config c = { .policies = &p, .n_policies = 1 };
    struct policy_set *s;
    struct err err = { 0 };

    snprintf(source, sizeof source,
             "local kv = ps.kv('bench')\n"
             "local text = ('Lorem ipsum dolor sit amet, consectetur 12 34 "
             "adipiscing elit, sed do eiusmod tempor incididunt. '):rep(41)\n"
             "local json = '{\"a\":1,\"list\":[1,2,3,\"x\"],\"user\":{\"id\":"
             "\"u-1\",\"groups\":[\"a\",\"b\"],\"active\":true},\"pad\":\"' .."
             " ('p'):rep(200) .. '\"}'\n"
             "return { api = 1, request = function(req) %s\n"
             "for i = 1, %d do %s end end }",
             rows[i].before, CALLS, rows[i].call);
    p.source = str_of(source);
    s = policy_set_new(&c, &err);
    if (!s) {
        fprintf(stderr, "prims_bench: %s: %s\n", err.at, err.msg);
        exit(1);
    }
    policy_set_kv(s, kv);
    return s;
}

/* Microseconds of one run of the phase. */
static double measure(struct policy_set *s)
{
    double least = 1e9;

    for (int round = 0; round < ROUNDS; round++) {
        struct arena *a = arena_new(1 << 20);
        double t0 = cpu_us(), spent;

        for (int i = 0; i < RUNS; i++) {
            struct policy_run run = { .view = &view, .arena = a };
            struct policy_result r;

            policy_run(s, PHASE_REQUEST, &run, &r);
            if (r.verdict != POLICY_NONE)
                exit(1);
        }
        spent = (cpu_us() - t0) / RUNS;
        least = spent < least ? spent : least;
        arena_free(a);
    }
    return least;
}

int main(void)
{
    struct kv *kv = kv_new(1 << 20, true, NULL);
    struct metrics_column *column = calloc(1, sizeof *column);
    double loop = 0;

    if (!kv || !column)
        return 1;
    metrics_here(column);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct policy_set *s = load(i, kv);
        double us = measure(s);

        policy_set_free(s);
        if (i == 0)
            loop = us;
        printf("%-38s %7.2f us\n", rows[i].name,
               i ? (us - loop) / CALLS : us / CALLS);
    }
    metrics_here(NULL);
    free(column);
    kv_free(kv);
    return 0;
}
