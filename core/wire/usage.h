/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What an answer took, in the neutral form: tokens, those of the input disjoint
 * (as the SDK's ps_usage), the tier and the searches. */
#ifndef PENSTOCK_WIRE_USAGE_H
#define PENSTOCK_WIRE_USAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What the provider says it served the request at. */
enum usage_tier { TIER_STANDARD, TIER_FLEX, TIER_PRIORITY, TIER_BATCH,
                  USAGE_TIERS };

/** "flex"; NULL for none of them. */
static inline const char *usage_tier_name(int tier)
{
    static const char *const names[] = { "standard", "flex", "priority",
                                         "batch" };

    return tier >= 0 && tier < USAGE_TIERS ? names[tier] : NULL;
}

struct usage {
    int64_t input, cache_read, cache_write; /* -1 = not reported */
    int64_t output, reasoning;     /* reasoning is part of output */
    int64_t cache_write_1h;        /* part of cache_write: kept for an hour */
    uint32_t tier;                 /* enum usage_tier */
    uint32_t searches; /* ranks, where they are what is billed; 0 = none */
};

#define USAGE_NONE ((struct usage){ -1, -1, -1, -1, -1, -1, 0, 0 })
enum { USAGE_SEARCHES_MAX = 0xFFFFFF };

/** Did the provider say anything of what is billed? */
static inline bool usage_reported(const struct usage *u)
{
    return u->input >= 0 || u->output >= 0 || u->searches;
}

/** Fields of `from` that are reported replace those of `to`. */
static inline void usage_merge(struct usage *to, const struct usage *from)
{
    if (from->input >= 0)
        to->input = from->input;
    if (from->cache_read >= 0)
        to->cache_read = from->cache_read;
    if (from->cache_write >= 0)
        to->cache_write = from->cache_write;
    if (from->output >= 0)
        to->output = from->output;
    if (from->reasoning >= 0)
        to->reasoning = from->reasoning;
    if (from->cache_write_1h >= 0)
        to->cache_write_1h = from->cache_write_1h;
    if (from->tier)
        to->tier = from->tier;
    if (from->searches)
        to->searches = from->searches;
}

#endif
