/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Whose turn it is. */
#include "engine/fair.h"

#include "unit.h"

#include <stdlib.h>

enum { MANY = 2000 };

static struct fair *f;
static struct fair_item items[MANY];
static size_t used;

static void fresh(void)
{
    fair_free(f);
    f = fair_new();
    CU_ASSERT_FATAL(f != NULL);
    used = 0;
}

static struct fair_item *put(uint64_t key, uint64_t cost, bool batch)
{
    struct fair_item *i = &items[used++];

    *i = (struct fair_item){ .key = key, .cost = cost, .batch = batch };
    CU_ASSERT_FATAL(fair_put(f, i) == 0);
    return i;
}

static struct fair_item *serve(void)
{
    struct fair_item *i = fair_pop(f);

    if (i)
        fair_served(f, i);
    return i;
}

static void of_one_key_in_order(void)
{
    fresh();
    for (int i = 0; i < 100; i++)
        put(7, 1 + (uint64_t)(i * 37 % 11), false);
    for (int i = 0; i < 100; i++)
        CU_ASSERT(serve() == &items[i]);
    CU_ASSERT(serve() == NULL);
}

static void one_key_does_not_starve_another(void)
{
    struct fair_item *late;
    int turns = 0;

    fresh();
    for (int i = 0; i < 1000; i++)
        put(1, 10, false);
    for (int i = 0; i < 500; i++)
        serve();
    late = put(2, 10, false);
    while (serve() != late)
        turns++;
    CU_ASSERT(turns <= 2);
}

/* A key with large requests gets as many tokens as one with small ones. */
static void shares_are_of_cost(void)
{
    uint64_t had[3] = { 0 };

    fresh();
    for (int i = 0; i < 100; i++)
        put(1, 1000, false);
    for (int i = 0; i < 1000; i++)
        put(2, 100, false);
    for (int i = 0; i < 550; i++) {
        struct fair_item *i_ = serve();

        had[i_->key] += i_->cost;
    }
    CU_ASSERT(had[1] >= 45000 && had[1] <= 55000);
    CU_ASSERT(had[2] >= 45000 && had[2] <= 55000);
}

static void batch_comes_last(void)
{
    struct fair_item *b, *i;

    fresh();
    b = put(1, 1, true);
    i = put(2, 100000, false);
    put(2, 100000, false);
    CU_ASSERT(serve() == i);
    CU_ASSERT(serve() == &items[2]);
    CU_ASSERT(serve() == b);
}

static void a_class_is_no_debt_in_the_other(void)
{
    struct fair_item *i;

    fresh();
    put(1, 1000, true);
    put(2, 10, false);
    i = put(1, 10, false);
    put(2, 10, false);
    serve();
    CU_ASSERT(serve() == i);
}

static void who_cannot_go_keeps_the_place(void)
{
    struct fair_item *a, *b, *got;

    fresh();
    a = put(1, 10, false);
    b = put(2, 10, false);
    CU_ASSERT(fair_pop(f) == a);
    got = fair_pop(f);
    CU_ASSERT(got == b);
    fair_back(f, a);
    fair_served(f, b);
    UNIT_INT(fair_count(f), 1);
    CU_ASSERT(serve() == a);
}

static void who_leaves_does_not_pay(void)
{
    struct fair_item *first, *second;

    fresh();
    for (int i = 0; i < 100; i++)
        fair_leave(f, put(1, 1000, false));
    UNIT_INT(fair_count(f), 0);
    first = put(1, 10, false);
    second = put(2, 10, false);
    CU_ASSERT(fair_pop(f) == first);
    fair_leave(f, first);
    CU_ASSERT(serve() == second);
}

static void anybody_may_leave(void)
{
    uint64_t before = 0;

    fresh();
    srand(1);
    for (int i = 0; i < MANY; i++)
        put((uint64_t)(rand() % 40), 1 + (uint64_t)(rand() % 500),
            rand() % 4 == 0);
    for (int i = 0; i < MANY; i += 3)
        fair_leave(f, &items[i]);
    UNIT_INT(fair_count(f), MANY - (MANY + 2) / 3);
    for (bool batch = false;;) {
        struct fair_item *i = serve();

        if (!i)
            break;
        CU_ASSERT((i - items) % 3 != 0);
        CU_ASSERT(i->batch >= batch);
        if (i->batch && !batch)
            before = 0;
        batch = i->batch;
        CU_ASSERT(i->start >= before);
        before = i->start;
    }
    UNIT_INT(fair_count(f), 0);
}

/* More keys than are remembered: all are served, each once. */
static void many_keys(void)
{
    int n = 0;

    fresh();
    for (uint64_t i = 0; i < MANY; i++)
        put(i * 0x9e3779b97f4a7c15u, 5, false);
    while (serve())
        n++;
    UNIT_INT(n, MANY);
    fair_free(f);
    f = NULL;
}

UNIT_MAIN("fair", { "of one key in order", of_one_key_in_order },
          { "no key starves another", one_key_does_not_starve_another },
          { "shares are of cost", shares_are_of_cost },
          { "batch comes last", batch_comes_last },
          { "classes", a_class_is_no_debt_in_the_other },
          { "who cannot go", who_cannot_go_keeps_the_place },
          { "who leaves", who_leaves_does_not_pay },
          { "anybody may leave", anybody_may_leave },
          { "many keys", many_keys })
