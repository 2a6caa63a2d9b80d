/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What the breaker costs a request whose targets are well: states looked at,
 * entered, judged at the first content; nanoseconds, best of the rounds. The
 * look-up of a name, where a target is made for one request. And what it costs
 * to balance six targets by their speed, to count a call and to learn from it.
 *
 *     breaker_bench
 */
#include "base/clock.h"
#include "engine/health.h"
#include "engine/target_engine.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS = 9, RUNS = 200000,
       SHORT = 2000, /* a round between two turns of other programs */
       CANDIDATES = 4, BALANCED = 6 };

static struct health_cell *cells[CANDIDATES];
static uint64_t sink;

static void request(uint64_t now, uint32_t dice)
{
    uint64_t probe;

    for (int k = 0; k < CANDIDATES; k++)
        sink += breaker_state(&cells[k]->breaker, now);
    sink += breaker_enter(&cells[0]->breaker, now, 7, dice, &probe);
    sink += breaker_judge(&cells[0]->breaker, now, probe, BREAKER_GOOD,
                          300 + dice % 100, dice);
}

static struct conf_model model = { .balance = BALANCE_EWMA };
static struct conf_provider conf_provider;
static struct provider provider = { .conf = &conf_provider };
static struct target targets[BALANCED];
static struct engine engine; /* its dice are all that is asked of it */

static void balance(struct health *h, uint64_t now)
{
    struct candidate list[BALANCED];
    struct plan p = { .list = list, .n = BALANCED, .n_first = BALANCED };
    struct health_cell *c;

    for (int k = 0; k < BALANCED; k++)
        list[k] = (struct candidate){ .target = &targets[k] };
    engine_balance(&engine, &p, now);
    c = list[0].target->cell;
    sink += health_take(h, c, 3, 1000);
    speed_heard(&c->speed, now, 300 + now % 97);
    health_give(h, c, 3);
}

static double best_balance(struct health *h)
{
    uint64_t least = UINT64_MAX, t0, spent;

    for (int k = 0; k < BALANCED; k++) {
        char name[16];

        snprintf(name, sizeof name, "x/%d", k);
        targets[k] = (struct target){
            .provider = &provider, .weight = 1, .group = &model,
            .cell = health_find(h, str_of(name), 1) };
        if (!targets[k].cell)
            exit(1);
    }
    provider.health = h;
    for (int round = 0; round < 20 * ROUNDS; round++) {
        t0 = clock_mono_ns();
        for (uint32_t i = 0; i < SHORT; i++)
            balance(h, 1000000 + i / 16);
        spent = clock_mono_ns() - t0;
        least = spent < least ? spent : least;
    }
    return (double)least / SHORT;
}

static double best(struct health *h)
{
    uint64_t least = UINT64_MAX, t0, spent;

    for (int round = 0; round < ROUNDS; round++) {
        t0 = clock_mono_ns();
        for (uint32_t i = 0; i < RUNS; i++) {
            if (h)
                sink += health_find(h, STR("openai/gpt-6-luna"), 0) != NULL;
            else
                request(1000000 + i / 16, i * 2654435761u);
        }
        spent = clock_mono_ns() - t0;
        least = spent < least ? spent : least;
    }
    return (double)least / RUNS;
}

/* What a stream's try teaches beside the breaker. */
static double best_watch(void)
{
    struct health_cell *c = cells[0];
    uint64_t least = UINT64_MAX, t0, spent, now;

    for (int round = 0; round < ROUNDS; round++) {
        t0 = clock_mono_ns();
        for (uint32_t i = 0; i < RUNS; i++) {
            now = 1000000 + i / 16;
            sink += autooff_served(&c->autooff);
            probing_heard(&c->probing, now);
            sink += trend_add(&c->trend, now, i % 64 == 0, 300 + i % 50);
            gap_heard(&c->gap, i % 200);
        }
        spent = clock_mono_ns() - t0;
        least = spent < least ? spent : least;
    }
    return (double)least / RUNS;
}

int main(void)
{
    static const char *const names[] = { "a/m", "b/m", "c/m", "d/m" };
    struct health *h = health_new(16, NULL);

    if (!h)
        return 1;
    for (int i = 0; i < CANDIDATES; i++) {
        cells[i] = health_find(h, str_of(names[i]), 1);
        if (!cells[i])
            return 1;
    }
    printf("%-38s %7.1f ns\n", "a request, 4 candidates", best(NULL));
    printf("%-38s %7.1f ns\n", "a target looked up by name", best(h));
    printf("%-38s %7.1f ns\n", "balanced by speed, 6 targets",
           best_balance(h));
    printf("%-38s %7.1f ns\n", "trends, gaps and refusals, a stream",
           best_watch());
    health_free(h);
    return sink == 0;
}
