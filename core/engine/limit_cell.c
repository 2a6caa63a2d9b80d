/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "engine/limit_cell.h"

#define NS_PER_MS 1000000u

const char *limit_kind_name(enum limit_kind k)
{
    static const char *const names[LIMIT_KINDS] = {
        [LIMIT_REQUESTS] = "requests",
        [LIMIT_TOKENS] = "tokens",
        [LIMIT_CONCURRENT] = "concurrent",
    };

    return k < LIMIT_KINDS ? names[k] : "?";
}

bool limit_row_same(const struct limit_row *a, const struct limit_row *b)
{
    return a->kind == b->kind && a->period_ms == b->period_ms &&
           (a->kind != LIMIT_REQUESTS || a->limit == b->limit) &&
           str_eq(a->scope, b->scope) && str_eq(a->name, b->name);
}

static uint64_t less(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

/* ---- requests: GCRA ---------------------------------------------------- */

uint64_t limit_interval_ns(const struct limit_row *row)
{
    return (row->period_ms * NS_PER_MS + row->limit - 1) / row->limit;
}

uint64_t limit_burst(const struct limit_row *row)
{
    uint64_t tenth = row->limit / 10;

    if (row->burst)
        return row->burst;
    return tenth ? tenth : 1;
}

static uint64_t ahead_ns(const struct limit_cell *c, uint64_t now_ms)
{
    return less(c->requests.tat_ns, now_ms * NS_PER_MS);
}

static void show_requests(const struct limit_cell *c,
                          const struct limit_row *row, uint64_t now_ms,
                          struct limit_state *out)
{
    uint64_t ahead = ahead_ns(c, now_ms);
    uint64_t room = limit_burst(row) * limit_interval_ns(row);

    out->remaining = less(room, ahead) / limit_interval_ns(row);
    out->reset_ms = (ahead + NS_PER_MS - 1) / NS_PER_MS;
}

static bool check_requests(const struct limit_cell *c,
                           const struct limit_row *row, uint64_t own,
                           uint64_t now_ms, struct limit_state *out)
{
    uint64_t ahead = ahead_ns(c, now_ms) + (own ? 0 : limit_interval_ns(row));
    uint64_t over = less(ahead, limit_burst(row) * limit_interval_ns(row));

    out->retry_ms = (over + NS_PER_MS - 1) / NS_PER_MS;
    return over == 0;
}

static uint64_t take_requests(struct limit_cell *c, const struct limit_row *row,
                              uint64_t now_ms)
{
    uint64_t now_ns = now_ms * NS_PER_MS;

    if (c->requests.tat_ns < now_ns)
        c->requests.tat_ns = now_ns;
    c->requests.tat_ns += limit_interval_ns(row);
    return limit_interval_ns(row);
}

/* ---- tokens: a sliding window of two buckets --------------------------- */

static uint64_t position(const struct limit_cell *c, uint64_t now_ms)
{
    return less(now_ms, c->tokens.start_ms);
}

/* What of the older bucket is still in the window; rounded up. */
static uint64_t weighted(const struct limit_cell *c, uint64_t at)
{
    uint64_t p = c->period_ms;

    return (c->tokens.prev * less(p, at) + p - 1) / p;
}

static uint64_t fixed(const struct limit_cell *c)
{
    return c->tokens.cur + c->tokens.reserved;
}

/* A request that is larger than the limit waits for an empty window, and
 * takes all of it. */
static uint64_t within(const struct limit_row *row, uint64_t want)
{
    want = want ? want : 1;
    return want < row->limit ? want : row->limit;
}

static uint64_t wanted(const struct limit_row *row)
{
    return within(row, row->least ? row->least : row->want);
}

static void show_tokens(const struct limit_cell *c, const struct limit_row *row,
                        uint64_t now_ms, struct limit_state *out)
{
    uint64_t at = position(c, now_ms), p = c->period_ms;

    out->remaining = less(row->limit, weighted(c, at) + fixed(c));
    out->reset_ms = fixed(c) ? 2 * p - at : c->tokens.prev ? p - at : 0;
}

/* From when on is there room, if what is reserved is used and nobody else
 * takes any? In this bucket or in the next. */
static uint64_t wait_ms(const struct limit_cell *c, uint64_t room, uint64_t at)
{
    uint64_t p = c->period_ms;

    if (fixed(c) <= room)
        return less(p - (room - fixed(c)) * p / c->tokens.prev, at);
    return p - at + p - room * p / fixed(c);
}

static bool check_tokens(const struct limit_cell *c,
                         const struct limit_row *row, uint64_t own,
                         uint64_t now_ms, struct limit_state *out)
{
    uint64_t at = position(c, now_ms);
    uint64_t used = weighted(c, at) + fixed(c);

    out->retry_ms = 0;
    if (own && (used <= row->limit || used == own))
        return true;
    if (!own && used + wanted(row) <= row->limit)
        return true;
    out->retry_ms = wait_ms(c, row->limit - (own ? 0 : wanted(row)), at);
    return false;
}

static uint64_t take_tokens(struct limit_cell *c, const struct limit_row *row,
                            uint64_t now_ms)
{
    uint64_t left = less(row->limit,
                         weighted(c, position(c, now_ms)) + fixed(c));
    uint64_t amount = within(row, row->want);

    if (row->least && amount > left)
        amount = left > wanted(row) ? left : wanted(row);
    c->tokens.reserved += amount;
    return amount;
}

/* An empty window begins when it is used: a burst from rest then lies at the
 * begin of a bucket, and what follows it is spread over the next. */
static void turn_tokens(struct limit_cell *c, uint64_t now_ms)
{
    uint64_t at = position(c, now_ms);

    if (at >= 2 * c->period_ms) {
        c->tokens.prev = c->tokens.cur = 0;
    } else if (at >= c->period_ms) {
        c->tokens.prev = c->tokens.cur;
        c->tokens.cur = 0;
        c->tokens.start_ms += c->period_ms;
    }
    if (c->tokens.prev == 0 && c->tokens.cur == 0 &&
        now_ms > c->tokens.start_ms)
        c->tokens.start_ms = now_ms;
}

static void settle_tokens(struct limit_cell *c, uint64_t amount, uint64_t used)
{
    c->tokens.reserved = less(c->tokens.reserved, amount);
    c->tokens.cur += used;
    if (c->tokens.cur > LIMIT_MAX)
        c->tokens.cur = LIMIT_MAX; /* the products above stay in 64 bits */
}

/* ---- by kind ----------------------------------------------------------- */

void limit_cell_turn(struct limit_cell *c, uint64_t now_ms)
{
    if (c->kind == LIMIT_TOKENS)
        turn_tokens(c, now_ms);
}

void limit_cell_show(const struct limit_cell *c, const struct limit_row *row,
                     uint64_t now_ms, struct limit_state *out)
{
    switch ((enum limit_kind)row->kind) {
    case LIMIT_REQUESTS:
        show_requests(c, row, now_ms, out);
        break;
    case LIMIT_TOKENS:
        show_tokens(c, row, now_ms, out);
        break;
    case LIMIT_CONCURRENT:
    case LIMIT_KINDS:
        out->remaining = less(row->limit, c->concurrent.held);
        out->reset_ms = 0;
        break;
    }
}

bool limit_cell_check(const struct limit_cell *c, const struct limit_row *row,
                      uint64_t own, uint64_t now_ms, struct limit_state *out)
{
    bool ok = false;

    switch ((enum limit_kind)row->kind) {
    case LIMIT_REQUESTS:
        ok = check_requests(c, row, own, now_ms, out);
        break;
    case LIMIT_TOKENS:
        ok = check_tokens(c, row, own, now_ms, out);
        break;
    case LIMIT_CONCURRENT:
    case LIMIT_KINDS:
        ok = c->concurrent.held + (own ? 0 : 1) <= row->limit;
        out->retry_ms = ok ? 0 : LIMIT_RETRY_MS;
        break;
    }
    out->denied = !ok;
    return ok;
}

uint64_t limit_cell_take(struct limit_cell *c, const struct limit_row *row,
                         uint64_t now_ms)
{
    switch ((enum limit_kind)row->kind) {
    case LIMIT_REQUESTS:
        return take_requests(c, row, now_ms);
    case LIMIT_TOKENS:
        return take_tokens(c, row, now_ms);
    case LIMIT_CONCURRENT:
    case LIMIT_KINDS:
        break;
    }
    c->concurrent.held++;
    return 1;
}

void limit_cell_settle(struct limit_cell *c, uint64_t amount, uint64_t used)
{
    switch ((enum limit_kind)c->kind) {
    case LIMIT_REQUESTS:
        if (used == 0)
            c->requests.tat_ns = less(c->requests.tat_ns, amount);
        break;
    case LIMIT_TOKENS:
        settle_tokens(c, amount, used);
        break;
    case LIMIT_CONCURRENT:
    case LIMIT_KINDS:
        c->concurrent.held = less(c->concurrent.held, 1);
        break;
    }
}

bool limit_cell_idle(const struct limit_cell *c, uint64_t now_ms)
{
    switch ((enum limit_kind)c->kind) {
    case LIMIT_REQUESTS:
        return ahead_ns(c, now_ms) == 0;
    case LIMIT_TOKENS:
        return fixed(c) == 0 && c->tokens.prev == 0;
    case LIMIT_CONCURRENT:
    case LIMIT_KINDS:
        break;
    }
    return c->concurrent.held == 0;
}
