/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The arithmetic: disjoint counts times prices, in 128 bits, rounded once. */
#include "engine/price.h"

enum { PICO_PER_NANO = 1000, PICO_PER_MICRO = 1000000, DECIMALS = 6 };

static int64_t or_else(int64_t price, int64_t other)
{
    return price >= 0 ? price : other;
}

/* What `over` lists takes the place of what `p` does. */
static void overlay(struct price *p, const struct price *over)
{
    p->input = or_else(over->input, p->input);
    p->output = or_else(over->output, p->output);
    p->cache_read = or_else(over->cache_read, p->cache_read);
    p->cache_write_5m = or_else(over->cache_write_5m, p->cache_write_5m);
    p->cache_write_1h = or_else(over->cache_write_1h, p->cache_write_1h);
    p->reasoning = or_else(over->reasoning, p->reasoning);
    p->search = or_else(over->search, p->search);
}

static int64_t count(int64_t n)
{
    return n > 0 ? n : 0;
}

/* A tier's prices are known where it lists them, for sizes below the first
 * step; what a large request costs at it nobody says. */
static bool take_tier(struct price *p, const struct price_row *row,
                      uint32_t tier, bool stepped)
{
    if (tier == TIER_STANDARD || row->any_tier)
        return true;
    if (tier >= USAGE_TIERS || row->tiers[tier].input < 0 || stepped)
        return false;
    overlay(p, &row->tiers[tier]);
    return true;
}

/* The prices of a request of that size and tier, defaults filled in. */
static bool price_of(const struct price_row *row, const struct usage *u,
                     struct price *out)
{
    struct price p = row->base;
    bool stepped = false;
    int64_t size = count(u->input) + count(u->cache_read) +
                   count(u->cache_write);

    for (size_t i = 0; i < row->n_steps; i++) {
        if (size > row->steps[i].above) {
            overlay(&p, &row->steps[i].price);
            stepped = true;
        }
    }
    if (!take_tier(&p, row, u->tier, stepped))
        return false;
    p.cache_read = or_else(p.cache_read, p.input);
    p.cache_write_5m = or_else(p.cache_write_5m, p.input);
    p.cache_write_1h = or_else(p.cache_write_1h, p.cache_write_5m);
    p.reasoning = or_else(p.reasoning, p.output);
    *out = p;
    return true;
}

/* `hour` and `thought` are parts of others, and never more than those. */
int64_t price_cost(const struct price_row *row, const struct usage *u)
{
    int64_t written = count(u->cache_write), hour = count(u->cache_write_1h);
    int64_t out = count(u->output), thought = count(u->reasoning);
    struct price p;
    __int128 sum = 0;

    if (!row || !usage_reported(u) || !price_of(row, u, &p))
        return -1;
    if (hour > written)
        written = hour;
    if (thought > out)
        out = thought;
    const struct {
        int64_t n, price;
    } parts[] = {
        { count(u->input), p.input },
        { count(u->cache_read), p.cache_read },
        { written - hour, p.cache_write_5m },
        { hour, p.cache_write_1h },
        { out - thought, p.output },
        { thought, p.reasoning },
        { u->searches, p.search },
    };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (parts[i].n && parts[i].price < 0) {
            if (u->searches == 0 || p.search < 0)
                return -1;
            continue;
        }
        sum += (__int128)parts[i].n * parts[i].price;
    }
    sum = (sum + PICO_PER_NANO / 2) / PICO_PER_NANO;
    return sum > INT64_MAX ? INT64_MAX : (int64_t)sum;
}

static bool digit(struct str *s, int *d)
{
    if (s->n == 0 || s->p[0] < '0' || s->p[0] > '9')
        return false;
    *d = s->p[0] - '0';
    s->p++;
    s->n--;
    return true;
}

/* A number with `unit` behind it, in millionths. */
static bool parse(struct str s, const char *unit, int64_t *millionths)
{
    int64_t v = 0;
    int d, n = 0, decimals = 0;

    for (; digit(&s, &d) && n < 7; n++)
        v = v * 10 + d;
    if (n == 0 || n >= 7)
        return false;
    if (s.n && s.p[0] == '.') {
        s.p++;
        s.n--;
        for (; decimals < DECIMALS && digit(&s, &d); decimals++)
            v = v * 10 + d;
        if (decimals == 0)
            return false;
    }
    for (; decimals < DECIMALS; decimals++)
        v *= 10;
    *millionths = v;
    return str_is(s, unit);
}

/* 1 USD/Mtok is a millionth of a USD a token: 10^6 pico-USD, so the sixth
 * decimal is one pico-USD. */
bool price_parse(struct str s, int64_t *pico)
{
    return parse(s, " USD/Mtok", pico);
}

bool price_parse_search(struct str s, int64_t *pico)
{
    int64_t micro;

    if (!parse(s, " USD/search", &micro))
        return false;
    *pico = micro * PICO_PER_MICRO;
    return true;
}
