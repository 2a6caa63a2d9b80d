/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* SQLite, for the files that make up the store: statements with their errors
 * turned into ours. */
#ifndef PENSTOCK_KEEPER_STORE_IMPL_H
#define PENSTOCK_KEEPER_STORE_IMPL_H

#include "keeper/store.h"

#include <jansson.h>
#include <sqlite3.h>

#include <sys/types.h>

#define STORE_PATH_MAX 1024

struct store {
    sqlite3 *db;
    char path[STORE_PATH_MAX];
    dev_t device; /* of the file that is open */
    ino_t inode;
    bool broken;
};

/** Fill *err from SQLite's last error; returns -code: EXISTS (a constraint),
 * BUSY, SYNTAX (damaged), NOMEM, IO. */
int db_fail(struct store *s, struct err *err);

/** Run statements without results. */
int db_exec(struct store *s, const char *sql, struct err *err);

/** NULL with *err. sqlite3_finalize it. */
sqlite3_stmt *db_stmt(struct store *s, const char *sql, struct err *err);

/** 1: a row; 0: no more; or -ERR_x. */
int db_step(struct store *s, sqlite3_stmt *st, struct err *err);

/**
 * A page: {NAME: its rows, at most RECORD_PAGE, "next": the id after which the
 * next one begins, or null}. The statement asks for one row more; it is taken,
 * NULL too (then *err says why). A new reference, or NULL with *err.
 */
json_t *db_page(struct store *s, sqlite3_stmt *st, const char *name,
                json_t *(*of_row)(sqlite3_stmt *st), struct err *err);

/** Step a statement without rows, and finalize it; NULL passes its error. */
int db_done(struct store *s, sqlite3_stmt *st, struct err *err);

/** Bind a text (borrowed until the step); p NULL is NULL. */
void db_text(sqlite3_stmt *st, int i, struct str text);
/** Bind a number; 0 is NULL. */
void db_number(sqlite3_stmt *st, int i, uint64_t n);

/** A column, borrowed until the next step; empty for NULL. */
struct str db_col(sqlite3_stmt *st, int i);
uint64_t db_col_number(sqlite3_stmt *st, int i);

/** A write transaction; end it with `rc`, which is passed on: 0 commits. */
int db_begin(struct store *s, struct err *err);
int db_end(struct store *s, int rc, struct err *err);

/**
 * Bring a database to version n by the steps it lacks, each in a transaction
 * of its own; steps are added at the end and never changed, and only add. A
 * database with something in it is copied before, to its path and ".vN".
 * Errors: CONFIG (it is of a later version), IO, SYNTAX.
 */
int store_migrate(struct store *s, const char *const *steps, size_t n,
                  struct err *err);

/** A kind of database: its file in the folder, a table it has, versions. */
struct store_kind {
    const char *file, *table;
    size_t n_steps;
};

/** As store_restore, for any kind. */
int store_restore_kind(const struct store_kind *kind, const char *folder,
                       const char *file, struct err *err);

/** A whole copy of a database that is in use into a new file, by the online
 * backup API. Blocks on the disk. EXISTS, IO, BUSY, SYNTAX. */
int store_copy(const char *from_path, const char *to_path, struct err *err);

extern const char *const store_steps[];
extern const size_t store_n_steps;

#endif
