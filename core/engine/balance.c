/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Orders by chance. */
#include "engine/balance.h"

/* Steele, Lea, Flood: "Fast splittable pseudorandom number generators" */
uint64_t balance_next(struct balance *b)
{
    uint64_t z = b->state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* n is a sum of 32-bit weights at most, so the modulo's bias is < 2^-20. */
uint64_t balance_below(struct balance *b, uint64_t n)
{
    return balance_next(b) % n;
}

static uint32_t weight(const uint32_t *weights, uint16_t i)
{
    return weights ? weights[i] : 1;
}

/* Which of order[from..n) does a throw of the dice hit? */
static size_t draw(struct balance *b, const uint32_t *weights,
                   const uint16_t *order, size_t from, size_t n)
{
    uint64_t sum = 0, dice;

    for (size_t i = from; i < n; i++)
        sum += weight(weights, order[i]);
    if (!sum)
        return from + balance_below(b, n - from);
    dice = balance_below(b, sum);
    for (size_t i = from; i < n; i++) {
        if (dice < weight(weights, order[i]))
            return i;
        dice -= weight(weights, order[i]);
    }
    return n - 1;
}

void balance_order(struct balance *b, const uint32_t *weights, size_t n,
                   uint16_t *order)
{
    uint16_t hit;
    size_t at;

    for (size_t i = 0; i < n; i++)
        order[i] = (uint16_t)i;
    for (size_t i = 0; i + 1 < n; i++) {
        at = draw(b, weights, order, i, n);
        hit = order[at];
        for (; at > i; at--) /* the rest keeps its order */
            order[at] = order[at - 1];
        order[i] = hit;
    }
}
