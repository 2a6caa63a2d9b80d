/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "engine/probing.h"

#define HEARD_MS 1000 /* who writes more often only takes the line away */

void probing_heard(struct probing *w, uint64_t now_ms)
{
    if (now_ms >= atomic_load_explicit(&w->heard_ms, memory_order_relaxed) +
                      HEARD_MS)
        atomic_store_explicit(&w->heard_ms, now_ms, memory_order_relaxed);
}

bool probing_is_idle(const struct probing *w, uint64_t now_ms, uint32_t ms)
{
    return now_ms >= atomic_load_explicit(&w->heard_ms,
                                          memory_order_relaxed) + ms;
}

static uint64_t about(uint32_t ms, uint32_t dice)
{
    return (uint64_t)ms * 4 / 5 + (uint64_t)ms * 2 / 5 * (dice % 1024) / 1023;
}

bool probing_due(struct probing *w, uint64_t now_ms, bool wanted,
                 uint32_t interval_ms, uint32_t dice)
{
    uint64_t due = atomic_load_explicit(&w->due_ms, memory_order_relaxed);

    if (!wanted) {
        if (due) { /* requests say how it is: what probes said is past */
            atomic_store(&w->due_ms, 0);
            atomic_store(&w->failed, 0);
        }
        return false;
    }
    if (!due) {
        due = now_ms + interval_ms / 2 +
              (uint64_t)interval_ms / 2 * (dice % 1024) / 1023;
        atomic_store(&w->due_ms, due);
        return false;
    }
    return due <= now_ms && atomic_compare_exchange_strong(
                                &w->due_ms, &due,
                                now_ms + about(interval_ms, dice));
}

static enum probing_news bad(struct probing *w, struct breaker *b,
                             uint64_t now_ms, uint32_t interval_ms,
                             uint32_t dice)
{
    uint32_t n = atomic_fetch_add(&w->failed, 1) + 1;

    if (n < PROBING_SICK) {
        atomic_store(&w->due_ms, now_ms + PROBING_SOON_MS);
        return PROBING_SAME;
    }
    if (breaker_state(b, now_ms) == BREAKER_CLOSED)
        breaker_trip(b, now_ms, dice);
    else if (n <= PROBING_HOLDS)
        breaker_hold(b, now_ms, (uint64_t)interval_ms * 3 / 2);
    return n == PROBING_SICK ? PROBING_FELL_SICK : PROBING_SAME;
}

static bool is_mended(const struct autooff *a, enum probing_verdict v)
{
    switch (autooff_why(a)) {
    case AUTOOFF_NOT:
        return false;
    case AUTOOFF_FAILING:
        return v >= PROBING_ALIVE;
    default:
        return v == PROBING_GOOD;
    }
}

enum probing_news probing_told(struct probing *w, struct breaker *b,
                               struct autooff *a, enum probing_verdict v,
                               uint64_t now_ms, uint32_t interval_ms,
                               uint32_t dice, bool *put_back)
{
    uint32_t failed;

    *put_back = false;
    if (v == PROBING_NOTHING)
        return PROBING_SAME;
    if (v == PROBING_BAD)
        return bad(w, b, now_ms, interval_ms, dice);
    failed = atomic_exchange(&w->failed, 0);
    if (failed)
        breaker_hasten(b, now_ms);
    /* what fails all the time although its list comes is let be: requests
     * find out */
    if (is_mended(a, v) && (autooff_why(a) != AUTOOFF_FAILING || failed))
        *put_back = autooff_served(a);
    return failed >= PROBING_SICK ? PROBING_GOT_WELL : PROBING_SAME;
}
