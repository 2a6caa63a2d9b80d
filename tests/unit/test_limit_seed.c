/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Limits in new memory stand as the ledger's rows say: nobody has a second
 * allowance, and nobody is refused who would have been let in. */
#include "engine/limit_seed.h"

#include "unit.h"

enum { NOW = 500000000 };

static struct limit_seeds *table(void)
{
    struct err err = { 0 };
    struct limit_seeds *s = limit_seeds_new(&err);

    if (!s) {
        printf("%s\n", err.msg);
        exit(2);
    }
    limit_seeds_begin(s, NOW);
    return s;
}

static struct limiter *seeded(struct limit_seeds *s)
{
    struct err err = { 0 };
    struct limiter *l = limiter_new(LIMIT_MEMORY_MIN, 1, 4096, false, &err);

    if (!l || limiter_enter(l, 0) != 0)
        exit(2);
    limiter_seed_take(l, s);
    return l;
}

static struct limit_row row_of(enum limit_kind kind, uint64_t limit,
                               uint64_t period_ms)
{
    return (struct limit_row){ .kind = kind, .scope = STR("key"),
                               .name = STR("ci"), .limit = limit,
                               .period_ms = period_ms, .want = 1 };
}

static uint64_t granted(struct limiter *l, struct limit_row row, uint64_t now)
{
    struct limit_state s;
    uint64_t n = 0;

    for (limit_hold hold = 0; n < 4000; n++, hold = 0) {
        if (limit_take(l, &row, 1, now, &s, &hold))
            break;
    }
    return n;
}

static void test_tokens(void)
{
    struct limit_seeds *s = table();
    struct limiter *l;
    struct limit_state st;
    struct limit_row row = row_of(LIMIT_TOKENS, 1000, 60000);

    limit_seeds_add(s, STR("key"), STR("ci"), 500, 1, 600);
    limit_seeds_add(s, STR("key"), STR("ci"), 20000, 1, 300);
    limit_seeds_add(s, STR("key"), STR("ci"), 70000, 1, 500); /* is over */
    l = seeded(s);
    UNIT_INT(limit_peek(l, &row, 1, NOW, &st, NULL), 0);
    UNIT_INT(st.remaining, 100);
    UNIT_INT(granted(l, row, NOW), 100);
    UNIT_INT(granted(l, row, NOW), 0);
    limiter_free(l);
    /* half of the window later half of it has left */
    s = table();
    limit_seeds_add(s, STR("key"), STR("ci"), 500, 1, 800);
    l = seeded(s);
    UNIT_INT(limit_peek(l, &row, 1, NOW + 30000, &st, NULL), 0);
    UNIT_INT(st.remaining, 600);
    UNIT_INT(granted(l, row, NOW + 120000), 1000);
    limiter_free(l);
}

static void test_an_hour_and_a_day(void)
{
    struct limit_seeds *s = table();
    struct limiter *l;

    limit_seeds_add(s, STR("key"), STR("ci"), 3000000, 1, 70);
    limit_seeds_add(s, STR("key"), STR("ci"), 80000000, 1, 20);
    l = seeded(s);
    UNIT_INT(granted(l, row_of(LIMIT_TOKENS, 100, 60000), NOW), 100);
    UNIT_INT(granted(l, row_of(LIMIT_TOKENS, 100, 3600000), NOW), 30);
    UNIT_INT(granted(l, row_of(LIMIT_TOKENS, 100, 86400000), NOW), 10);
    limiter_free(l);
}

static void test_requests(void)
{
    struct limit_row row = row_of(LIMIT_REQUESTS, 60, 60000);
    struct limit_seeds *s = table();
    struct limiter *l;

    row.burst = 10;
    for (int i = 0; i < 10; i++) /* all of the burst, just now */
        limit_seeds_add(s, STR("key"), STR("ci"), 10, 1, 0);
    l = seeded(s);
    UNIT_INT(granted(l, row, NOW), 1); /* of the second that may have passed */
    limiter_free(l);
    s = table();
    for (int i = 1; i < 86400; i++) /* one a second, for a day: as allowed */
        limit_seeds_add(s, STR("key"), STR("ci"), (uint64_t)i * 1000, 1, 0);
    l = seeded(s);
    CU_ASSERT(granted(l, row, NOW) >= 1);
    limiter_free(l);
    s = table();
    for (int i = 0; i < 10; i++) /* long over */
        limit_seeds_add(s, STR("key"), STR("ci"), 30000, 1, 0);
    l = seeded(s);
    UNIT_INT(granted(l, row, NOW), 10);
    limiter_free(l);
}

static void test_others_begin_full(void)
{
    struct limit_row row = row_of(LIMIT_CONCURRENT, 5, 0);
    struct limit_seeds *s = table();
    struct limiter *l;

    limit_seeds_add(s, STR("key"), STR("ci"), 10, 50, 5000);
    limit_seeds_add(s, STR("key"), STR_NULL, 10, 50, 5000); /* nobody's */
    UNIT_INT(limit_seeds_names(s), 1);
    l = seeded(s);
    UNIT_INT(granted(l, row, NOW), 5);
    row = row_of(LIMIT_TOKENS, 100, 60000);
    row.scope = STR("team");
    UNIT_INT(granted(l, row, NOW), 100);
    limiter_free(l);
}

static void test_names_are_bounded(void)
{
    struct limit_seeds *s = table();
    char name[32];

    for (int i = 0; i < LIMIT_SEED_NAMES + 3; i++) {
        snprintf(name, sizeof name, "n%d", i);
        UNIT_INT(limit_seeds_add(s, STR("key"), str_of(name), 10, 1, 1),
           i < LIMIT_SEED_NAMES);
    }
    CU_ASSERT(limit_seeds_add(s, STR("key"), STR("n0"), 10, 1, 1));
    UNIT_INT(limit_seeds_names(s), LIMIT_SEED_NAMES);
    UNIT_INT(limit_seeds_left_out(s), 3);
    limit_seeds_free(s);
}

UNIT_MAIN("limit_seed",
          { "tokens of the period", test_tokens },
          { "an hour and a day", test_an_hour_and_a_day },
          { "requests by their age", test_requests },
          { "others begin full", test_others_begin_full },
          { "names are bounded", test_names_are_bounded })
