/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "engine/autooff.h"

#define WHY_MASK 0xffu
#define TRIES_MAX 0xffu

static uint64_t pack(uint64_t at_ms, uint64_t tries, enum autooff_why why)
{
    return at_ms << 16 | (tries < TRIES_MAX ? tries : TRIES_MAX) << 8 |
           (uint64_t)why;
}

enum autooff_why autooff_why(const struct autooff *a)
{
    return (enum autooff_why)(atomic_load_explicit(&a->word,
                                                   memory_order_relaxed) &
                              WHY_MASK);
}

const char *autooff_name(enum autooff_why why)
{
    static const char *const names[] = { "", "auth", "model_access",
                                         "model_gone", "failing" };

    return names[why <= AUTOOFF_FAILING ? why : AUTOOFF_NOT];
}

uint64_t autooff_wait_ms(const struct autooff *a, uint64_t now_ms)
{
    uint64_t w = atomic_load_explicit(&a->word, memory_order_relaxed);

    return (w & WHY_MASK) && w >> 16 > now_ms ? (w >> 16) - now_ms : 0;
}

/* One minute x 2^n, at most an hour, and a fifth more or less. */
static uint64_t pause_ms(uint64_t tries, uint32_t dice)
{
    uint64_t ms = (uint64_t)AUTOOFF_TRY_MS << (tries < 6 ? tries : 6);

    ms = ms < AUTOOFF_TRY_MAX_MS ? ms : AUTOOFF_TRY_MAX_MS;
    return ms * 4 / 5 + ms * 2 / 5 * (dice % 1024) / 1023;
}

bool autooff_admits(struct autooff *a, uint64_t now_ms, uint32_t dice)
{
    uint64_t w = atomic_load_explicit(&a->word, memory_order_relaxed);
    uint64_t tries = (w >> 8 & TRIES_MAX) + 1;

    if (!(w & WHY_MASK))
        return true;
    if (w >> 16 > now_ms)
        return false;
    return atomic_compare_exchange_strong(
        &a->word, &w,
        pack(now_ms + pause_ms(tries, dice), tries,
             (enum autooff_why)(w & WHY_MASK)));
}

/* How long has it been so, counting this one? */
static uint64_t spell_ms(struct autooff *a, uint64_t now_ms)
{
    uint64_t none = 0;

    if (atomic_compare_exchange_strong(&a->since_ms, &none, now_ms))
        return 0;
    return now_ms > none ? now_ms - none : 0;
}

bool autooff_refused(struct autooff *a, uint64_t now_ms, enum autooff_why why,
                     uint32_t dice)
{
    uint64_t ms = spell_ms(a, now_ms), on = 0;
    uint32_t row = atomic_fetch_add(&a->row, 1) + 1, refused = 0;

    if (why == AUTOOFF_FAILING)
        atomic_store(&a->refused, 0);
    else
        refused = atomic_fetch_add(&a->refused, 1) + 1;
    if ((refused < AUTOOFF_ROW || ms < AUTOOFF_SPAN_MS) &&
        (row < AUTOOFF_FAILS || ms < AUTOOFF_FAILS_MS))
        return false;
    return atomic_compare_exchange_strong(
        &a->word, &on, pack(now_ms + pause_ms(0, dice), 0, why));
}

bool autooff_served(struct autooff *a)
{
    uint64_t w = atomic_load_explicit(&a->word, memory_order_relaxed);

    if (atomic_load_explicit(&a->since_ms, memory_order_relaxed)) {
        atomic_store(&a->since_ms, 0);
        atomic_store(&a->row, 0);
        atomic_store(&a->refused, 0);
    }
    return w && atomic_compare_exchange_strong(&a->word, &w, 0);
}
