/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Every transition of the breaker, with times and dice made up. */
#include "engine/breaker.h"

#include "unit.h"

#define MIDDLE 512u /* of the jitter: 10 s are 10 s, about */

static struct breaker b;
static uint64_t now;

static void fresh(void)
{
    memset(&b, 0, sizeof b);
    now = 1000000;
}

static bool says(enum breaker_verdict v)
{
    return breaker_judge(&b, now, 0, v, 100, MIDDLE);
}

static void says_times(enum breaker_verdict v, int n)
{
    for (int i = 0; i < n; i++)
        says(v);
}

static uint64_t enters(uint64_t holder)
{
    uint64_t probe;

    return breaker_enter(&b, now, holder, 999, &probe) ? probe : 0;
}

static bool probe_says(enum breaker_verdict v)
{
    uint64_t p = enters(7);

    UNIT_INT(p, 7);
    return breaker_judge(&b, now, p, v, 100, MIDDLE);
}

static void opened(void)
{
    fresh();
    says_times(BREAKER_BAD, BREAKER_ROW);
    UNIT_INT(breaker_state(&b, now), BREAKER_OPEN);
}

static void half_open(void)
{
    opened();
    now += breaker_wait_ms(&b, now);
    UNIT_INT(breaker_state(&b, now), BREAKER_HALF);
}

static void closes_and_lets_through(void)
{
    uint64_t probe = 9;

    fresh();
    UNIT_INT(breaker_state(&b, now), BREAKER_CLOSED);
    UNIT_INT(breaker_share(&b, now), 1000);
    CU_ASSERT_TRUE(breaker_enter(&b, now, 5, 999, &probe));
    UNIT_INT(probe, 0);
    UNIT_STR(breaker_state_name(BREAKER_HALF), "half_open");
}

static void opens_after_a_row(void)
{
    fresh();
    for (int i = 1; i < BREAKER_ROW; i++)
        CU_ASSERT_FALSE(says(BREAKER_BAD));
    CU_ASSERT_FALSE(says(BREAKER_GOOD)); /* which ends the row */
    for (int i = 1; i < BREAKER_ROW; i++)
        CU_ASSERT_FALSE(says(BREAKER_BAD));
    UNIT_INT(breaker_state(&b, now), BREAKER_CLOSED);
    CU_ASSERT_TRUE(says(BREAKER_BAD));
    UNIT_INT(breaker_state(&b, now), BREAKER_OPEN);
    UNIT_INT(enters(7), 0);
    UNIT_INT(breaker_share(&b, now), 0);
    CU_ASSERT_FALSE(says(BREAKER_BAD)); /* late ones say nothing new */
}

static void callers_faults_leave_it_closed(void)
{
    fresh();
    says_times(BREAKER_NONE, 1000);
    UNIT_INT(breaker_state(&b, now), BREAKER_CLOSED);
    says_times(BREAKER_BAD, BREAKER_ROW - 1);
    says_times(BREAKER_NONE, 1000); /* nor do they end a row */
    CU_ASSERT_TRUE(says(BREAKER_BAD));
}

static void opens_by_ratio_from_the_floor(void)
{
    fresh();
    for (int i = 0; i < 9; i++) {
        says(BREAKER_GOOD);
        CU_ASSERT_FALSE(says(BREAKER_BAD));
    }
    says(BREAKER_GOOD);
    CU_ASSERT_TRUE(says(BREAKER_BAD)); /* the 20th */
    fresh();
    for (int i = 0; i < 200; i++) /* a third is not half */
        CU_ASSERT_FALSE(says(i % 3 ? BREAKER_GOOD : BREAKER_BAD));
}

static void soft_ones_count_in_the_ratio_alone(void)
{
    fresh();
    says_times(BREAKER_SOFT, BREAKER_FLOOR - 1);
    UNIT_INT(breaker_state(&b, now), BREAKER_CLOSED);
    CU_ASSERT_TRUE(says(BREAKER_SOFT));
}

static void the_window_moves_on(void)
{
    fresh();
    says_times(BREAKER_SOFT, BREAKER_FLOOR - 1);
    now += BREAKER_BUCKETS * BREAKER_BUCKET_MS;
    CU_ASSERT_FALSE(says(BREAKER_SOFT));
    fresh();
    says_times(BREAKER_SOFT, BREAKER_FLOOR - 1);
    now += (BREAKER_BUCKETS - 1) * BREAKER_BUCKET_MS;
    CU_ASSERT_TRUE(says(BREAKER_SOFT));
}

static void a_full_bucket_keeps_its_ratio(void)
{
    fresh();
    says_times(BREAKER_GOOD, 40000);
    says_times(BREAKER_SOFT, 40000); /* not counted: the bucket is full */
    UNIT_INT(breaker_state(&b, now), BREAKER_CLOSED);
    now += BREAKER_BUCKETS * BREAKER_BUCKET_MS;
    says_times(BREAKER_SOFT, BREAKER_FLOOR);
    UNIT_INT(breaker_state(&b, now), BREAKER_OPEN);
}

static void slow_beginnings_open_it(void)
{
    bool changed = false;

    fresh();
    says_times(BREAKER_GOOD, 7); /* 100 ms is usual */
    now += BREAKER_BUCKETS * BREAKER_BUCKET_MS;
    for (int i = 0; i < BREAKER_FLOOR; i++) {
        CU_ASSERT_FALSE(changed);
        changed = breaker_judge(&b, now, 0, BREAKER_GOOD,
                                BREAKER_SLOW_MS + 1, MIDDLE);
    }
    CU_ASSERT_TRUE(changed);
    fresh(); /* what is always so is not slow */
    for (int i = 0; i < 100; i++)
        CU_ASSERT_FALSE(breaker_judge(&b, now, 0, BREAKER_GOOD, 30000,
                                      MIDDLE));
    fresh(); /* ten seconds are not slow, however fast it was */
    says(BREAKER_GOOD);
    for (int i = 0; i < 100; i++)
        CU_ASSERT_FALSE(breaker_judge(&b, now, 0, BREAKER_GOOD,
                                      BREAKER_SLOW_MS, MIDDLE));
}

static void stays_open_longer_each_time(void)
{
    uint64_t want = BREAKER_OPEN_MS, wait;

    opened();
    for (int i = 0; i < 80; i++) {
        wait = breaker_wait_ms(&b, now);
        CU_ASSERT_TRUE(wait >= want * 99 / 100 && wait <= want * 101 / 100);
        now += wait - 1;
        UNIT_INT(enters(7), 0);
        now += 1;
        CU_ASSERT_TRUE(probe_says(BREAKER_BAD));
        UNIT_INT(breaker_state(&b, now), BREAKER_OPEN);
        want = want * 2 < BREAKER_OPEN_MAX_MS ? want * 2 : BREAKER_OPEN_MAX_MS;
    }
}

static void jitters_by_a_fifth(void)
{
    for (uint32_t dice = 0; dice < 1024; dice++) {
        fresh();
        says_times(BREAKER_BAD, BREAKER_ROW - 1);
        breaker_judge(&b, now, 0, BREAKER_BAD, 0, dice);
        CU_ASSERT_TRUE(breaker_wait_ms(&b, now) >= 8000 &&
                       breaker_wait_ms(&b, now) <= 12000);
        if (dice == 0)
            UNIT_INT(breaker_wait_ms(&b, now), 8000);
    }
    UNIT_INT(breaker_wait_ms(&b, now), 12000);
}

static void half_open_has_one_probe(void)
{
    half_open();
    UNIT_INT(breaker_share(&b, now), 1000);
    UNIT_INT(enters(7), 7);
    UNIT_INT(breaker_share(&b, now), 0);
    for (uint64_t i = 8; i < 508; i++)
        UNIT_INT(enters(i), 0);
    breaker_leave(&b, 8); /* not its slot */
    UNIT_INT(enters(9), 0);
    breaker_leave(&b, 7); /* its client left */
    UNIT_INT(breaker_state(&b, now), BREAKER_HALF);
    UNIT_INT(enters(9), 9);
}

static void three_probes_close_it(void)
{
    half_open();
    CU_ASSERT_FALSE(probe_says(BREAKER_GOOD));
    CU_ASSERT_FALSE(probe_says(BREAKER_GOOD));
    CU_ASSERT_FALSE(probe_says(BREAKER_NONE)); /* neither way */
    UNIT_INT(breaker_state(&b, now), BREAKER_HALF);
    CU_ASSERT_TRUE(probe_says(BREAKER_GOOD));
    UNIT_INT(breaker_state(&b, now), BREAKER_CLOSED);
}

static void a_soft_answer_fails_the_probe(void)
{
    half_open();
    CU_ASSERT_FALSE(probe_says(BREAKER_GOOD));
    CU_ASSERT_TRUE(probe_says(BREAKER_SOFT));
    UNIT_INT(breaker_state(&b, now), BREAKER_OPEN);
    now += breaker_wait_ms(&b, now);
    CU_ASSERT_FALSE(probe_says(BREAKER_GOOD)); /* and starts from none */
    CU_ASSERT_FALSE(probe_says(BREAKER_GOOD));
    CU_ASSERT_TRUE(probe_says(BREAKER_GOOD));
}

static void others_say_nothing_in_half_open(void)
{
    half_open();
    UNIT_INT(enters(7), 7);
    says_times(BREAKER_BAD, 100);
    says_times(BREAKER_GOOD, 100);
    UNIT_INT(breaker_state(&b, now), BREAKER_HALF);
    CU_ASSERT_FALSE(breaker_judge(&b, now, 8, BREAKER_GOOD, 1, 0)); /* late */
    UNIT_INT(enters(9), 0); /* 7 still holds it */
}

static void ramps_after_closing(void)
{
    int through = 0;
    uint64_t probe;

    half_open();
    for (int i = 0; i < BREAKER_WINS; i++)
        probe_says(BREAKER_GOOD);
    UNIT_INT(breaker_share(&b, now), 100);
    for (uint32_t dice = 0; dice < 1000; dice++)
        through += breaker_enter(&b, now, 7, dice, &probe);
    UNIT_INT(through, 100);
    UNIT_INT(breaker_share(&b, now + BREAKER_RAMP_MS / 2), 550);
    UNIT_INT(breaker_share(&b, now + BREAKER_RAMP_MS), 1000);
}

static void falling_within_the_ramp_goes_on_counting(void)
{
    half_open();
    for (int i = 0; i < BREAKER_WINS; i++)
        probe_says(BREAKER_GOOD);
    now += BREAKER_RAMP_MS - 1;
    says_times(BREAKER_BAD, BREAKER_ROW);
    CU_ASSERT_TRUE(breaker_wait_ms(&b, now) > 15000); /* the second time */
    half_open();
    for (int i = 0; i < BREAKER_WINS; i++)
        probe_says(BREAKER_GOOD);
    now += BREAKER_RAMP_MS;
    says_times(BREAKER_BAD, BREAKER_ROW);
    CU_ASSERT_TRUE(breaker_wait_ms(&b, now) < 12000); /* the first again */
}

static void a_dead_workers_slot_is_freed(void)
{
    half_open();
    UNIT_INT(enters(UINT64_C(41) << 32 | 1), UINT64_C(41) << 32 | 1);
    breaker_reap(&b, 42);
    UNIT_INT(enters(7), 0);
    breaker_reap(&b, 41);
    UNIT_INT(enters(7), 7);
}

UNIT_MAIN("breaker", {"closed lets through", closes_and_lets_through},
          {"opens after a row", opens_after_a_row},
          {"callers' faults", callers_faults_leave_it_closed},
          {"opens by ratio", opens_by_ratio_from_the_floor},
          {"soft ones", soft_ones_count_in_the_ratio_alone},
          {"the window moves on", the_window_moves_on},
          {"a full bucket", a_full_bucket_keeps_its_ratio},
          {"slow beginnings", slow_beginnings_open_it},
          {"longer each time", stays_open_longer_each_time},
          {"jitter", jitters_by_a_fifth},
          {"one probe", half_open_has_one_probe},
          {"three probes close", three_probes_close_it},
          {"a soft answer fails the probe", a_soft_answer_fails_the_probe},
          {"others in half-open", others_say_nothing_in_half_open},
          {"ramp", ramps_after_closing},
          {"falls within the ramp", falling_within_the_ramp_goes_on_counting},
          {"a dead worker's slot", a_dead_workers_slot_is_freed})
