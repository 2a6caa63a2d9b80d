/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "flow/limits_hold.h"

#include "engine/config_unit.h"
#include "wire/ratelimit.h"

struct limit_claim *limits_claim(struct request *r)
{
    r->claim.limiter = r->flow->env.limiter;
    r->claim.full_allows = r->gen->config->limiter.full_allows;
    r->claim.arena = r->arena;
    return r->claim.limiter ? &r->claim : NULL;
}

/* ---- what the principal carries ----------------------------------------- */

/* Who takes what a principal carries. */
enum taker { TAKER_CORE, TAKER_POLICY, TAKER_NOBODY };

static enum taker taker(const struct config *c)
{
    for (size_t i = 0; i < c->n_policies; i++) {
        if (str_is(c->policies[i].name, "limits"))
            return c->policies[i].observe ? TAKER_NOBODY : TAKER_POLICY;
    }
    return TAKER_CORE;
}

struct rows {
    struct limit_row at[LIMIT_ROWS];
    size_t n;
};

static void add_rate(struct rows *rows, enum limit_kind kind, struct str rate,
                     struct limit_row row)
{
    row.kind = kind;
    if (rate.n && rows->n < LIMIT_ROWS &&
        conf_rate(rate, &row.limit, &row.period_ms))
        rows->at[rows->n++] = row;
}

static void add(struct request *r, struct rows *rows, const char *scope,
                struct str name, const struct conf_limits *l)
{
    struct limit_row row = { .scope = str_of(scope), .name = name, .want = 1,
                             .kept = true };

    if (!name.n)
        return;
    add_rate(rows, LIMIT_REQUESTS, l->requests, row);
    if (l->concurrent && rows->n < LIMIT_ROWS) {
        row.kind = LIMIT_CONCURRENT;
        row.limit = l->concurrent;
        rows->at[rows->n++] = row;
    }
    row.want = l->tokens.n
                   ? limit_claim_want(&r->claim, &(struct limit_wish){
                         .dialect = r->endpoint->dialect,
                         .endpoint = str_of(r->endpoint->name),
                         .body = &r->json,
                         .model = r->facts.model,
                         .max_tokens = r->facts.max_tokens })
                   : 0;
    if (row.want)
        add_rate(rows, LIMIT_TOKENS, l->tokens, row);
}

static enum step refused(struct request *r, const struct limit_refusal *why)
{
    err_set(&r->err, why->code, "%s", why->text);
    r->retry_after_ms = why->retry_ms;
    return request_fail(r, r->err.code, "client");
}

enum step limits_enforce(struct request *r, enum step next)
{
    const struct principal *p = r->principal;
    enum taker who = taker(r->gen->config);
    struct limit_refusal why;
    struct rows rows; /* long: not cleared */

    rows.n = 0;
    if (!p || who == TAKER_NOBODY || !limits_claim(r))
        return next;
    if (who == TAKER_CORE) {
        add(r, &rows, "key", p->key.n ? p->key : p->id, &p->limits);
        add(r, &rows, "team", p->team, &p->team_limits);
    }
    for (size_t i = 1; i < p->n_teams; i++) /* those above it */
        add(r, &rows, "team", p->teams[i].name, &p->teams[i].limits);
    if (rows.n && limit_claim_take(&r->claim, rows.at, NULL, rows.n,
                                   clock_mono_ms(), &why))
        return refused(r, &why);
    return next;
}

/* ---- the end ------------------------------------------------------------ */

static uint64_t reported(int64_t n)
{
    return n > 0 ? (uint64_t)n : 0;
}

/* Tokens that it came to: what the provider says; of an answer that was left
 * in the middle, or says nothing, what was counted of it. */
static uint64_t used(const struct request *r)
{
    const struct usage *u = &r->usage;
    bool some = r->answer.content_sent || r->answer.events > 0;
    uint64_t output = reported(u->output), counted, input;

    if (r->polite || (!some && u->input < 0 && u->output < 0))
        return 0;
    input = reported(u->input) + reported(u->cache_read) +
            reported(u->cache_write);
    if (u->input < 0)
        input = r->claim.input;
    counted = limit_claim_counted(&r->claim);
    if ((r->cancelled || u->output < 0) && counted > output)
        output = counted;
    return input + output;
}

/* One that the caller spoilt counts: else it could be sent without end. */
static bool counts(const struct request *r)
{
    if (!r->err.code || r->answer.content_sent)
        return true;
    if (r->n_attempts == 0 && (r->err.code == ERR_RATE_LIMITED ||
                               r->err.code == ERR_BUDGET_EXCEEDED))
        return false;
    return strcmp(r->side, "client") == 0;
}

void limits_settle(struct request *r)
{
    struct limit_claim *c = &r->claim;

    if (!c->n || c->settled)
        return;
    if (c->input && !r->err.code && !r->cancelled && r->usage.output >= 0)
        limit_learn(c->limiter, r->facts.model, (uint64_t)r->usage.output);
    limit_claim_settle(c, used(r), counts(r), clock_mono_ms());
}

/* ---- headers ------------------------------------------------------------ */

struct fields {
    struct request *r;
    struct http_header *h;
    size_t n, max;
    char *digits; /* room for the next number, in the arena */
    bool others;  /* some of these names may be there */
};

static size_t without(struct http_header *h, size_t n, struct str name)
{
    size_t kept = 0;

    for (size_t i = 0; i < n; i++) {
        if (h[i].name.n == name.n && str_ieq(h[i].name, name))
            continue;
        if (kept != i)
            h[kept] = h[i];
        kept++;
    }
    return kept;
}

/* One look at each field in the place of one for each of ours: these names
 * begin so in all dialects. */
static bool has_others(const struct http_header *h, size_t n)
{
    const struct str starts[] = { STR("x-ratelimit-"),
                                  STR("anthropic-ratelimit-") };

    for (size_t i = 0; i < n; i++) {
        for (int k = 0; k < 2; k++) {
            struct str name = h[i].name;

            if (name.n <= starts[k].n ||
                (name.p[0] | 0x20) != starts[k].p[0])
                continue;
            name.n = starts[k].n;
            if (str_ieq(name, starts[k]))
                return true;
        }
    }
    return false;
}

static void put(struct fields *f, enum limit_kind kind,
                enum ratelimit_what what, struct str value)
{
    enum ratelimit_of of =
        kind == LIMIT_REQUESTS ? RATELIMIT_REQUESTS : RATELIMIT_TOKENS;
    struct http_header h = {
        str_of(ratelimit_name(f->r->endpoint->dialect, of, what)), value };

    if (!value.p)
        return;
    if (f->others)
        f->n = without(f->h, f->n, h.name);
    if (f->n < f->max)
        f->h[f->n++] = h;
}

enum { NUMBERS = 2 * LIMIT_CONCURRENT }; /* limit, remaining; of each kind */

static struct str number(struct fields *f, uint64_t n)
{
    struct str s = STR_NULL;

    if (!f->digits)
        f->digits = arena_alloc(f->r->arena, NUMBERS * STR_DIGITS);
    if (!f->digits)
        return s;
    s.p = f->digits;
    s.n = str_digits(f->digits, n);
    f->digits += s.n;
    return s;
}

static void put_seen(struct fields *f, enum limit_kind kind,
                     const struct limit_seen *s)
{
    struct request *r = f->r;
    enum dialect d = r->endpoint->dialect;
    uint64_t now_ms = dialect_is_anthropic(d) ? clock_wall_ms() : 0;

    put(f, kind, RATELIMIT_LIMIT, number(f, s->limit));
    put(f, kind, RATELIMIT_REMAINING, number(f, s->remaining));
    put(f, kind, RATELIMIT_RESET,
        ratelimit_reset(d, s->reset_ms, now_ms, r->arena));
}

size_t limits_headers(struct request *r, struct http_header *h, size_t n,
                      size_t max)
{
    struct fields f = { .r = r, .h = h, .n = n, .max = max,
                        .others = has_others(h, n) };

    for (int kind = 0; r->endpoint && kind < LIMIT_CONCURRENT; kind++) {
        if (r->claim.seen[kind].set)
            put_seen(&f, (enum limit_kind)kind, &r->claim.seen[kind]);
    }
    return f.n;
}
