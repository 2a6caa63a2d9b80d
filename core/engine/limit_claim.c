/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "engine/limit_claim.h"

#include "engine/metrics.h"
#include "wire/token_guess.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum { SHOWN_NAME = 64, MORE_AT_LEAST = 64 };

/* ---- taking ------------------------------------------------------------- */

static limit_hold held(const struct limit_claim *c, const struct limit_row *row)
{
    for (size_t i = 0; i < c->n; i++) {
        if (c->at[i].hold && limit_row_same(&c->at[i].row, row))
            return c->at[i].hold;
    }
    return 0;
}

static const char *period_name(uint64_t ms)
{
    return ms == 1000 ? "s" : ms == 60000 ? "min" : ms == 3600000 ? "h" : "day";
}

static void tell(struct limit_refusal *why)
{
    const struct limit_row *row = why->row;
    const char *kind = limit_kind_name(row->kind);
    struct str name = row->name;
    char most[48];

    if (name.n > SHOWN_NAME)
        name.n = SHOWN_NAME;
    if (row->period_ms)
        snprintf(most, sizeof most, "%llu/%s", (unsigned long long)row->limit,
                 period_name(row->period_ms));
    else
        snprintf(most, sizeof most, "%llu", (unsigned long long)row->limit);
    snprintf(why->text, sizeof why->text,
             "Rate limit reached: %s per " STR_FMT " '" STR_FMT
             "', limit %s. Try again in %.3f s.", kind, STR_ARG(row->scope),
             STR_ARG(name), most, (double)why->retry_ms / 1000);
}

void limit_refusal_later(struct limit_refusal *why, uint64_t retry_ms)
{
    why->retry_ms = retry_ms;
    tell(why);
}

static int refuse(const struct limit_row *rows, size_t n,
                  const struct limit_state *states, struct limit_refusal *why)
{
    *why = (struct limit_refusal){ .code = ERR_RATE_LIMITED };
    for (size_t i = 0; i < n; i++) {
        if (!states[i].denied ||
            (why->row && states[i].retry_ms <= why->retry_ms))
            continue;
        why->row = &rows[i];
        why->retry_ms = states[i].retry_ms;
    }
    tell(why);
    return -ERR_RATE_LIMITED;
}

/* No cell could be had: the configuration says what that means. */
static int full(const struct limit_claim *c, struct limit_refusal *why)
{
    if (c->full_allows)
        return 0;
    *why = (struct limit_refusal){ .code = ERR_OVERLOADED,
                                   .retry_ms = LIMIT_RETRY_MS };
    snprintf(why->text, sizeof why->text,
             "The gateway has no room to count another caller now.");
    return -ERR_OVERLOADED;
}

static void count(const struct limit_claim *c, int rc,
                  const struct limit_refusal *why)
{
    struct str effect = c->full_allows ? STR("allow") : STR("deny");
    struct str labels[2];

    if (rc != -ERR_RATE_LIMITED) {
        metric_add(METRIC_LIMIT_FULL, &effect, 1);
        return;
    }
    labels[0] = str_of(limit_kind_name(why->row->kind));
    labels[1] = why->row->scope;
    metric_add(METRIC_LIMIT_DENIED, labels, 1);
}

/* The tightest is the one with the least left. */
static void see(struct limit_claim *c, const struct limit_row *row,
                const struct limit_state *s)
{
    struct limit_seen *seen;

    if (row->kind >= LIMIT_CONCURRENT)
        return;
    seen = &c->seen[row->kind];
    if (seen->set && seen->remaining <= s->remaining)
        return;
    *seen = (struct limit_seen){ true, row->limit, s->remaining, s->reset_ms };
}

/* Mostly a request takes once: then as many as it takes. */
static bool room(struct limit_claim *c, size_t n)
{
    struct limit_taken *at;

    if (c->n + n <= c->room)
        return true;
    if (c->n + n > LIMIT_ROWS)
        return false;
    at = arena_alloc(c->arena, (c->n + n) * sizeof *at);
    if (!at)
        return false;
    if (c->n)
        memcpy(at, c->at, c->n * sizeof *at);
    c->at = at;
    c->room = c->n + n;
    return true;
}

/* A copy that lasts as long as the request. */
static bool copy(struct limit_claim *c, const struct limit_row *row,
                 struct limit_taken *to)
{
    *to = (struct limit_taken){ .row = *row };
    if (row->kept)
        return true;
    to->row.name = arena_dup(c->arena, row->name);
    to->row.scope = arena_dup(c->arena, row->scope);
    return (to->row.name.p || !row->name.n) &&
           (to->row.scope.p || !row->scope.n);
}

static int out_of_memory(struct limit_refusal *why)
{
    *why = (struct limit_refusal){ .code = ERR_OVERLOADED };
    snprintf(why->text, sizeof why->text,
             "The request's memory for limits is used up.");
    return -ERR_NOMEM;
}

int limit_claim_take(struct limit_claim *c, const struct limit_row *rows,
                     const bool *finish, size_t n, uint64_t now_ms,
                     struct limit_refusal *why)
{
    struct limit_state states[LIMIT_ROWS];
    limit_hold holds[LIMIT_ROWS];
    bool had[LIMIT_ROWS];
    int rc;

    if (n > LIMIT_ROWS || !room(c, n))
        return out_of_memory(why);
    for (size_t i = 0; i < n; i++) {
        holds[i] = held(c, &rows[i]);
        had[i] = holds[i] != 0;
        if (!copy(c, &rows[i], &c->at[c->n + i]))
            return out_of_memory(why);
    }
    rc = limit_take(c->limiter, rows, n, now_ms, states, holds);
    for (size_t i = 0; i < n && (!rc || rc == -ERR_RATE_LIMITED); i++)
        see(c, &rows[i], &states[i]);
    if (rc) {
        rc = rc == -ERR_RATE_LIMITED ? refuse(rows, n, states, why)
                                     : full(c, why);
        count(c, rc, why);
        return rc;
    }
    for (size_t i = 0, k = c->n; i < n; i++, k++) {
        struct limit_taken *t = &c->at[c->n];

        if (had[i] || !holds[i])
            continue;
        if (k != c->n)
            *t = c->at[k];
        t->hold = holds[i];
        t->finish = finish && finish[i];
        t->remaining = states[i].remaining;
        t->reserved = limit_reserved(c->limiter, holds[i]);
        c->n++;
    }
    return 0;
}

int limit_claim_peek(const struct limit_claim *c, const struct limit_row *rows,
                     size_t n, uint64_t now_ms, struct limit_state *states,
                     struct limit_refusal *why)
{
    struct limit_state own[LIMIT_ROWS];
    limit_hold holds[LIMIT_ROWS];
    int rc;

    if (n > LIMIT_ROWS)
        return out_of_memory(why);
    states = states ? states : own;
    for (size_t i = 0; i < n; i++)
        holds[i] = held(c, &rows[i]);
    rc = limit_peek(c->limiter, rows, n, now_ms, states, holds);
    if (rc == -ERR_RATE_LIMITED)
        return refuse(rows, n, states, why);
    return rc ? full(c, why) : 0;
}

/* ---- while it runs ------------------------------------------------------ */

const struct limit_taken *limit_claim_tokens(const struct limit_claim *c)
{
    for (size_t i = 0; i < c->n; i++) {
        if (c->at[i].row.kind == LIMIT_TOKENS && c->at[i].hold)
            return &c->at[i];
    }
    return NULL;
}

/* An eighth more at a time: few looks at the cell, and little over. */
static bool goes_on(struct limit_claim *c, struct limit_taken *t, uint64_t used,
                    uint64_t now_ms)
{
    uint64_t have = limit_reserved(c->limiter, t->hold);
    uint64_t more = have / 8 > MORE_AT_LEAST ? have / 8 : MORE_AT_LEAST;

    if (used <= have)
        return true;
    more += used - have;
    if (limit_more(c->limiter, t->hold, &t->row, more, now_ms) !=
        -ERR_RATE_LIMITED)
        return true;
    return limit_more(c->limiter, t->hold, &t->row, used - have, now_ms) !=
           -ERR_RATE_LIMITED;
}

uint64_t limit_claim_counted(const struct limit_claim *c)
{
    return (c->counted + TOKEN_PARTS - 1) / TOKEN_PARTS;
}

bool limit_claim_goes_on(struct limit_claim *c, uint64_t now_ms)
{
    uint64_t used = c->input + limit_claim_counted(c);
    bool yes = true;

    for (size_t i = 0; i < c->n; i++) {
        struct limit_taken *t = &c->at[i];

        if (t->row.kind == LIMIT_TOKENS && t->finish && t->hold)
            yes &= goes_on(c, t, used, now_ms);
    }
    return yes;
}

/* ---- the end ------------------------------------------------------------ */

void limit_claim_settle(struct limit_claim *c, uint64_t used, bool requests,
                        uint64_t now_ms)
{
    if (c->settled)
        return;
    c->settled = true;
    c->used = used;
    for (size_t i = 0; i < c->n; i++) {
        struct limit_taken *t = &c->at[i];

        limit_settle(c->limiter, t->hold,
                     t->row.kind == LIMIT_REQUESTS ? requests : used, now_ms);
        t->hold = 0;
    }
}

enum { ROW_TEXT = 256 }; /* of a row, but for its name */

static char *put(char *at, struct str s)
{
    memcpy(at, s.p, s.n);
    return at + s.n;
}

static char *put_number(char *at, struct str name, uint64_t v)
{
    at = put(at, name);
    return at + str_digits(at, v);
}

/* Scopes are words of ours. In one piece: it is done for each request. */
static void write_one(const struct limit_claim *c, const struct limit_taken *t,
                      struct buf *out)
{
    struct str name = t->row.name;
    char *at = buf_reserve(out, ROW_TEXT), *from = at;

    if (!at)
        return;
    at = put(at, STR("{\"limit\":\""));
    at = put(at, str_of(limit_kind_name(t->row.kind)));
    at = put(at, STR("\",\"per\":\""));
    at = put(at, str_cut(t->row.scope, SHOWN_NAME));
    at = put(at, STR("\",\"name\":"));
    buf_commit(out, (size_t)(at - from));
    if (name.n > SHOWN_NAME)
        name.n = SHOWN_NAME;
    buf_json_str(out, name);
    at = from = buf_reserve(out, ROW_TEXT);
    if (!at)
        return;
    at = put_number(at, STR(",\"max\":"), t->row.limit);
    at = put_number(at, STR(",\"left\":"), t->remaining);
    if (t->row.kind == LIMIT_TOKENS) {
        at = put_number(at, STR(",\"reserved\":"), t->reserved);
        at = put_number(at, STR(",\"used\":"), c->used);
    }
    *at++ = '}';
    buf_commit(out, (size_t)(at - from));
}

void limit_claim_write(const struct limit_claim *c, struct buf *out)
{
    buf_putc(out, '[');
    for (size_t i = 0; i < c->n; i++) {
        if (i)
            buf_putc(out, ',');
        write_one(c, &c->at[i], out);
    }
    buf_putc(out, ']');
}

struct str limit_address(struct str ip, char to[64])
{
    static const unsigned char ipv4[12] = { [10] = 0xff, [11] = 0xff };
    unsigned char bytes[16];
    char text[INET6_ADDRSTRLEN];

    if (ip.n >= 46 || !memchr(ip.p, ':', ip.n))
        return ip;
    memcpy(to, ip.p, ip.n);
    to[ip.n] = '\0';
    if (inet_pton(AF_INET6, to, bytes) != 1 ||
        memcmp(bytes, ipv4, sizeof ipv4) == 0)
        return ip;
    memset(bytes + 8, 0, 8);
    if (!inet_ntop(AF_INET6, bytes, text, sizeof text))
        return ip;
    snprintf(to, 64, "%s/64", text);
    return str_of(to);
}
