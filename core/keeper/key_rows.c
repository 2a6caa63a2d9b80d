/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Keys and their digests in the store. */
#include "keeper/key_record.h"

#include "base/clock.h"
#include "engine/config_unit.h"

#include <stdlib.h>

/* What has a column of its own; the rest is the body. */
static const char *const columns[] = { "name", "team", "user", "disabled",
                                       "expires" };

/* ---- a row as JSON ----------------------------------------------------- */

static void put_text(json_t *o, const char *name, struct str s)
{
    json_object_set_new(o, name, s.n ? json_stringn(s.p, s.n) : json_null());
}

static void put_time(json_t *o, const char *name, uint64_t ms)
{
    char text[32];

    record_time(ms, text);
    json_object_set_new(o, name, ms ? json_string(text) : json_null());
}

static const char *state_of(sqlite3_stmt *st)
{
    uint64_t expires = db_col_number(st, COL_EXPIRES);

    if (db_col_number(st, COL_REVOKED))
        return "revoked";
    if (db_col_number(st, COL_DISABLED))
        return "disabled";
    return expires && expires <= clock_wall_ms() ? "expired" : "active";
}

static json_t *of_row(sqlite3_stmt *st)
{
    struct str body = db_col(st, COL_BODY);
    json_t *o = json_object(), *rest = json_loadb(body.p, body.n, 0, NULL);

    put_text(o, "id", db_col(st, COL_ID));
    put_text(o, "name", db_col(st, COL_NAME));
    put_text(o, "team", db_col(st, COL_TEAM));
    put_text(o, "user", db_col(st, COL_USER));
    json_object_set_new(o, "state", json_string(state_of(st)));
    json_object_set_new(o, "disabled",
                        json_boolean(db_col_number(st, COL_DISABLED)));
    put_time(o, "expires", db_col_number(st, COL_EXPIRES));
    if (rest)
        json_object_update(o, rest);
    json_decref(rest);
    put_time(o, "created", db_col_number(st, COL_CREATED));
    put_text(o, "created_by", db_col(st, COL_BY));
    put_time(o, "changed", db_col_number(st, COL_CHANGED));
    if (db_col_number(st, COL_REVOKED))
        put_time(o, "revoked", db_col_number(st, COL_REVOKED));
    return o;
}

/* Digests are not shown: when each was made and when it ends is. */
static int add_secrets(struct store *s, json_t *key, struct err *err)
{
    const char *id = json_string_value(json_object_get(key, "id"));
    sqlite3_stmt *st = db_stmt(s, "SELECT created_ms, until_ms FROM secret "
                                  "WHERE key = ? ORDER BY created_ms", err);
    json_t *list = json_array();
    int rc = st ? 1 : -err->code;

    if (st)
        db_text(st, 1, str_of(id));
    while (rc == 1 && (rc = db_step(s, st, err)) == 1) {
        json_t *one = json_object();

        put_time(one, "created", db_col_number(st, 0));
        put_time(one, "until", db_col_number(st, 1));
        json_array_append_new(list, one);
    }
    sqlite3_finalize(st);
    json_object_set_new(key, "secrets", list);
    return rc;
}

json_t *key_find(struct store *s, const char *id_or_name, struct err *err)
{
    sqlite3_stmt *st =
        db_stmt(s, "SELECT " KEY_COLUMNS " FROM key WHERE id = ?1 OR "
                   "(name = ?1 AND revoked_ms IS NULL) "
                   "ORDER BY revoked_ms IS NOT NULL, name = ?1 LIMIT 1", err);
    json_t *key = NULL;
    int rc = st ? 0 : -err->code;

    if (st) {
        db_text(st, 1, str_of(id_or_name));
        rc = db_step(s, st, err);
    }
    if (rc == 1)
        key = of_row(st);
    sqlite3_finalize(st);
    if (rc == 0)
        err_set(err, ERR_NOTFOUND, "there is no key '%.64s'", id_or_name);
    if (key && add_secrets(s, key, err) != 0) {
        json_decref(key);
        key = NULL;
    }
    return key;
}

json_t *key_list(struct store *s, const char *after, bool revoked,
                 struct err *err)
{
    sqlite3_stmt *st = db_stmt(s, "SELECT " KEY_COLUMNS " FROM key WHERE "
                                  "id > ?1 AND (?2 OR revoked_ms IS NULL) "
                                  "ORDER BY id LIMIT ?3", err);

    if (st) {
        db_text(st, 1, str_of(after ? after : ""));
        sqlite3_bind_int(st, 2, revoked);
        sqlite3_bind_int(st, 3, RECORD_PAGE + 1);
    }
    return db_page(s, st, "keys", of_row, err);
}

/* ---- writing ----------------------------------------------------------- */

/** Dumped, without what has a column; free() it. */
static char *body_of(const json_t *fields)
{
    json_t *rest = json_copy((json_t *)(uintptr_t)fields);
    char *text;

    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        json_object_del(rest, columns[i]);
    text = json_dumps(rest, JSON_COMPACT);
    json_decref(rest);
    return text;
}

static struct str text_of(const json_t *fields, const char *name)
{
    return str_of(json_string_value(json_object_get(fields, name)));
}

static void bind_fields(sqlite3_stmt *st, const json_t *fields,
                        const char *body)
{
    struct str expires = text_of(fields, "expires");
    uint64_t ms = 0;

    if (expires.n)
        conf_date(expires, &ms);
    db_text(st, 2, text_of(fields, "name"));
    db_text(st, 3, text_of(fields, "team"));
    db_text(st, 4, text_of(fields, "user"));
    db_text(st, 5, str_of(body));
    sqlite3_bind_int(st, 6,
                     json_is_true(json_object_get(fields, "disabled")));
    db_number(st, 7, ms);
    db_number(st, 8, clock_wall_ms());
}

static int put_fields(struct store *s, const char *sql, const char *id,
                      const json_t *fields, const char *who, struct err *err)
{
    sqlite3_stmt *st = db_stmt(s, sql, err);
    char *body = body_of(fields);
    int rc;

    if (st && body) {
        db_text(st, 1, str_of(id));
        bind_fields(st, fields, body);
        if (who)
            db_text(st, 9, str_of(who));
    }
    rc = body ? 0 : err_set(err, ERR_NOMEM, "no memory");
    if (!rc)
        rc = db_done(s, st, err);
    else
        sqlite3_finalize(st);
    free(body);
    return rc;
}

/* EXISTS in words of ours. */
static int clash(int rc, const char *what, struct err *err)
{
    if (rc != -ERR_EXISTS)
        return rc;
    *err = (struct err){ 0 };
    return err_set(err, ERR_EXISTS, "there is a key %s already", what);
}

static int add_digest(struct store *s, const char *id,
                      const unsigned char sha256[32], struct err *err)
{
    sqlite3_stmt *st = db_stmt(s, "INSERT INTO secret "
                                  "(sha256, key, created_ms) "
                                  "VALUES (?1, ?2, ?3)", err);

    if (st) {
        sqlite3_bind_blob(st, 1, sha256, 32, SQLITE_STATIC);
        db_text(st, 2, str_of(id));
        db_number(st, 3, clock_wall_ms());
    }
    return clash(db_done(s, st, err), "with that secret", err);
}

int key_insert(struct store *s, const char *id, const json_t *fields,
               const unsigned char sha256[32], const char *who,
               struct err *err)
{
    int rc = put_fields(s, "INSERT INTO key (id, name, team, user, body, "
                           "disabled, expires_ms, created_ms, created_by, "
                           "changed_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, "
                           "?8, ?9, ?8)", id, fields, who, err);

    rc = clash(rc, "of that name", err);
    return rc ? rc : add_digest(s, id, sha256, err);
}

int key_change(struct store *s, const char *id, const json_t *fields,
               struct err *err)
{
    return put_fields(s, "UPDATE key SET name = ?2, team = ?3, user = ?4, "
                         "body = ?5, disabled = ?6, expires_ms = ?7, "
                         "changed_ms = ?8 WHERE id = ?1", id, fields, NULL,
                      err);
}

int key_add_secret(struct store *s, const char *id,
                   const unsigned char sha256[32], uint64_t until_ms,
                   struct err *err)
{
    sqlite3_stmt *st = db_stmt(s, "UPDATE secret SET until_ms = ?2 WHERE "
                                  "key = ?1 AND (until_ms IS NULL OR "
                                  "until_ms > ?2)", err);
    int rc;

    if (st) {
        db_text(st, 1, str_of(id));
        db_number(st, 2, until_ms);
    }
    rc = db_done(s, st, err);
    return rc ? rc : add_digest(s, id, sha256, err);
}

int key_revoke(struct store *s, const char *id, struct err *err)
{
    sqlite3_stmt *st = db_stmt(s, "UPDATE key SET revoked_ms = ?2, "
                                  "changed_ms = ?2 WHERE id = ?1", err);

    if (st) {
        db_text(st, 1, str_of(id));
        db_number(st, 2, clock_wall_ms());
    }
    return db_done(s, st, err);
}
