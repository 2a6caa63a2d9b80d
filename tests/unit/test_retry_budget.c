/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What further tries a model may have, with times made up. */
#include "engine/retry_budget.h"

#include "unit.h"

static struct retry_budget b;

static int take_all(uint64_t now)
{
    int n = 0;

    while (n < 1000 && retry_budget_take(&b, now))
        n++;
    return n;
}

static void fresh(void)
{
    memset(&b, 0, sizeof b);
}

static void begins_full_and_ends(void)
{
    fresh();
    UNIT_INT(take_all(5000), 20);
    UNIT_INT(take_all(5000), 0);
    UNIT_INT(take_all(4000), 0); /* a clock that was read earlier */
}

static void time_earns_half_a_try_a_second(void)
{
    fresh();
    take_all(5000);
    UNIT_INT(take_all(6999), 0);
    UNIT_INT(take_all(7000), 1);
    for (int ms = 1; ms < 2000; ms++) /* looks in between lose nothing */
        UNIT_INT(take_all(7000 + (uint64_t)ms), 0);
    UNIT_INT(take_all(9000), 1);
    UNIT_INT(take_all(9000 + 3600000), 20);
}

static void requests_earn_a_share(void)
{
    fresh();
    take_all(5000);
    for (int i = 0; i < 35; i++)
        retry_budget_earn(&b, 5000, 100);
    UNIT_INT(take_all(5000), 3);
    for (int i = 0; i < 5; i++)
        retry_budget_earn(&b, 5000, 100);
    UNIT_INT(take_all(5000), 1); /* the half that was left */
    for (int i = 0; i < 1000; i++)
        retry_budget_earn(&b, 5000, 1000);
    UNIT_INT(take_all(5000), 20);
    retry_budget_earn(&b, 5000, 0);
    UNIT_INT(take_all(5000), 0);
}

/* A provider that fails for all: 10,000 requests in 100 s. */
static void amplifies_by_a_tenth(void)
{
    int tries = 0;

    fresh();
    for (uint64_t i = 0; i < 10000; i++) {
        retry_budget_earn(&b, 1000 + i * 10, 100);
        tries += retry_budget_take(&b, 1000 + i * 10);
    }
    CU_ASSERT(tries >= 1000 && tries <= 1000 + 50 + 20);
}

UNIT_MAIN("retry_budget", {"begins full and ends", begins_full_and_ends},
          {"time earns", time_earns_half_a_try_a_second},
          {"requests earn a share", requests_earn_a_share},
          {"amplifies by a tenth", amplifies_by_a_tenth})
