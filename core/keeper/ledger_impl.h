/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The ledger's two threads, for the files that make it up. */
#ifndef PENSTOCK_KEEPER_LEDGER_IMPL_H
#define PENSTOCK_KEEPER_LEDGER_IMPL_H

#include "keeper/ledger.h"
#include "keeper/ledger_db.h"
#include "keeper/ledger_spill.h"

#include <pthread.h>
#include <stdatomic.h>

enum { LEDGER_BATCH = 500, LEDGER_TICK_MS = 200, LEDGER_STALL_MS = 1000,
       LEDGER_BATCH_BYTES = LEDGER_BATCH * 1024 };

struct ledger {
    struct ledger_env env;
    struct loop_timer timer; /* folds the counts into metrics */
    pthread_t writer, watcher;
    bool writer_runs, watcher_runs;
    pthread_mutex_t lock;  /* the rings' tails, and the spill file */
    pthread_cond_t wake;
    bool stop;             /* under the lock */
    struct ledger_spill *spill;
    uint64_t *upto;        /* of the writer's batch, by ring */
    struct ledger_db *db;  /* the writer's */
    uint64_t tried_ms, forgot_ms; /* the writer's */
    _Atomic bool down;     /* said so; the writer's */
    _Atomic bool full;     /* said so; the watcher's */
    _Atomic bool behind;   /* there are spill files; the writer's */
    _Atomic uint64_t put_ms;  /* the database took something, or had nothing
                                 to take */
    _Atomic uint64_t written, spilled;
    uint64_t told_written, told_spilled; /* the loop's */
};

/** Copy what is in the rings, at most `rows` and LEDGER_BATCH_BYTES; upto[i]
 * is behind what was taken of ring i. How many. Under the lock. */
size_t ledger_gather(struct ledger *l, struct buf *out, uint64_t *upto,
                     size_t rows);
/** All before upto[] is safe. Under the lock. */
void ledger_release(struct ledger *l, const uint64_t *upto);

/** Append what is in the rings to the spill file and let go of it. Under the
 * lock. 0 or -ERR_x. */
int ledger_spill_all(struct ledger *l, struct err *err);

void *ledger_writer(void *ud);  /* ledger_writer.c */
void *ledger_watcher(void *ud); /* ledger.c */

/** Wait under the lock until somebody wakes us or `ms` are over. */
void ledger_wait(struct ledger *l, uint64_t ms);

#endif
