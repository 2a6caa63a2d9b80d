/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "engine/rest.h"

enum rest_state rest_state(const struct rest *r, uint64_t now_ms)
{
    if (atomic_load_explicit(&r->until_ms, memory_order_relaxed) <= now_ms)
        return REST_OK;
    return atomic_load(&r->parked) ? REST_PARKED : REST_COOLING;
}

const char *rest_state_name(enum rest_state s)
{
    static const char *const names[] = { "ok", "cooling", "parked" };

    return names[s <= REST_PARKED ? s : REST_OK];
}

static uint64_t doubled(uint64_t ms, uint32_t times, uint64_t most)
{
    ms <<= times < 16 ? times : 16;
    return ms < most ? ms : most;
}

/* The later end holds; of many the first is told that it began the rest. */
static bool begin(struct rest *r, uint64_t now_ms, uint64_t pause_ms,
                  uint32_t dice)
{
    uint64_t until = now_ms + pause_ms + pause_ms / 10 * (dice % 1024) / 1023;
    uint64_t was = atomic_load(&r->until_ms);

    do {
        if (was >= until)
            return false;
    } while (!atomic_compare_exchange_weak(&r->until_ms, &was, until));
    if (was > now_ms)
        return false;
    atomic_fetch_add(&r->times, 1);
    return true;
}

void rest_cool(struct rest *r, uint64_t now_ms, uint64_t told_ms,
               uint32_t dice)
{
    uint64_t pause = told_ms < REST_MAX_MS ? told_ms : REST_MAX_MS;
    bool resting = rest_state(r, now_ms) != REST_OK;

    if (!told_ms && resting)
        return; /* no news */
    if (!told_ms)
        pause = doubled(REST_COOL_MS, atomic_load(&r->times),
                        REST_COOL_MAX_MS);
    if (begin(r, now_ms, pause, dice))
        atomic_store(&r->parked, 0);
}

bool rest_park(struct rest *r, uint64_t now_ms, uint32_t dice)
{
    if (rest_state(r, now_ms) == REST_PARKED)
        return false;
    if (!begin(r, now_ms,
               doubled(REST_PARK_MS, atomic_load(&r->times), REST_MAX_MS),
               dice))
        return false;
    atomic_store(&r->parked, 1);
    return true;
}

void rest_hold(struct rest *r, uint64_t until_ms)
{
    atomic_store(&r->parked, 1);
    if (!atomic_load(&r->times))
        atomic_store(&r->times, 1);
    atomic_store(&r->until_ms, until_ms);
}

void rest_mended(struct rest *r)
{
    if (!atomic_load_explicit(&r->times, memory_order_relaxed))
        return;
    atomic_store(&r->until_ms, 0);
    atomic_store(&r->times, 0);
}

void rest_served(struct rest *r, uint64_t now_ms)
{
    if (atomic_load_explicit(&r->times, memory_order_relaxed) &&
        rest_state(r, now_ms) == REST_OK)
        atomic_store(&r->times, 0);
}
