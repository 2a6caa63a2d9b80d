/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Taken out by itself, tried from time to time, put back. */
#include "engine/autooff.h"

#include "unit.h"

#define MIDDLE 512u

static struct autooff a;
static uint64_t now;

static void fresh(void)
{
    memset(&a, 0, sizeof a);
    now = 1000000;
}

static bool refused(enum autooff_why why)
{
    return autooff_refused(&a, now, why, MIDDLE);
}

static bool admits(void)
{
    return autooff_admits(&a, now, MIDDLE);
}

static void gone(void)
{
    fresh();
    for (int i = 1; i < AUTOOFF_ROW; i++, now += 1000)
        CU_ASSERT_FALSE(refused(AUTOOFF_GONE));
    CU_ASSERT_TRUE(refused(AUTOOFF_GONE));
}

static void a_row_of_refusals_takes_it_out(void)
{
    fresh();
    CU_ASSERT_TRUE(admits());
    gone();
    CU_ASSERT_FALSE(admits());
    UNIT_INT(autooff_why(&a), AUTOOFF_GONE);
    UNIT_STR(autooff_name(autooff_why(&a)), "model_gone");
    CU_ASSERT_FALSE(refused(AUTOOFF_AUTH)); /* told once */
    UNIT_INT(autooff_why(&a), AUTOOFF_GONE);
}

static void a_burst_does_not(void)
{
    fresh();
    for (int i = 0; i < 100; i++)
        CU_ASSERT_FALSE(refused(AUTOOFF_AUTH));
    CU_ASSERT_TRUE(admits());
}

static void one_that_serves_between_does_not(void)
{
    fresh();
    for (int i = 0; i < 50; i++, now += 1000) {
        CU_ASSERT_FALSE(refused(AUTOOFF_GONE));
        if (i % 3 == 2)
            CU_ASSERT_FALSE(autooff_served(&a));
    }
}

static void ten_minutes_of_failures_take_it_out(void)
{
    fresh();
    for (int i = 0; i < 60; i++, now += 10000)
        CU_ASSERT_FALSE(refused(AUTOOFF_FAILING));
    CU_ASSERT_TRUE(refused(AUTOOFF_FAILING));
    UNIT_INT(autooff_why(&a), AUTOOFF_FAILING);
    fresh(); /* few calls in a long time are not ten */
    for (int i = 1; i < AUTOOFF_FAILS; i++, now += 300000)
        CU_ASSERT_FALSE(refused(AUTOOFF_FAILING));
}

static void failures_end_a_row_of_refusals(void)
{
    fresh();
    for (int i = 0; i < 20; i++, now += 1000)
        CU_ASSERT_FALSE(refused(i % 3 ? AUTOOFF_GONE : AUTOOFF_FAILING));
}

static void is_tried_ever_more_seldom(void)
{
    uint64_t wait, before = 0;

    gone();
    for (int i = 0; i < 12; i++) {
        wait = autooff_wait_ms(&a, now);
        CU_ASSERT(wait >= before && wait <= AUTOOFF_TRY_MAX_MS * 6 / 5);
        CU_ASSERT(wait >= AUTOOFF_TRY_MS * 4 / 5);
        before = wait;
        now += wait - 1;
        CU_ASSERT_FALSE(admits());
        now++;
        CU_ASSERT_TRUE(admits());
        CU_ASSERT_FALSE(admits()); /* one alone */
        UNIT_INT(autooff_why(&a), AUTOOFF_GONE);
    }
    CU_ASSERT(before >= AUTOOFF_TRY_MAX_MS * 4 / 5);
}

static void what_serves_puts_it_back(void)
{
    gone();
    CU_ASSERT_TRUE(autooff_served(&a));
    CU_ASSERT_FALSE(autooff_served(&a));
    CU_ASSERT_TRUE(admits());
    UNIT_INT(autooff_wait_ms(&a, now), 0);
    CU_ASSERT_FALSE(refused(AUTOOFF_GONE)); /* it counts anew */
}

UNIT_MAIN("autooff",
          {"a row of refusals takes it out", a_row_of_refusals_takes_it_out},
          {"a burst does not", a_burst_does_not},
          {"one that serves between does not",
           one_that_serves_between_does_not},
          {"ten minutes of failures take it out",
           ten_minutes_of_failures_take_it_out},
          {"failures end a row of refusals", failures_end_a_row_of_refusals},
          {"is tried ever more seldom", is_tried_ever_more_seldom},
          {"what serves puts it back", what_serves_puts_it_back})
