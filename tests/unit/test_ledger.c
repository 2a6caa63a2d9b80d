/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The ledger's files: rows put twice count once, sums agree, old rows go, a
 * later database is refused; spill files with torn ends, and their bound. */
#include "keeper/ledger_db.h"
#include "keeper/ledger_spill.h"

#include "engine/ledger.h"
#include "unit.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64], file[96];

static void make_folder(void)
{
    snprintf(folder, sizeof folder, "/tmp/penstock-ledger-XXXXXX");
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
    snprintf(file, sizeof file, "%s/" LEDGER_FILE, folder);
}

static void drop_folder(void)
{
    char command[160];

    snprintf(command, sizeof command, "rm -rf %s", folder);
    CU_ASSERT_EQUAL(system(command), 0);
}

static void add(struct buf *b, const char *id, uint32_t attempt,
                const char *ended, int64_t nusd, int64_t time_ms)
{
    _Alignas(8) char record[LEDGER_RECORD_MAX];
    struct ledger_row row = { .time_ms = time_ms, .cost_nusd = nusd,
                              .usage = USAGE_NONE, .ttft_ms = -1, .ms = 5,
                              .attempt = attempt, .status = 200 };
    size_t n;

    row.usage.input = 10;
    row.usage.output = 3;
    row.text[LEDGER_ID] = str_of(id);
    row.text[LEDGER_KEY] = STR("k");
    row.text[LEDGER_MODEL] = STR("fast");
    row.text[LEDGER_PROVIDER] = STR("p");
    row.text[LEDGER_ENDED] = str_of(ended);
    n = ledger_pack(&row, record);
    CU_ASSERT_EQUAL_FATAL(buf_put(b, (struct str){ record, n }), 0);
}

enum { DAY_MS = 86400000 };

static int64_t sum(const json_t *rows, const char *name)
{
    return json_integer_value(
        json_object_get(json_array_get(rows, 0), name));
}

static json_t *usage(const char *by)
{
    const struct ledger_query q = { .by = by };
    struct err err = { 0 };
    json_t *rows = NULL;

    CU_ASSERT_EQUAL_FATAL(ledger_db_usage(file, &q, &rows, &err), 0);
    return rows;
}

static struct ledger_db *open_db(void)
{
    struct err err = { 0 };
    struct ledger_db *db = ledger_db_open(folder, &err);

    UNIT_STR(err.msg, "");
    CU_ASSERT_PTR_NOT_NULL_FATAL(db);
    return db;
}

static void twice_counts_once(void)
{
    struct buf b = BUF_INIT(1 << 20);
    struct err err = { 0 };
    struct ledger_db *db;
    uint64_t added;
    json_t *rows;

    make_folder();
    db = open_db();
    add(&b, "req_1", 1, "retried", 7, 5 * DAY_MS);
    add(&b, "req_1", 2, "complete", 11, 5 * DAY_MS);
    add(&b, "req_2", 1, "complete", -1, 6 * (int64_t)DAY_MS);
    UNIT_INT(ledger_db_put(db, buf_str(&b), &added, &err), 0);
    UNIT_INT(added, 3);
    UNIT_INT(ledger_db_put(db, buf_str(&b), &added, &err), 0);
    UNIT_INT(added, 0);
    rows = usage("");
    UNIT_INT(sum(rows, "requests"), 2);
    UNIT_INT(sum(rows, "tries"), 3);
    UNIT_INT(sum(rows, "input"), 30);
    UNIT_INT(sum(rows, "cost_nusd"), 18);
    UNIT_INT(sum(rows, "unknown"), 1);
    json_decref(rows);
    rows = usage("day");
    UNIT_INT(json_array_size(rows), 2);
    UNIT_STR(json_string_value(json_object_get(json_array_get(rows, 0),
                                               "day")), "1970-01-06");
    CU_ASSERT(json_is_null(json_object_get(json_array_get(rows, 1),
                                           "cost_nusd")));
    json_decref(rows);
    ledger_db_close(db);
    db = open_db(); /* a second time */
    ledger_db_close(db);
    buf_clear(&b);
    drop_folder();
}

static void old_rows_go_and_sums_stay(void)
{
    struct buf b = BUF_INIT(1 << 20);
    struct err err = { 0 };
    struct ledger_db *db;
    uint64_t added;
    json_t *rows;
    char id[32];

    make_folder();
    db = open_db();
    for (int i = 0; i < 30; i++) {
        snprintf(id, sizeof id, "req_%d", i);
        add(&b, id, 1, "complete", 1, (int64_t)i * DAY_MS);
    }
    UNIT_INT(ledger_db_put(db, buf_str(&b), &added, &err), 0);
    UNIT_INT(ledger_db_forget(db, 20 * (int64_t)DAY_MS, 15, &err), 15);
    UNIT_INT(ledger_db_forget(db, 20 * (int64_t)DAY_MS, 15, &err), 5);
    UNIT_INT(ledger_db_forget(db, 20 * (int64_t)DAY_MS, 15, &err), 0);
    rows = usage("");
    UNIT_INT(sum(rows, "tries"), 30);
    json_decref(rows);
    ledger_db_close(db);
    buf_clear(&b);
    drop_folder();
}

static void what_is_no_ledger(void)
{
    const struct ledger_query q = { .by = "model; DROP TABLE day" };
    struct err err = { 0 };
    json_t *rows = NULL;
    sqlite3 *raw;

    make_folder();
    UNIT_INT(ledger_db_usage(file, &q, &rows, &err), -ERR_NOTFOUND);
    ledger_db_close(open_db());
    err = (struct err){ 0 };
    UNIT_INT(ledger_db_usage(file, &q, &rows, &err), -ERR_CONFIG);
    CU_ASSERT_EQUAL(sqlite3_open(file, &raw), SQLITE_OK);
    sqlite3_exec(raw, "PRAGMA user_version = 99", NULL, NULL, NULL);
    sqlite3_close(raw);
    err = (struct err){ 0 };
    CU_ASSERT_PTR_NULL(ledger_db_open(folder, &err));
    UNIT_INT(err.code, ERR_CONFIG);
    drop_folder();
}

/* Each version that was ever released, as it was then: with a row. */
static const char *const versions[] = {
    "",
    "CREATE TABLE try (id TEXT NOT NULL, attempt INTEGER NOT NULL,"
    " time_ms INTEGER NOT NULL, principal TEXT, key TEXT, team TEXT,"
    " user TEXT, model TEXT, provider TEXT, upstream_model TEXT,"
    " credential TEXT, endpoint TEXT, class TEXT, ended TEXT,"
    " price_version TEXT, tags TEXT, status INTEGER,"
    " stream INTEGER NOT NULL, ms INTEGER NOT NULL, ttft_ms INTEGER,"
    " tier TEXT, estimated INTEGER NOT NULL, input INTEGER,"
    " cache_read INTEGER, cache_write INTEGER, cache_write_1h INTEGER,"
    " output INTEGER, reasoning INTEGER, cost_nusd INTEGER,"
    " PRIMARY KEY (id, attempt)) WITHOUT ROWID;"
    "CREATE INDEX try_time ON try (time_ms);"
    "CREATE TABLE day (day TEXT NOT NULL, key TEXT NOT NULL,"
    " team TEXT NOT NULL, user TEXT NOT NULL, model TEXT NOT NULL,"
    " provider TEXT NOT NULL, requests INTEGER NOT NULL,"
    " tries INTEGER NOT NULL, errors INTEGER NOT NULL,"
    " estimated INTEGER NOT NULL, unknown INTEGER NOT NULL,"
    " priced INTEGER NOT NULL, input INTEGER NOT NULL,"
    " cache_read INTEGER NOT NULL, cache_write INTEGER NOT NULL,"
    " output INTEGER NOT NULL, reasoning INTEGER NOT NULL,"
    " cost_nusd INTEGER NOT NULL,"
    " PRIMARY KEY (day, key, team, user, model, provider))"
    " WITHOUT ROWID;"
    "INSERT INTO try (id, attempt, time_ms, stream, ms, estimated)"
    " VALUES ('req_0', 1, 1, 0, 1, 0);"
    "INSERT INTO day VALUES ('1970-01-01','','','','','',1,1,0,0,1,0,"
    "5,0,0,5,0,0);"
    "PRAGMA user_version = 1",
    "CREATE TABLE try (id TEXT NOT NULL, attempt INTEGER NOT NULL,"
    " time_ms INTEGER NOT NULL, principal TEXT, key TEXT, team TEXT,"
    " user TEXT, model TEXT, provider TEXT, upstream_model TEXT,"
    " credential TEXT, endpoint TEXT, class TEXT, ended TEXT,"
    " price_version TEXT, tags TEXT, status INTEGER,"
    " stream INTEGER NOT NULL, ms INTEGER NOT NULL, ttft_ms INTEGER,"
    " tier TEXT, estimated INTEGER NOT NULL, input INTEGER,"
    " cache_read INTEGER, cache_write INTEGER, cache_write_1h INTEGER,"
    " output INTEGER, reasoning INTEGER, cost_nusd INTEGER,"
    " searches INTEGER, PRIMARY KEY (id, attempt)) WITHOUT ROWID;"
    "CREATE INDEX try_time ON try (time_ms);"
    "CREATE TABLE day (day TEXT NOT NULL, key TEXT NOT NULL,"
    " team TEXT NOT NULL, user TEXT NOT NULL, model TEXT NOT NULL,"
    " provider TEXT NOT NULL, requests INTEGER NOT NULL,"
    " tries INTEGER NOT NULL, errors INTEGER NOT NULL,"
    " estimated INTEGER NOT NULL, unknown INTEGER NOT NULL,"
    " priced INTEGER NOT NULL, input INTEGER NOT NULL,"
    " cache_read INTEGER NOT NULL, cache_write INTEGER NOT NULL,"
    " output INTEGER NOT NULL, reasoning INTEGER NOT NULL,"
    " cost_nusd INTEGER NOT NULL, searches INTEGER NOT NULL DEFAULT 0,"
    " PRIMARY KEY (day, key, team, user, model, provider))"
    " WITHOUT ROWID;"
    "INSERT INTO try (id, attempt, time_ms, stream, ms, estimated)"
    " VALUES ('req_0', 1, 1, 0, 1, 0);"
    "INSERT INTO day VALUES ('1970-01-01','','','','','',1,1,0,0,1,0,"
    "5,0,0,5,0,0,3);"
    "PRAGMA user_version = 2",
};

static void opens_what_every_version_left(void)
{
    for (int v = 0; v < (int)(sizeof versions / sizeof *versions); v++) {
        struct buf b = BUF_INIT(1 << 20);
        struct err err = { 0 };
        struct ledger_db *db;
        json_t *rows;
        uint64_t added = 0;
        sqlite3 *raw;

        make_folder();
        CU_ASSERT_EQUAL(sqlite3_open(file, &raw), SQLITE_OK);
        UNIT_INT(sqlite3_exec(raw, versions[v], NULL, NULL, NULL), SQLITE_OK);
        sqlite3_close(raw);
        db = open_db();
        add(&b, "req_1", 1, "complete", 1, 1);
        UNIT_INT(ledger_db_put(db, buf_str(&b), &added, &err), 0);
        UNIT_INT(added, 1);
        rows = usage("");
        UNIT_INT(sum(rows, "tries"), v ? 2 : 1);
        UNIT_INT(sum(rows, "searches"), v == 2 ? 3 : 0);
        json_decref(rows);
        ledger_db_close(db);
        buf_clear(&b);
        drop_folder();
    }
}

/* A locked file is BUSY, puts nothing, and may be tried again. */
static void a_lock_puts_nothing(void)
{
    struct buf b = BUF_INIT(1 << 20);
    struct err err = { 0 };
    struct ledger_db *db;
    uint64_t added;
    sqlite3 *raw;

    make_folder();
    db = open_db();
    add(&b, "req_1", 1, "complete", 1, 1);
    CU_ASSERT_EQUAL(sqlite3_open(file, &raw), SQLITE_OK);
    sqlite3_exec(raw, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    UNIT_INT(ledger_db_put(db, buf_str(&b), &added, &err), -ERR_BUSY);
    sqlite3_exec(raw, "ROLLBACK", NULL, NULL, NULL);
    sqlite3_close(raw);
    err = (struct err){ 0 };
    UNIT_INT(ledger_db_put(db, buf_str(&b), &added, &err), 0);
    UNIT_INT(added, 1);
    ledger_db_close(db);
    buf_clear(&b);
    drop_folder();
}

static size_t count_records(struct str b)
{
    size_t n = 0;

    for (size_t at = 0; at < b.n; n++) {
        uint32_t size;

        memcpy(&size, b.p + at, sizeof size);
        at += size;
    }
    return n;
}

/* Cut anywhere: what is whole is read, and nothing else. */
static void torn_spill_files(void)
{
    struct buf b = BUF_INIT(1 << 20), got = BUF_INIT(1 << 20);
    struct err err = { 0 };
    struct ledger_spill *s;
    char path[128];
    struct stat st;

    make_folder();
    s = ledger_spill_new(folder, 1 << 20, &err);
    CU_ASSERT(!ledger_spill_next(s, path, sizeof path));
    for (int i = 0; i < 5; i++)
        add(&b, "req_x", (uint32_t)i, "complete", 1, 1);
    UNIT_INT(ledger_spill_put(s, buf_str(&b), &err), 0);
    CU_ASSERT(!ledger_spill_next(s, path, sizeof path)); /* in use */
    ledger_spill_close(s);
    CU_ASSERT_FATAL(ledger_spill_next(s, path, sizeof path));
    CU_ASSERT_EQUAL_FATAL(stat(path, &st), 0);
    for (off_t size = st.st_size; size >= 0; size--) {
        uint64_t at = 0;
        off_t each = st.st_size / 5;

        CU_ASSERT_EQUAL_FATAL(truncate(path, size), 0);
        buf_reset(&got);
        UNIT_INT(ledger_spill_read(path, &at, 1 << 19, &got, &err), 0);
        CU_ASSERT_FATAL(count_records(buf_str(&got)) ==
                        (size_t)(size / each));
    }
    ledger_spill_free(s);
    buf_clear(&b);
    buf_clear(&got);
    drop_folder();
}

static void spill_files_are_bounded(void)
{
    struct buf b = BUF_INIT(1 << 20);
    struct err err = { 0 };
    struct ledger_spill *s;
    int n = 0;

    make_folder();
    s = ledger_spill_new(folder, 4096, &err);
    add(&b, "req_x", 1, "complete", 1, 1);
    while (n < 1000 && ledger_spill_put(s, buf_str(&b), &err) == 0) {
        if (++n % 3 == 0)
            ledger_spill_close(s); /* all files count */
    }
    UNIT_INT(err.code, ERR_LIMIT);
    CU_ASSERT(n > 5 && n < 40);
    ledger_spill_free(s);
    buf_clear(&b);
    drop_folder();
}

UNIT_MAIN("ledger", { "twice counts once", twice_counts_once },
          { "old rows go and sums stay", old_rows_go_and_sums_stay },
          { "what is no ledger", what_is_no_ledger },
          { "opens what every version left", opens_what_every_version_left },
          { "a lock puts nothing", a_lock_puts_nothing },
          { "torn spill files", torn_spill_files },
          { "spill files are bounded", spill_files_are_bounded })
