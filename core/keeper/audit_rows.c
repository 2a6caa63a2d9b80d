/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The audit: who changed what, and when. Triggers refuse to change it. */
#include "keeper/key_record.h"

#include "base/clock.h"

#include <stdlib.h>

int audit_add(struct store *s, const char *who, const char *action,
              const char *object, const json_t *before, const json_t *after,
              struct err *err)
{
    sqlite3_stmt *st = db_stmt(s, "INSERT INTO audit (at_ms, who, action, "
                                  "object, before, after) "
                                  "VALUES (?1, ?2, ?3, ?4, ?5, ?6)", err);
    char *old = before ? json_dumps(before, JSON_COMPACT) : NULL;
    char *now = after ? json_dumps(after, JSON_COMPACT) : NULL;
    int rc;

    if (st) {
        db_number(st, 1, clock_wall_ms());
        db_text(st, 2, str_of(who));
        db_text(st, 3, str_of(action));
        db_text(st, 4, str_of(object));
        db_text(st, 5, str_of(old));
        db_text(st, 6, str_of(now));
    }
    rc = db_done(s, st, err);
    free(old);
    free(now);
    return rc;
}

static void put(json_t *line, const char *name, struct str s, bool is_json)
{
    json_t *v = is_json ? json_loadb(s.p, s.n, 0, NULL)
                        : json_stringn(s.p, s.n);

    json_object_set_new(line, name, v ? v : json_null());
}

static json_t *of_row(sqlite3_stmt *st)
{
    json_t *line = json_object();
    char at[32];

    record_time(db_col_number(st, 1), at);
    json_object_set_new(line, "id",
                        json_integer((json_int_t)db_col_number(st, 0)));
    json_object_set_new(line, "at", json_string(at));
    put(line, "who", db_col(st, 2), false);
    put(line, "action", db_col(st, 3), false);
    put(line, "object", db_col(st, 4), false);
    put(line, "before", db_col(st, 5), true);
    put(line, "after", db_col(st, 6), true);
    return line;
}

json_t *audit_list(struct store *s, uint64_t after, struct err *err)
{
    sqlite3_stmt *st = db_stmt(s, "SELECT id, at_ms, who, action, object, "
                                  "before, after FROM audit WHERE id > ?1 "
                                  "ORDER BY id LIMIT ?2", err);

    if (st) {
        sqlite3_bind_int64(st, 1, (sqlite3_int64)after);
        sqlite3_bind_int(st, 2, RECORD_PAGE + 1);
    }
    return db_page(s, st, "audit", of_row, err);
}
