/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* When a target is probed, and what a probe may do. */
#include "engine/probing.h"

#include "unit.h"

#define MIDDLE 512u
#define EVERY 30000u

static struct probing w;
static struct breaker b;
static struct autooff a;
static uint64_t now;
static bool put_back;

static void fresh(void)
{
    memset(&w, 0, sizeof w);
    memset(&b, 0, sizeof b);
    memset(&a, 0, sizeof a);
    now = 1000000;
}

static enum probing_news told(enum probing_verdict v)
{
    return probing_told(&w, &b, &a, v, now, EVERY, MIDDLE, &put_back);
}

static bool due(bool wanted)
{
    return probing_due(&w, now, wanted, EVERY, MIDDLE);
}

static void opened(void)
{
    fresh();
    for (int i = 0; i < BREAKER_ROW; i++)
        breaker_judge(&b, now, 0, BREAKER_BAD, 0, MIDDLE);
    UNIT_INT(breaker_state(&b, now), BREAKER_OPEN);
}

static void taken_out(enum autooff_why why)
{
    fresh();
    for (int i = 0; i < 12 && !autooff_why(&a); i++, now += 60000)
        autooff_refused(&a, now, why, MIDDLE);
    UNIT_INT(autooff_why(&a), why);
}

static void is_due_once_an_interval(void)
{
    int n = 0;

    fresh();
    CU_ASSERT_FALSE(due(false));
    for (int i = 0; i < 3000; i++, now += 100) /* five minutes */
        n += due(true) + due(true); /* of two who ask one probes */
    CU_ASSERT(n >= 9 && n <= 11);
    CU_ASSERT_FALSE(due(false));
    UNIT_INT(w.due_ms, 0);
}

static void the_first_takes_its_time(void)
{
    fresh();
    CU_ASSERT_FALSE(due(true));
    now += EVERY / 2 - 1;
    CU_ASSERT_FALSE(due(true));
    now += EVERY / 2 + 1;
    CU_ASSERT_TRUE(due(true));
}

static void idle_is_who_was_not_heard(void)
{
    fresh();
    probing_heard(&w, now);
    CU_ASSERT_FALSE(probing_is_idle(&w, now + EVERY - 1, EVERY));
    CU_ASSERT_TRUE(probing_is_idle(&w, now + EVERY, EVERY));
}

static void two_bad_ones_open_an_idle_target(void)
{
    fresh();
    UNIT_INT(told(PROBING_BAD), PROBING_SAME);
    UNIT_INT(breaker_state(&b, now), BREAKER_CLOSED);
    UNIT_INT(w.due_ms, now + PROBING_SOON_MS); /* looked at again, soon */
    UNIT_INT(told(PROBING_BAD), PROBING_FELL_SICK);
    UNIT_INT(breaker_state(&b, now), BREAKER_OPEN);
    UNIT_INT(told(PROBING_BAD), PROBING_SAME);
    UNIT_INT(told(PROBING_ALIVE), PROBING_GOT_WELL);
    UNIT_INT(breaker_state(&b, now), BREAKER_HALF); /* never closed by it */
}

static void a_good_one_between_forgives(void)
{
    fresh();
    for (int i = 0; i < 10; i++) {
        UNIT_INT(told(PROBING_BAD), PROBING_SAME);
        UNIT_INT(told(PROBING_GOOD), PROBING_SAME);
    }
    UNIT_INT(breaker_state(&b, now), BREAKER_CLOSED);
}

static void keeps_an_open_one_open(void)
{
    opened();
    told(PROBING_BAD);
    for (int i = 1; i < PROBING_HOLDS; i++) {
        told(PROBING_BAD);
        now += EVERY * 6 / 5; /* the latest time of the next */
        UNIT_INT(breaker_state(&b, now), BREAKER_OPEN);
    }
    told(PROBING_BAD); /* by now requests are believed again */
    now += EVERY;
    UNIT_INT(breaker_state(&b, now), BREAKER_HALF);
}

static void lets_it_try_sooner_where_it_was_seen_to_tell(void)
{
    opened();
    told(PROBING_GOOD); /* the list came all the time: says nothing */
    UNIT_INT(breaker_state(&b, now), BREAKER_OPEN);
    told(PROBING_BAD);
    told(PROBING_GOOD);
    UNIT_INT(breaker_state(&b, now), BREAKER_HALF);
}

static void leaves_a_probing_request_alone(void)
{
    uint64_t probe = 0;

    opened();
    now += breaker_wait_ms(&b, now);
    CU_ASSERT_TRUE(breaker_enter(&b, now, 7, 0, &probe));
    told(PROBING_BAD);
    told(PROBING_BAD);
    UNIT_INT(breaker_state(&b, now), BREAKER_HALF);
    breaker_leave(&b, probe);
    told(PROBING_BAD);
    UNIT_INT(breaker_state(&b, now), BREAKER_OPEN);
}

static void puts_back_what_its_reason_left(void)
{
    taken_out(AUTOOFF_GONE);
    told(PROBING_ALIVE); /* it answers, but has it the model? */
    CU_ASSERT_FALSE(put_back);
    told(PROBING_GOOD);
    CU_ASSERT_TRUE(put_back);
    UNIT_INT(autooff_why(&a), AUTOOFF_NOT);
    taken_out(AUTOOFF_FAILING);
    told(PROBING_GOOD); /* its list came all the time, while all failed */
    CU_ASSERT_FALSE(put_back);
    told(PROBING_BAD);
    told(PROBING_ALIVE);
    CU_ASSERT_TRUE(put_back);
}

static void nothing_is_nothing(void)
{
    opened();
    told(PROBING_BAD);
    UNIT_INT(told(PROBING_NOTHING), PROBING_SAME);
    UNIT_INT(breaker_state(&b, now), BREAKER_OPEN);
    UNIT_INT(w.failed, 1);
}

UNIT_MAIN("probing", {"is due once an interval", is_due_once_an_interval},
          {"the first takes its time", the_first_takes_its_time},
          {"idle is who was not heard", idle_is_who_was_not_heard},
          {"two bad ones open an idle target",
           two_bad_ones_open_an_idle_target},
          {"a good one between forgives", a_good_one_between_forgives},
          {"keeps an open one open", keeps_an_open_one_open},
          {"lets it try sooner where it was seen to tell",
           lets_it_try_sooner_where_it_was_seen_to_tell},
          {"leaves a probing request alone", leaves_a_probing_request_alone},
          {"puts back what its reason left", puts_back_what_its_reason_left},
          {"nothing is nothing", nothing_is_nothing})
