/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Ids: a late one finds nothing, whoever has the slot by then. */
#include "unit.h"

#include "base/slots.h"

static void finds_what_was_added(void)
{
    struct slots *s = slots_new(100);
    int a, b;
    uint64_t x = slots_add(s, &a), y = slots_add(s, &b);

    CU_ASSERT(x != 0 && y != 0 && x != y);
    CU_ASSERT(slots_get(s, x) == &a && slots_get(s, y) == &b);
    UNIT_INT(slots_count(s), 2);
    CU_ASSERT(slots_get(s, 0) == NULL);
    CU_ASSERT(slots_get(s, x + ((uint64_t)1 << 32)) == NULL);
    CU_ASSERT(slots_get(s, UINT64_MAX) == NULL);
    slots_free(s);
    slots_free(NULL);
}

static void forgets_late_ids(void)
{
    struct slots *s = slots_new(1);
    int a, b;
    uint64_t x = slots_add(s, &a), y;

    CU_ASSERT(slots_add(s, &b) == 0); /* full */
    slots_del(s, x);
    CU_ASSERT(slots_get(s, x) == NULL);
    y = slots_add(s, &b);
    CU_ASSERT((uint32_t)y == (uint32_t)x && y != x);
    slots_del(s, x); /* stale: nothing happens */
    slots_del(s, x);
    CU_ASSERT(slots_get(s, y) == &b);
    CU_ASSERT(slots_get(s, x) == NULL);
    UNIT_INT(slots_count(s), 1);
    slots_free(s);
}

static void agrees_with_a_table(void)
{
    enum { THINGS = 300 };
    struct slots *s = slots_new(THINGS - 20);
    static struct { uint64_t id, old; } t[THINGS];
    uint32_t seed = 5;
    size_t count = 0;

    for (int i = 0; i < 100000; i++) {
        unsigned k = ((seed = seed * 1664525u + 1013904223u) >> 8) % THINGS;

        if (t[k].id) {
            CU_ASSERT_FATAL(slots_get(s, t[k].id) == &t[k]);
            slots_del(s, t[k].id);
            t[k].old = t[k].id;
            t[k].id = 0;
            count--;
        } else {
            t[k].id = slots_add(s, &t[k]);
            CU_ASSERT_FATAL((t[k].id != 0) == (count < THINGS - 20));
            CU_ASSERT_FATAL(t[k].id != t[k].old || !t[k].id);
            count += t[k].id != 0;
        }
        if (t[k].old)
            CU_ASSERT_FATAL(slots_get(s, t[k].old) == NULL);
        CU_ASSERT_FATAL(slots_count(s) == count);
    }
    slots_free(s);
}

UNIT_MAIN("slots", { "finds what was added", finds_what_was_added },
          { "forgets late ids", forgets_late_ids },
          { "agrees with a table", agrees_with_a_table })
