/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A worker's view of the issuers' keys: parsed once per set, from the
 * configuration or from the keeper's snapshot, and the verdicts on tokens
 * that were good, until they end.
 *
 * The snapshot (kind "jwks") has a section per jwt block, by a name that says
 * where the keys come from as well, so that those of one issuer are never
 * taken for another's that got its block: a line "MONO_MS TEXT", when the
 * last fetch ended and why it failed ("" = it did not), then the newest set
 * that was had, or nothing.
 */
#ifndef PENSTOCK_ENGINE_JWT_KEYS_H
#define PENSTOCK_ENGINE_JWT_KEYS_H

#include "base/snapshot.h"
#include "engine/config.h"

struct jwt_keys;
struct jwt_sources;

enum jwt_verdict {
    JWT_GOOD,
    JWT_BAD,         /* refuse: err says why, for the client */
    JWT_ASK,         /* its key is not known: the issuer may have a new one */
    JWT_UNAVAILABLE, /* there are no keys to check it with: err says why */
};

/** NULL: memory is out, or the configuration's own set is broken. The
 * configuration must outlive it. */
struct jwt_keys *jwt_keys_new(const struct config *c);
void jwt_keys_free(struct jwt_keys *k);

/**
 * Another generation's blocks: made while it is prepared, so that nothing can
 * fail when they come into force; the configuration must outlive them. NULL
 * with *err: NOMEM, or the configuration's own set is broken.
 */
struct jwt_sources *jwt_sources_new(const struct config *c, struct err *err);
void jwt_sources_free(struct jwt_sources *s); /* unless they were taken */
/** They are in force, owned by k. Sets that were fetched from the same place
 * stay, all verdicts go; who watches is told. */
void jwt_keys_take(struct jwt_keys *k, struct jwt_sources *next);

/** Take a newer snapshot, and a reference to it. Where a section has no set,
 * or one that is broken, the old keys stay. */
void jwt_keys_update(struct jwt_keys *k, struct snapshot *s);

/** The block of that name, or (name.p NULL) of the issuer that the token
 * names; NULL: there is none. Good until others are taken. */
const struct conf_jwt *jwt_keys_choose(struct jwt_keys *k, struct str name,
                                       struct str token);

/**
 * Check a token.
 *
 *   claims   out  JSON; borrowed until the next call
 *
 * Cost:    a token seen before: one SHA-256 (0.35 us); else a signature,
 *          see net/sign.h
 */
enum jwt_verdict jwt_keys_check(struct jwt_keys *k, const struct conf_jwt *c,
                                struct str token, uint64_t wall_ms,
                                struct str *claims, struct err *err);

/** Ask the keeper for a newer set; who is asked is set once. */
void jwt_keys_ask(struct jwt_keys *k, const struct conf_jwt *c);
void jwt_keys_on_ask(struct jwt_keys *k, void (*ask)(void *ud, struct str),
                     void *ud);

/** Call fn(ud) after each update; embedded in its owner. */
struct jwt_watch {
    void (*fn)(void *ud);
    void *ud;
    struct jwt_watch *next, **prev; /* prev NULL: not watching */
};

/** fn may not watch or unwatch. Both are idempotent. */
void jwt_keys_watch(struct jwt_keys *k, struct jwt_watch *w);
void jwt_keys_unwatch(struct jwt_watch *w);

#define JWT_SOURCE_NAME 112 /* bytes, NUL and all */
/** The name of a block's section: its own, and a digest of where its keys
 * come from. */
void jwt_source_name(const struct conf_jwt *c, char out[JWT_SOURCE_NAME]);

/** The parts of a snapshot's section. False: it is none. */
bool jwt_section(struct str text, uint64_t *fetched_ms, struct str *why,
                 struct str *set);

#endif
