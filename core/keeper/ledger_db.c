/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Rows and the sums of each day, in one transaction a batch. A row that is
 * there already changes nothing, sums included: whatever was read from a ring
 * or a spill file may be put again.
 */
#include "keeper/ledger_db.h"

#include "engine/ledger.h"
#include "keeper/store_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

enum { WRITE_BUSY_MS = 1000 };

struct ledger_db {
    struct store store;
    sqlite3_stmt *row, *day;
};

static const char *const steps[] = {
    /* 1: a row a try, and the sums of each day (UTC) */
    "CREATE TABLE try ("
    "  id TEXT NOT NULL, attempt INTEGER NOT NULL,"
    "  time_ms INTEGER NOT NULL,"
    "  principal TEXT, key TEXT, team TEXT, user TEXT, model TEXT,"
    "  provider TEXT, upstream_model TEXT, credential TEXT, endpoint TEXT,"
    "  class TEXT, ended TEXT, price_version TEXT, tags TEXT,"
    "  status INTEGER, stream INTEGER NOT NULL, ms INTEGER NOT NULL,"
    "  ttft_ms INTEGER, tier TEXT, estimated INTEGER NOT NULL,"
    "  input INTEGER, cache_read INTEGER, cache_write INTEGER,"
    "  cache_write_1h INTEGER, output INTEGER, reasoning INTEGER,"
    "  cost_nusd INTEGER," /* null: not known */
    "  PRIMARY KEY (id, attempt)"
    ") WITHOUT ROWID;"
    "CREATE INDEX try_time ON try (time_ms);"
    "CREATE TABLE day ("
    "  day TEXT NOT NULL, key TEXT NOT NULL, team TEXT NOT NULL,"
    "  user TEXT NOT NULL, model TEXT NOT NULL, provider TEXT NOT NULL,"
    "  requests INTEGER NOT NULL, tries INTEGER NOT NULL,"
    "  errors INTEGER NOT NULL, estimated INTEGER NOT NULL,"
    "  unknown INTEGER NOT NULL, priced INTEGER NOT NULL,"
    "  input INTEGER NOT NULL, cache_read INTEGER NOT NULL,"
    "  cache_write INTEGER NOT NULL, output INTEGER NOT NULL,"
    "  reasoning INTEGER NOT NULL, cost_nusd INTEGER NOT NULL,"
    "  PRIMARY KEY (day, key, team, user, model, provider)"
    ") WITHOUT ROWID;",
    /* 2: what rankers bill */
    "ALTER TABLE try ADD COLUMN searches INTEGER;"
    "ALTER TABLE day ADD COLUMN searches INTEGER NOT NULL DEFAULT 0;",
};

static const char insert_row[] =
    "INSERT OR IGNORE INTO try (id, attempt, time_ms, status, stream, ms,"
    " ttft_ms, tier, estimated, input, cache_read, cache_write,"
    " cache_write_1h, output, reasoning, cost_nusd, searches, principal, key,"
    " team, user, model, provider, upstream_model, credential, endpoint, class,"
    " ended, price_version, tags)"
    " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)";

enum { FIRST_TEXT = 18 };

/* Columns are named: a later version adds some while we still write. */
static const char insert_day[] =
    "INSERT INTO day (day, key, team, user, model, provider, requests, tries,"
    " errors, estimated, unknown, priced, input, cache_read, cache_write,"
    " output, reasoning, cost_nusd, searches) VALUES (?1,?2,?3,?4,?5,?6,?7,1,"
    "?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18) ON CONFLICT DO UPDATE SET"
    " requests = requests + ?7, tries = tries + 1, errors = errors + ?8,"
    " estimated = estimated + ?9, unknown = unknown + ?10,"
    " priced = priced + ?11, input = input + ?12,"
    " cache_read = cache_read + ?13, cache_write = cache_write + ?14,"
    " output = output + ?15, reasoning = reasoning + ?16,"
    " cost_nusd = cost_nusd + ?17, searches = searches + ?18";

static int open_all(struct ledger_db *db, struct err *err)
{
    struct store *s = &db->store;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
                SQLITE_OPEN_NOFOLLOW;
    int rc = 0;

    if (sqlite3_open_v2(s->path, &s->db, flags, NULL) != SQLITE_OK)
        return db_fail(s, err);
    chmod(s->path, 0600); /* what SQLite lays beside it follows */
    sqlite3_busy_timeout(s->db, WRITE_BUSY_MS);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    rc = db_exec(s, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
                    "PRAGMA trusted_schema = OFF;", err);
    if (!rc)
        rc = store_migrate(s, steps, sizeof steps / sizeof *steps, err);
    if (!rc && (!(db->row = db_stmt(s, insert_row, err)) ||
                !(db->day = db_stmt(s, insert_day, err))))
        rc = -err->code;
    return rc;
}

struct ledger_db *ledger_db_open(const char *folder, struct err *err)
{
    struct ledger_db *db = calloc(1, sizeof *db);
    int n;

    if (!db) {
        err_set(err, ERR_NOMEM, "no memory");
        return NULL;
    }
    n = snprintf(db->store.path, sizeof db->store.path, "%s/" LEDGER_FILE,
                 folder);
    if (n < 0 || (size_t)n >= sizeof db->store.path)
        err_set(err, ERR_LIMIT, "the state folder's path is too long");
    else if (open_all(db, err) == 0)
        return db;
    ledger_db_close(db);
    return NULL;
}

void ledger_db_close(struct ledger_db *db)
{
    if (!db)
        return;
    sqlite3_finalize(db->row);
    sqlite3_finalize(db->day);
    sqlite3_close(db->store.db);
    free(db);
}

static void put_text(sqlite3_stmt *st, int i, struct str s)
{
    db_text(st, i, s.n ? s : STR_NULL);
}

/* -1 is not known: NULL. */
static void put_known(sqlite3_stmt *st, int i, int64_t n)
{
    if (n >= 0)
        sqlite3_bind_int64(st, i, n);
    else
        sqlite3_bind_null(st, i);
}

static void bind_row(sqlite3_stmt *st, const struct ledger_row *r)
{
    const int64_t known[] = { r->usage.input, r->usage.cache_read,
                              r->usage.cache_write, r->usage.cache_write_1h,
                              r->usage.output, r->usage.reasoning,
                              r->cost_nusd,
                              r->usage.searches ? (int64_t)r->usage.searches
                                                : -1 };

    put_text(st, 1, r->text[LEDGER_ID]);
    sqlite3_bind_int64(st, 2, r->attempt);
    sqlite3_bind_int64(st, 3, r->time_ms);
    put_known(st, 4, r->status ? r->status : -1);
    sqlite3_bind_int(st, 5, r->stream);
    sqlite3_bind_int64(st, 6, r->ms);
    put_known(st, 7, r->ttft_ms);
    put_text(st, 8, r->usage.tier == TIER_STANDARD
                        ? STR_NULL
                        : str_of(usage_tier_name((int)r->usage.tier)));
    sqlite3_bind_int(st, 9, r->estimated);
    for (int i = 0; i < 8; i++)
        put_known(st, 10 + i, known[i]);
    for (int i = LEDGER_PRINCIPAL; i < LEDGER_TEXTS; i++)
        put_text(st, FIRST_TEXT + i - LEDGER_PRINCIPAL, r->text[i]);
}

static int64_t zero(int64_t n)
{
    return n > 0 ? n : 0;
}

static void bind_day(sqlite3_stmt *st, const struct ledger_row *r, char day[16])
{
    const struct str *t = r->text;
    time_t at = (time_t)(r->time_ms / 1000);
    bool used = usage_reported(&r->usage);
    const struct str names[] = { t[LEDGER_KEY].n ? t[LEDGER_KEY]
                                                 : t[LEDGER_PRINCIPAL],
                                 t[LEDGER_TEAM], t[LEDGER_USER],
                                 t[LEDGER_MODEL], t[LEDGER_PROVIDER] };
    const int64_t numbers[] = {
        !str_is(t[LEDGER_ENDED], "retried"),
        r->status < 200 || r->status > 299 || t[LEDGER_CLASS].n > 0,
        r->estimated, used && r->cost_nusd < 0, r->cost_nusd >= 0,
        zero(r->usage.input), zero(r->usage.cache_read),
        zero(r->usage.cache_write), zero(r->usage.output),
        zero(r->usage.reasoning), zero(r->cost_nusd), r->usage.searches,
    };
    struct tm tm;

    gmtime_r(&at, &tm);
    strftime(day, 16, "%Y-%m-%d", &tm);
    db_text(st, 1, str_of(day));
    for (int i = 0; i < 5; i++)
        db_text(st, 2 + i, names[i].n ? names[i] : STR(""));
    for (int i = 0; i < 12; i++)
        sqlite3_bind_int64(st, 7 + i, numbers[i]);
}

static int step(struct ledger_db *db, sqlite3_stmt *st, struct err *err)
{
    int rc = db_step(&db->store, st, err);

    sqlite3_reset(st);
    return rc < 0 ? rc : 0;
}

static int put_one(struct ledger_db *db, struct str record, uint64_t *added,
                   struct err *err)
{
    struct ledger_row row;
    char day[16];
    int rc;

    if (!ledger_unpack(record, &row) || row.text[LEDGER_ID].n == 0)
        return 0; /* of a damaged ring: nobody can say what it was */
    bind_row(db->row, &row);
    rc = step(db, db->row, err);
    if (rc || sqlite3_changes(db->store.db) == 0)
        return rc;
    (*added)++;
    bind_day(db->day, &row, day);
    return step(db, db->day, err);
}

int ledger_db_put(struct ledger_db *db, struct str records, uint64_t *added,
                  struct err *err)
{
    int rc = db_begin(&db->store, err);

    *added = 0;
    if (rc)
        return rc;
    for (size_t at = 0; at < records.n && !rc;) {
        uint32_t n;

        memcpy(&n, records.p + at, sizeof n);
        rc = put_one(db, (struct str){ records.p + at, n }, added, err);
        at += n;
    }
    return db_end(&db->store, rc, err);
}

int ledger_db_forget(struct ledger_db *db, int64_t before_ms, int max,
                     struct err *err)
{
    sqlite3_stmt *st = db_stmt(&db->store,
        "DELETE FROM try WHERE (id, attempt) IN (SELECT id, attempt FROM try"
        " WHERE time_ms < ?1 ORDER BY time_ms LIMIT ?2)", err);
    int rc;

    if (!st)
        return -err->code;
    sqlite3_bind_int64(st, 1, before_ms);
    sqlite3_bind_int(st, 2, max);
    rc = db_done(&db->store, st, err);
    return rc ? rc : sqlite3_changes(db->store.db);
}

int ledger_db_backup(const char *file, const char *to, struct err *err)
{
    return store_copy(file, to, err);
}

int ledger_db_restore(const char *folder, const char *file, struct err *err)
{
    const struct store_kind kind = { LEDGER_FILE, "try",
                                     sizeof steps / sizeof *steps };

    return store_restore_kind(&kind, folder, file, err);
}
