/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What a try cost. Prices are data (plugins/catalogue/prices.json, and the
 * configuration's `price` blocks over it); the loader puts those that the
 * configured providers need into the bundle's section "prices", whose hash is
 * their version. Money is whole nano-USD; prices are pico-USD per token, for
 * one token of 0.0375 USD/Mtok is 37.5 nano-USD. docs/design/ledger.md.
 */
#ifndef PENSTOCK_ENGINE_PRICE_H
#define PENSTOCK_ENGINE_PRICE_H

#include "base/err.h"
#include "base/str.h"
#include "wire/usage.h"

/** Pico-USD per token, of `search` per search; -1 = not listed. */
struct price {
    int64_t input, output, cache_read, cache_write_5m, cache_write_1h;
    int64_t reasoning, search;
};

#define PRICE_NONE ((struct price){ -1, -1, -1, -1, -1, -1, -1 })
enum { PRICE_STEPS = 4, PRICE_VERSION_BYTES = 16, PRICE_KEY_MAX = 255 };

/** Prices of a whole request whose input, caches and all, is above `above`
 * tokens; what it does not list is as below it. */
struct price_step {
    int64_t above;
    struct price price;
};

/** Of one model. */
struct price_row {
    struct price base;
    struct price_step steps[PRICE_STEPS]; /* by rising `above` */
    size_t n_steps;
    bool any_tier; /* base holds whatever the tier */
    struct price tiers[USAGE_TIERS]; /* what a service tier lists itself */
};

/**
 * Nano-USD, rounded half up; -1 = unknown: nothing was reported, or there is
 * no price of what was, or none of its tier. A price that is not listed:
 * cache_read and cache_write_5m as input (never 0), cache_write_1h as
 * cache_write_5m, reasoning as output; where searches have their price, tokens
 * that have none are free.
 * Cost: about 20 ns.
 */
int64_t price_cost(const struct price_row *row, const struct usage *u);

/** "2.5 USD/Mtok" as pico-USD per token; at most 6 decimals. */
bool price_parse(struct str s, int64_t *pico);
/** The same of "0.002 USD/search", per search. */
bool price_parse_search(struct str s, int64_t *pico);

struct price_table;

/** From the section's JSON. NULL with *err: SYNTAX, NOMEM. */
struct price_table *price_table_new(struct str section, struct err *err);
void price_table_free(struct price_table *t);

/**
 * Of an upstream model at a configured provider: by its name, else by the
 * longest "prefix*"; NULL = unknown. O(lengths of prefixes).
 */
const struct price_row *price_find(const struct price_table *t,
                                   struct str provider, struct str model);

/** Which prices these are; NUL-terminated hexadecimal. */
const char *price_version(const struct price_table *t);

#endif
