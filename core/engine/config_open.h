/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Reading the canonical JSON of a bundle into structs: one getter per kind of
 * value. An absent value is empty or 0. Whatever goes wrong is noted in
 * o->broken and looked at once, at the end. Not for others.
 */
#ifndef PENSTOCK_ENGINE_CONFIG_OPEN_H
#define PENSTOCK_ENGINE_CONFIG_OPEN_H

#include "engine/config.h"

struct opener {
    struct snapshot *bundle; /* borrowed */
    struct arena *arena;
    json_t *root, *secrets; /* sections "config" and "secrets" */
    const char *broken;     /* what is wrong with the bundle, or NULL */
};

/** n zeroed elements; *count is n, or 0 where memory is out. */
void *open_array(struct opener *o, size_t n, size_t size, size_t *count);

struct str open_dup(struct opener *o, const char *z);
struct str open_text(struct opener *o, const json_t *v, const char *key);
/** The member as JSON text; "{}" when absent. */
struct str open_json(struct opener *o, const json_t *v, const char *key);

uint32_t open_u32(const json_t *v, const char *key);
uint64_t open_size(const json_t *v, const char *key);
uint32_t open_ms(const json_t *v, const char *key);
/** Position of the text among "a|b|c"; 0 when absent. */
int open_choice(const json_t *v, const char *key, const char *words);

struct str *open_list(struct opener *o, const json_t *v, const char *key,
                      size_t *n);
struct conf_pair *open_pairs(struct opener *o, const json_t *v,
                             const char *key, size_t *n);

/** Bytes of section "kind/i/j", in the snapshot. */
struct str open_section(struct opener *o, const char *kind, size_t i,
                        size_t j);
struct str open_policy_source(struct opener *o, struct str name);

/** A secret by its reference; NULL: stays not set. */
void open_secret(struct opener *o, struct secret *s, const json_t *ref);

/** How a key of that provider is fetched; NULL: it is not. */
struct conf_fetch *open_fetch(struct opener *o, struct str provider,
                              const json_t *key);

/** The member "retries" of a provider or a model; CONF_UNSET where absent. */
struct conf_retries open_retries(const json_t *v);

/** The member "limits" of a key or a team. */
struct conf_limits open_limits(struct opener *o, const json_t *v);

void open_outside(struct opener *o, struct config *c); /* services, Redis */
void open_admin(struct opener *o, struct config *c);   /* and the store */
/** Of a listener; no pages where `v` is NULL. */
void open_cors(struct opener *o, struct conf_cors *c, const json_t *v);
void open_load(struct opener *o, struct config *c); /* config_load.h */
void open_ledger(struct opener *o, struct config *c);  /* and prices */
void open_jwts(struct opener *o, struct config *c);
/** Which models take over from others; once all are open. */
void open_on(struct opener *o, struct config *c);
void open_providers(struct opener *o, struct config *c);

#endif
