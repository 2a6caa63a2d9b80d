/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "engine/gap.h"

#define BITS 28
#define MASK ((UINT64_C(1) << BITS) - 1)

static uint64_t mixed(uint64_t word, uint64_t ms)
{
    uint64_t n = word >> (2 * BITS), mean = word >> BITS & MASK;
    uint64_t off, dev = word & MASK;

    if (!n)
        return UINT64_C(1) << (2 * BITS) | ms << BITS | ms / 2;
    off = ms > mean ? ms - mean : mean - ms;
    dev = (3 * dev + off) / 4;
    mean = (7 * mean + ms) / 8;
    n += n < 0xff;
    return n << (2 * BITS) | mean << BITS | dev;
}

void gap_heard(struct gap *g, uint64_t ms)
{
    uint64_t was = atomic_load_explicit(&g->word, memory_order_relaxed);

    ms = ms < GAP_MAX_MS ? ms : GAP_MAX_MS;
    while (!atomic_compare_exchange_weak(&g->word, &was, mixed(was, ms)))
        ;
}

void gap_passed(struct gap *g, uint64_t ms)
{
    gap_heard(g, 2 * ms);
}

uint32_t gap_limit_ms(const struct gap *g)
{
    uint64_t w = atomic_load_explicit(&g->word, memory_order_relaxed);
    uint64_t ms = 2 * (w >> BITS & MASK) + 4 * (w & MASK);

    if (w >> (2 * BITS) < GAP_STREAMS)
        return 0;
    return (uint32_t)(ms > GAP_LEAST_MS ? ms : GAP_LEAST_MS);
}
