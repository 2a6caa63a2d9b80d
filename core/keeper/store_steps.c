/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The schema, as the steps that made it. PRAGMA user_version counts them. A
 * step is added at the end; none is ever changed, and none takes anything
 * away: the version before this one must still find what it needs.
 */
#include "keeper/store_impl.h"

#include "base/log.h"

#include <stdio.h>
#include <unistd.h>

const char *const store_steps[] = {
    /* 1: keys, teams, audit */
    "CREATE TABLE team ("
    "  name TEXT PRIMARY KEY NOT NULL,"
    "  parent TEXT," /* a team here or in the configuration */
    "  body TEXT NOT NULL," /* JSON: models, tags, limits, metadata */
    "  created_ms INTEGER NOT NULL,"
    "  changed_ms INTEGER NOT NULL"
    ") WITHOUT ROWID;"
    "CREATE TABLE key ("
    "  id TEXT PRIMARY KEY NOT NULL,"
    "  name TEXT NOT NULL,"
    "  team TEXT,"
    "  user TEXT,"
    "  body TEXT NOT NULL," /* JSON: models, endpoints, cidrs, tags, ... */
    "  disabled INTEGER NOT NULL DEFAULT 0,"
    "  expires_ms INTEGER,"
    "  created_ms INTEGER NOT NULL,"
    "  created_by TEXT NOT NULL,"
    "  changed_ms INTEGER NOT NULL,"
    "  revoked_ms INTEGER"
    ") WITHOUT ROWID;"
    "CREATE UNIQUE INDEX key_name ON key (name) WHERE revoked_ms IS NULL;"
    "CREATE INDEX key_team ON key (team);"
    "CREATE TABLE secret ("
    "  sha256 BLOB PRIMARY KEY NOT NULL CHECK (length(sha256) = 32),"
    "  key TEXT NOT NULL REFERENCES key (id),"
    "  created_ms INTEGER NOT NULL,"
    "  until_ms INTEGER" /* rotated: this one's end */
    ") WITHOUT ROWID;"
    "CREATE INDEX secret_key ON secret (key);"
    "CREATE TABLE audit ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  at_ms INTEGER NOT NULL,"
    "  who TEXT NOT NULL,"
    "  action TEXT NOT NULL,"
    "  object TEXT NOT NULL,"
    "  before TEXT," /* JSON, without secrets */
    "  after TEXT"
    ");"
    "CREATE TRIGGER audit_keep BEFORE UPDATE ON audit BEGIN"
    "  SELECT RAISE(ABORT, 'the audit is only added to'); END;"
    "CREATE TRIGGER audit_stay BEFORE DELETE ON audit BEGIN"
    "  SELECT RAISE(ABORT, 'the audit is only added to'); END;",
};

const size_t store_n_steps = sizeof store_steps / sizeof *store_steps;

static int version(struct store *s, struct err *err)
{
    sqlite3_stmt *st = db_stmt(s, "PRAGMA user_version", err);
    int n = st ? db_step(s, st, err) : -err->code;

    if (n == 1)
        n = sqlite3_column_int(st, 0);
    sqlite3_finalize(st);
    return n;
}

static int take_step(struct store *s, const char *sql, size_t number,
                     struct err *err)
{
    char mark[64];
    int rc = db_begin(s, err);

    if (rc)
        return rc;
    snprintf(mark, sizeof mark, "PRAGMA user_version = %zu", number);
    rc = db_exec(s, sql, err);
    if (!rc)
        rc = db_exec(s, mark, err);
    return db_end(s, rc, err);
}

/** A copy of what there was before the first step: penstock.db.v1, in place of
 * an earlier copy of that version. */
static int keep_copy(const struct store *s, int version, struct err *err)
{
    char to[STORE_PATH_MAX + 16], made[STORE_PATH_MAX + 24];
    int rc;

    snprintf(to, sizeof to, "%s.v%d", s->path, version);
    snprintf(made, sizeof made, "%s.new", to);
    unlink(made);
    rc = store_copy(s->path, made, err);
    if (!rc && rename(made, to) != 0)
        rc = err_errno(err, "%s", to);
    if (!rc)
        log_event(EV_store_migrated, LOG_Z("backup", to));
    return rc;
}

int store_migrate(struct store *s, const char *const *steps, size_t n,
                  struct err *err)
{
    int at = version(s, err), rc = at < 0 ? at : 0;

    if (!rc && (size_t)at > n)
        return err_set(err, ERR_CONFIG, "the store is of version %d, and this "
                       "Penstock knows %zu: use the Penstock that wrote it, "
                       "or a backup from before", at, n);
    if (!rc && at > 0 && (size_t)at < n && *s->path)
        rc = keep_copy(s, at, err);
    for (size_t i = (size_t)at; i < n && !rc; i++)
        rc = take_step(s, steps[i], i + 1, err);
    return rc;
}
