/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The keeper's part in alerts: once a second it looks at all that it says of
 * alert.def, and tells the log and the configured receivers what began and
 * what is over. Nobody waits for it, and no request knows of it.
 */
#ifndef PENSTOCK_KEEPER_ALERTS_H
#define PENSTOCK_KEEPER_ALERTS_H

#include "engine/addresses.h"
#include "engine/alert.h"
#include "engine/cells.h"
#include "engine/config.h"
#include "net/loop.h"

struct alerts;
struct fetcher;
struct ledger;
struct store_thread;

struct alerts_env {
    struct loop *loop;
    const struct cells *cells;
    const struct config *config;
    struct addresses *addresses;
    const struct ledger *ledger;      /* NULL = none */
    const struct store_thread *store; /* the same */
    const struct fetcher *fetcher;    /* the same */
};

/** The host of a receiver, to be resolved. */
struct str alerts_host(const struct conf_alert *c);

/** Starts at once; the environment is copied, what it points to must outlive
 * the alerts. NULL with *err. */
struct alerts *alerts_new(const struct alerts_env *env, struct err *err);
/** Before loop_free. What was not told yet stands on the board. */
void alerts_free(struct alerts *a);

#endif
