/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Walking a tree of the configuration along config.def: where we are, how it
 * is shown, where it stands in the file. config_check.c walks; config_rules.c
 * states the rules between keys, on the canonical tree, with the same places.
 * Not for others.
 */
#ifndef PENSTOCK_ENGINE_CONFIG_WALK_H
#define PENSTOCK_ENGINE_CONFIG_WALK_H

#include "engine/config.h"
#include "engine/config_table.h"

enum { WALK_DEPTH = 16 };

enum step_kind {
    STEP_MEMBER, /* a key */
    STEP_NAMED,  /* the name in kind "name" */
    STEP_ITEM,   /* an element of a list */
};

struct walk_step {
    enum step_kind kind;
    struct str name; /* MEMBER, NAMED */
    size_t index;    /* ITEM */
    bool implied;    /* sugar: not written in the file */
    bool mark_only;  /* written, but no part of the canonical path */
};

struct conf_walk {
    const struct config_paths *paths;
    const json_t *marks; /* borrowed, or NULL */
    json_t *why;         /* canonical JSON Pointer -> place; or NULL */
    struct walk_step steps[WALK_DEPTH];
    size_t depth;
    struct err *err;
};

/** Go one step down; pair with walk_leave. Deeper than WALK_DEPTH: ignored. */
void walk_member(struct conf_walk *w, const char *key);
void walk_named(struct conf_walk *w, const char *name);
void walk_item(struct conf_walk *w, size_t index);
void walk_implied(struct conf_walk *w, const char *key);
/** A member that may have been written as sugar: its marks say. */
void walk_maybe(struct conf_walk *w, const char *key);
void walk_leave(struct conf_walk *w);

/** Fail here: err->at is the place, msg begins with the path as shown.
 * Returns -ERR_CONFIG. */
int walk_fail(struct conf_walk *w, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/** Where this stands: "file:line" of the nearest mark, else the pointer. */
void walk_place(const struct conf_walk *w, char *out, size_t out_size);

/** Note in w->why where the value here came from (NULL: its place). */
void walk_why(struct conf_walk *w, const char *from);

/** The canonical tree of a raw one, without the rules. A new reference. */
json_t *walk_tree(struct conf_walk *w, json_t *tree);

/** The rules between keys; changes `canonical` (what the catalogue and
 * `defaults` give is filled in). 0 or -ERR_x. */
int walk_rules(struct conf_walk *w, json_t *canonical);

/** Put the members of a canonical table into the order of config.def. */
void config_order(enum conf_scope_id scope, json_t *object);

/** Has a provider addresses of its own, all of them without TLS? */
bool walk_is_plain(const json_t *provider);

/** The rules for providers, given by config_provider.c. */
int walk_providers(struct conf_walk *w, json_t *canonical);

/** Fail here: there is no `what` of that name; the nearest member of `all`
 * is offered. Returns -ERR_CONFIG. */
int walk_no_such(struct conf_walk *w, const char *what, const char *name,
                 const json_t *all);

/** Check the inside of a value of type ANY (config_any.c); fails. */
bool walk_any(struct conf_walk *w, const struct conf_row *row, json_t *v);

/** Can the secret be had, and may it stand in a header (or is PEM)? */
int walk_secret_at_hand(struct conf_walk *w, const json_t *ref, bool pem);

/** Is one key of a provider said in one way, and can that be had? */
int walk_fetch(struct conf_walk *w, const json_t *key);
/** Are all keys of a provider sent in one way? */
int walk_fetch_alike(struct conf_walk *w, const json_t *keys);
/** The secret by which a key is fetched, a reference; NULL: none. */
const json_t *config_fetch_secret(const json_t *key);
/** Do all of them go into `authorization`, since they are tokens? */
bool config_fetch_bearer(const json_t *keys);

/** Fail here where the path is no file that can be read. */
int walk_readable(struct conf_walk *w, const char *path);

/** Fields that are added to requests: names that may be, none of ours. */
int walk_headers(struct conf_walk *w, const json_t *headers);

/** The member ca_file; NULL = not given. */
int walk_ca_file(struct conf_walk *w, const char *path);

/** The rules for services and Redis, given by config_outside.c. */
int walk_outside(struct conf_walk *w, json_t *canonical);
int walk_teams(struct conf_walk *w, json_t *canonical); /* their parents */
int walk_admin(struct conf_walk *w, json_t *canonical);
int walk_addresses(struct conf_walk *w, json_t *canonical); /* each once */
/** Does a policy say who calls? Reads their files. */
bool walk_authenticates(const struct conf_walk *w, const json_t *canonical);
/** The block of a listener; NULL = none. */
int walk_cors(struct conf_walk *w, const json_t *cors);
/** Where models lead by their `on`. */
int walk_on(struct conf_walk *w, json_t *canonical);
int walk_prices(struct conf_walk *w, json_t *canonical);
int walk_abilities(struct conf_walk *w, json_t *canonical);
/** Of a file of the catalogue beside its vendors what the providers need,
 * {"vendors": {NAME: ...}}, or {}; a new reference, NULL with *err. */
json_t *config_beside(const json_t *canonical, const char *vendors,
                      const char *file, struct err *err);
/** The section "abilities" of a bundle; *out is a new reference. */
int config_abilities(const json_t *canonical, const char *vendors,
                     json_t **out, struct err *err);
/** The section "prices" of a bundle; *out is a new reference. */
int config_prices(const json_t *canonical, const char *vendors, json_t **out,
                  struct err *err);
/** Do keys live in the store, too? */
bool config_has_store(const json_t *canonical);

/** The rules for issuers of tokens, given by config_jwt.c. */
int walk_jwts(struct conf_walk *w, json_t *canonical);
/** What could have no effect, or another than it seems: config_idle.c. Once
 * the defaults are filled in. */
int walk_idle(struct conf_walk *w, json_t *canonical);

/**
 * The file of a policy: in the canonical tree's policy_path, then in
 * paths->policy_path, then among the shipped ones. False: in none; `out` then
 * lists where it was looked for. Of a kept bundle: where it once was.
 */
bool config_policy_find(const json_t *canonical,
                        const struct config_paths *paths, const char *name,
                        char *out, size_t out_size);

/** Largest value of a secret, bytes. */
enum { CONFIG_SECRET_MAX = 64 << 10 };

/** The catalogue's vendors, name to row; NULL with *err. */
json_t *config_vendors(const char *path, struct err *err);

#endif
