/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Statements: SQLite's answers in our words. */
#include "keeper/store_impl.h"

#include "keeper/key_record.h"

static const struct {
    int sqlite, code;
    bool file; /* the file's fault, not the question's */
} answers[] = {
    { SQLITE_CONSTRAINT, ERR_EXISTS, false },
    { SQLITE_BUSY, ERR_BUSY, false },
    { SQLITE_LOCKED, ERR_BUSY, false },
    { SQLITE_NOMEM, ERR_NOMEM, false },
    { SQLITE_FULL, ERR_IO, false }, /* the next may find room again */
    { SQLITE_CORRUPT, ERR_SYNTAX, true },
    { SQLITE_NOTADB, ERR_SYNTAX, true },
};

int db_fail(struct store *s, struct err *err)
{
    int rc = s->db ? sqlite3_errcode(s->db) : SQLITE_NOMEM, code = ERR_IO;
    bool file = true;

    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        if ((rc & 0xff) == answers[i].sqlite) {
            code = answers[i].code;
            file = answers[i].file;
        }
    }
    s->broken |= file;
    return err_set(err, code, "the store: %s",
                   s->db ? sqlite3_errmsg(s->db) : "no memory");
}

int db_exec(struct store *s, const char *sql, struct err *err)
{
    return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK
               ? 0 : db_fail(s, err);
}

sqlite3_stmt *db_stmt(struct store *s, const char *sql, struct err *err)
{
    sqlite3_stmt *st = NULL;

    if (sqlite3_prepare_v2(s->db, sql, -1, &st, NULL) != SQLITE_OK)
        db_fail(s, err);
    return st;
}

int db_step(struct store *s, sqlite3_stmt *st, struct err *err)
{
    int rc = sqlite3_step(st);

    if (rc == SQLITE_ROW)
        return 1;
    return rc == SQLITE_DONE ? 0 : db_fail(s, err);
}

json_t *db_page(struct store *s, sqlite3_stmt *st, const char *name,
                json_t *(*of_row)(sqlite3_stmt *st), struct err *err)
{
    json_t *list = json_array(), *next = NULL;
    int rc = st ? 1 : -err->code;

    while (rc == 1 && (rc = db_step(s, st, err)) == 1) {
        if (json_array_size(list) < RECORD_PAGE)
            json_array_append_new(list, of_row(st));
        else if (!next)
            next = json_incref(json_object_get(
                json_array_get(list, RECORD_PAGE - 1), "id"));
    }
    sqlite3_finalize(st);
    if (rc == 0)
        return json_pack("{s:o, s:o}", name, list, "next",
                         next ? next : json_null());
    json_decref(next);
    json_decref(list);
    return NULL;
}

int db_done(struct store *s, sqlite3_stmt *st, struct err *err)
{
    int rc = st ? db_step(s, st, err) : -err->code;

    sqlite3_finalize(st);
    return rc < 0 ? rc : 0;
}

void db_text(sqlite3_stmt *st, int i, struct str text)
{
    if (text.p)
        sqlite3_bind_text(st, i, text.p, (int)text.n, SQLITE_STATIC);
    else
        sqlite3_bind_null(st, i);
}

void db_number(sqlite3_stmt *st, int i, uint64_t n)
{
    if (n)
        sqlite3_bind_int64(st, i, (sqlite3_int64)n);
    else
        sqlite3_bind_null(st, i);
}

struct str db_col(sqlite3_stmt *st, int i)
{
    const void *p = sqlite3_column_blob(st, i);

    return (struct str){ p ? p : "", (size_t)sqlite3_column_bytes(st, i) };
}

uint64_t db_col_number(sqlite3_stmt *st, int i)
{
    return (uint64_t)sqlite3_column_int64(st, i);
}

int db_begin(struct store *s, struct err *err)
{
    return db_exec(s, "BEGIN IMMEDIATE", err);
}

int db_end(struct store *s, int rc, struct err *err)
{
    if (!rc)
        rc = db_exec(s, "COMMIT", err);
    if (rc)
        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}
