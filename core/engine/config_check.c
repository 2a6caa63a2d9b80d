/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A raw tree to a canonical one: each key against its row of config.def,
 * sugar undone, defaults filled in, references in ordinary keys replaced by
 * their text. Rules between keys follow in config_rules.c.
 */
#include "engine/config_unit.h"
#include "engine/config_walk.h"

#include <stdio.h>

enum { WHY_BYTES = 300, LIST_MAX = 100000, TEXT_MAX = 64 << 10 };

static json_t *walk_object(struct conf_walk *w, enum conf_scope_id scope,
                           json_t *raw, bool defaults);

static json_t *out_of_memory(struct conf_walk *w)
{
    err_set(w->err, ERR_NOMEM, "memory is out");
    return NULL;
}

/* ---- one value --------------------------------------------------------- */

/* The text that a reference in an ordinary key stands for, as the value. */
static json_t *resolved(struct conf_walk *w, const struct conf_row *row,
                        const json_t *ref)
{
    struct buf text = BUF_INIT(TEXT_MAX);
    struct err why = {0};
    json_t *v = NULL;
    uint64_t n;

    if (secret_resolve(ref, &text, &why) < 0) {
        walk_fail(w, "%s", why.msg);
    } else if (row->type == CONF_INT && str_u64(buf_str(&text), &n)) {
        v = json_integer((json_int_t)n);
    } else if (row->type == CONF_BOOL && (str_is(buf_str(&text), "true") ||
                                          str_is(buf_str(&text), "false"))) {
        v = json_boolean(str_is(buf_str(&text), "true"));
    } else {
        v = json_stringn(buf_str(&text).p, buf_len(&text));
        if (!v)
            walk_fail(w, "the value is not UTF-8");
    }
    buf_clear(&text);
    return v;
}

static json_t *walk_secret(struct conf_walk *w, json_t *raw)
{
    const char *s = json_string_value(raw);
    char why[WHY_BYTES];

    if (!secret_is_ref(raw)) {
        walk_fail(w, "a secret does not stand in the file; write %s",
                  s && s[0] == '/' ? "file \"/path\""
                                   : "env \"NAME\" or file \"/path\"");
        return NULL;
    }
    if (!secret_ref_ok(raw, why, sizeof why)) {
        walk_fail(w, "%s", why);
        return NULL;
    }
    walk_why(w, NULL);
    return json_incref(raw);
}

static json_t *walk_scalar(struct conf_walk *w, const struct conf_row *row,
                           json_t *raw)
{
    bool is_ref = secret_is_ref(raw);
    char why[WHY_BYTES] = "";
    struct str rest, word = conf_row_word(row, &rest);
    json_t *v;

    if (is_ref && !secret_ref_ok(raw, why, sizeof why)) {
        walk_fail(w, "%s", why);
        return NULL;
    }
    if (is_ref && w->paths->static_only) {
        walk_why(w, NULL);
        return json_incref(raw);
    }
    v = is_ref ? resolved(w, row, raw) : json_incref(raw);
    if (v && json_is_string(v) && word.p &&
        str_is(word, json_string_value(v))) {
        walk_why(w, NULL);
        return v;
    }
    if (!v)
        return NULL;
    if (!conf_value_ok(row->type, rest, v, why, sizeof why))
        walk_fail(w, "%s", why);
    else if (row->type != CONF_ANY || walk_any(w, row, v))
        return walk_why(w, NULL), v;
    json_decref(v);
    return NULL;
}

static json_t *walk_one(struct conf_walk *w, const struct conf_row *row,
                        json_t *raw)
{
    if (row->type == CONF_OBJECT)
        return walk_object(w, conf_row_scope(row), raw,
                           row->def != conf_inherit);
    if (row->type == CONF_SECRET)
        return walk_secret(w, raw);
    return walk_scalar(w, row, raw);
}

/* ---- lists, maps, named blocks ----------------------------------------- */

static json_t *walk_items(struct conf_walk *w, const struct conf_row *row,
                          json_t *items)
{
    json_t *out = json_array(), *item, *v;
    size_t i;

    if (json_array_size(items) > LIST_MAX) {
        walk_fail(w, "more than %d values", LIST_MAX);
        json_decref(out);
        return NULL;
    }
    json_array_foreach(items, i, item) {
        walk_item(w, i);
        v = walk_one(w, row, item);
        walk_leave(w);
        if (!v || json_array_append_new(out, v) < 0) {
            json_decref(out);
            return NULL;
        }
    }
    return out;
}

static json_t *walk_list(struct conf_walk *w, const struct conf_row *row,
                         json_t *raw)
{
    struct str word = conf_row_word(row, NULL);
    json_t *list, *out;

    if (word.p && json_is_string(raw) &&
        str_is(word, json_string_value(raw))) {
        walk_why(w, NULL);
        return json_incref(raw);
    }
    if (json_is_array(raw))
        return walk_items(w, row, raw);
    if (json_is_object(raw) && json_object_size(raw) == 0)
        return json_array();
    list = json_array();
    if (!list || json_array_append(list, raw) < 0)
        return out_of_memory(w);
    out = walk_items(w, row, list);
    json_decref(list);
    return out;
}

static json_t *walk_map(struct conf_walk *w, const struct conf_row *row,
                        json_t *raw)
{
    json_t *out, *item, *v;
    const char *name;

    if (!json_is_object(raw) || secret_is_ref(raw) ||
        json_object_get(raw, "")) {
        walk_fail(w, "values need names here; write { name = %s }",
                  conf_type_example(row->type));
        return NULL;
    }
    out = json_object();
    json_object_foreach(raw, name, item) {
        walk_member(w, name);
        v = strlen(name) > 128 ? walk_fail(w, "the name is too long"), NULL
                               : walk_one(w, row, item);
        walk_leave(w);
        if (!v || json_object_set_new(out, name, v) < 0) {
            json_decref(out);
            return NULL;
        }
    }
    return out;
}

static bool name_ok(struct conf_walk *w, enum conf_scope_id scope,
                    const char *name)
{
    const struct conf_scope *s = &conf_scopes[scope];
    json_t *v = json_string(name);
    char why[WHY_BYTES];
    bool ok = v && strlen(name) <= 256 &&
              conf_value_ok(s->name_type, str_of(s->name_unit), v, why,
                            sizeof why);

    if (!ok)
        walk_fail(w, "its name: %s",
                  strlen(name) > 256 ? "is longer than 256 bytes" : why);
    json_decref(v);
    return ok;
}

static json_t *walk_blocks(struct conf_walk *w, const struct conf_row *row,
                           json_t *raw)
{
    enum conf_scope_id scope = conf_row_scope(row);
    json_t *out, *item, *v;
    const char *name;

    if (!json_is_object(raw)) {
        walk_fail(w, "needs a name; write %s \"name\" { ... }", row->key);
        return NULL;
    }
    out = json_object();
    json_object_foreach(raw, name, item) {
        walk_named(w, name);
        v = name_ok(w, scope, name) ? walk_object(w, scope, item, true) : NULL;
        walk_leave(w);
        if (!v || json_object_set_new(out, name, v) < 0) {
            json_decref(out);
            return NULL;
        }
    }
    return out;
}

static json_t *walk_value(struct conf_walk *w, const struct conf_row *row,
                          json_t *raw)
{
    switch (row->form) {
    case CONF_LIST:
        return walk_list(w, row, raw);
    case CONF_MAP:
        return walk_map(w, row, raw);
    case CONF_NAMED:
        return walk_blocks(w, row, raw);
    default:
        return walk_one(w, row, raw);
    }
}

/* ---- objects ----------------------------------------------------------- */

static json_t *default_value(struct conf_walk *w, const struct conf_row *row)
{
    json_t *v = NULL, *empty, *why = w->why;
    struct str rest;
    uint64_t n;

    if (row->form == CONF_LIST) {
        v = json_array();
        w->why = NULL;
        for (rest = str_of(row->def); rest.n;) {
            struct str part = str_split(&rest, ',');
            json_t *item = json_pack("{s:s%}", "name", part.p, part.n);

            empty = walk_object(w, conf_row_scope(row), item, true);
            json_array_append_new(v, empty);
            json_decref(item);
        }
        w->why = why;
        walk_why(w, "default");
        return v;
    }
    if (row->type == CONF_OBJECT) {
        empty = json_object();
        v = walk_object(w, conf_row_scope(row), empty,
                        row->def != conf_inherit);
        json_decref(empty);
        return v;
    }
    walk_why(w, "default");
    if (row->type == CONF_BOOL)
        return json_boolean(strcmp(row->def, "true") == 0);
    if (row->type == CONF_INT && str_u64(str_of(row->def), &n))
        return json_integer((json_int_t)n);
    return json_string(row->def);
}

static int unknown_key(struct conf_walk *w, enum conf_scope_id scope,
                       const char *key)
{
    const char *what = scope == SCOPE_top ? "directive" : "key";
    struct conf_near near;

    conf_near_init(&near, str_of(key));
    conf_near_keys(&near, scope);
    if (near.best.p)
        return walk_fail(w, "unknown %s '%.80s'; did you mean '" STR_FMT "'?",
                         what, key, STR_ARG(near.best));
    return walk_fail(w, "unknown %s '%.80s'; see `penstock config help%s%s`",
                     what, key, scope == SCOPE_top ? "" : " ",
                     scope == SCOPE_top ? "" : conf_scopes[scope].name);
}

/* Every member must be a key of the scope; "" only where it is sugar. */
static int known_keys(struct conf_walk *w, enum conf_scope_id scope,
                      json_t *raw)
{
    const char *sugar = conf_scopes[scope].positional, *key;
    json_t *v;
    int rc = 0;

    json_object_foreach(raw, key, v) {
        if (conf_row_find(scope, str_of(key)))
            continue;
        if (scope == SCOPE_top && strcmp(key, CONFIG_MARKS) == 0 && w->marks)
            continue;
        if (!*key && sugar && json_object_get(raw, sugar))
            return walk_fail(w, "'%s' is given twice: by name and by "
                             "position", sugar);
        if (!*key && sugar)
            continue;
        if (!*key)
            return walk_fail(w, "values without a name have no meaning here; "
                             "write key = value");
        walk_member(w, key);
        rc = unknown_key(w, scope, key);
        walk_leave(w);
        return rc;
    }
    return rc;
}

/* What stands for the positional key: NULL when nothing does. */
static json_t *positional(enum conf_scope_id scope, json_t *raw)
{
    if (!conf_scopes[scope].positional)
        return NULL;
    if (json_is_object(raw) && !secret_is_ref(raw))
        return json_object_get(raw, "");
    return raw; /* a list, a text, a reference: it is the value itself */
}

static json_t *walk_positional(struct conf_walk *w, const struct conf_row *row,
                               json_t *raw)
{
    json_t *v;

    walk_implied(w, row->key);
    if (row->form == CONF_ONE && json_is_array(raw)) {
        if (json_array_size(raw) == 1) {
            walk_item(w, 0);
            if (w->depth <= WALK_DEPTH)
                w->steps[w->depth - 1].mark_only = true;
            v = walk_value(w, row, json_array_get(raw, 0));
            walk_leave(w);
        } else {
            walk_fail(w, "one value is expected without a name, not %zu",
                      json_array_size(raw));
            v = NULL;
        }
    } else {
        v = walk_value(w, row, raw);
    }
    walk_leave(w);
    return v;
}

/* The value of one key, *v NULL when it stays absent. 0 or -ERR_x. */
static int walk_key(struct conf_walk *w, const struct conf_row *row,
                    json_t *raw, bool defaults, json_t **v)
{
    json_t *given = json_is_object(raw) && !secret_is_ref(raw)
                        ? json_object_get(raw, row->key)
                        : NULL;
    const char *sugar = conf_scopes[row->scope].positional;
    json_t *unnamed = sugar && strcmp(sugar, row->key) == 0
                          ? positional(row->scope, raw)
                          : NULL;
    int rc = 0;

    *v = NULL;
    if (unnamed) {
        *v = walk_positional(w, row, unnamed);
        return *v ? 0 : -ERR_CONFIG;
    }
    walk_member(w, row->key);
    if (given)
        *v = walk_value(w, row, given);
    else if (row->def == conf_required)
        rc = walk_fail(w, "is missing; write %s%s%s", sugar ? "" : row->key,
                       sugar ? "" : " = ", conf_type_example(row->type));
    else if (row->def && (defaults || row->def == conf_inherit))
        *v = default_value(w, row);
    if (rc == 0 && !*v && (given || (row->def && defaults)))
        rc = -ERR_CONFIG;
    walk_leave(w);
    return rc;
}

static json_t *walk_object(struct conf_walk *w, enum conf_scope_id scope,
                           json_t *raw, bool defaults)
{
    const char *sugar = conf_scopes[scope].positional;
    json_t *out, *v;

    if (w->depth >= WALK_DEPTH) {
        walk_fail(w, "tables are too deep");
        return NULL;
    }
    if (!sugar && json_array_size(raw)) {
        walk_fail(w, "values without a name have no meaning here; write "
                  "{ key = value }");
        return NULL;
    }
    if (!sugar && (!json_is_object(raw) || secret_is_ref(raw))) {
        walk_fail(w, "must be a table; write { key = value }");
        return NULL;
    }
    if (json_is_object(raw) && !secret_is_ref(raw) &&
        known_keys(w, scope, raw) < 0)
        return NULL;
    out = json_object();
    for (size_t i = 0; i < conf_row_count; i++) {
        if (conf_rows[i].scope != scope)
            continue;
        if (walk_key(w, &conf_rows[i], raw, defaults, &v) < 0 ||
            (v && json_object_set_new(out, conf_rows[i].key, v) < 0)) {
            json_decref(out);
            return NULL;
        }
    }
    return out;
}

json_t *walk_tree(struct conf_walk *w, json_t *tree)
{
    if (!json_is_object(tree)) {
        walk_fail(w, "a configuration is a table of directives");
        return NULL;
    }
    return walk_object(w, SCOPE_top, tree, true);
}

json_t *config_check_why(json_t *tree, const struct config_paths *paths,
                         json_t **why, struct err *err)
{
    struct conf_walk w = {.paths = paths, .err = err};
    json_t *canonical;

    w.marks = json_object_get(tree, CONFIG_MARKS);
    if (!json_is_object(w.marks))
        w.marks = NULL;
    if (why)
        w.why = *why = json_object();
    canonical = walk_tree(&w, tree);
    if (canonical && walk_rules(&w, canonical) < 0) {
        json_decref(canonical);
        canonical = NULL;
    }
    if (canonical)
        config_order(SCOPE_top, canonical);
    else
        err_set(err, ERR_NOMEM, "memory is out"); /* unless it was told */
    if (!canonical && why) {
        json_decref(*why);
        *why = NULL;
    }
    return canonical;
}

json_t *config_check(json_t *tree, const struct config_paths *paths,
                     struct err *err)
{
    return config_check_why(tree, paths, NULL, err);
}
