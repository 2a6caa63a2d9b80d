/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The issuers' keys: fetched, checked, kept, published as a snapshot (see
 * engine/jwt_keys.h). A set that was once good stays until there is a better
 * one. Where no URL is configured the issuer is asked for it (OpenID Connect
 * Discovery 1.0). Redirects are not followed.
 */
#ifndef PENSTOCK_KEEPER_ISSUERS_H
#define PENSTOCK_KEEPER_ISSUERS_H

#include "base/snapshot.h"
#include "engine/addresses.h"
#include "engine/config.h"
#include "net/loop.h"

struct issuers;

struct issuers_env {
    struct loop *loop;
    const struct config *config;
    struct addresses *addresses; /* the keeper's own view of them */
    /** A host that nobody has asked for before: 0 or -ERR_x. */
    int (*resolve)(void *ud, struct str host);
    /** There is news: the descriptor of a snapshot, borrowed. */
    void (*publish)(void *ud, int fd);
    void *ud;
};

/** Where a block's keys are asked for first; empty: they are not fetched. */
struct str issuers_host(const struct conf_jwt *c);

/** `last`: what another keeper has published before; or NULL. Starts at
 * once. NULL with *err. The environment is copied. */
struct issuers *issuers_new(const struct issuers_env *env,
                            const struct snapshot *last, struct err *err);
void issuers_free(struct issuers *s);

/** A token names a key that is not known: fetch, where `refetch` has passed
 * since the last time. */
void issuers_ask(struct issuers *s, struct str name);

#endif
