/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* How soon a target begins: up at once, down slowly, forgotten when idle. */
#include "engine/speed.h"

#include "unit.h"

static struct speed s;

static uint32_t ms(uint64_t now)
{
    return speed_now(&s, now) / SPEED_UNITS;
}

static void nothing_is_known_at_first(void)
{
    s = (struct speed){ 0 };
    UNIT_INT(speed_now(&s, 1000), 0);
    speed_heard(&s, 1000, 300);
    UNIT_INT(ms(1000), 300);
    speed_heard(&s, 1000, 0); /* at once is known, too */
    s = (struct speed){ 0 };
    speed_heard(&s, 1000, 0);
    UNIT_INT(speed_now(&s, 1000), 1);
}

static void goes_up_at_once_and_down_slowly(void)
{
    s = (struct speed){ 0 };
    speed_heard(&s, 1000, 300);
    speed_heard(&s, 1001, 3000);
    UNIT_INT(ms(1001), 3000);
    speed_heard(&s, 1001, 300);
    UNIT_INT(ms(1001), 3000);
    for (uint64_t t = 1100; t <= 8000; t += 100)
        speed_heard(&s, t, 300);
    CU_ASSERT(ms(8000) > 1350 && ms(8000) < 1650); /* half of the way */
    for (uint64_t t = 8100; t <= 60000; t += 100)
        speed_heard(&s, t, 300);
    CU_ASSERT(ms(60000) >= 300 && ms(60000) < 325);
}

static void is_forgotten_when_idle(void)
{
    s = (struct speed){ 0 };
    speed_heard(&s, 1000, 8000);
    UNIT_INT(ms(1000 + SPEED_IDLE_MS), 4000);
    UNIT_INT(ms(1000 + 3 * SPEED_IDLE_MS), 1000);
    UNIT_INT(speed_now(&s, 1000 + 100 * SPEED_IDLE_MS), 1);
    speed_heard(&s, 1000 + 100 * SPEED_IDLE_MS, 20);
    UNIT_INT(ms(1000 + 100 * SPEED_IDLE_MS), 20);
}

static void a_fast_failure_is_no_merit(void)
{
    s = (struct speed){ 0 };
    speed_failed(&s, 1000, 2);
    UNIT_INT(ms(1000), SPEED_FAILED_MS);
    speed_failed(&s, 1000, 2);
    UNIT_INT(ms(1000), 2 * SPEED_FAILED_MS);
    speed_failed(&s, 1000, 30000);
    UNIT_INT(ms(1000), 30000);
    for (int i = 0; i < 100; i++)
        speed_failed(&s, 1000, 2);
    UNIT_INT(ms(1000), SPEED_MAX_MS);
    speed_failed(&s, 1000, UINT64_MAX);
    UNIT_INT(ms(1000), SPEED_MAX_MS);
}

static void a_clock_read_later_does_not_matter(void)
{
    s = (struct speed){ 0 };
    speed_heard(&s, 5000, 1000);
    speed_heard(&s, 4000, 500);
    UNIT_INT(ms(4000), 1000);
    UNIT_INT(ms(5000), 1000);
    CU_ASSERT(ms(5000 + SPEED_IDLE_MS) == 500);
}

UNIT_MAIN("speed", { "nothing is known at first", nothing_is_known_at_first },
          { "goes up at once and down slowly",
            goes_up_at_once_and_down_slowly },
          { "is forgotten when idle", is_forgotten_when_idle },
          { "a fast failure is no merit", a_fast_failure_is_no_merit },
          { "a clock read later does not matter",
            a_clock_read_later_does_not_matter })
