/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The word: state in 2 bits, times opened in a row in 6, probes won in 8, and
 * a time in 48: until when it is open, or since when it is closed (0: always).
 * A bucket: 22 bits of its number, then three counts of 14 bits: all, failed,
 * slow. A count that is full stops the bucket, which keeps the ratio.
 */
#include "engine/breaker.h"

#define COUNT_MAX 0x3fffu
#define NUMBER_MASK 0x3fffffu
#define TIME_MASK ((UINT64_C(1) << 48) - 1)
#define OPENED_MAX 63u
#define RAMP_LEAST 100 /* per mille */
#define USUAL_STEP 32  /* the median moves by this part of itself */

struct word {
    enum breaker_state state;
    uint32_t opened, wins;
    uint64_t at_ms;
};

struct counts {
    uint32_t all, bad, slow;
};

static struct word unpack(uint64_t w)
{
    return (struct word){ (enum breaker_state)(w >> 62),
                          (uint32_t)(w >> 56) & OPENED_MAX,
                          (uint32_t)(w >> 48) & 0xff, w & TIME_MASK };
}

static uint64_t pack(struct word w)
{
    return (uint64_t)w.state << 62 | (uint64_t)w.opened << 56 |
           (uint64_t)w.wins << 48 | (w.at_ms & TIME_MASK);
}

static bool move(struct breaker *b, uint64_t from, struct word to)
{
    return atomic_compare_exchange_strong(&b->word, &from, pack(to));
}

static void forget(struct breaker *b)
{
    for (int i = 0; i < BREAKER_BUCKETS; i++)
        atomic_store(&b->buckets[i], 0);
    atomic_store(&b->row, 0);
}

/* ---- what it looks like ------------------------------------------------ */

enum breaker_state breaker_state(const struct breaker *b, uint64_t now_ms)
{
    struct word w = unpack(atomic_load(&b->word));

    return w.state == BREAKER_OPEN && now_ms >= w.at_ms ? BREAKER_HALF
                                                        : w.state;
}

const char *breaker_state_name(enum breaker_state s)
{
    static const char *const names[] = { "closed", "open", "half_open" };

    return names[s <= BREAKER_HALF ? s : BREAKER_CLOSED];
}

uint64_t breaker_wait_ms(const struct breaker *b, uint64_t now_ms)
{
    struct word w = unpack(atomic_load(&b->word));

    return w.state == BREAKER_OPEN && w.at_ms > now_ms ? w.at_ms - now_ms : 0;
}

static uint32_t ramp(struct word w, uint64_t now_ms)
{
    uint64_t past = now_ms > w.at_ms ? now_ms - w.at_ms : 0;

    if (!w.at_ms || past >= BREAKER_RAMP_MS)
        return 1000;
    return RAMP_LEAST +
           (uint32_t)(past * (1000 - RAMP_LEAST) / BREAKER_RAMP_MS);
}

uint32_t breaker_share(const struct breaker *b, uint64_t now_ms)
{
    struct word w = unpack(atomic_load(&b->word));

    if (w.state == BREAKER_CLOSED)
        return ramp(w, now_ms);
    if (w.state == BREAKER_OPEN && now_ms < w.at_ms)
        return 0;
    return atomic_load(&b->probe) ? 0 : 1000;
}

/* ---- counting ---------------------------------------------------------- */

static void count(struct breaker *b, uint64_t now_ms, bool bad, bool slow)
{
    uint64_t number = now_ms / BREAKER_BUCKET_MS;
    _Atomic uint64_t *cell = &b->buckets[number % BREAKER_BUCKETS];
    uint64_t was = atomic_load_explicit(cell, memory_order_relaxed), is;

    number = (number & NUMBER_MASK) << 42;
    do {
        is = (was & ~((UINT64_C(1) << 42) - 1)) == number ? was : number;
        if (((is >> 28) & COUNT_MAX) == COUNT_MAX)
            return;
        is += UINT64_C(1) << 28 | (uint64_t)bad << 14 | slow;
    } while (!atomic_compare_exchange_weak(cell, &was, is));
}

static struct counts sum(const struct breaker *b, uint64_t now_ms)
{
    uint64_t now = now_ms / BREAKER_BUCKET_MS, age;
    struct counts c = { 0 };

    for (int i = 0; i < BREAKER_BUCKETS; i++) {
        uint64_t cell = atomic_load_explicit(&b->buckets[i],
                                             memory_order_relaxed);

        age = (now - (cell >> 42)) & NUMBER_MASK;
        if (age >= BREAKER_BUCKETS)
            continue;
        c.all += (uint32_t)(cell >> 28) & COUNT_MAX;
        c.bad += (uint32_t)(cell >> 14) & COUNT_MAX;
        c.slow += (uint32_t)cell & COUNT_MAX;
    }
    return c;
}

static bool is_too_much(struct counts c)
{
    uint32_t good = c.all - c.bad;

    return (c.all >= BREAKER_FLOOR && c.bad * 100 >= c.all * BREAKER_BAD_PCT) ||
           (good >= BREAKER_FLOOR && c.slow * 100 >= good * BREAKER_SLOW_PCT);
}

/* Slow against what is usual; and what is usual moves a step towards it. Two
 * workers at once may lose a step, which the next one makes good. */
static bool is_slow(struct breaker *b, uint32_t first_ms)
{
    uint32_t usual = atomic_load(&b->usual_ms), step = usual / USUAL_STEP + 1;
    uint64_t most = (uint64_t)usual * BREAKER_SLOW_TIMES;
    uint32_t to = usual;

    if (!usual)
        to = first_ms;
    else if (first_ms > usual)
        to = usual + step;
    else if (first_ms < usual && usual > step)
        to = usual - step;
    if (to != usual)
        atomic_store(&b->usual_ms, to);
    return first_ms > (most > BREAKER_SLOW_MS ? most : BREAKER_SLOW_MS);
}

/* ---- transitions ------------------------------------------------------- */

/* 10 s x 2^n, at most 300 s, and a fifth more or less. */
static uint64_t open_ms(uint32_t n, uint32_t dice)
{
    uint64_t ms = (uint64_t)BREAKER_OPEN_MS << (n < 5 ? n : 5);

    ms = ms < BREAKER_OPEN_MAX_MS ? ms : BREAKER_OPEN_MAX_MS;
    ms = ms * 4 / 5 + ms * 2 / 5 * (dice % 1024) / 1023;
    return ms < BREAKER_OPEN_MAX_MS ? ms : BREAKER_OPEN_MAX_MS;
}

static bool open_it(struct breaker *b, uint64_t now_ms, uint64_t was,
                    uint32_t dice)
{
    struct word from = unpack(was);
    struct word to = { .state = BREAKER_OPEN };

    /* who falls again before the ramp is over has not been well since */
    if (from.state == BREAKER_CLOSED && ramp(from, now_ms) == 1000)
        from.opened = 0;
    to.opened = from.opened < OPENED_MAX ? from.opened + 1 : OPENED_MAX;
    to.at_ms = now_ms + open_ms(from.opened, dice);
    if (!move(b, was, to))
        return false;
    forget(b);
    return true;
}

static bool win(struct breaker *b, uint64_t now_ms, uint64_t was)
{
    struct word w = unpack(was);

    w.wins++;
    if (w.wins < BREAKER_WINS) {
        move(b, was, w);
        return false;
    }
    w = (struct word){ BREAKER_CLOSED, w.opened, 0, now_ms };
    if (!move(b, was, w))
        return false;
    forget(b);
    return true;
}

/* Take the slot of a half-open one. Another probe may have ended between the
 * look and the grip, so the word is looked at again with the slot in hand. */
static bool grip(struct breaker *b, uint64_t holder)
{
    uint64_t nobody = 0;

    if (!atomic_compare_exchange_strong(&b->probe, &nobody, holder))
        return false;
    if (unpack(atomic_load(&b->word)).state == BREAKER_HALF)
        return true;
    breaker_leave(b, holder);
    return false;
}

bool breaker_enter(struct breaker *b, uint64_t now_ms, uint64_t holder,
                   uint32_t dice, uint64_t *probe)
{
    uint64_t was = atomic_load(&b->word);
    struct word w = unpack(was);

    *probe = 0;
    if (w.state == BREAKER_CLOSED)
        return dice % 1000 < ramp(w, now_ms);
    if (w.state == BREAKER_OPEN) {
        if (now_ms < w.at_ms)
            return false;
        /* whoever is first; a slot left from before is of a late call */
        w = (struct word){ BREAKER_HALF, w.opened, 0, now_ms };
        move(b, was, w);
    }
    if (!grip(b, holder))
        return false;
    *probe = holder;
    return true;
}

void breaker_leave(struct breaker *b, uint64_t probe)
{
    if (probe)
        atomic_compare_exchange_strong(&b->probe, &probe, 0);
}

static bool judge_probe(struct breaker *b, uint64_t now_ms, uint64_t probe,
                        enum breaker_verdict v, uint32_t dice)
{
    uint64_t was = atomic_load(&b->word);
    bool changed = false;

    if (atomic_load(&b->probe) != probe)
        return false; /* it was taken from us: late */
    if (unpack(was).state == BREAKER_HALF && v == BREAKER_GOOD)
        changed = win(b, now_ms, was);
    else if (unpack(was).state == BREAKER_HALF && v != BREAKER_NONE)
        changed = open_it(b, now_ms, was, dice);
    breaker_leave(b, probe);
    return changed;
}

bool breaker_judge(struct breaker *b, uint64_t now_ms, uint64_t probe,
                   enum breaker_verdict v, uint32_t first_ms, uint32_t dice)
{
    uint64_t was = atomic_load(&b->word);
    bool slow = false;
    uint32_t row = 0;

    if (probe)
        return judge_probe(b, now_ms, probe, v, dice);
    if (v == BREAKER_NONE || unpack(was).state != BREAKER_CLOSED)
        return false;
    if (v == BREAKER_GOOD) {
        slow = first_ms && is_slow(b, first_ms);
        if (atomic_load(&b->row))
            atomic_store(&b->row, 0);
    } else if (v == BREAKER_BAD) {
        row = atomic_fetch_add(&b->row, 1) + 1;
    }
    count(b, now_ms, v != BREAKER_GOOD, slow);
    if (row < BREAKER_ROW && (v == BREAKER_GOOD && !slow))
        return false;
    if (row < BREAKER_ROW && !is_too_much(sum(b, now_ms)))
        return false;
    return open_it(b, now_ms, was, dice);
}

bool breaker_trip(struct breaker *b, uint64_t now_ms, uint32_t dice)
{
    uint64_t was = atomic_load(&b->word);

    return unpack(was).state == BREAKER_CLOSED &&
           open_it(b, now_ms, was, dice);
}

void breaker_hold(struct breaker *b, uint64_t now_ms, uint64_t ms)
{
    uint64_t was = atomic_load(&b->word);
    struct word w = unpack(was);

    if (w.state == BREAKER_CLOSED ||
        (w.state == BREAKER_HALF && atomic_load(&b->probe)) ||
        (w.state == BREAKER_OPEN && w.at_ms >= now_ms + ms))
        return;
    w.state = BREAKER_OPEN;
    w.wins = 0;
    w.at_ms = now_ms + ms;
    move(b, was, w);
}

void breaker_hasten(struct breaker *b, uint64_t now_ms)
{
    uint64_t was = atomic_load(&b->word);
    struct word w = unpack(was);

    if (w.state != BREAKER_OPEN || w.at_ms <= now_ms)
        return;
    w.at_ms = now_ms;
    move(b, was, w);
}

void breaker_reap(struct breaker *b, uint32_t process)
{
    uint64_t holder = atomic_load(&b->probe);

    if (holder >> 32 == process)
        breaker_leave(b, holder);
}
