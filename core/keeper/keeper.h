/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The keeper: what must not stand in a request's path. It resolves the names
 * of all providers and shows the metrics. If it dies, traffic goes on with
 * the last addresses, and another one is started.
 */
#ifndef PENSTOCK_KEEPER_KEEPER_H
#define PENSTOCK_KEEPER_KEEPER_H

#include "base/err.h"
#include "engine/cells.h"
#include "engine/config.h"
#include "net/loop.h"

struct keeper;
struct snapshot; /* base/snapshot.h */

struct keeper_env {
    struct loop *loop;
    const struct cells *cells;
    const struct config *config;
    int metrics_fd; /* listening; borrowed; -1 = none */
    /** New addresses: the descriptor of a snapshot, borrowed for the call. */
    void (*publish)(void *ud, int fd);
    /** The same of the issuers' keys; `jwks` is what was published before, or
     * NULL. */
    void (*publish_keys)(void *ud, int fd);
    const struct snapshot *jwks;
    void *ud;
};

/** Starts at once; the environment's pointers must outlive it. */
struct keeper *keeper_new(const struct keeper_env *env, struct err *err);
/** Before loop_free. A resolution under way is not waited for. */
void keeper_free(struct keeper *k);

/** A worker asks for newer keys of that jwt block. */
void keeper_ask_keys(struct keeper *k, struct str name);

#endif
