/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The store: one SQLite database in the folder `store` of the state folder,
 * with keys, teams and the audit. One thread of one process uses it (the
 * keeper's, see store_thread.h); what others need of it they get as snapshots.
 * docs/design/store.md says why it is how it is.
 */
#ifndef PENSTOCK_KEEPER_STORE_H
#define PENSTOCK_KEEPER_STORE_H

#include "base/err.h"

#define STORE_FILE "penstock.db"

struct store;

/**
 * Open the database of this folder, make it where there has never been one,
 * and bring it to this version.
 *
 * A folder whose database is missing, empty or of a later version is an
 * error: an empty table of keys would lock every caller out.
 *
 * Errors: NOTFOUND (it is gone), SYNTAX (it is damaged, or no database), IO,
 *         CONFIG (of a later version), NOMEM
 * Cost:   blocks on the disk
 */
struct store *store_open(const char *folder, struct err *err);
/** NULL is fine. */
void store_close(struct store *s);

/** Did the last error come from the file, not from what was asked? Then it is
 * to be closed and opened again. Also true when the file was replaced. */
bool store_is_broken(struct store *s);

/** A whole copy, by the online backup API, into `fd` (written from its
 * start). Errors: IO. */
int store_backup(struct store *s, int fd, struct err *err);

/**
 * Put the backup `file` in the place of the folder's database, which no
 * process may use meanwhile. It is checked first (integrity, version) and
 * swapped in whole; what was there is kept beside it as penstock.db.before.
 *
 * Errors: SYNTAX, CONFIG (no backup of ours, damaged, of a later version), IO
 */
int store_restore(const char *folder, const char *file, struct err *err);

#endif
