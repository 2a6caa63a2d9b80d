/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Whom a queue that does not get shorter sends away. */
#include "engine/codel.h"

#include "unit.h"

#define NOW 1000000u

static const struct codel_conf conf = { 500, 5000 };
static struct codel c;

static void fresh(void)
{
    memset(&c, 0, sizeof c);
}

/* Somebody's turn each 100 ms, who has waited so long; how many are shed? */
static int run(uint64_t from, uint64_t ms, uint64_t waited)
{
    int shed = 0;

    for (uint64_t t = 0; t < ms; t += 100)
        shed += codel_sheds(&c, conf, from + t, waited);
    return shed;
}

static void short_waits_go(void)
{
    fresh();
    UNIT_INT(run(NOW, 60000, 500), 0);
}

static void a_burst_goes(void)
{
    fresh();
    UNIT_INT(run(NOW, 4900, 20000), 0);
    UNIT_INT(run(NOW + 4900, 60000, 10), 0);
}

static void a_standing_queue_is_cut(void)
{
    fresh();
    UNIT_INT(run(NOW, 5000, 1001), 0);
    CU_ASSERT(run(NOW + 5000, 5000, 1001) >= 48);
    UNIT_INT(run(NOW + 10000, 5000, 1000), 0); /* not twice the target */
    UNIT_INT(run(NOW + 15000, 5000, 20), 0);
    UNIT_INT(run(NOW + 20000, 5000, 5000), 0); /* it was short once */
}

/* Where turns are rarer than intervals, a long wait is the target's pace. */
static void slow_targets_are_not_overload(void)
{
    fresh();
    for (uint64_t t = 0; t < 600000; t += 10000)
        CU_ASSERT(!codel_sheds(&c, conf, NOW + t, 25000));
}

static void can_be_off(void)
{
    struct codel_conf off = { 0, 5000 };

    fresh();
    for (uint64_t t = 0; t < 60000; t += 100)
        CU_ASSERT(!codel_sheds(&c, off, NOW + t, 60000));
}

UNIT_MAIN("codel", { "short waits", short_waits_go },
          { "a burst", a_burst_goes },
          { "a standing queue", a_standing_queue_is_cut },
          { "slow targets", slow_targets_are_not_overload },
          { "off", can_be_off })
