/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Values whose inside is for a plugin or policy to read: no references but
 * those that it can be given, no values with and without names in one table.
 */
#include "engine/config_walk.h"

enum { WHY_BYTES = 512 };

static bool any_ok(struct conf_walk *w, json_t *v)
{
    const char *key;
    json_t *item;
    size_t i;

    if (secret_is_ref(v))
        return walk_fail(w, "env, file and credential mean nothing inside of "
                         "it; write the value"), false;
    if (json_object_get(v, ""))
        return walk_fail(w, "values with and without names are mixed in one "
                         "table"), false;
    json_object_foreach(v, key, item) {
        if (!any_ok(w, item))
            return false;
    }
    json_array_foreach(v, i, item) {
        if (!any_ok(w, item))
            return false;
    }
    return true;
}

/* A policy's conf may hold secrets, as members of its own. */
static bool conf_ok(struct conf_walk *w, json_t *v)
{
    char why[WHY_BYTES];
    const char *key;
    json_t *item;

    json_object_foreach(v, key, item) {
        bool good;

        if (!secret_is_ref(item)) {
            good = any_ok(w, item);
        } else {
            walk_member(w, key);
            good = secret_ref_ok(item, why, sizeof why);
            if (!good)
                walk_fail(w, "%s", why);
            walk_leave(w);
        }
        if (!good)
            return false;
    }
    return !json_object_get(v, "") || any_ok(w, v);
}

bool walk_any(struct conf_walk *w, const struct conf_row *row, json_t *v)
{
    return row->scope == SCOPE_policy ? conf_ok(w, v) : any_ok(w, v);
}
