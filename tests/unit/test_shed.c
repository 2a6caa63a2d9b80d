/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* When a worker has too much to do. */
#include "engine/shed.h"

#include "unit.h"

static const struct shed_values limits = { { 1000, 100000, 50 } };
static struct shed s;
static uint64_t now;

static void fresh(void)
{
    memset(&s, 0, sizeof s);
    now = 1000000;
}

static bool look(uint64_t lag, uint64_t memory, uint64_t connections)
{
    now += 500;
    return shed_look(&s, &limits,
                     &(struct shed_values){ { lag, memory, connections } },
                     now);
}

static void levels_by_each_sign(void)
{
    fresh();
    CU_ASSERT(!look(0, 79999, 39));
    UNIT_INT(s.level, SHED_NOBODY);
    CU_ASSERT(look(0, 80000, 0));
    UNIT_INT(s.level, SHED_BATCH);
    UNIT_INT(s.why, SHED_MEMORY);
    CU_ASSERT(look(0, 100000, 0));
    UNIT_INT(s.level, SHED_ALL);
    CU_ASSERT(!look(0, 0, 50));
    UNIT_INT(s.level, SHED_ALL);
    UNIT_INT(s.why, SHED_CONNECTIONS);
    CU_ASSERT(look(0, 0, 0));
    UNIT_INT(s.level, SHED_NOBODY);
}

static void does_not_flicker(void)
{
    fresh();
    look(0, 100000, 0);
    CU_ASSERT(!look(0, 99000, 0));
    CU_ASSERT(!look(0, 90000, 0));
    CU_ASSERT(look(0, 89000, 0));
    UNIT_INT(s.level, SHED_BATCH);
    CU_ASSERT(!look(0, 72000, 0));
    CU_ASSERT(look(0, 71000, 0));
    UNIT_INT(s.level, SHED_NOBODY);
    CU_ASSERT(!look(0, 79000, 0));
}

static void late_once_is_nothing(void)
{
    fresh();
    CU_ASSERT(!look(9000, 0, 0));
    CU_ASSERT(!look(0, 0, 0));
    CU_ASSERT(!look(900, 0, 0));
    CU_ASSERT(look(5000, 0, 0));
    UNIT_INT(s.level, SHED_BATCH);
    CU_ASSERT(look(5000, 0, 0));
    UNIT_INT(s.level, SHED_ALL);
    CU_ASSERT(look(0, 0, 0));
    UNIT_INT(s.level, SHED_NOBODY);
}

static void what_has_no_limit_is_not_looked_at(void)
{
    const struct shed_values none = { { 0 } };
    const struct shed_values all = { { UINT64_MAX, UINT64_MAX, UINT64_MAX } };

    fresh();
    CU_ASSERT(!shed_look(&s, &none, &all, 1));
    CU_ASSERT(!shed_look(&s, &none, &all, 2));
}

static void says_when(void)
{
    fresh();
    look(0, 100000, 0);
    UNIT_INT(shed_retry_ms(&s, now), 1000);
    UNIT_INT(shed_retry_ms(&s, now + 5000), 5000);
    look(0, 85000, 0); /* less, but not over */
    UNIT_INT(shed_retry_ms(&s, now + 5000), 5500);
    UNIT_INT(shed_retry_ms(&s, now + 500000), 30000);
}

UNIT_MAIN("shed", { "levels", levels_by_each_sign },
          { "does not flicker", does_not_flicker },
          { "late once", late_once_is_nothing },
          { "no limit", what_has_no_limit_is_not_looked_at },
          { "says when", says_when })
