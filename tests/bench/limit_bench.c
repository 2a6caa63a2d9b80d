/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What limits cost a request: the cells alone, by rows and by how many other
 * callers there are; then ps.take in limits.lua, from the rows to the
 * settlement, beside a phase that does nothing; and guessing tokens.
 *
 *     limit_bench [FOLDER of the policies]
 */
#include "cpu.h"

#include "engine/crumb.h"
#include "policy/policy.h"
#include "wire/token_guess.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 7, REQUESTS = 100000, ARENA_EVERY = 100 };

static struct crumb crumb;

static struct limiter *memory(void)
{
    struct err err = { 0 };
    struct limiter *l = limiter_new(16 << 20, 1, 0, true, &err);

    if (!l || limiter_enter(l, 0)) {
        fprintf(stderr, "limit_bench: %s\n", err.msg);
        exit(1);
    }
    return l;
}

/* ---- the cells ----------------------------------------------------------- */

static void three_rows(struct limit_row *rows, struct str name)
{
    rows[0] = (struct limit_row){ .kind = LIMIT_REQUESTS, .scope = STR("key"),
                                  .name = name, .limit = 1000000000,
                                  .period_ms = 1000 };
    rows[1] = rows[0];
    rows[1].kind = LIMIT_TOKENS;
    rows[1].want = 100;
    rows[2] = rows[0];
    rows[2].kind = LIMIT_CONCURRENT;
    rows[2].period_ms = 0;
    rows[2].limit = 1000000;
}

static double cells(struct limiter *l, size_t n, int callers)
{
    double least = 1e9;

    for (int round = 0; round < ROUNDS; round++) {
        double t0 = cpu_us();

        for (int i = 0; i < REQUESTS; i++) {
            struct limit_row rows[3];
            struct limit_state states[3];
            limit_hold holds[3] = { 0 };
            char name[16];

            snprintf(name, sizeof name, "caller-%d", i % callers);
            three_rows(rows, str_of(name));
            if (limit_take(l, rows, n, 1000, states, holds))
                exit(1);
            for (size_t k = 0; k < n; k++)
                limit_settle(l, holds[k], 90, 1000);
        }
        t0 = (cpu_us() - t0) / REQUESTS;
        least = t0 < least ? t0 : least;
    }
    return least;
}

static void measure_cells(void)
{
    struct limiter *l = memory();

    for (size_t n = 1; n <= 3; n++)
        printf("%-40s %6.2f us\n",
               n == 1 ? "cells: take and settle one row"
                      : n == 2 ? "cells: two rows" : "cells: three rows",
               cells(l, n, 1));
    printf("%-40s %6.2f us\n", "cells: three rows, 30,000 callers",
           cells(l, 3, 30000));
    limiter_free(l);
}

/* ---- ps.take ------------------------------------------------------------ */

struct job {
    struct config config;
    struct conf_policy policy;
    struct policy_set *set;
    struct policy_run run;
    struct principal who;
    struct json body;
    struct limiter *limiter;
};

static void on_field(void *req, enum policy_field f, struct policy_value *out)
{
    (void)req;
    *out = (struct policy_value){ .type = VALUE_STRING, .s = STR("smart") };
    if (f == FIELD_MAX_TOKENS)
        *out = (struct policy_value){ .type = VALUE_INT, .i = 100 };
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
    (void)policy;
    (void)text;
}

static const struct policy_view view = { .field = on_field,
                                         .header = on_header,
                                         .note = on_note };

static void request(struct job *j, struct arena *a)
{
    struct limit_claim claim = { .limiter = j->limiter, .arena = a };
    struct policy_result r;

    j->run.arena = a;
    j->run.claim = &claim;
    policy_run(j->set, PHASE_ADMIT, &j->run, &r);
    if (r.verdict != POLICY_NONE)
        exit(1);
    limit_claim_settle(&claim, 20, true, 1000);
}

static double best(struct job *j)
{
    double least = 1e9;

    for (int round = 0; round < ROUNDS; round++) {
        double spent = 0;

        for (int i = 0; i < REQUESTS; i += ARENA_EVERY) {
            struct arena *a = arena_new(4 << 20);
            double t0 = cpu_us();

            for (int k = 0; k < ARENA_EVERY; k++)
                request(j, a);
            spent += cpu_us() - t0;
            arena_free(a);
        }
        if (spent / REQUESTS < least)
            least = spent / REQUESTS;
    }
    return least;
}

static double measure(struct job *j, const char *what, struct str source)
{
    struct err err = { 0 };
    double us;

    j->policy = (struct conf_policy){ .name = STR("limits"), .conf = STR("{}"),
                                      .source = source };
    j->config.policies = &j->policy;
    j->config.n_policies = 1;
    j->set = policy_set_new(&j->config, &err);
    if (!j->set) {
        fprintf(stderr, "limit_bench: %s: %s\n", err.at, err.msg);
        exit(1);
    }
    us = best(j);
    printf("%-40s %6.2f us\n", what, us);
    policy_set_free(j->set);
    return us;
}

static struct str slurp(const char *folder, const char *name)
{
    static char text[1 << 16];
    char path[4096];
    size_t n = 0;
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    f = fopen(path, "r");
    if (f) {
        n = fread(text, 1, sizeof text, f);
        fclose(f);
    }
    return (struct str){ text, n };
}

static void measure_policy(const char *folder)
{
    static const char body[] = "{\"model\":\"smart\",\"max_tokens\":100,"
                               "\"messages\":[{\"role\":\"user\",\"content\":"
                               "\"Hello there, how are you today?\"}]}";
    struct job j = { .run = { .view = &view, .endpoint = STR("chat"),
                              .dialect = DIALECT_OPENAI_CHAT } };
    struct err err = { 0 };

    j.limiter = memory();
    j.who = (struct principal){ .id = STR("ci"), .key = STR("ci"),
                                .team = STR("search") };
    if (json_scan(&j.body, str_of(body), NULL, &err))
        exit(1);
    j.run.principal = &j.who;
    j.run.body = &j.body;
    measure(&j, "a phase that does nothing",
            STR("return { api = 1, admit = function() end }"));
    measure(&j, "ps.take, one row",
            STR("return { api = 1, admit = function() return ps.take { "
                "{ 'requests', per = 'key', limit = '1000M/s' } } end }"));
    measure(&j, "limits.lua, a caller without limits",
            slurp(folder, "limits.lua"));
    j.who.limits = (struct conf_limits){ .requests = STR("1000M/s"),
                                         .tokens = STR("1000M/s"),
                                         .concurrent = 1000 };
    measure(&j, "limits.lua, three limits", slurp(folder, "limits.lua"));
    j.who.team_limits = j.who.limits;
    measure(&j, "limits.lua, six limits", slurp(folder, "limits.lua"));
    json_clear(&j.body);
    limiter_free(j.limiter);
}

/* ---- guessing ----------------------------------------------------------- */

static void measure_guess(size_t size)
{
    static const char text[] = "The quick brown fox jumps over 13 dogs. ";
    struct buf b = BUF_INIT(1 << 20);
    struct json j = { 0 };
    struct err err = { 0 };
    double least = 1e9;
    uint64_t sum = 0;

    buf_puts(&b, "{\"messages\":[{\"role\":\"user\",\"content\":\"");
    while (buf_len(&b) < size)
        buf_puts(&b, text);
    buf_puts(&b, "\"}]}");
    if (json_scan(&j, buf_str(&b), NULL, &err))
        exit(1);
    for (int round = 0; round < ROUNDS; round++) {
        double t0 = cpu_us();

        for (int i = 0; i < 1000; i++)
            sum += token_guess(DIALECT_OPENAI_CHAT, &j);
        t0 = (cpu_us() - t0) / 1000;
        least = t0 < least ? t0 : least;
    }
    printf("guessing tokens of %6zu bytes            %6.2f us%s\n", size,
           least, sum ? "" : "!");
    json_clear(&j);
    buf_clear(&b);
}

int main(int argc, char **argv)
{
    crumb_here = &crumb;
    measure_cells();
    measure_policy(argc > 1 ? argv[1] : "policies");
    measure_guess(1024);
    measure_guess(256 << 10);
    return 0;
}
