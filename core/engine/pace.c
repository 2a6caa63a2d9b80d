/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "engine/pace.h"

#define LEFT_BITS 24

static uint64_t left_of(uint64_t word)
{
    return word & PACE_MOST;
}

static bool holds(uint64_t word, uint64_t now_ms)
{
    return word >> LEFT_BITS > now_ms;
}

void pace_report(_Atomic uint64_t *word, uint64_t now_ms, uint64_t left,
                 uint64_t reset_ms)
{
    uint64_t wait = reset_ms < PACE_MAX_MS ? reset_ms : PACE_MAX_MS;

    left = left < PACE_MOST ? left : PACE_MOST;
    atomic_store_explicit(word, (now_ms + wait) << LEFT_BITS | left,
                          memory_order_relaxed);
}

static void spend(_Atomic uint64_t *word, uint64_t now_ms, uint64_t n)
{
    uint64_t was = atomic_load_explicit(word, memory_order_relaxed), next;

    do {
        if (!holds(was, now_ms))
            return;
        next = was - (n < left_of(was) ? n : left_of(was));
    } while (!atomic_compare_exchange_weak_explicit(
        word, &was, next, memory_order_relaxed, memory_order_relaxed));
}

void pace_spend(struct pace *p, uint64_t now_ms, uint64_t tokens)
{
    spend(&p->tokens, now_ms, tokens);
    spend(&p->requests, now_ms, 1);
}

static bool is_short(const _Atomic uint64_t *word, uint64_t now_ms, uint64_t n)
{
    uint64_t w = atomic_load_explicit(word, memory_order_relaxed);

    return holds(w, now_ms) && left_of(w) < n && left_of(w) < PACE_MOST;
}

bool pace_is_short(const struct pace *p, uint64_t now_ms, uint64_t tokens)
{
    return is_short(&p->tokens, now_ms, tokens) ||
           is_short(&p->requests, now_ms, 1);
}
