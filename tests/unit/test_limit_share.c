/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Limits across processes: exact under a storm, and whole after a kill. */
#include "engine/limit.h"

#include "base/clock.h"
#include "unit.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WORKERS = 4 };

static struct limiter *memory(void)
{
    struct err err = { 0 };
    struct limiter *l = limiter_new(1 << 20, WORKERS, 1024, true, &err);

    if (!l) {
        printf("%s\n", err.msg);
        exit(2);
    }
    return l;
}

static struct limit_row row_of(enum limit_kind kind, const char *name,
                               uint64_t limit)
{
    struct limit_row row = { .kind = kind, .scope = STR("key"),
                             .name = str_of(name), .limit = limit, .want = 7 };

    if (kind != LIMIT_CONCURRENT)
        row.period_ms = 3600000; /* nothing flows back in a test's time */
    row.burst = limit;
    return row;
}

static _Atomic uint64_t *counters(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE,
                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

/* Fork WORKERS; each runs fn and ends. */
static void storm(struct limiter *l, _Atomic uint64_t *c,
                  void (*fn)(struct limiter *, _Atomic uint64_t *, int))
{
    pid_t pids[WORKERS];

    for (int i = 0; i < WORKERS; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            if (limiter_enter(l, (uint32_t)i) == 0)
                fn(l, c, i);
            _exit(0);
        }
    }
    for (int i = 0; i < WORKERS; i++)
        waitpid(pids[i], NULL, 0);
}

static void take_requests(struct limiter *l, _Atomic uint64_t *c, int me)
{
    struct limit_row row = row_of(LIMIT_REQUESTS, "one", 10000);
    struct limit_state s;

    (void)me;
    for (int i = 0; i < 5000; i++) {
        limit_hold h = 0;
        int rc = limit_take(l, &row, 1, 1000, &s, &h);

        atomic_fetch_add(&c[0], rc == 0);
        atomic_fetch_add(&c[1], rc != 0 && rc != -ERR_RATE_LIMITED);
        limit_settle(l, h, 1, 1000);
    }
}

static void exactly_the_limit(void)
{
    struct limiter *l = memory();
    _Atomic uint64_t *c = counters();

    storm(l, c, take_requests);
    UNIT_INT(c[0], 10000);
    UNIT_INT(c[1], 0);
    limiter_free(l);
}

/* Rows in another order in each worker: no dead lock, never more than each
 * limit. The scarcest decides, exactly. */
static void take_several(struct limiter *l, _Atomic uint64_t *c, int me)
{
    struct limit_row all[4] = {
        row_of(LIMIT_REQUESTS, "a", 3000), row_of(LIMIT_TOKENS, "b", 14000),
        row_of(LIMIT_REQUESTS, "c", 2500), row_of(LIMIT_CONCURRENT, "d", 3) };
    struct limit_row rows[4];
    struct limit_state s[4];

    for (int i = 0; i < 4; i++)
        rows[i] = all[(i + me) % 4];
    for (int i = 0; i < 5000; i++) {
        limit_hold h[4] = { 0 };

        if (limit_take(l, rows, 4, 1000, s, h) != 0)
            continue;
        atomic_fetch_add(&c[0], 1);
        for (int k = 0; k < 4; k++)
            limit_settle(l, h[k], 7, 1000);
    }
}

static void several_limits(void)
{
    struct limiter *l = memory();
    _Atomic uint64_t *c = counters();
    struct limit_sums sums;

    storm(l, c, take_several);
    UNIT_INT(c[0], 2000); /* 14000 tokens, 7 each */
    limiter_sums(l, 1000, &sums);
    UNIT_INT(sums.concurrent + sums.reserved + sums.holds, 0);
    limiter_free(l);
}

/* The gauge is never above its limit while it is held. */
static void hold_some(struct limiter *l, _Atomic uint64_t *c, int me)
{
    struct limit_row row = row_of(LIMIT_CONCURRENT, "gauge", 3);
    struct limit_state s;

    (void)me;
    for (int i = 0; i < 20000; i++) {
        limit_hold h = 0;
        uint64_t now;

        if (limit_take(l, &row, 1, 1000, &s, &h) != 0)
            continue;
        now = atomic_fetch_add(&c[0], 1) + 1;
        if (now > 3)
            atomic_fetch_add(&c[1], 1);
        atomic_fetch_sub(&c[0], 1);
        limit_settle(l, h, 0, 1000);
    }
}

static void never_above_a_gauge(void)
{
    struct limiter *l = memory();
    _Atomic uint64_t *c = counters();

    storm(l, c, hold_some);
    UNIT_INT(c[1], 0);
    limiter_free(l);
}

/* ---- kill -9 --------------------------------------------------------- */

static void busy(struct limiter *l, int ready)
{
    struct limit_row rows[3] = { row_of(LIMIT_CONCURRENT, "x", 100),
                                 row_of(LIMIT_TOKENS, "y", 1000000),
                                 row_of(LIMIT_REQUESTS, "z", 1000000) };
    struct limit_state s[3];
    limit_hold h[8][3] = { { 0 } };

    for (unsigned i = 0;; i = (i + 1) % 8) {
        for (int k = 0; k < 3; k++) {
            limit_settle(l, h[i][k], 0, 1000);
            h[i][k] = 0;
        }
        limit_take(l, rows, 3, 1000, s, h[i]);
        if (i == 7 && ready >= 0) {
            if (write(ready, "x", 1) != 1)
                _exit(1);
            ready = -1;
        }
    }
}

/* Killed in the middle of anything, reaped, and all is back where it was. */
static void nothing_is_left_of_the_dead(void)
{
    struct limiter *l = memory();
    struct limit_sums sums;
    uint64_t seed = clock_mono_ns();

    for (int round = 0; round < 150; round++) {
        struct timespec nap = { 0, 0 };
        int p[2];
        char x;
        pid_t pid;

        CU_ASSERT_EQUAL_FATAL(pipe(p), 0);
        pid = fork();
        if (pid == 0) {
            limiter_enter(l, (uint32_t)round % WORKERS);
            busy(l, p[1]);
        }
        CU_ASSERT_EQUAL(read(p[0], &x, 1), 1);
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        nap.tv_nsec = (long)(seed >> 40) % 300000;
        nanosleep(&nap, NULL);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        UNIT_INT(limiter_reap(l, (uint32_t)round % WORKERS), 0);
        limiter_sums(l, 1000, &sums);
        CU_ASSERT_EQUAL_FATAL(sums.concurrent, 0);
        CU_ASSERT_EQUAL_FATAL(sums.reserved, 0);
        CU_ASSERT_EQUAL_FATAL(sums.holds, 0);
        CU_ASSERT_EQUAL_FATAL(sums.cells, 0); /* requests, too */
        close(p[0]);
        close(p[1]);
    }
    limiter_free(l);
}

/* A neighbour goes on taking while one is killed. */
static void the_living_keep_theirs(void)
{
    struct limiter *l = memory();
    struct limit_row row = row_of(LIMIT_CONCURRENT, "x", 100);
    struct limit_state s;
    struct limit_sums sums;
    limit_hold h = 0;
    pid_t pid;
    int p[2];
    char x;

    limiter_enter(l, 0);
    UNIT_INT(limit_take(l, &row, 1, 1000, &s, &h), 0);
    CU_ASSERT_EQUAL_FATAL(pipe(p), 0);
    pid = fork();
    if (pid == 0) {
        limiter_enter(l, 1);
        busy(l, p[1]);
    }
    CU_ASSERT_EQUAL(read(p[0], &x, 1), 1);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    limiter_reap(l, 1);
    limiter_sums(l, 1000, &sums);
    UNIT_INT(sums.concurrent, 1);
    UNIT_INT(sums.holds, 1);
    limit_settle(l, h, 0, 1000);
    limiter_sums(l, 1000, &sums);
    UNIT_INT(sums.concurrent, 0);
    limiter_free(l);
}

UNIT_MAIN("limit_share",
          { "exactly the limit", exactly_the_limit },
          { "several limits", several_limits },
          { "never above a gauge", never_above_a_gauge },
          { "nothing is left of the dead", nothing_is_left_of_the_dead },
          { "the living keep theirs", the_living_keep_theirs })
