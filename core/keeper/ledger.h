/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The ledger's threads in the keeper. One empties the rings into the database
 * every 200 ms, or as soon as 500 rows are there; one watches it, and where
 * the database takes nothing for a second while a ring is half full it
 * appends the rows to a spill file, which the first reads in again later. The
 * loop waits for neither. docs/design/ledger.md.
 */
#ifndef PENSTOCK_KEEPER_LEDGER_H
#define PENSTOCK_KEEPER_LEDGER_H

#include "base/err.h"
#include "engine/ledger.h"
#include "net/loop.h"

struct ledger;

struct ledger_env {
    struct loop *loop;
    const struct ledger_rings *rings;
    const char *folder; /* made by the master; of this user */
    uint64_t keep_ms, spill_bytes;
};

/** Starts at once; a database that cannot be opened is tried again. The
 * environment is copied, what it points to must outlive the ledger. NULL with
 * *err: NOMEM, LIMIT. */
struct ledger *ledger_new(const struct ledger_env *env, struct err *err);

/** How it is, from the loop. */
struct ledger_state {
    bool down;    /* the database takes no rows */
    bool full;    /* nor does the spill file: rows are lost */
    bool spilled; /* there are rows in spill files */
    uint32_t backlog_percent; /* of the fullest ring */
};

void ledger_look(const struct ledger *l, struct ledger_state *s);

/** What is in the rings is written, or spilled where that fails; a thread
 * that hangs in the disk is left after 3 s. Before loop_free. */
void ledger_free(struct ledger *l);

#endif
