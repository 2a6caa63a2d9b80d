/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A key or a team is checked as if it stood in the configuration, so that
 * both mean the same in both places: a tree of one block goes through the
 * table (without the rules between blocks), and what comes back is canonical.
 */
#include "keeper/key_record.h"

#include "engine/config_table.h"
#include "engine/config_walk.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

void record_time(uint64_t ms, char out[32])
{
    time_t s = (time_t)(ms / 1000);
    struct tm tm;

    out[0] = '\0';
    if (ms && gmtime_r(&s, &tm))
        strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

/* Fields that the table does not know (yet), and what they must be. */
static bool is_ours(enum conf_scope_id scope, const char *name)
{
    static const char *const ours[] = { "name", "metadata", "parent",
                                        "limits" };

    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
        if (strcmp(ours[i], name) == 0)
            return !conf_row_find(scope, str_of(name));
    }
    return false;
}

/* "600/min", "400k/min": what is allowed per what time. */
static bool is_rate(struct str s)
{
    static const char *const per[] = { "s", "min", "h", "day" };
    struct str n = str_split(&s, '/');
    uint64_t v;

    if (n.n && (n.p[n.n - 1] == 'k' || n.p[n.n - 1] == 'M'))
        n.n--;
    if (!str_u64(n, &v) || v == 0)
        return false;
    for (size_t i = 0; s.p && i < sizeof per / sizeof *per; i++) {
        if (str_is(s, per[i]))
            return true;
    }
    return false;
}

static int check_limits(const json_t *limits, struct err *err)
{
    const char *name;
    json_t *v;

    json_object_foreach((json_t *)(uintptr_t)limits, name, v) {
        if (strcmp(name, "concurrent") == 0) {
            if (!json_is_integer(v) || json_integer_value(v) < 1)
                return err_at(err, ERR_CONFIG, "limits.concurrent",
                              "write a whole number, as in 40");
        } else if (strcmp(name, "requests") != 0 &&
                   strcmp(name, "tokens") != 0) {
            return err_at(err, ERR_CONFIG, "limits", "there is no limit "
                          "'%.40s'; requests, tokens and concurrent are",
                          name);
        } else if (!json_is_string(v) ||
                   !is_rate(str_of(json_string_value(v)))) {
            return err_at(err, ERR_CONFIG, "limits", "%s: write \"600/min\" "
                          "or \"400k/min\" (per s, min, h, day)", name);
        }
    }
    return 0;
}

/** A member; null is as good as none. */
static const json_t *given(const json_t *fields, const char *name)
{
    const json_t *v = json_object_get(fields, name);

    return json_is_null(v) ? NULL : v;
}

static int check_ours(const json_t *fields, enum conf_scope_id scope,
                      struct err *err)
{
    const json_t *limits = given(fields, "limits");
    const json_t *metadata = given(fields, "metadata");
    const json_t *parent = given(fields, "parent");

    if (metadata && !json_is_object(metadata))
        return err_at(err, ERR_CONFIG, "metadata", "must be an object");
    if (parent && !json_is_string(parent))
        return err_at(err, ERR_CONFIG, "parent", "must be a team's name");
    if (parent && scope != SCOPE_team)
        return err_at(err, ERR_CONFIG, "parent", "is for teams");
    if (!limits || !is_ours(scope, "limits"))
        return 0;
    if (!json_is_object(limits))
        return err_at(err, ERR_CONFIG, "limits", "must be an object");
    return check_limits(limits, err);
}

/* The block as it would stand in a file. The team is looked up elsewhere. */
static json_t *as_block(enum conf_scope_id scope, const json_t *fields)
{
    json_t *block = json_object(), *v;
    const char *name;

    json_object_foreach((json_t *)(uintptr_t)fields, name, v) {
        if (!is_ours(scope, name) && strcmp(name, "team") != 0 &&
            !json_is_null(v))
            json_object_set(block, name, v);
    }
    if (scope == SCOPE_key)
        json_object_set_new(block, "sha256", json_sprintf("%064d", 0));
    return block;
}

/* "/key/ci/models//0" is "models//0" to who gave the fields. */
static void shorten_place(struct err *err, const char *kind)
{
    struct str rest = str_of(err->at);
    char at[sizeof err->at];

    str_split(&rest, '/');
    if (!str_is(str_split(&rest, '/'), kind))
        return;
    str_split(&rest, '/');
    snprintf(at, sizeof at, STR_FMT, STR_ARG(rest));
    memcpy(err->at, at, sizeof at);
}

static json_t *through_table(const char *kind, const char *name,
                             enum conf_scope_id scope, const json_t *fields,
                             struct err *err)
{
    static const struct config_paths nowhere = { .static_only = true };
    struct conf_walk w = { .paths = &nowhere, .err = err };
    json_t *tree = json_pack("{s:{s:o}}", kind, name,
                             as_block(scope, fields));
    json_t *canonical = tree ? walk_tree(&w, tree) : NULL;
    json_t *out = NULL;

    if (!tree)
        err_set(err, ERR_NOMEM, "no memory");
    if (canonical)
        out = json_incref(json_object_get(json_object_get(canonical, kind),
                                          name));
    if (out)
        json_object_del(out, "sha256");
    else
        shorten_place(err, kind);
    json_decref(canonical);
    json_decref(tree);
    return out;
}

static bool is_small(const json_t *v, struct err *err)
{
    size_t n = json_dumpb(v, NULL, 0, JSON_COMPACT);

    if (n <= RECORD_BODY_MAX)
        return true;
    err_set(err, ERR_CONFIG, "it is larger than %d bytes", RECORD_BODY_MAX);
    return false;
}

json_t *record_check(const char *kind, const json_t *fields, struct err *err)
{
    static const char *const kept[] = { "name", "team", "parent", "limits",
                                        "metadata" };
    enum conf_scope_id scope = *kind == 'k' ? SCOPE_key : SCOPE_team;
    const json_t *team = json_object_get(fields, "team");
    const char *name = json_string_value(json_object_get(fields, "name"));
    json_t *out;

    if (!name || !*name || strlen(name) > RECORD_NAME_MAX ||
        strchr(name, '/')) {
        err_at(err, ERR_CONFIG, "name", "a %s needs a name of 1 to %d bytes "
               "without '/'", kind, RECORD_NAME_MAX);
        return NULL;
    }
    if (team && !json_is_null(team) &&
        (!json_is_string(team) || scope != SCOPE_key)) {
        err_at(err, ERR_CONFIG, "team", "must be a team's name");
        return NULL;
    }
    if (!is_small(fields, err) || check_ours(fields, scope, err) != 0)
        return NULL;
    out = through_table(kind, name, scope, fields, err);
    for (size_t i = 0; out && i < sizeof kept / sizeof *kept; i++) {
        json_t *v = json_object_get(fields, kept[i]);

        if (v && !json_is_null(v) && !json_object_get(out, kept[i]))
            json_object_set(out, kept[i], v);
    }
    return out;
}
