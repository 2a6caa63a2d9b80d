/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Limits by a clock of ours, in one process: each kind, several at once, full
 * memory, and what any 60 seconds may hold. */
#include "engine/limit.h"

#include "unit.h"

static struct limiter *memory(uint64_t bytes)
{
    struct err err = { 0 };
    struct limiter *l = limiter_new(bytes, 1, 4096, false, &err);

    if (!l || limiter_enter(l, 0) != 0) {
        printf("%s\n", err.msg);
        exit(2);
    }
    return l;
}

static struct limit_row requests(uint64_t limit, uint64_t period_ms,
                                 uint64_t burst)
{
    return (struct limit_row){ .kind = LIMIT_REQUESTS, .scope = STR("key"),
                               .name = STR("ci"), .limit = limit,
                               .period_ms = period_ms, .burst = burst };
}

static struct limit_row tokens(uint64_t limit, uint64_t want)
{
    return (struct limit_row){ .kind = LIMIT_TOKENS, .scope = STR("key"),
                               .name = STR("ci"), .limit = limit,
                               .period_ms = 60000, .want = want };
}

static struct limit_row concurrent(uint64_t limit)
{
    return (struct limit_row){ .kind = LIMIT_CONCURRENT, .scope = STR("team"),
                               .name = STR("search"), .limit = limit };
}

/* One row; the hold of what was taken goes to *hold. */
static int take(struct limiter *l, struct limit_row row, uint64_t now,
                struct limit_state *s, limit_hold *hold)
{
    *hold = 0;
    return limit_take(l, &row, 1, now, s, hold);
}

static uint64_t granted(struct limiter *l, struct limit_row row, uint64_t now)
{
    struct limit_state s;
    limit_hold hold;
    uint64_t n = 0;

    while (n < 100000 && take(l, row, now, &s, &hold) == 0)
        n++;
    return n;
}

static void requests_burst_and_refill(void)
{
    struct limiter *l = memory(0);
    struct limit_row row = requests(600, 60000, 0);
    struct limit_state s;
    limit_hold hold;

    UNIT_INT(granted(l, row, 1000), 60); /* a tenth; 100 ms each */
    UNIT_INT(take(l, row, 1000, &s, &hold), -ERR_RATE_LIMITED);
    UNIT_INT(s.retry_ms, 100);
    UNIT_INT(s.remaining, 0);
    UNIT_INT(s.reset_ms, 6000);
    UNIT_INT(take(l, row, 1099, &s, &hold), -ERR_RATE_LIMITED);
    UNIT_INT(s.retry_ms, 1);
    UNIT_INT(take(l, row, 1100, &s, &hold), 0);
    UNIT_INT(take(l, row, 1100, &s, &hold), -ERR_RATE_LIMITED);
    UNIT_INT(granted(l, row, 100000), 60); /* no more than the burst */
    UNIT_INT(granted(l, requests(600, 60000, 5), 200000), 5);
    UNIT_INT(granted(l, requests(7, 60000, 0), 1000), 1); /* at least one */
    limiter_free(l);
}

static void a_request_is_given_back(void)
{
    struct limiter *l = memory(0);
    struct limit_row row = requests(10, 3600000, 10);
    struct limit_state s;
    limit_hold hold;

    UNIT_INT(granted(l, row, 5000), 10);
    limiter_free(l);
    l = memory(0);
    UNIT_INT(take(l, row, 5000, &s, &hold), 0);
    UNIT_INT(s.remaining, 9);
    limit_settle(l, hold, 0, 5000);
    UNIT_INT(take(l, row, 5000, &s, &hold), 0);
    UNIT_INT(s.remaining, 9);
    limit_settle(l, hold, 1, 5000); /* and one stays */
    UNIT_INT(granted(l, row, 5000), 9);
    limiter_free(l);
}

static void tokens_reserve_and_settle(void)
{
    struct limiter *l = memory(0);
    struct limit_state s;
    limit_hold a, b;

    UNIT_INT(take(l, tokens(1000, 600), 60000, &s, &a), 0);
    UNIT_INT(s.remaining, 400);
    UNIT_INT(take(l, tokens(1000, 500), 60000, &s, &b), -ERR_RATE_LIMITED);
    limit_settle(l, a, 100, 61000); /* it came to less */
    UNIT_INT(take(l, tokens(1000, 900), 61000, &s, &a), 0);
    limit_settle(l, a, 900, 62000);
    /* the window began at 61000; 500 fit in half of the next bucket */
    UNIT_INT(take(l, tokens(1000, 500), 62000, &s, &a), -ERR_RATE_LIMITED);
    UNIT_INT(s.retry_ms, 121000 - 62000 + 30000);
    UNIT_INT(s.reset_ms, 181000 - 62000);
    UNIT_INT(take(l, tokens(1000, 500), 150999, &s, &a), -ERR_RATE_LIMITED);
    UNIT_INT(s.retry_ms, 1);
    UNIT_INT(take(l, tokens(1000, 500), 151000, &s, &a), 0);
    UNIT_INT(limit_reserved(l, a), 500);
    limiter_free(l);
}

static void larger_than_the_limit(void)
{
    struct limiter *l = memory(0);
    struct limit_state s;
    limit_hold a, b;

    UNIT_INT(take(l, tokens(1000, 5000), 60000, &s, &a), 0);
    UNIT_INT(limit_reserved(l, a), 1000);
    UNIT_INT(take(l, tokens(1000, 1), 60000, &s, &b), -ERR_RATE_LIMITED);
    limit_settle(l, a, 5000, 70000);
    UNIT_INT(take(l, tokens(1000, 5000), 70000, &s, &b), -ERR_RATE_LIMITED);
    UNIT_INT(s.retry_ms, 190000 - 70000);
    UNIT_INT(take(l, tokens(1000, 5000), 189999, &s, &b), -ERR_RATE_LIMITED);
    UNIT_INT(take(l, tokens(1000, 5000), 190000, &s, &b), 0);
    limiter_free(l);
}

static void a_stream_asks_for_more(void)
{
    struct limiter *l = memory(0);
    struct limit_row row = tokens(1000, 600);
    struct limit_state s;
    limit_hold a;

    UNIT_INT(take(l, row, 60000, &s, &a), 0);
    UNIT_INT(limit_more(l, a, &row, 300, 60000), 0);
    UNIT_INT(limit_reserved(l, a), 900);
    UNIT_INT(limit_more(l, a, &row, 101, 60000), -ERR_RATE_LIMITED);
    UNIT_INT(limit_more(l, a, &row, 100, 60000), 0);
    limit_settle(l, a, 0, 60000);
    UNIT_INT(take(l, tokens(1000, 1000), 60000, &s, &a), 0);
    limiter_free(l);
}

static void less_will_do(void)
{
    struct limiter *l = memory(0);
    struct limit_row row = tokens(1000, 700);
    struct limit_state s;
    limit_hold a;

    row.least = 100;
    UNIT_INT(take(l, row, 60000, &s, &a), 0);
    UNIT_INT(limit_reserved(l, a), 700);
    UNIT_INT(take(l, row, 60000, &s, &a), 0);
    UNIT_INT(limit_reserved(l, a), 300);
    UNIT_INT(take(l, row, 60000, &s, &a), -ERR_RATE_LIMITED);
    limiter_free(l);
}

static void so_many_at_once(void)
{
    struct limiter *l = memory(0);
    struct limit_state s;
    limit_hold h[3];

    UNIT_INT(take(l, concurrent(2), 1, &s, &h[0]), 0);
    UNIT_INT(take(l, concurrent(2), 1, &s, &h[1]), 0);
    UNIT_INT(s.remaining, 0);
    UNIT_INT(take(l, concurrent(2), 1, &s, &h[2]), -ERR_RATE_LIMITED);
    UNIT_INT(s.retry_ms, LIMIT_RETRY_MS);
    UNIT_INT(take(l, concurrent(3), 1, &s, &h[2]), 0); /* one gauge */
    limit_settle(l, h[2], 0, 1);
    limit_settle(l, h[0], 0, 1);
    UNIT_INT(take(l, concurrent(2), 1, &s, &h[0]), 0);
    limiter_free(l);
}

static void all_or_nothing(void)
{
    struct limiter *l = memory(0);
    struct limit_row rows[3] = { requests(100, 3600000, 100), tokens(500, 400),
                                 concurrent(1) };
    struct limit_state s[3];
    limit_hold h[3] = { 0 }, again[3] = { 0 };
    struct limit_sums sums;

    UNIT_INT(limit_take(l, rows, 3, 1000, s, h), 0);
    CU_ASSERT(h[0] && h[1] && h[2]);
    UNIT_INT(limit_take(l, rows, 3, 1000, s, again), -ERR_RATE_LIMITED);
    CU_ASSERT_FALSE(s[0].denied);
    CU_ASSERT(s[1].denied && s[2].denied); /* all are told */
    UNIT_INT(again[0], 0);
    UNIT_INT(granted(l, rows[0], 1000), 99); /* only one was taken */
    /* what is held is taken once, and looked at by its own limit */
    UNIT_INT(limit_take(l, rows, 3, 1000, s, h), 0);
    UNIT_INT(granted(l, rows[0], 1000), 0);
    rows[0] = concurrent(5);
    again[0] = h[2];
    UNIT_INT(limit_take(l, rows, 1, 1000, s, again), 0);
    UNIT_INT(s[0].remaining, 4);
    limiter_sums(l, 1000, &sums);
    UNIT_INT(sums.concurrent, 1);
    UNIT_INT(sums.reserved, 400);
    for (int i = 0; i < 3; i++)
        limit_settle(l, h[i], 0, 1000);
    limiter_sums(l, 1000, &sums);
    UNIT_INT(sums.concurrent, 0);
    UNIT_INT(sums.reserved, 0);
    limiter_free(l);
}

static void rows_of_one_cell_are_one(void)
{
    struct limiter *l = memory(0);
    struct limit_row rows[2] = { concurrent(2), concurrent(2) };
    struct limit_state s[2];
    limit_hold h[2] = { 0 };

    UNIT_INT(limit_take(l, rows, 2, 1, s, h), 0);
    CU_ASSERT(h[0] != 0 && h[1] == 0);
    UNIT_INT(s[1].remaining, 1);
    CU_ASSERT_TRUE(limit_row_same(&rows[0], &rows[1]));
    rows[1].name = STR("other");
    CU_ASSERT_FALSE(limit_row_same(&rows[0], &rows[1]));
    limiter_free(l);
}

static void peeking_takes_nothing(void)
{
    struct limiter *l = memory(0);
    struct limit_row row = requests(10, 3600000, 1);
    struct limit_state s;

    for (int i = 0; i < 5; i++)
        UNIT_INT(limit_peek(l, &row, 1, 1, &s, NULL), 0);
    UNIT_INT(s.remaining, 1);
    UNIT_INT(granted(l, row, 1), 1);
    UNIT_INT(limit_peek(l, &row, 1, 1, &s, NULL), -ERR_RATE_LIMITED);
    UNIT_INT(s.retry_ms, 360000);
    limiter_free(l);
}

/* ---- memory -------------------------------------------------------------- */

static struct limit_row numbered(int i, bool open, char name[16])
{
    struct limit_row row = requests(1, 60000, 1);

    snprintf(name, 16, "n%d", i);
    row.name = str_of(name);
    row.scope = open ? STR("ip") : STR("key");
    row.open = open;
    return row;
}

static int fill(struct limiter *l, bool open, int from, int to, uint64_t now)
{
    struct limit_state s;
    limit_hold hold;
    char name[16];
    int n = 0;

    for (int i = from; i < to; i++) {
        int rc = take(l, numbered(i, open, name), now, &s, &hold);

        n += rc == 0;
        if (hold)
            limit_settle(l, hold, 1, now);
        if (rc == -ERR_LIMIT)
            continue;
        CU_ASSERT_EQUAL(rc, 0);
    }
    return n;
}

static void full_memory_says_so(void)
{
    struct limiter *l = memory(0); /* some 900 cells */
    int all = fill(l, false, 0, 5000, 1000);
    struct limit_sums sums;

    CU_ASSERT(all > 500 && all < 1100);
    limiter_sums(l, 1000, &sums);
    UNIT_INT(sums.cells, all);
    UNIT_INT(fill(l, false, 5000, 5100, 1000), 0);
    UNIT_INT(fill(l, false, 5000, 5100, 61000), 100); /* they say nothing */
    limiter_free(l);
}

static void made_up_names_get_half(void)
{
    struct limiter *l = memory(0);
    int all = fill(l, true, 0, 5000, 1000);
    int rest = fill(l, false, 0, 5000, 1000);

    CU_ASSERT(all > 200 && all <= rest);
    UNIT_INT(fill(l, true, 5000, 5100, 1000), 0);
    UNIT_INT(fill(l, true, 5000, 5100, 61000), 100);
    limiter_free(l);
}

static void holds_run_out(void)
{
    struct err err = { 0 };
    struct limiter *l = limiter_new(0, 1, 4, false, &err);
    struct limit_row rows[2] = { concurrent(9), requests(100, 1000, 100) };
    struct limit_state s[2];
    limit_hold h[6] = { 0 };

    limiter_enter(l, 0);
    UNIT_INT(limit_take(l, rows, 2, 1, s, h), 0);
    UNIT_INT(limit_take(l, rows, 2, 1, s, h + 2), 0);
    UNIT_INT(limit_take(l, rows, 2, 1, s, h + 4), -ERR_LIMIT);
    limit_settle(l, h[0], 0, 1);
    UNIT_INT(limit_take(l, rows, 1, 1, s, h + 4), 0);
    limiter_free(l);
}

static void a_hundred_thousand_live(void)
{
    struct limiter *l = memory(16 << 20);

    UNIT_INT(fill(l, false, 0, 100000, 1000), 100000);
    limiter_free(l);
}

/* ---- any 60 seconds --------------------------------------------------------
 * A caller that asks at random; what is used equals what was reserved. */

enum { EVENTS = 20000 };

static uint64_t rng(uint64_t *s)
{
    *s ^= *s << 13;
    *s ^= *s >> 7;
    *s ^= *s << 17;
    return *s;
}

struct used {
    uint64_t at, n;
};

static uint64_t worst_minute(const struct used *u, int n)
{
    uint64_t sum = 0, worst = 0;

    for (int i = 0, from = 0; i < n; i++) {
        sum += u[i].n;
        while (u[from].at + 60000 <= u[i].at)
            sum -= u[from++].n;
        worst = sum > worst ? sum : worst;
    }
    return worst;
}

static uint64_t play(uint64_t seed, uint64_t gap_ms, uint64_t size)
{
    static struct used used[EVENTS];
    struct limiter *l = memory(0);
    uint64_t now = 1000000;
    struct limit_state s;
    limit_hold hold;
    int n = 0;

    for (int i = 0; i < EVENTS; i++) {
        uint64_t want = 1 + rng(&seed) % size;

        now += rng(&seed) % (2 * gap_ms);
        if (take(l, tokens(1000, want), now, &s, &hold) != 0)
            continue;
        used[n++] = (struct used){ now, want };
        limit_settle(l, hold, want, now);
    }
    limiter_free(l);
    return worst_minute(used, n);
}

static void worst_minute_of_a_random_caller(void)
{
    for (uint64_t seed = 1; seed <= 10; seed++) {
        uint64_t worst = play(seed * 7919, 500, 100);

        if (worst > 1150)
            printf("\nseed %llu: %llu", (unsigned long long)seed,
                   (unsigned long long)worst);
        CU_ASSERT(worst <= 1150);
        CU_ASSERT(worst >= 900); /* and it is used */
    }
}

/* The worst that two buckets allow: all at a bucket's end, then as soon as
 * anything fits. Twice the limit is never reached. */
static void worst_minute_of_a_hostile_caller(void)
{
    struct limiter *l = memory(0);
    static struct used used[EVENTS];
    struct limit_state s;
    limit_hold hold;
    int n = 0;

    for (uint64_t now = 59999; now < 400000; now += 20) {
        while (n < EVENTS && take(l, tokens(1000, 10), now, &s, &hold) == 0) {
            used[n++] = (struct used){ now, 10 };
            limit_settle(l, hold, 10, now);
        }
    }
    CU_ASSERT(worst_minute(used, n) < 2000);
    limiter_free(l);
}

/* Retry-After is exact: granted then, and not a millisecond before. */
static void retry_after_is_exact(void)
{
    uint64_t seed = 4711, now = 1000000;
    struct limiter *l = memory(0);
    struct limit_state s;
    limit_hold hold;
    int n = 0;

    for (int i = 0; i < 3000; i++) {
        struct limit_row row = i % 2 ? tokens(1000, 1 + rng(&seed) % 1200)
                                     : requests(97, 60000, 1 + i % 5);

        now += rng(&seed) % 700;
        if (take(l, row, now, &s, &hold) == 0) {
            limit_settle(l, hold, row.want ? row.want : 1, now);
            continue;
        }
        CU_ASSERT_FATAL(s.retry_ms > 0);
        UNIT_INT(limit_peek(l, &row, 1, now + s.retry_ms - 1, &s, NULL),
                 -ERR_RATE_LIMITED);
        n++;
    }
    CU_ASSERT(n > 100);
    limiter_free(l);
}

static void lengths_are_learned(void)
{
    struct limiter *l = memory(0);

    UNIT_INT(limit_learned(l, STR("m")), 0);
    for (uint64_t i = 1; i <= 19; i++)
        limit_learn(l, STR("m"), 100);
    UNIT_INT(limit_learned(l, STR("m")), 0); /* too few */
    for (uint64_t i = 1; i <= 181; i++)
        limit_learn(l, STR("m"), i > 175 ? 5000 : 100);
    CU_ASSERT(limit_learned(l, STR("m")) >= 100);
    CU_ASSERT(limit_learned(l, STR("m")) <= 128);
    for (uint64_t i = 1; i <= 2000; i++)
        limit_learn(l, STR("m"), 5000); /* it forgets */
    CU_ASSERT(limit_learned(l, STR("m")) >= 5000);
    CU_ASSERT(limit_learned(l, STR("m")) <= 6144);
    UNIT_INT(limit_learned(l, STR("other")), 0);
    for (int i = 0; i < 30; i++)
        limit_learn(l, STR("none"), 0);
    limit_learn(l, STR("huge"), UINT64_MAX);
    UNIT_INT(limit_learned(l, STR("none")), 0);
    limiter_free(l);
}

UNIT_MAIN("limit",
          { "requests: burst and refill", requests_burst_and_refill },
          { "a request is given back", a_request_is_given_back },
          { "tokens: reserve and settle", tokens_reserve_and_settle },
          { "larger than the limit", larger_than_the_limit },
          { "a stream asks for more", a_stream_asks_for_more },
          { "less will do", less_will_do },
          { "so many at once", so_many_at_once },
          { "all or nothing", all_or_nothing },
          { "rows of one cell are one", rows_of_one_cell_are_one },
          { "peeking takes nothing", peeking_takes_nothing },
          { "full memory says so", full_memory_says_so },
          { "made-up names get half", made_up_names_get_half },
          { "holds run out", holds_run_out },
          { "a hundred thousand live cells", a_hundred_thousand_live },
          { "worst minute, random", worst_minute_of_a_random_caller },
          { "worst minute, hostile", worst_minute_of_a_hostile_caller },
          { "retry-after is exact", retry_after_is_exact },
          { "lengths are learned", lengths_are_learned })
