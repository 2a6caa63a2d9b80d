/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "engine/speed.h"

#include <stdbool.h>

#define VALUE_BITS 24
#define VALUE_MASK ((1u << VALUE_BITS) - 1)
#define ONE 65536u

/* v * 2^(-passed / half), straight between the powers. */
static uint32_t halved(uint32_t v, uint64_t passed, uint32_t half)
{
    uint64_t times = passed / half, rest = passed % half;

    if (times > VALUE_BITS)
        return 0;
    v >>= times;
    return v - (uint32_t)(v * rest / (2 * (uint64_t)half));
}

static uint64_t passed_since(uint64_t word, uint64_t now_ms)
{
    uint64_t then = word >> VALUE_BITS;

    return now_ms > then ? now_ms - then : 0;
}

static uint32_t value_at(uint64_t word, uint64_t now_ms)
{
    uint32_t v = halved((uint32_t)(word & VALUE_MASK),
                        passed_since(word, now_ms), SPEED_IDLE_MS);

    return v || !word ? v : 1;
}

uint32_t speed_now(const struct speed *s, uint64_t now_ms)
{
    return value_at(atomic_load_explicit(&s->word, memory_order_relaxed),
                    now_ms);
}

/* What the average becomes. */
static uint32_t mixed(uint64_t word, uint64_t now_ms, uint32_t sample)
{
    uint32_t was = value_at(word, now_ms), keeps;

    if (sample >= was)
        return sample;
    keeps = halved(ONE, passed_since(word, now_ms), SPEED_HALF_MS);
    return sample + (uint32_t)((uint64_t)(was - sample) * keeps / ONE);
}

static uint32_t units(uint64_t ms)
{
    if (!ms)
        return 1;
    return (uint32_t)(ms < SPEED_MAX_MS ? ms : SPEED_MAX_MS) * SPEED_UNITS;
}

static void add(struct speed *s, uint64_t now_ms, uint32_t sample, bool failed)
{
    uint64_t was = atomic_load_explicit(&s->word, memory_order_relaxed), at;
    uint32_t v, twice;

    do {
        v = sample;
        twice = 2 * value_at(was, now_ms);
        if (failed && twice > v)
            v = twice < units(SPEED_MAX_MS) ? twice : units(SPEED_MAX_MS);
        at = was >> VALUE_BITS; /* another's clock may be read later */
        at = at > now_ms ? at : now_ms;
    } while (!atomic_compare_exchange_weak(
        &s->word, &was, at << VALUE_BITS | mixed(was, now_ms, v)));
}

void speed_heard(struct speed *s, uint64_t now_ms, uint64_t first_ms)
{
    add(s, now_ms, units(first_ms), false);
}

void speed_failed(struct speed *s, uint64_t now_ms, uint64_t spent_ms)
{
    add(s, now_ms,
        units(spent_ms > SPEED_FAILED_MS ? spent_ms : SPEED_FAILED_MS), true);
}
