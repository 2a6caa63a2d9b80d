/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The rule for `capability` blocks, and the bundle's section "abilities": the
 * catalogue's rows of the vendors that are configured, under the providers'
 * own names, and the blocks over them.
 */
#include "engine/ability.h"
#include "engine/config_walk.h"

#include <stdio.h>
#include <string.h>

int walk_abilities(struct conf_walk *w, json_t *canonical)
{
    json_t *all = json_object_get(canonical, "capability"), *block;
    json_t *providers = json_object_get(canonical, "provider");
    const char *name;
    int rc = 0;

    walk_member(w, "capability");
    json_object_foreach(all, name, block) {
        char provider[ABILITY_KEY_MAX + 1];

        walk_named(w, name);
        snprintf(provider, sizeof provider, "%.*s", (int)strcspn(name, "/"),
                 name);
        if (!json_object_get(providers, provider))
            rc = walk_no_such(w, "provider", provider, providers);
        walk_leave(w);
        if (rc)
            break;
    }
    walk_leave(w);
    return rc;
}

/* Tables tell chats from what only completes by age, not by what models can
 * do: of their modes only these two keep requests away. NULL: another. */
static json_t *kind_of(const json_t *row)
{
    const char *mode = json_string_value(json_object_get(row, "mode"));

    if (mode && strcmp(mode, "embedding") == 0)
        return json_string("embed");
    return mode && strcmp(mode, "rerank") == 0 ? json_string("rerank") : NULL;
}

/* Only what can keep a request from a target. */
static int take_row(json_t *rows, const char *provider, const char *model,
                    const json_t *row)
{
    json_t *context = json_object_get(row, "context");
    json_t *lacks = json_object_get(row, "not"), *kind = kind_of(row);
    char key[ABILITY_KEY_MAX + 1];
    int n = snprintf(key, sizeof key, "%s/%s", provider, model);
    json_t *own;

    if ((!context && !lacks && !kind) || n < 0 || n >= (int)sizeof key) {
        json_decref(kind);
        return 0;
    }
    own = json_pack("{s:o*, s:O*, s:O*}", "kind", kind, "context", context,
                    "not", lacks);
    return json_object_set_new(rows, key, own) ? -ERR_NOMEM : 0;
}

static int fill(json_t *rows, const json_t *canonical, const json_t *catalogue)
{
    json_t *all = json_object_get(canonical, "provider"), *v, *row, *own;
    const json_t *vendors = json_object_get(catalogue, "vendors");
    const char *name, *model;
    int rc = 0;

    json_object_foreach(all, name, v) {
        const char *vendor = json_string_value(json_object_get(v, "vendor"));

        json_object_foreach(json_object_get(vendors, vendor ? vendor : name),
                            model, row) {
            if (!rc)
                rc = take_row(rows, name, model, row);
        }
    }
    all = json_object_get(canonical, "capability");
    json_object_foreach(all, name, v) {
        own = json_pack("{s:O*, s:O*, s:O*}", "kind",
                        json_object_get(v, "kind"), "context",
                        json_object_get(v, "context"), "not",
                        json_object_get(v, "lacks"));
        if (!rc && json_object_set_new(rows, name, own) != 0)
            rc = -ERR_NOMEM;
    }
    return rc;
}

int config_abilities(const json_t *canonical, const char *vendors,
                     json_t **out, struct err *err)
{
    json_t *file = config_beside(canonical, vendors, "models.json", err);
    json_t *rows = json_object();
    int rc = file ? 0 : -err->code;

    if (!rc && (!rows || fill(rows, canonical, file) != 0))
        rc = err_set(err, ERR_NOMEM, "no memory for what models can do");
    if (!rc)
        *out = json_incref(rows);
    json_decref(rows);
    json_decref(file);
    return rc;
}
