/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "engine/retry_budget.h"

#define LEFT_BITS 24
#define LEFT_MASK ((1ull << LEFT_BITS) - 1)

/* What is left at that time, and the time up to which it is counted: the
 * rest of a division stays for later. */
static uint64_t left_at(uint64_t word, uint64_t now_ms, uint64_t *at_ms)
{
    uint64_t then = word >> LEFT_BITS, left = word & LEFT_MASK, more;

    *at_ms = now_ms;
    if (!word)
        return RETRY_BUDGET_MAX;
    if (now_ms <= then) { /* another worker's clock was read later */
        *at_ms = then;
        return left;
    }
    more = (now_ms - then) / RETRY_BUDGET_MS_PER_MILLI;
    if (left + more >= RETRY_BUDGET_MAX)
        return RETRY_BUDGET_MAX;
    *at_ms = then + more * RETRY_BUDGET_MS_PER_MILLI;
    return left + more;
}

static bool change(struct retry_budget *b, uint64_t now_ms, uint64_t earned,
                   uint64_t cost)
{
    uint64_t was = atomic_load_explicit(&b->word, memory_order_relaxed);
    uint64_t left, at;

    do {
        left = left_at(was, now_ms, &at) + earned;
        if (left < cost)
            return false;
        left = left < RETRY_BUDGET_MAX ? left : RETRY_BUDGET_MAX;
    } while (!atomic_compare_exchange_weak(&b->word, &was,
                                           at << LEFT_BITS | (left - cost)));
    return true;
}

void retry_budget_earn(struct retry_budget *b, uint64_t now_ms,
                       uint32_t permille)
{
    change(b, now_ms, permille, 0);
}

bool retry_budget_take(struct retry_budget *b, uint64_t now_ms)
{
    return change(b, now_ms, 0, RETRY_BUDGET_TRY);
}
