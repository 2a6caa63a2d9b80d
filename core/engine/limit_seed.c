/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "engine/limit_seed.h"

#include "base/share.h"

#include <stdio.h>
#include <stdlib.h>

#define NS_PER_MS 1000000u

enum { SLOTS = 2 * LIMIT_SEED_NAMES, SPANS = 32, NAME_BYTES = 256 };

/* Where each span begins: seconds ago. The periods of rates are among them. */
static const uint32_t edges[SPANS] = {
    1,   2,   3,   4,   5,   6,   8,    10,   12,   15,   20,
    25,  30,  40,  50,  60,  90,  120,  180,  300,  450,  600,
    900, 1200, 1800, 2700, 3600, 7200, 14400, 21600, 43200, 86400
};

struct seed {
    uint64_t key[2]; /* both 0: free */
    uint64_t tokens[SPANS];
    uint32_t requests[SPANS];
};

struct table {
    uint64_t at_ms; /* 0: nobody has filled it */
    uint64_t left_out;
    uint32_t names;
    struct seed slots[SLOTS];
};

struct limit_seeds {
    struct share share;
    struct table *table;
};

struct limit_seeds *limit_seeds_new(struct err *err)
{
    struct limit_seeds *s = calloc(1, sizeof *s);
    char layout[64];

    if (!s) {
        err_set(err, ERR_NOMEM, "no memory");
        return NULL;
    }
    snprintf(layout, sizeof layout, "seeds 1 slots %d of %zu", SLOTS,
             sizeof(struct seed));
    if (share_open(&s->share, "seeds", layout, sizeof *s->table, err) != 0) {
        free(s);
        return NULL;
    }
    s->table = (struct table *)(void *)s->share.map;
    return s;
}

void limit_seeds_free(struct limit_seeds *s)
{
    if (s)
        share_close(&s->share);
    free(s);
}

void limit_seeds_begin(struct limit_seeds *s, uint64_t now_ms)
{
    s->table->at_ms = now_ms;
}

uint32_t limit_seeds_names(const struct limit_seeds *s)
{
    return s->table->names;
}

uint64_t limit_seeds_left_out(const struct limit_seeds *s)
{
    return s->table->left_out;
}

/* Longer names are cut in the ledger, so they are not known here either. */
static bool key_of(const struct limit_seeds *s, struct str scope,
                   struct str name, uint64_t key[2])
{
    char text[NAME_BYTES];
    int n = snprintf(text, sizeof text, STR_FMT "/" STR_FMT, STR_ARG(scope),
                     STR_ARG(name));

    if (n < 0 || (size_t)n >= sizeof text)
        return false;
    siphash_128(s->share.seed[0], (struct str){ text, (size_t)n }, key);
    key[1] |= 1; /* never free */
    return true;
}

/* The name's slot, or the free one where it belongs; as at most half of them
 * are used there always is one. */
static struct seed *slot_of(const struct limit_seeds *s, const uint64_t key[2])
{
    uint32_t at = (uint32_t)key[0] % SLOTS;

    for (;; at = (at + 1) % SLOTS) {
        struct seed *x = &s->table->slots[at];

        if (!x->key[1] || (x->key[0] == key[0] && x->key[1] == key[1]))
            return x;
    }
}

static int span_of(uint64_t age_ms)
{
    for (int i = 0; i < SPANS; i++) {
        if (age_ms < edges[i] * 1000ull)
            return i;
    }
    return -1;
}

bool limit_seeds_add(struct limit_seeds *s, struct str scope, struct str name,
                     uint64_t age_ms, uint32_t requests, uint64_t tokens)
{
    int span = span_of(age_ms);
    struct seed *x;
    uint64_t key[2];

    if (!name.n || span < 0 || !key_of(s, scope, name, key))
        return true;
    x = slot_of(s, key);
    if (!x->key[1]) {
        if (s->table->names == LIMIT_SEED_NAMES) {
            s->table->left_out++;
            return false;
        }
        s->table->names++;
        x->key[0] = key[0];
        x->key[1] = key[1];
    }
    x->requests[span] += requests;
    if (tokens < LIMIT_MAX && x->tokens[span] < LIMIT_MAX)
        x->tokens[span] += tokens;
    return true;
}

/* ---- a cell -------------------------------------------------------------- */

/* Oldest first: all of a span at its begin, then its time passes. */
static uint64_t ahead_ns(const struct seed *x, uint64_t interval_ns,
                         uint64_t burst)
{
    uint64_t room = burst * interval_ns, ahead = 0;

    for (int i = SPANS; i-- > 0;) {
        uint64_t n = x->requests[i] < burst ? x->requests[i] : burst;
        uint64_t since = i ? edges[i - 1] : 0;
        uint64_t passed = (edges[i] - since) * 1000ull * NS_PER_MS;

        ahead += n * interval_ns;
        ahead = ahead < room ? ahead : room;
        ahead = ahead > passed ? ahead - passed : 0;
    }
    return ahead;
}

static uint64_t tokens_within(const struct seed *x, uint64_t period_ms)
{
    uint64_t sum = 0;

    for (int i = 0; i < SPANS && edges[i] * 1000ull <= period_ms; i++)
        sum += x->tokens[i];
    return sum < LIMIT_MAX ? sum : LIMIT_MAX;
}

void limit_seeds_apply(const struct limit_seeds *s, const struct limit_row *row,
                       uint64_t now_ms, struct limit_cell *c)
{
    const struct table *t = s->table;
    const struct seed *x;
    uint64_t key[2];

    if (!t->at_ms || row->kind == LIMIT_CONCURRENT ||
        !key_of(s, row->scope, row->name, key))
        return;
    x = slot_of(s, key);
    if (!x->key[1])
        return;
    if (row->kind == LIMIT_REQUESTS) {
        c->requests.tat_ns = t->at_ms * NS_PER_MS +
                             ahead_ns(x, limit_interval_ns(row),
                                      limit_burst(row));
        return;
    }
    /* as the bucket before: what was used in one period leaves over the next */
    c->tokens.start_ms = t->at_ms;
    c->tokens.prev = tokens_within(x, row->period_ms);
    c->tokens.cur = 0;
    limit_cell_turn(c, now_ms);
}
