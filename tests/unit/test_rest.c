/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* How long credentials rest, with times and dice made up. */
#include "engine/rest.h"

#include "unit.h"

static struct rest r;
static uint64_t now;

static void fresh(void)
{
    memset(&r, 0, sizeof r);
    now = 1000;
}

static uint64_t left(void)
{
    return atomic_load(&r.until_ms) - now;
}

static void over(void)
{
    now = atomic_load(&r.until_ms);
}

static void keeps_the_pause_that_was_told(void)
{
    fresh();
    UNIT_INT(rest_state(&r, now), REST_OK);
    rest_cool(&r, now, 3000, 0);
    UNIT_INT(left(), 3000);
    UNIT_INT(rest_state(&r, now + 2999), REST_COOLING);
    UNIT_INT(rest_state(&r, now + 3000), REST_OK);
    rest_cool(&r, now, 2000, 0); /* the longest holds */
    UNIT_INT(left(), 3000);
    rest_cool(&r, now, 4000, 0);
    UNIT_INT(left(), 4000);
    UNIT_INT(atomic_load(&r.times), 1); /* and it is one rest */
    fresh();
    rest_cool(&r, now, UINT64_MAX, 1023);
    UNIT_INT(left(), REST_MAX_MS + REST_MAX_MS / 10);
}

static void doubles_where_none_was_told(void)
{
    uint64_t want = REST_COOL_MS;

    fresh();
    for (int i = 0; i < 80; i++) {
        rest_cool(&r, now, 0, 0);
        UNIT_INT(left(), want);
        rest_cool(&r, now, 0, 1023); /* others learn it, too */
        UNIT_INT(left(), want);
        over();
        want = want * 2 < REST_COOL_MAX_MS ? want * 2 : REST_COOL_MAX_MS;
    }
}

static void parks_and_tries_again(void)
{
    uint64_t want = REST_PARK_MS;

    fresh();
    for (int i = 0; i < 80; i++) {
        CU_ASSERT_TRUE(rest_park(&r, now, 0));
        CU_ASSERT_FALSE(rest_park(&r, now, 0));
        UNIT_INT(rest_state(&r, now), REST_PARKED);
        UNIT_INT(left(), want);
        over();
        UNIT_INT(rest_state(&r, now), REST_OK);
        want = want * 2 < REST_MAX_MS ? want * 2 : REST_MAX_MS;
    }
    rest_cool(&r, now, 1000, 0);
    UNIT_INT(rest_state(&r, now), REST_COOLING);
    UNIT_STR(rest_state_name(REST_PARKED), "parked");
}

static void serving_starts_it_anew(void)
{
    fresh();
    for (int i = 0; i < 4; i++) {
        rest_cool(&r, now, 0, 0);
        rest_served(&r, now); /* asked for before */
        over();
    }
    UNIT_INT(atomic_load(&r.times), 4);
    rest_served(&r, now);
    rest_cool(&r, now, 0, 0);
    UNIT_INT(left(), REST_COOL_MS);
}

static void what_serves_is_mended(void)
{
    fresh();
    CU_ASSERT_TRUE(rest_park(&r, now, 0));
    rest_served(&r, now); /* it may have been asked for before */
    UNIT_INT(rest_state(&r, now), REST_PARKED);
    rest_mended(&r);
    UNIT_INT(rest_state(&r, now), REST_OK);
    CU_ASSERT_TRUE(rest_park(&r, now, 0)); /* news again, and the first */
    UNIT_INT(left(), REST_PARK_MS);
}

static void held_until_it_can(void)
{
    fresh();
    rest_hold(&r, now + 500);
    CU_ASSERT_EQUAL(rest_state(&r, now), REST_PARKED);
    CU_ASSERT_EQUAL(rest_state(&r, now + 500), REST_OK);
    UNIT_INT(atomic_load(&r.times), 1); /* it is an alert until it served */
    rest_hold(&r, now + 100); /* the last word holds */
    CU_ASSERT_EQUAL(rest_state(&r, now + 100), REST_OK);
    rest_mended(&r);
    CU_ASSERT_EQUAL(rest_state(&r, now), REST_OK);
    UNIT_INT(atomic_load(&r.times), 0);
}

UNIT_MAIN("rest", {"held until it can", held_until_it_can},
          {"a pause that was told", keeps_the_pause_that_was_told},
          {"doubles", doubles_where_none_was_told},
          {"parks", parks_and_tries_again},
          {"serving starts anew", serving_starts_it_anew},
          {"what serves is mended", what_serves_is_mended})
