/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Rows into key tables. */
#include "keeper/key_book.h"

#include "base/clock.h"
#include "base/map.h"
#include "engine/key_table.h"
#include "engine/key_text.h"
#include "keeper/store_impl.h"

#include <jansson.h>
#include <stdlib.h>

enum {
    DELTA_KEYS = 1024, /* more: a new base */
    ROW_BYTES = 1 << 20,
};

struct key_book {
    struct map *configured; /* names of the configuration's keys */
    struct arena *arena;    /* of the row at hand */
    uint64_t base, last;    /* generations; base 0 = none yet */
    char changed[DELTA_KEYS][KEY_ID_LEN + 1];
    size_t n_changed;
};

void key_book_free(struct key_book *b)
{
    if (!b)
        return;
    map_free(b->configured);
    arena_free(b->arena);
    free(b);
}

struct key_book *key_book_new(const struct config *c)
{
    struct key_book *b = calloc(1, sizeof *b);
    bool ok;

    if (!b)
        return NULL;
    b->configured = map_new(KEY_TABLE_MAX);
    b->arena = arena_new(ROW_BYTES);
    ok = b->configured && b->arena;
    for (size_t i = 0; ok && i < c->n_keys; i++)
        ok = map_set(b->configured, c->keys[i].name, b) == 0;
    if (ok)
        return b;
    key_book_free(b);
    return NULL;
}

bool key_book_configured(const struct key_book *b, const char *name)
{
    return map_get(b->configured, str_of(name)) != NULL;
}

void key_book_note(struct key_book *b, const char *id)
{
    for (size_t i = 0; i < b->n_changed; i++) {
        if (strcmp(b->changed[i], id) == 0)
            return;
    }
    if (b->n_changed == DELTA_KEYS)
        b->base = 0; /* too many: all anew */
    else
        memcpy(b->changed[b->n_changed++], id, KEY_ID_LEN + 1);
}

/* ---- a row ------------------------------------------------------------- */

static struct str text_of(const json_t *v)
{
    return (struct str){ json_string_value(v), json_string_length(v) };
}

static struct str *list_of(struct arena *a, const json_t *body,
                           const char *name, size_t *n)
{
    const json_t *list = json_object_get(body, name);
    size_t count = json_array_size(list);
    struct str *out = count ? arena_alloc(a, count * sizeof *out) : NULL;

    *n = out ? count : 0;
    for (size_t i = 0; i < *n; i++)
        out[i] = text_of(json_array_get(list, i));
    return out;
}

static struct conf_pair *tags_of(struct arena *a, const json_t *body,
                                 size_t *n)
{
    json_t *tags = json_object_get(body, "tags"), *v;
    size_t count = json_object_size(tags);
    struct conf_pair *out = count ? arena_alloc(a, count * sizeof *out)
                                  : NULL;
    const char *name;

    *n = 0;
    json_object_foreach(tags, name, v) {
        if (out)
            out[(*n)++] = (struct conf_pair){ str_of(name), text_of(v) };
    }
    return out;
}

static struct str limits_of(struct arena *a, const json_t *body)
{
    const json_t *limits = json_object_get(body, "limits");
    char *text = limits ? json_dumps(limits, JSON_COMPACT) : NULL;
    struct str copy = text ? arena_dup(a, str_of(text)) : STR_NULL;

    free(text);
    return copy;
}

#define SELECT_DIGESTS                                                        \
    "SELECT key.name, key.team, key.user, key.body, key.disabled, "           \
    "key.expires_ms, key.revoked_ms, secret.sha256, secret.until_ms "         \
    "FROM key JOIN secret ON secret.key = key.id WHERE "

enum { AT_NAME, AT_TEAM, AT_USER, AT_BODY, AT_DISABLED, AT_EXPIRES,
       AT_REVOKED, AT_SHA256, AT_UNTIL };

static uint64_t sooner(uint64_t a, uint64_t b)
{
    return a && (!b || a < b) ? a : b;
}

/* A body that cannot be read allows nothing: the key is left out, which the
 * caller is told by an error. */
static int add_row(struct key_book *b, struct key_table_builder *to,
                   sqlite3_stmt *st, struct err *err)
{
    struct str body = db_col(st, AT_BODY), sum = db_col(st, AT_SHA256);
    struct conf_key k = { .name = db_col(st, AT_NAME),
                          .team = db_col(st, AT_TEAM),
                          .user = db_col(st, AT_USER) };
    json_t *rest = json_loadb(body.p, body.n, 0, NULL);
    bool gone = db_col_number(st, AT_REVOKED) ||
                map_get(b->configured, k.name);
    struct str limits;
    int rc;

    if (!rest || sum.n != sizeof k.sha256) {
        json_decref(rest);
        return err_set(err, ERR_SYNTAX, "the store: key '" STR_FMT "' cannot "
                       "be read", STR_ARG(k.name));
    }
    memcpy(k.sha256, sum.p, sizeof k.sha256);
    k.disabled = db_col_number(st, AT_DISABLED) != 0;
    k.expires_ms = sooner(db_col_number(st, AT_EXPIRES),
                          db_col_number(st, AT_UNTIL));
    arena_reset(b->arena);
    k.models = list_of(b->arena, rest, "models", &k.n_models);
    k.endpoints = list_of(b->arena, rest, "endpoints", &k.n_endpoints);
    k.cidrs = list_of(b->arena, rest, "cidrs", &k.n_cidrs);
    k.tags = tags_of(b->arena, rest, &k.n_tags);
    limits = limits_of(b->arena, rest);
    rc = key_table_builder_add(to, &k, limits, gone);
    json_decref(rest);
    return rc ? err_set(err, -rc, "too many keys for the memory") : 0;
}

/* ---- tables ------------------------------------------------------------ */

static int add_rows(struct key_book *b, struct key_table_builder *to,
                    struct store *s, sqlite3_stmt *st, struct err *err)
{
    int rc = st ? 1 : -err->code;

    while (rc == 1 && (rc = db_step(s, st, err)) == 1) {
        int failed = add_row(b, to, st, err);

        rc = failed ? failed : 1;
    }
    sqlite3_finalize(st);
    return rc;
}

static int add_all(struct key_book *b, struct key_table_builder *to,
                   struct store *s, struct err *err)
{
    sqlite3_stmt *st = db_stmt(s, SELECT_DIGESTS "key.revoked_ms IS NULL AND "
                                  "(secret.until_ms IS NULL OR "
                                  "secret.until_ms > ?1)", err);

    if (st)
        db_number(st, 1, clock_wall_ms());
    return add_rows(b, to, s, st, err);
}

static int add_changed(struct key_book *b, struct key_table_builder *to,
                       struct store *s, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; i < b->n_changed && !rc; i++) {
        sqlite3_stmt *st = db_stmt(s, SELECT_DIGESTS "key.id = ?1", err);

        if (st)
            db_text(st, 1, str_of(b->changed[i]));
        rc = add_rows(b, to, s, st, err);
    }
    return rc;
}

static int add_team(struct key_book *b, struct key_table_builder *to,
                    sqlite3_stmt *st, struct err *err)
{
    struct str body = db_col(st, 2);
    json_t *rest = json_loadb(body.p, body.n, 0, NULL);
    struct key_team t = { .name = db_col(st, 0), .parent = db_col(st, 1) };
    int rc;

    if (!rest)
        return err_set(err, ERR_SYNTAX, "the store: team '" STR_FMT "' cannot "
                       "be read", STR_ARG(t.name));
    arena_reset(b->arena);
    t.models = list_of(b->arena, rest, "models", &t.n_models);
    t.tags = tags_of(b->arena, rest, &t.n_tags);
    t.limits = limits_of(b->arena, rest);
    rc = key_table_builder_team(to, &t);
    json_decref(rest);
    return rc ? err_set(err, -rc, "more than %d teams", KEY_TEAMS_MAX) : 0;
}

static int add_teams(struct key_book *b, struct key_table_builder *to,
                     struct store *s, struct err *err)
{
    sqlite3_stmt *st = db_stmt(s, "SELECT name, parent, body FROM team", err);
    int rc = st ? 1 : -err->code;

    while (rc == 1 && (rc = db_step(s, st, err)) == 1) {
        int failed = add_team(b, to, st, err);

        rc = failed ? failed : 1;
    }
    sqlite3_finalize(st);
    return rc;
}

/* Later ones are larger, also those of the keeper after this one. */
static uint64_t next_generation(struct key_book *b)
{
    uint64_t now = clock_wall_ms() << 10;

    b->last = now > b->last ? now : b->last + 1;
    return b->last;
}

int key_book_snapshot(struct key_book *b, struct store *s, bool *is_base,
                      struct err *err)
{
    uint64_t generation = next_generation(b);
    struct key_table_builder *to =
        key_table_builder_new(generation, b->base, err);
    int rc = to ? 0 : -err->code, fd;

    *is_base = b->base == 0;
    if (!rc)
        rc = *is_base ? add_all(b, to, s, err) : add_changed(b, to, s, err);
    if (!rc)
        rc = add_teams(b, to, s, err);
    if (rc) {
        key_table_builder_free(to);
        return rc;
    }
    fd = key_table_builder_seal(to, err);
    if (fd >= 0 && *is_base) {
        b->base = generation;
        b->n_changed = 0;
    }
    return fd;
}
