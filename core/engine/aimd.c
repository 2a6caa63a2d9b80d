/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "engine/aimd.h"

#define ONE 1024u /* of the limit's fractions */

static uint32_t limit_of(uint64_t word)
{
    return (uint32_t)word;
}

/* Both wrap after 49 days; an answer that is wrong then is right soon. */
static bool since_cut(uint64_t word, uint64_t began_ms)
{
    return (int32_t)((uint32_t)began_ms - (uint32_t)(word >> 32)) > 0;
}

static uint32_t most(struct aimd_range r)
{
    return r.max && r.max < AIMD_MOST ? r.max : AIMD_MOST;
}

uint32_t aimd_limit(const struct aimd *a, struct aimd_range r)
{
    uint32_t fine = limit_of(atomic_load_explicit(&a->word,
                                                  memory_order_relaxed));
    uint32_t whole = fine / ONE;

    if (!r.min || !fine)
        return r.max;
    whole = whole > r.min ? whole : r.min;
    if (r.max && whole > r.max)
        return r.max;
    return whole;
}

void aimd_good(struct aimd *a, struct aimd_range r, uint64_t began_ms,
               uint32_t calls)
{
    uint64_t was = atomic_load_explicit(&a->word, memory_order_relaxed), next;
    uint32_t fine;

    do {
        fine = limit_of(was);
        if (!r.min || !fine || !since_cut(was, began_ms) ||
            (uint64_t)calls * 2 * ONE < fine)
            return;
        fine += ONE * ONE / fine + 1;
        if (fine / ONE >= most(r))
            fine = 0;
        next = fine ? was >> 32 << 32 | fine : 0;
    } while (!atomic_compare_exchange_weak_explicit(
        &a->word, &was, next, memory_order_relaxed, memory_order_relaxed));
}

bool aimd_bad(struct aimd *a, struct aimd_range r, uint64_t began_ms,
              uint64_t now_ms, uint32_t calls)
{
    uint64_t was = atomic_load_explicit(&a->word, memory_order_relaxed), next;
    uint64_t fine;

    do {
        if (!r.min || (limit_of(was) && !since_cut(was, began_ms)))
            return false;
        calls = calls < AIMD_MOST ? calls : AIMD_MOST;
        fine = (uint64_t)(calls ? calls : 1) * ONE;
        if (limit_of(was) && limit_of(was) < fine)
            fine = limit_of(was);
        fine = fine * AIMD_CUT_PCT / 100;
        fine = fine > (uint64_t)r.min * ONE ? fine : (uint64_t)r.min * ONE;
        next = (uint64_t)(uint32_t)now_ms << 32 | fine;
    } while (!atomic_compare_exchange_weak_explicit(
        &a->word, &was, next, memory_order_relaxed, memory_order_relaxed));
    return true;
}
