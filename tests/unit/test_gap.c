/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* After which gap a stream is taken for stalled. */
#include "engine/gap.h"

#include "unit.h"

static struct gap g;

static void heard(int n, uint64_t ms)
{
    for (int i = 0; i < n; i++)
        gap_heard(&g, ms);
}

static void few_streams_say_nothing(void)
{
    g = (struct gap){ 0 };
    UNIT_INT(gap_limit_ms(&g), 0);
    heard(GAP_STREAMS - 1, 100);
    UNIT_INT(gap_limit_ms(&g), 0);
    heard(1, 100);
    UNIT_INT(gap_limit_ms(&g), GAP_LEAST_MS);
}

static void is_twice_the_mean_and_more_where_it_varies(void)
{
    uint32_t even, uneven;

    g = (struct gap){ 0 };
    heard(400, 20000);
    even = gap_limit_ms(&g);
    CU_ASSERT(even >= 40000 && even < 42000);
    for (int i = 0; i < 200; i++)
        gap_heard(&g, i % 2 ? 10000 : 30000);
    uneven = gap_limit_ms(&g);
    CU_ASSERT(uneven > 70000 && uneven < 90000);
}

static void one_that_became_slower_is_not_cut_for_good(void)
{
    uint32_t limit;
    int cut = 0;

    g = (struct gap){ 0 };
    heard(200, 500);
    while ((limit = gap_limit_ms(&g)) < 30000 && cut < 20) {
        gap_passed(&g, limit);
        cut++;
    }
    CU_ASSERT(cut > 0 && cut < 6);
}

static void nonsense_is_bounded(void)
{
    g = (struct gap){ 0 };
    heard(300, UINT64_MAX / 4);
    CU_ASSERT(gap_limit_ms(&g) <= 3 * (uint32_t)GAP_MAX_MS);
}

UNIT_MAIN("gap", {"few streams say nothing", few_streams_say_nothing},
          {"is twice the mean, and more where it varies",
           is_twice_the_mean_and_more_where_it_varies},
          {"one that became slower is not cut for good",
           one_that_became_slower_is_not_cut_for_good},
          {"nonsense is bounded", nonsense_is_bounded})
