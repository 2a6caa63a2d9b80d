/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Teams in the store. */
#include "keeper/key_record.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>

static json_t *of_row(sqlite3_stmt *st)
{
    struct str body = db_col(st, 2), parent = db_col(st, 1);
    json_t *o = json_object(), *rest = json_loadb(body.p, body.n, 0, NULL);
    static const char *const times[] = { "created", "changed" };
    char text[32];

    json_object_set_new(o, "name", json_stringn(db_col(st, 0).p,
                                                db_col(st, 0).n));
    json_object_set_new(o, "parent", parent.n ? json_stringn(parent.p,
                                                             parent.n)
                                              : json_null());
    if (rest)
        json_object_update(o, rest);
    json_decref(rest);
    for (int i = 0; i < 2; i++) {
        record_time(db_col_number(st, 3 + i), text);
        json_object_set_new(o, times[i], json_string(text));
    }
    return o;
}

#define COLUMNS "SELECT name, parent, body, created_ms, changed_ms FROM team "

json_t *team_find(struct store *s, const char *name, struct err *err)
{
    sqlite3_stmt *st = db_stmt(s, COLUMNS "WHERE name = ?1", err);
    json_t *team = NULL;
    int rc = st ? 0 : -err->code;

    if (st) {
        db_text(st, 1, str_of(name));
        rc = db_step(s, st, err);
    }
    if (rc == 1)
        team = of_row(st);
    sqlite3_finalize(st);
    if (rc == 0)
        err_set(err, ERR_NOTFOUND, "the store has no team '%.64s'", name);
    return team;
}

json_t *team_list(struct store *s, struct err *err)
{
    sqlite3_stmt *st = db_stmt(s, COLUMNS "ORDER BY name", err);
    json_t *list = json_array();
    int rc = st ? 1 : -err->code;

    while (rc == 1 && (rc = db_step(s, st, err)) == 1)
        json_array_append_new(list, of_row(st));
    sqlite3_finalize(st);
    if (rc == 0)
        return json_pack("{s:o}", "teams", list);
    json_decref(list);
    return NULL;
}

static char *body_of(const json_t *fields)
{
    json_t *rest = json_copy((json_t *)(uintptr_t)fields);
    char *text;

    json_object_del(rest, "name");
    json_object_del(rest, "parent");
    text = json_dumps(rest, JSON_COMPACT);
    json_decref(rest);
    return text;
}

int team_put(struct store *s, const json_t *fields, struct err *err)
{
    sqlite3_stmt *st =
        db_stmt(s, "INSERT INTO team (name, parent, body, created_ms, "
                   "changed_ms) VALUES (?1, ?2, ?3, ?4, ?4) "
                   "ON CONFLICT (name) DO UPDATE SET parent = ?2, body = ?3, "
                   "changed_ms = ?4", err);
    char *body = body_of(fields);
    int rc = 0;

    if (st && body) {
        db_text(st, 1, str_of(json_string_value(json_object_get(fields,
                                                                "name"))));
        db_text(st, 2, str_of(json_string_value(json_object_get(fields,
                                                                "parent"))));
        db_text(st, 3, str_of(body));
        db_number(st, 4, clock_wall_ms());
        rc = db_done(s, st, err);
    } else {
        sqlite3_finalize(st);
        rc = err_set(err, ERR_NOMEM, "no memory");
    }
    free(body);
    return rc;
}

static int in_use(struct store *s, const char *name, struct err *err)
{
    sqlite3_stmt *st =
        db_stmt(s, "SELECT (SELECT count(*) FROM key WHERE team = ?1 AND "
                   "revoked_ms IS NULL), (SELECT count(*) FROM team WHERE "
                   "parent = ?1)", err);
    int rc = st ? 0 : -err->code;

    if (st) {
        db_text(st, 1, str_of(name));
        rc = db_step(s, st, err);
    }
    if (rc == 1 && (db_col_number(st, 0) || db_col_number(st, 1)))
        rc = err_set(err, ERR_BUSY, "%llu keys and %llu teams belong to team "
                     "'%.64s'", (unsigned long long)db_col_number(st, 0),
                     (unsigned long long)db_col_number(st, 1), name);
    sqlite3_finalize(st);
    return rc < 0 ? rc : 0;
}

int team_delete(struct store *s, const char *name, struct err *err)
{
    sqlite3_stmt *st;
    int rc = in_use(s, name, err);

    if (rc)
        return rc;
    st = db_stmt(s, "DELETE FROM team WHERE name = ?1", err);
    if (st)
        db_text(st, 1, str_of(name));
    return db_done(s, st, err);
}

int team_parent(struct store *s, struct str name, char *parent, size_t size,
                struct err *err)
{
    sqlite3_stmt *st = db_stmt(s, "SELECT parent FROM team WHERE name = ?1",
                               err);
    int rc = st ? 0 : -err->code;

    if (st) {
        db_text(st, 1, name);
        rc = db_step(s, st, err);
    }
    if (rc == 1 && parent)
        snprintf(parent, size, STR_FMT, STR_ARG(db_col(st, 0)));
    sqlite3_finalize(st);
    return rc;
}
