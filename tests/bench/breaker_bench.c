/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What the breaker costs a request whose targets are well: states looked at,
 * entered, judged at the first content; nanoseconds, best of the rounds. And
 * the look-up of a name, where a target is made for one request.
 *
 *     breaker_bench
 */
#include "base/clock.h"
#include "engine/health.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS = 9, RUNS = 200000, CANDIDATES = 4 };

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

int main(void)
{
    static const char *const names[] = { "a/m", "b/m", "c/m", "d/m" };
    struct health *h = health_new(NULL);

    if (!h)
        return 1;
    for (int i = 0; i < CANDIDATES; i++) {
        cells[i] = health_find(h, str_of(names[i]), 1);
        if (!cells[i])
            return 1;
    }
    printf("%-38s %7.1f ns\n", "a request, 4 candidates", best(NULL));
    printf("%-38s %7.1f ns\n", "a target looked up by name", best(h));
    health_free(h);
    return sink == 0;
}
