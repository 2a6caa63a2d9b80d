/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The ledger's database: `ledger.db` in the folder `ledger` of the state
 * folder. A file of its own, so that no burst of rows, lock or damage here
 * touches the store of keys. One thread of the keeper writes; `penstock usage`
 * reads beside it (WAL).
 */
#ifndef PENSTOCK_KEEPER_LEDGER_DB_H
#define PENSTOCK_KEEPER_LEDGER_DB_H

#include "base/buf.h"
#include "base/err.h"

#include <jansson.h>

#define LEDGER_FILE "ledger.db"

struct ledger_db;

/** Open it, made where it is missing, and bring it to this version. Blocks on
 * the disk. Errors: IO, BUSY, SYNTAX (damaged), CONFIG (later version). */
struct ledger_db *ledger_db_open(const char *folder, struct err *err);
void ledger_db_close(struct ledger_db *db); /* NULL is fine */

/**
 * Put packed records (engine/ledger.h), one behind the other, in one
 * transaction; those that are there already (id, attempt) are left.
 *
 *   added   out  how many were new
 *
 * Errors: BUSY (another process holds the file for more than a second), IO,
 *         SYNTAX; nothing was put then.
 */
int ledger_db_put(struct ledger_db *db, struct str records, uint64_t *added,
                  struct err *err);

/** Take away at most `max` rows that are older; how many, or -ERR_x. The sums
 * of each day stay. */
int ledger_db_forget(struct ledger_db *db, int64_t before_ms, int max,
                     struct err *err);

/** A whole copy of the ledger at `file`, which is in use, into the new file
 * `to` (mode 0600). Errors: IO (`to` is there, too), BUSY, SYNTAX. */
int ledger_db_backup(const char *file, const char *to, struct err *err);

/** Put a backup into the place of the folder's ledger, which nobody uses:
 * checked first, swapped in whole; what was there is ledger.db.before.
 * Errors: SYNTAX, CONFIG, IO. */
int ledger_db_restore(const char *folder, const char *file, struct err *err);

/* ---- reading ----------------------------------------------------------- */

/** What to sum and by what; texts "" or NULL = all. */
struct ledger_query {
    const char *by;              /* "key,model": columns of a day's sums */
    const char *since, *until;   /* "2026-11-26": both are part of it */
    const char *key, *team, *user, *model, *provider;
};

/** The members of a sum, behind those that it is by; ended by NULL. */
extern const char *const ledger_sums[];

/**
 * Sums, read-only, from the day's sums: an array of objects {<by>...,
 * requests, tries, errors, input, cache_read, cache_write, output, reasoning,
 * cost_nusd (null: nothing had a price), unknown (tries without a price),
 * estimated, searches}, the dearest first.
 *
 * Errors: NOTFOUND (there is no ledger), CONFIG (an unknown column), BUSY, IO
 */
int ledger_db_usage(const char *file, const struct ledger_query *q,
                    json_t **out, struct err *err);

#endif
