/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What the ledger costs a worker per request: the price looked up and
 * multiplied, and the row put into the ring.
 *
 *     tests/bench/ledger_bench [rows]
 */
#include "engine/ledger.h"
#include "engine/price.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const char prices[] =
    "{\"rows\":{\"openai/gpt-6-luna\":{\"input\":100,\"output\":500,"
    "\"cache_read\":10},\"openai/gpt-6-*\":{\"input\":1000,"
    "\"output\":5000}}}";

static double cpu_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static struct ledger_row a_row(void)
{
    struct ledger_row row = { .time_ms = 1795684923675, .ttft_ms = 200,
                              .ms = 900, .attempt = 1, .status = 200,
                              .stream = true };
    static const char *const texts[LEDGER_TEXTS] = {
        "req_72f3123c820e858f00000001", "key_0123456789ab", "search-prod",
        "search", "somebody@example.com", "fast", "openai", "gpt-6-luna",
        "openai#main", "chat", NULL, "complete", "5787481b39e3",
        "{\"job\":\"night\",\"env\":\"prod\"}",
    };

    for (int i = 0; i < LEDGER_TEXTS; i++)
        row.text[i] = str_of(texts[i]);
    row.usage = (struct usage){ 812, 4096, -1, 350, 120, -1, 0, 0 };
    return row;
}

int main(int argc, char **argv)
{
    size_t n = argc > 1 ? (size_t)atol(argv[1]) : 2000000;
    struct err err = { 0 };
    struct ledger_rings *rings =
        ledger_rings_new(1, LEDGER_RING_BYTES, &err);
    struct price_table *t = price_table_new(str_of(prices), &err);
    static const struct str models[] = { { "gpt-6-luna", 10 },
                                         { "gpt-6-astra", 11 },
                                         { "unknown", 7 } };
    struct ledger_row row = a_row();

    if (!rings || !t) {
        fprintf(stderr, "%s\n", err.msg);
        return 1;
    }
    for (size_t m = 0; m < 3; m++) {
        struct ledger_ring *ring = ledger_ring(rings, 0);
        double begin = cpu_ns();

        for (size_t i = 0; i < n; i++) {
            row.cost_nusd = price_cost(price_find(t, STR("openai"),
                                                  models[m]), &row.usage);
            ledger_put(ring, &row);
            if (i % 1024 == 0)
                ledger_let_go(ring, ledger_head(ring));
        }
        printf("%s: %.0f ns a row\n", models[m].p,
               (cpu_ns() - begin) / (double)n);
    }
    printf("%llu rows lost\n",
           (unsigned long long)ledger_lost(ledger_ring(rings, 0)));
    price_table_free(t);
    ledger_rings_free(rings);
    return 0;
}
