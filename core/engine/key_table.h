/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The keys of the store, as a worker sees them: a base (all keys, a sealed
 * snapshot that all workers map) and a delta (what changed since that base,
 * and all teams), each replaced as a whole. See docs/design/store.md.
 *
 * A look-up is one probe of an open-addressing index in each of the two; a
 * principal that is found is copied into the request's arena, so that a table
 * may go while requests still use what they took from it.
 */
#ifndef PENSTOCK_ENGINE_KEY_TABLE_H
#define PENSTOCK_ENGINE_KEY_TABLE_H

#include "base/snapshot.h"
#include "engine/principal.h"

enum {
    KEY_TABLE_MAX = 2000000, /* digests */
    KEY_TEAMS_MAX = 10000,
    KEY_TEAM_DEPTH = 8, /* a team and those above it */
};

/* ---- making one (the keeper) ------------------------------------------- */

struct key_table_builder;

/** base 0: a base; else a delta to the base of that generation. */
struct key_table_builder *key_table_builder_new(uint64_t generation,
                                                uint64_t base,
                                                struct err *err);

/**
 * Add one digest of a key. k->expires_ms is that digest's own end. `gone`
 * (deltas): this digest opens nothing any more, whatever the base says.
 * `limits` is JSON text, or empty. The later of two equal digests counts.
 */
int key_table_builder_add(struct key_table_builder *b,
                          const struct conf_key *k, struct str limits,
                          bool gone);

struct key_team {
    struct str name, parent, limits; /* limits: JSON text, or empty */
    struct str *models;
    size_t n_models;
    struct conf_pair *tags;
    size_t n_tags;
};

int key_table_builder_team(struct key_table_builder *b,
                           const struct key_team *t);

/** The snapshot's descriptor, or -ERR_x; the builder is freed either way. */
int key_table_builder_seal(struct key_table_builder *b, struct err *err);
void key_table_builder_free(struct key_table_builder *b);

/* ---- using one (a worker) ---------------------------------------------- */

struct key_table;

struct key_table *key_table_new(void);
void key_table_free(struct key_table *t);

/**
 * Take a newer base or delta; a reference is taken. A base drops the delta; a
 * delta to another base than the one here is passed over (-ERR_NOTFOUND).
 * Errors: SYNTAX (not a table of this build), NOMEM; the old one stays.
 * Cost:   O(teams); the keys are not looked at
 */
int key_table_update(struct key_table *t, struct snapshot *s);

/** Is there a base? Until then nothing can be said about any key. */
bool key_table_ready(const struct key_table *t);

/**
 * The principal of a digest, in the arena.
 *
 *   c       teams of the configuration win over the store's of that name
 *   *out    NULL: no such key
 *   returns 0, -ERR_NOMEM, or -ERR_AUTH_UNAVAILABLE (there is no base yet)
 * Cost:   below 1 us with 100,000 keys
 */
int key_table_principal(const struct key_table *t, const struct config *c,
                        const unsigned char sha256[32], struct arena *a,
                        struct principal **out);

/**
 * Let the team of a principal that a policy made hold for it, with those above
 * it: models and limits, and tags that it has not. A limit of the team wins
 * over one that the policy gave it: there is one number for all in a team. A
 * team that neither the configuration nor the store knows allows all.
 *
 *   t       may be NULL: there is no store
 *   returns 0, -ERR_NOMEM, or -ERR_AUTH_UNAVAILABLE (only the store, which was
 *           not read yet, could know that team)
 * Source: docs/guide/access.md
 */
int key_table_join(const struct key_table *t, const struct config *c,
                   struct arena *a, struct principal *p);

/** What a snapshot of this kind says of itself; for the master's relay. */
bool key_table_is_base(const struct snapshot *s);
/** Digests in the base. */
size_t key_table_count(const struct key_table *t);

#endif
