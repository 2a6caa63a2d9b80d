/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What policies cost a request: CPU microseconds of auth.lua and route.lua
 * together, best of the rounds, for a caller without tags and for one that a
 * tag keeps on one of two targets; with fifty policies more that have other
 * phases. Then what the engine itself costs: a phase that does nothing; and
 * what is kept and told for explain.
 *
 *     policy_bench [FOLDER of the policies]
 */
#include "cpu.h"

#include "base/sha256.h"
#include "engine/crumb.h"
#include "flow/ran.h"
#include "policy/policy.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS = 7, REQUESTS = 100000, ARENA_EVERY = 100, OTHERS = 50 };

static const char secret[] =
    "sk-ps-0123456789-abcdefghijklmnopqrstuvwxyz012345";
static struct crumb crumb;

struct job {
    struct config config;
    struct conf_policy policies[2 + OTHERS];
    struct conf_key key;
    struct policy_set *set;
    struct policy_run run;
};

static void on_field(void *req, enum policy_field f, struct policy_value *out)
{
    (void)req;
    *out = (struct policy_value){ .type = VALUE_STRING, .s = STR("req-1") };
    if (f == FIELD_CREDENTIAL)
        out->s = (struct str){ secret, sizeof secret - 1 };
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

static struct str slurp(const char *folder, const char *name)
{
    static char text[2][1 << 16];
    static int next;
    char path[4096];
    size_t n = 0;
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    f = fopen(path, "r");
    if (!f) {
        perror(path);
        exit(1);
    }
    n = fread(text[next], 1, sizeof text[next], f);
    fclose(f);
    return (struct str){ text[next++], n };
}

static void request(struct job *j, struct plan *plan)
{
    struct policy_result r;

    for (size_t i = 0; i < plan->n; i++)
        plan->list[i].dropped = false;
    j->run.principal = NULL;
    j->run.plan = NULL;
    policy_run(j->set, PHASE_AUTHENTICATE, &j->run, &r);
    if (r.verdict != POLICY_PRINCIPAL)
        exit(1);
    j->run.principal = r.principal;
    j->run.plan = plan;
    policy_run(j->set, PHASE_ROUTE, &j->run, &r);
    if (r.verdict != POLICY_NONE)
        exit(1);
}

static double best(struct job *j, struct plan *plan)
{
    double least = 1e9;

    for (int round = 0; round < ROUNDS; round++) {
        double spent = 0;

        for (int i = 0; i < REQUESTS; i += ARENA_EVERY) {
            struct arena *a = arena_new(1 << 20);
            double t0 = cpu_us();

            j->run.arena = a;
            for (int k = 0; k < ARENA_EVERY; k++)
                request(j, plan);
            spent += cpu_us() - t0;
            arena_free(a);
        }
        if (spent / REQUESTS < least)
            least = spent / REQUESTS;
    }
    return least;
}

static void measure(struct job *j, const char *what, struct plan *plan)
{
    struct err err = { 0 };

    j->set = policy_set_new(&j->config, &err);
    if (!j->set) {
        fprintf(stderr, "policy_bench: %s: %s\n", err.at, err.msg);
        exit(1);
    }
    printf("%-32s %6.2f us a request, %zu KB of Lua\n", what, best(j, plan),
           policy_set_memory(j->set) / 1024);
    policy_set_free(j->set);
}

/* Two policies of a request: kept, then written. */
static double explain_us(const struct policy_ran ran[2])
{
    struct buf out = BUF_INIT(1 << 16);
    double spent = 0;

    for (int i = 0; i < REQUESTS; i += ARENA_EVERY) {
        struct arena *a = arena_new(1 << 20);
        double t0 = cpu_us();

        for (int k = 0; k < ARENA_EVERY; k++) {
            struct ran_list list = { .n = 0 };

            ran_add(&list, a, &ran[0], 0);
            ran_add(&list, a, &ran[1], 0);
            buf_reset(&out);
            ran_write(&list, &out);
        }
        spent += cpu_us() - t0;
        arena_free(a);
    }
    buf_clear(&out);
    return spent / REQUESTS;
}

static void measure_explain(void)
{
    static const struct policy_ran ran[2] = {
        { .policy = STR("auth"), .phase = PHASE_AUTHENTICATE,
          .verdict = POLICY_PRINCIPAL, .what = STR("ci"), .ns = 1234 },
        { .policy = STR("route"), .phase = PHASE_ROUTE, .ns = 4321 } };
    double least = 1e9;

    for (int round = 0; round < ROUNDS; round++) {
        double us = explain_us(ran);

        least = us < least ? us : least;
    }
    printf("%-32s %6.0f ns a policy\n", "kept and told for explain",
           least * 1000 / 2);
}

int main(int argc, char **argv)
{
    static struct conf_pair eu = { STR("region"), STR("eu") };
    static struct conf_pair resident = { STR("residency"), STR("eu") };
    struct conf_provider conf[] = { { .name = STR("a") },
                                    { .name = STR("b"), .tags = &eu,
                                      .n_tags = 1 } };
    struct provider open[] = { { .conf = &conf[0] }, { .conf = &conf[1] } };
    struct target targets[] = {
        { .name = STR("a/m"), .provider = &open[0], .model = STR("m") },
        { .name = STR("b/m"), .provider = &open[1], .model = STR("m") } };
    struct candidate list[] = { { .target = &targets[0] },
                                { .target = &targets[1] } };
    struct plan plan = { .list = list, .n = 2, .n_first = 2,
                         .model = STR("smart") };
    const char *folder = argc > 1 ? argv[1] : "policies";
    struct job j = { .run = { .view = &view, .endpoint = STR("chat") } };

    crumb_here = &crumb;
    j.key.name = STR("ci");
    sha256((struct str){ secret, sizeof secret - 1 }, j.key.sha256);
    j.policies[0] = (struct conf_policy){ .name = STR("auth"),
                                          .source = slurp(folder, "auth.lua") };
    j.policies[1] = (struct conf_policy){
        .name = STR("route"), .source = slurp(folder, "route.lua") };
    j.config.keys = &j.key;
    j.config.n_keys = 1;
    j.config.policies = j.policies;
    j.config.n_policies = 2;
    measure(&j, "auth + route, no tags", &plan);
    for (int i = 0; i < OTHERS; i++)
        j.policies[2 + i] = (struct conf_policy){
            .name = STR("other"),
            .source = STR("return { api = 1, log = function() end }") };
    j.config.n_policies = 2 + OTHERS;
    measure(&j, "the same, and 50 other policies", &plan);
    j.config.n_policies = 2;
    j.key.tags = &resident;
    j.key.n_tags = 1;
    measure(&j, "auth + route, one tag", &plan);
    j.policies[1].source = STR("return { api = 1, route = function() end }");
    measure(&j, "auth + an empty phase", &plan);
    measure_explain();
    return 0;
}
