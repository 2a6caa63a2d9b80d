/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The keeper: what must not stand in a request's path. It resolves the names
 * of all providers, shows the metrics, and holds the store of keys with the
 * admin listener before it. If it dies, traffic goes on with
 * the last addresses, and another one is started.
 */
#ifndef PENSTOCK_KEEPER_KEEPER_H
#define PENSTOCK_KEEPER_KEEPER_H

#include "base/err.h"
#include "engine/cells.h"
#include "engine/config.h"
#include "net/loop.h"

struct keeper;
struct plugin;   /* engine/plugin.h */
struct snapshot; /* base/snapshot.h */

struct keeper_env {
    struct loop *loop;
    const struct cells *cells;
    const struct config *config;
    int metrics_fd, admin_fd; /* listening; borrowed; -1 = none */
    const char *store; /* its folder; "" = no store of keys */
    const struct ledger_rings *rings; /* NULL = no ledger */
    const char *ledger;               /* its folder */
    uint64_t generation;
    /** New addresses: the descriptor of a snapshot, borrowed for the call. */
    void (*publish)(void *ud, int fd);
    /** A new table of keys, the same way; -1: the store cannot be read. */
    void (*keys)(void *ud, int fd, bool is_base);
    /** The same of the issuers' keys; `jwks` is what was published before, or
     * NULL. */
    void (*publish_jwks)(void *ud, int fd);
    const struct snapshot *jwks;
    /** And of keys that are fetched. */
    void (*publish_fetched)(void *ud, int fd);
    const struct snapshot *fetched;
    /** The plugin of a provider, to describe what is fetched. */
    const struct plugin *(*plugin)(void *ud, const struct conf_provider *p,
                                   struct err *err);
    /** The admin API asks the master, in JSON; keeper_wished is the answer.
     * 0 or -ERR_x. */
    int (*wish)(void *ud, uint64_t call, struct str request);
    void *ud;
};

/** Starts at once; the environment's pointers must outlive it. */
struct keeper *keeper_new(const struct keeper_env *env, struct err *err);
/** The store's thread, to ask it; NULL: there is no store. */
struct store_thread *keeper_store(struct keeper *k);
/** Another program's keeper takes the rest over: keep the ledger's rings
 * being emptied and names resolved, and let go of all else. */
void keeper_hand_over(struct keeper *k);
/** Before loop_free. A resolution under way is not waited for. */
void keeper_free(struct keeper *k);

/** What the master said to a wish: JSON. A call that is gone is fine. */
void keeper_wished(struct keeper *k, uint64_t call, struct str answer);

/** A worker asks for a newer one of that id (conf_fetch.id). */
void keeper_ask_fetch(struct keeper *k, struct str id);
/** A worker asks for newer keys of that jwt block. */
void keeper_ask_jwks(struct keeper *k, struct str name);

#endif
