/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Two bundles, compared along config.def and section by section. */
#include "engine/config_diff.h"

#include "base/snapshot.h"

#include <stdio.h>
#include <string.h>

enum { PATH_LEN = 160 };

static const char added[] = "added", removed[] = "removed",
                  changed[] = "changed";

int config_diff_add(struct config_diff *d, const char *path,
                    const char *change, enum conf_applies applies)
{
    json_t *row;

    d->n++;
    if (applies > d->applies)
        d->applies = applies;
    if (json_array_size(d->changes) >= CONFIG_CHANGES_MAX)
        return 0;
    row = json_pack("{s:s, s:s, s:s}", "path", path, "change", change,
                    "applies", conf_applies_name(applies));
    return json_array_append_new(d->changes, row) == 0 ? 0 : -ERR_NOMEM;
}

/* ---- the tree ---------------------------------------------------------- */

static int diff_table(struct config_diff *d, enum conf_scope_id scope,
                      const json_t *from, const json_t *to, const char *at);

/** A place one level down; one that is too long is shown cut. */
static void join(char *out, const char *at, const char *name)
{
    if (snprintf(out, PATH_LEN, "%s%s%s", at, *at ? "/" : "", name) >=
        PATH_LEN)
        memcpy(out + PATH_LEN - 4, "...", 4);
}

static const char *how(const json_t *from, const json_t *to)
{
    return !from ? added : !to ? removed : changed;
}

/** kind "name" { ... }: what came, went and differs. */
static int diff_named(struct config_diff *d, const struct conf_row *row,
                      json_t *from, json_t *to, const char *at)
{
    char path[PATH_LEN];
    const char *name;
    json_t *v;
    int rc = 0;

    json_object_foreach(to, name, v) {
        json_t *old = json_object_get(from, name);

        join(path, at, name);
        if (old && !rc)
            rc = diff_table(d, conf_row_scope(row), old, v, path);
        else if (!rc)
            rc = config_diff_add(d, path, added, row->applies);
    }
    json_object_foreach(from, name, v) {
        join(path, at, name);
        if (!rc && !json_object_get(to, name))
            rc = config_diff_add(d, path, removed, row->applies);
    }
    return rc;
}

static int diff_key(struct config_diff *d, const struct conf_row *row,
                    json_t *from, json_t *to, const char *at)
{
    if (from == to || (from && to && json_equal(from, to)))
        return 0;
    if (row->type == CONF_OBJECT && row->form == CONF_NAMED)
        return diff_named(d, row, from, to, at);
    if (row->type == CONF_OBJECT && row->form == CONF_ONE && from && to)
        return diff_table(d, conf_row_scope(row), from, to, at);
    return config_diff_add(d, at, how(from, to), row->applies);
}

static int diff_table(struct config_diff *d, enum conf_scope_id scope,
                      const json_t *from, const json_t *to, const char *at)
{
    char path[PATH_LEN];
    int rc = 0;

    for (size_t i = 0; i < conf_row_count && !rc; i++) {
        const struct conf_row *row = &conf_rows[i];

        if (row->scope != scope)
            continue;
        join(path, at, row->key);
        rc = diff_key(d, row, json_object_get(from, row->key),
                      json_object_get(to, row->key), path);
    }
    return rc;
}

/* ---- the sections ------------------------------------------------------ */

static json_t *tree_of(const struct snapshot *s, struct str section)
{
    struct str text = snapshot_section(s, section);

    return text.p ? json_loadb(text.p, text.n, 0, NULL) : NULL;
}

/** Everything but the tree and the secrets: bytes of files. */
static int diff_sections(struct config_diff *d, const struct snapshot *from,
                         const struct snapshot *to)
{
    struct str name, bytes;
    char path[PATH_LEN];
    size_t at = 0;
    int rc = 0;

    while (!rc && snapshot_next(to, &at, &name, &bytes)) {
        struct str old = snapshot_section(from, name);

        if (!old.p || str_eq(old, bytes) || str_is(name, "config") ||
            str_is(name, "secrets"))
            continue; /* what came or went shows in the tree */
        d->helpers |= str_is(name, "prices") ||
                      str_starts(name, STR("cert/"));
        snprintf(path, sizeof path, STR_FMT, STR_ARG(name));
        rc = config_diff_add(d, path, changed, CONF_LIVE);
    }
    return rc;
}

/** By reference, never by value. */
static int diff_secrets(struct config_diff *d, json_t *from, json_t *to)
{
    const char *ref;
    json_t *v;
    int rc = 0;

    json_object_foreach(to, ref, v) {
        json_t *old = json_object_get(from, ref);
        char path[PATH_LEN];

        if (rc || !old || json_equal(old, v))
            continue;
        d->helpers = true;
        snprintf(path, sizeof path, "secret %s", ref);
        rc = config_diff_add(d, path, changed, CONF_LIVE);
    }
    return rc;
}

int config_diff(const struct snapshot *from, const struct snapshot *to,
                struct config_diff *out, struct err *err)
{
    json_t *a = tree_of(from, STR("config")), *b = tree_of(to, STR("config"));
    json_t *a_secrets = tree_of(from, STR("secrets"));
    json_t *b_secrets = tree_of(to, STR("secrets"));
    int rc = -ERR_CONFIG;

    *out = (struct config_diff){ .changes = json_array() };
    if (a && b && a_secrets && b_secrets && out->changes)
        rc = diff_table(out, SCOPE_top, a, b, "");
    out->helpers = out->n > 0;
    if (!rc)
        rc = diff_secrets(out, a_secrets, b_secrets);
    if (!rc)
        rc = diff_sections(out, from, to);
    json_decref(a);
    json_decref(b);
    json_decref(a_secrets);
    json_decref(b_secrets);
    if (!rc)
        return 0;
    config_diff_clear(out);
    return err_set(err, -rc, "two bundles cannot be compared");
}

void config_diff_clear(struct config_diff *d)
{
    json_decref(d->changes);
    *d = (struct config_diff){ 0 };
}
