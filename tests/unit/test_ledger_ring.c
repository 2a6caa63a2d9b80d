/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Rows on their way: packed and back, around the ring's end, a full ring, a
 * producer that is killed, a consumer that forgets, scribbled memory. */
#include "engine/ledger.h"
#include "unit.h"

#include <signal.h>
#include <stdint.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct ledger_row a_row(uint32_t n, char *id, size_t size)
{
    struct ledger_row row = {
        .time_ms = 1000 + n, .cost_nusd = n, .usage = USAGE_NONE,
        .ttft_ms = -1, .ms = n, .attempt = n % 3, .status = 200,
        .stream = n & 1, .estimated = n & 2,
    };

    snprintf(id, size, "req_%u", n);
    row.usage.input = n;
    row.usage.tier = n % USAGE_TIERS;
    row.text[LEDGER_ID] = str_of(id);
    row.text[LEDGER_MODEL] = STR("fast");
    row.text[LEDGER_TAGS] = STR("{\"a\":\"b\"}");
    return row;
}

static void there_and_back(void)
{
    _Alignas(8) char record[LEDGER_RECORD_MAX];
    struct ledger_row row, got;
    char id[32], big[4000];
    size_t n;

    row = a_row(7, id, sizeof id);
    n = ledger_pack(&row, record);
    CU_ASSERT(n % 8 == 0 && n < 256);
    CU_ASSERT_FATAL(ledger_unpack((struct str){ record, n }, &got));
    UNIT_INT(got.usage.input, 7);
    UNIT_INT(got.usage.output, -1);
    UNIT_INT(got.usage.tier, 7 % USAGE_TIERS);
    UNIT_INT(got.cost_nusd, 7);
    CU_ASSERT(got.stream && got.estimated);
    CU_ASSERT(str_is(got.text[LEDGER_ID], "req_7"));
    CU_ASSERT(str_is(got.text[LEDGER_TAGS], "{\"a\":\"b\"}"));
    CU_ASSERT(!ledger_unpack((struct str){ record, n - 8 }, &got));
    record[4] ^= 1; /* of another form */
    CU_ASSERT(!ledger_unpack((struct str){ record, n }, &got));
    memset(big, 'x', sizeof big);
    for (int i = 0; i < LEDGER_TEXTS; i++)
        row.text[i] = (struct str){ big, sizeof big };
    n = ledger_pack(&row, record);
    CU_ASSERT_FATAL(ledger_unpack((struct str){ record, n }, &got));
    UNIT_INT(got.text[LEDGER_MODEL].n, 128);
}

static struct ledger_rings *rings(size_t bytes)
{
    struct err err = { 0 };
    struct ledger_rings *r = ledger_rings_new(2, bytes, &err);

    CU_ASSERT_PTR_NOT_NULL_FATAL(r);
    return r;
}

static uint32_t number(const char *record, size_t n)
{
    struct ledger_row row;

    return ledger_unpack((struct str){ record, n }, &row) ? row.ms
                                                          : UINT32_MAX;
}

static void around_the_end(void)
{
    struct ledger_rings *r = rings(4096);
    struct ledger_ring *ring = ledger_ring(r, 1);
    _Alignas(8) char record[LEDGER_RECORD_MAX];
    uint64_t at = 0;
    char id[32];

    for (uint32_t i = 0; i < 5000; i++) {
        struct ledger_row row = a_row(i, id, sizeof id);

        CU_ASSERT_FATAL(ledger_put(ring, &row));
        CU_ASSERT_FATAL(number(record, ledger_read(ring, &at, record)) == i);
        if (i % 3 == 2)
            ledger_let_go(ring, at);
    }
    CU_ASSERT(ledger_read(ring, &at, record) == 0);
    CU_ASSERT(ledger_head(ledger_ring(r, 0)) == 0);
    ledger_rings_free(r);
}

/* What was read and not let go of is read again; a full ring says so. */
static void full_and_forgotten(void)
{
    struct ledger_rings *r = rings(4096);
    struct ledger_ring *ring = ledger_ring(r, 0);
    _Alignas(8) char record[LEDGER_RECORD_MAX];
    uint32_t n = 0, seen;
    char id[32];

    for (;; n++) {
        struct ledger_row row = a_row(n, id, sizeof id);

        if (!ledger_put(ring, &row))
            break;
    }
    CU_ASSERT(n > 10);
    UNIT_INT(ledger_lost(ring), 1);
    for (int again = 0; again < 2; again++) {
        uint64_t at = ledger_tail(ring);

        for (seen = 0; ledger_read(ring, &at, record); seen++)
            ;
        UNIT_INT(seen, n);
        if (again)
            ledger_let_go(ring, at);
    }
    ledger_let_go(ring, 0); /* never back */
    UNIT_INT(ledger_tail(ring), ledger_head(ring));
    ledger_rings_free(r);
}

/* SIGKILL at any moment: what is there is whole and in order, and the next
 * process in the same place goes on behind it. */
static void killed(void)
{
    struct ledger_rings *r = rings(1 << 20);
    struct ledger_ring *ring = ledger_ring(r, 0);
    _Alignas(8) char record[LEDGER_RECORD_MAX];
    uint64_t at = 0;

    for (int round = 0; round < 20; round++) {
        struct timespec pause = { 0, 100000 + round * 37000 };
        uint32_t next = 0;
        size_t n;
        pid_t pid = fork();

        if (pid == 0) {
            char id[32];

            for (uint32_t i = 0;; i++) {
                struct ledger_row row = a_row(i, id, sizeof id);

                while (!ledger_put(ring, &row))
                    ;
            }
        }
        nanosleep(&pause, NULL);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        while ((n = ledger_read(ring, &at, record)) != 0)
            CU_ASSERT_FATAL(number(record, n) == next++);
        ledger_let_go(ring, at);
        UNIT_INT(at, ledger_head(ring));
    }
    ledger_rings_free(r);
}

static void none(void)
{
    struct ledger_row row = { 0 };

    CU_ASSERT(ledger_put(NULL, &row));
}

UNIT_MAIN("ledger_ring", { "there and back", there_and_back },
          { "around the end", around_the_end },
          { "full and forgotten", full_and_forgotten }, { "killed", killed },
          { "none", none })
