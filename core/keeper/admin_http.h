/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The admin listener: JSON over HTTP, for keys, teams, status and audit. A
 * bearer token says who asks and what they may; the desk does the rest.
 * docs/guide/keys.md has the list of paths.
 */
#ifndef PENSTOCK_KEEPER_ADMIN_HTTP_H
#define PENSTOCK_KEEPER_ADMIN_HTTP_H

#include "engine/cells.h"
#include "engine/config.h"
#include "keeper/store_thread.h"
#include "net/loop.h"

struct admin_http;

struct admin_env {
    struct loop *loop;
    const struct config *config;
    const struct cells *cells;
    struct store_thread *store;
    uint64_t generation;
    /** Ask the master; see keeper_env. NULL: there is none to ask. */
    int (*wish)(void *ud, uint64_t call, struct str request);
    void *ud;
};

/** Serve on `fd` (listening; borrowed). The environment is copied, what it
 * points to outlives us. NULL with *err: NOMEM. */
struct admin_http *admin_http_new(const struct admin_env *env, int fd,
                                  struct err *err);
/** The master's answer to a wish, JSON; a call that is gone is fine. */
void admin_http_wished(struct admin_http *a, uint64_t call,
                       struct str answer);
/** Before store_thread_free; answers that are under way go nowhere. */
void admin_http_free(struct admin_http *a);

#endif
