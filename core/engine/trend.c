/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "engine/trend.h"

#include <string.h>

#define FADE_MS 250 /* less than that is not worth a walk over the means */
#define LEAST_RATIO 0.02f /* a target that never failed may fail so often */
#define STILL_RATIO 0.05f

struct mean {
    float value, calls;
};

static struct mean unpack(uint64_t word)
{
    struct mean m;

    memcpy(&m, &word, sizeof m);
    return m;
}

static uint64_t pack(struct mean m)
{
    uint64_t word;

    memcpy(&word, &m, sizeof word);
    return word;
}

_Static_assert(sizeof(struct mean) == sizeof(uint64_t), "one word");

/* 2^(-passed / half), straight between the powers. */
static float faded(uint64_t passed, uint64_t half)
{
    uint64_t times = passed / half;

    if (times > 60)
        return 0;
    return (1.0f - (float)(passed % half) / (float)(2 * half)) /
           (float)(UINT64_C(1) << times);
}

static void fade_one(_Atomic uint64_t *at, float keeps)
{
    uint64_t was = atomic_load_explicit(at, memory_order_relaxed);
    struct mean m;

    do {
        m = unpack(was);
        m.calls *= keeps;
    } while (!atomic_compare_exchange_weak(at, &was, pack(m)));
}

/* Of several who see that time has passed, one lets the means fade. */
static void fade(struct trend *t, uint64_t now_ms)
{
    uint64_t was = atomic_load_explicit(&t->faded_ms, memory_order_relaxed);

    if (now_ms < was + FADE_MS ||
        !atomic_compare_exchange_strong(&t->faded_ms, &was, now_ms))
        return;
    for (int i = 0; was && i < TREND_MEANS; i++)
        fade_one(&t->means[i],
                 faded(now_ms - was, i == TREND_FAIL_FAST ||
                                             i == TREND_FIRST_FAST
                                         ? TREND_FAST_MS
                                         : TREND_SLOW_MS));
}

static struct mean add(_Atomic uint64_t *at, float x)
{
    uint64_t was = atomic_load_explicit(at, memory_order_relaxed);
    struct mean m;

    do {
        m = unpack(was);
        m.calls += 1;
        m.value += (x - m.value) / m.calls;
    } while (!atomic_compare_exchange_weak(at, &was, pack(m)));
    return m;
}

static struct mean get(const struct trend *t, int i)
{
    return unpack(atomic_load_explicit(&t->means[i], memory_order_relaxed));
}

static bool is_known(struct mean fast, struct mean slow)
{
    return fast.calls >= TREND_FLOOR && slow.calls >= TREND_HISTORY;
}

/* Three standard deviations above what it fails otherwise. */
static bool fails_more(struct mean fast, struct mean slow)
{
    float p = slow.value > LEAST_RATIO ? slow.value : LEAST_RATIO;
    float off = fast.value - p;

    return is_known(fast, slow) && off > 0 &&
           off * off * fast.calls > 9 * p * (1 - p);
}

static bool is_slower(struct mean fast, struct mean slow, float times)
{
    return fast.value > TREND_LEAST_MS && fast.value > times * slow.value;
}

static bool got_worse(const struct trend *t)
{
    struct mean fast = get(t, TREND_FIRST_FAST);
    struct mean slow = get(t, TREND_FIRST_SLOW);

    return fails_more(get(t, TREND_FAIL_FAST), get(t, TREND_FAIL_SLOW)) ||
           (is_known(fast, slow) && is_slower(fast, slow, 2));
}

static bool is_still_bad(const struct trend *t)
{
    struct mean fast = get(t, TREND_FAIL_FAST);
    struct mean slow = get(t, TREND_FAIL_SLOW);

    if (fast.calls >= 1 && fast.value > STILL_RATIO &&
        fast.value > 1.3f * slow.value)
        return true;
    fast = get(t, TREND_FIRST_FAST);
    return fast.calls >= 1 &&
           is_slower(fast, get(t, TREND_FIRST_SLOW), 1.3f);
}

enum trend_news trend_add(struct trend *t, uint64_t now_ms, bool failed,
                          uint32_t first_ms)
{
    uint64_t was = atomic_load_explicit(&t->until_ms, memory_order_relaxed);
    bool bad;

    fade(t, now_ms);
    add(&t->means[TREND_FAIL_FAST], failed);
    add(&t->means[TREND_FAIL_SLOW], failed);
    if (first_ms) {
        add(&t->means[TREND_FIRST_FAST], (float)first_ms);
        add(&t->means[TREND_FIRST_SLOW], (float)first_ms);
    }
    bad = was ? is_still_bad(t) && was > now_ms : got_worse(t);
    if (bad && atomic_compare_exchange_strong(&t->until_ms, &was,
                                              now_ms + TREND_CALM_MS))
        return was ? TREND_SAME : TREND_WORSE;
    if (was && was <= now_ms &&
        atomic_compare_exchange_strong(&t->until_ms, &was, 0))
        return TREND_STEADY;
    return TREND_SAME;
}

uint32_t trend_share(const struct trend *t, uint64_t now_ms)
{
    return atomic_load_explicit(&t->until_ms, memory_order_relaxed) > now_ms
               ? TREND_SHARE
               : 1000;
}
