/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Worse than it used to be: half the weight, until a minute has been well. */
#include "engine/trend.h"

#include "unit.h"

static struct trend t;
static uint64_t now;

static void fresh(void)
{
    memset(&t, 0, sizeof t);
    now = 1000000;
}

/* n calls, one in `each` ms; how many said that it became worse? */
static int calls(int n, uint64_t each, bool failed, uint32_t first_ms)
{
    int worse = 0;

    for (int i = 0; i < n; i++, now += each)
        worse += trend_add(&t, now, failed, first_ms) == TREND_WORSE;
    return worse;
}

static void steady_is_steady(void)
{
    fresh();
    UNIT_INT(trend_share(&t, now), 1000);
    UNIT_INT(calls(2000, 100, false, 800), 0);
    UNIT_INT(trend_share(&t, now), 1000);
}

static void failing_always_is_no_news(void)
{
    fresh();
    for (int i = 0; i < 300; i++) { /* a third of all, for a minute */
        UNIT_INT(calls(1, 100, true, 0), 0);
        UNIT_INT(calls(2, 100, false, 0), 0);
    }
    UNIT_INT(trend_share(&t, now), 1000);
}

static void failures_above_its_history_halve_it(void)
{
    fresh();
    calls(500, 200, false, 0);
    UNIT_INT(calls(1, 200, true, 0), 0); /* one is chance */
    for (int i = 0; i < 30; i++) {
        calls(1, 200, true, 0);
        calls(1, 200, false, 0);
    }
    UNIT_INT(trend_share(&t, now), TREND_SHARE);
}

static void few_calls_say_nothing(void)
{
    fresh();
    UNIT_INT(calls(20, 100, true, 9000), 0); /* no history yet */
    fresh();
    calls(100, 100, false, 500);
    now += 600000; /* what was fast is forgotten */
    UNIT_INT(calls(TREND_FLOOR - 1, 1000, false, 5000), 0);
}

static void slowness_halves_it_and_a_calm_minute_ends_that(void)
{
    fresh();
    calls(600, 500, false, 700);
    CU_ASSERT_EQUAL(calls(60, 500, false, 4000), 1); /* told once */
    UNIT_INT(trend_share(&t, now), TREND_SHARE);
    calls(40, 500, false, 700); /* 20 s: the short mean is down again */
    UNIT_INT(trend_share(&t, now), TREND_SHARE);
    UNIT_INT(trend_add(&t, now + TREND_CALM_MS, false, 700), TREND_STEADY);
    now += TREND_CALM_MS;
    UNIT_INT(trend_share(&t, now), 1000);
    UNIT_INT(calls(20, 500, false, 700), 0);
}

static void it_stays_degraded_while_it_is_slow(void)
{
    fresh();
    calls(600, 500, false, 700);
    calls(200, 500, false, 4000); /* 100 s, a minute after the news */
    UNIT_INT(trend_share(&t, now), TREND_SHARE);
}

static void silence_ends_it(void)
{
    fresh();
    calls(600, 500, false, 700);
    calls(60, 500, false, 4000);
    UNIT_INT(trend_share(&t, now + TREND_CALM_MS), 1000);
}

static void fast_ones_are_never_slow(void)
{
    fresh();
    calls(600, 100, false, 10);
    UNIT_INT(calls(200, 100, false, 100), 0); /* ten times: who cares */
}

UNIT_MAIN("trend", {"steady is steady", steady_is_steady},
          {"failing always is no news", failing_always_is_no_news},
          {"failures above its history halve it",
           failures_above_its_history_halve_it},
          {"few calls say nothing", few_calls_say_nothing},
          {"slowness halves it, a calm minute ends that",
           slowness_halves_it_and_a_calm_minute_ends_that},
          {"it stays degraded while it is slow",
           it_stays_degraded_while_it_is_slow},
          {"silence ends it", silence_ends_it},
          {"fast ones are never slow", fast_ones_are_never_slow})
