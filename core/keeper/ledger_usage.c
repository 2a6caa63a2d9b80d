/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Sums for `penstock usage`: read-only, beside the keeper, from one snapshot
 * of the database. */
#include "keeper/ledger_db.h"

#include "keeper/store_impl.h"

#include <stdio.h>
#include <unistd.h>

enum { READ_BUSY_MS = 2000 };

static const char columns[] = "key|team|user|model|provider|day";

const char *const ledger_sums[] = {
    "requests", "tries", "errors", "input", "cache_read", "cache_write",
    "output", "reasoning", "cost_nusd", "unknown", "estimated", "searches",
    NULL,
};

enum { SUMS = sizeof ledger_sums / sizeof ledger_sums[0] - 1, COST = 8 };

static bool is_column(struct str s)
{
    struct str rest = str_of(columns);

    while (rest.p) {
        if (str_eq(str_split(&rest, '|'), s))
            return true;
    }
    return false;
}

static int put_by(struct buf *sql, const char *by, const char *comma,
                  struct err *err)
{
    struct str rest = str_of(by);

    while (rest.p && rest.n) {
        struct str c = str_split(&rest, ',');

        if (!is_column(c))
            return err_set(err, ERR_CONFIG, "\"" STR_FMT "\" is none of %s",
                           STR_ARG(c), columns);
        buf_printf(sql, "\"" STR_FMT "\"%s", STR_ARG(c),
                   rest.p || *comma ? "," : "");
    }
    return 0;
}

static int write_sql(struct buf *sql, const struct ledger_query *q,
                     struct err *err)
{
    static const char *const wheres[] = { "day >= ", "day <= ", "key = ",
                                          "team = ", "user = ", "model = ",
                                          "provider = " };
    const char *values[] = { q->since, q->until, q->key, q->team, q->user,
                             q->model, q->provider };
    bool any = q->by && *q->by;
    int rc;

    buf_puts(sql, "SELECT ");
    rc = put_by(sql, any ? q->by : "", ",", err);
    for (int i = 0; i < SUMS && !rc; i++) {
        if (i == COST)
            buf_puts(sql, "CASE WHEN sum(priced) THEN sum(cost_nusd) END,");
        else
            buf_printf(sql, "sum(%s)%s", ledger_sums[i],
                       i + 1 < SUMS ? "," : "");
    }
    buf_puts(sql, " FROM day WHERE 1");
    for (int i = 0; i < 7 && !rc; i++) {
        if (values[i] && *values[i])
            buf_printf(sql, " AND %s?%d", wheres[i], i + 1);
    }
    if (any && !rc) {
        buf_puts(sql, " GROUP BY ");
        rc = put_by(sql, q->by, "", err);
    }
    buf_puts(sql, " HAVING sum(tries) ORDER BY sum(cost_nusd) DESC,"
                  " sum(tries) DESC, 1 LIMIT 100000");
    if (!rc && buf_putc(sql, '\0') != 0)
        rc = err_set(err, ERR_LIMIT, "the question is too long");
    return rc;
}

static json_t *row_json(sqlite3_stmt *st)
{
    json_t *o = json_object();
    int n = sqlite3_column_count(st), named = n - SUMS;

    for (int i = 0; i < named && o; i++)
        json_object_set_new(o, sqlite3_column_name(st, i),
                            json_string((const char *)
                                            sqlite3_column_text(st, i)));
    for (int i = named; i < n && o; i++)
        json_object_set_new(o, ledger_sums[i - named],
                            sqlite3_column_type(st, i) == SQLITE_NULL
                                ? json_null()
                                : json_integer(sqlite3_column_int64(st, i)));
    return o;
}

static int read_rows(struct store *s, const struct ledger_query *q,
                     json_t *out, struct err *err)
{
    const char *values[] = { q->since, q->until, q->key, q->team, q->user,
                             q->model, q->provider };
    struct buf sql = BUF_INIT(8192);
    sqlite3_stmt *st = NULL;
    int rc = write_sql(&sql, q, err);

    if (!rc && !(st = db_stmt(s, buf_str(&sql).p, err)))
        rc = -err->code;
    for (int i = 0; i < 7 && !rc; i++) {
        if (values[i] && *values[i])
            db_text(st, i + 1, str_of(values[i]));
    }
    while (!rc && (rc = db_step(s, st, err)) == 1)
        rc = json_array_append_new(out, row_json(st)) ? -ERR_NOMEM : 0;
    sqlite3_finalize(st);
    buf_clear(&sql);
    return rc;
}

int ledger_db_usage(const char *file, const struct ledger_query *q,
                    json_t **out, struct err *err)
{
    struct store s = { .db = NULL };
    json_t *rows = json_array();
    int rc = 0;

    if (access(file, F_OK) != 0)
        rc = err_set(err, ERR_NOTFOUND, "there is no ledger in %s", file);
    else if (sqlite3_open_v2(file, &s.db, SQLITE_OPEN_READONLY, NULL) !=
             SQLITE_OK)
        rc = db_fail(&s, err);
    if (s.db)
        sqlite3_busy_timeout(s.db, READ_BUSY_MS);
    if (!rc)
        rc = read_rows(&s, q, rows, err);
    sqlite3_close(s.db);
    if (!rc)
        *out = json_incref(rows);
    json_decref(rows);
    return rc;
}
