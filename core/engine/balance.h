/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Chance, and orders drawn with it. One generator per engine, not for
 * secrets; the same seed gives the same orders.
 */
#ifndef PENSTOCK_ENGINE_BALANCE_H
#define PENSTOCK_ENGINE_BALANCE_H

#include <stddef.h>
#include <stdint.h>

struct balance {
    uint64_t state;
};

static inline void balance_seed(struct balance *b, uint64_t seed)
{
    b->state = seed;
}

/** 64 random bits (splitmix64). */
uint64_t balance_next(struct balance *b);

/** A number below n (> 0), without a bias that could be measured. */
uint64_t balance_below(struct balance *b, uint64_t n);

/**
 * Draw an order: each place goes to one of those left with a chance in
 * proportion to its weight. Weight 0 comes after all others.
 *
 *   weights  in   NULL = all alike
 *   order    out  the numbers 0 .. n-1
 *
 * Cost: O(n^2); n is a handful.
 */
void balance_order(struct balance *b, const uint32_t *weights, size_t n,
                   uint16_t *order);

#endif
