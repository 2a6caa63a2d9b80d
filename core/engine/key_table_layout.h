/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The bytes of a key table, for its maker and its reader, which are of one
 * build: sections "head", "index" (a power of two of slots, at most half of
 * them taken), "rows" and "teams". A row is its fixed head, then its texts,
 * each a 32-bit length and the bytes; rows begin at multiples of 8.
 */
#ifndef PENSTOCK_ENGINE_KEY_TABLE_LAYOUT_H
#define PENSTOCK_ENGINE_KEY_TABLE_LAYOUT_H

#include "engine/key_table.h"

#define KEY_TABLE_KIND "keys"
#define KEY_TABLE_VERSION 1

struct key_table_head {
    uint32_t version;
    uint32_t n_keys;
    uint32_t n_teams;
    uint32_t n_slots; /* a power of two; 0 = no keys */
    uint64_t base;    /* generation that this is a delta to; 0 = a base */
};

struct key_slot {
    uint64_t tag;    /* first 8 bytes of the digest */
    uint64_t offset; /* of its row, + 1; 0 = free */
};

enum { ROW_DISABLED = 1, ROW_GONE = 2 };

/* texts of a key: name, team, user, limits, models, endpoints, cidrs, tags
 * (name and value in turn); of a team: name, parent, limits, models, tags */
enum { KEY_TEXTS = 4, TEAM_TEXTS = 3 };

struct key_row {
    unsigned char sha256[32];
    uint64_t expires_ms;
    uint32_t size; /* of the whole row, padding included */
    uint32_t flags;
    uint32_t n_models, n_endpoints, n_cidrs, n_tags;
};

_Static_assert(sizeof(struct key_row) % 8 == 0, "rows are aligned");

/** Where to begin looking: digests are random enough already. */
static inline uint64_t key_slot_tag(const unsigned char sha256[32])
{
    uint64_t tag;

    memcpy(&tag, sha256, sizeof tag);
    return tag;
}

#endif
