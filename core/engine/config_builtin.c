/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The configuration without a file: what can be used right now, on this
 * machine only. And where `sim` finds the built-in mock upstream.
 */
#include "engine/config_builtin.h"

#include "engine/config_walk.h"

#include <stdlib.h>
#include <string.h>

static bool variable_is_set(const json_t *row)
{
    const char *env = json_string_value(json_object_get(row, "env"));
    const char *v = env ? getenv(env) : NULL;

    return v && *v && json_object_get(row, "base_url") &&
           !json_is_true(json_object_get(row, "by_name"));
}

json_t *config_builtin(const struct config_paths *paths, struct err *err)
{
    json_t *vendors = config_vendors(paths->catalogue, err), *tree, *row;
    json_t *providers = json_object();
    const char *name;

    if (!vendors || !providers) {
        json_decref(vendors);
        json_decref(providers);
        return NULL;
    }
    json_object_foreach(vendors, name, row) {
        if (variable_is_set(row))
            json_object_set_new(providers, name, json_object());
    }
    if (json_object_size(providers) == 0)
        json_object_set_new(providers, "sim", json_object());
    json_decref(vendors);
    tree = json_pack("{s:{s:{}}, s:o}", "listen", "127.0.0.1:8080", "provider",
                     providers);
    if (!tree)
        err_set(err, ERR_NOMEM, "memory is out");
    return tree;
}

size_t config_set_sim_socket(json_t *canonical, const char *path)
{
    json_t *providers = json_object_get(canonical, "provider"), *p;
    const char *name, *vendor;
    size_t n = 0;

    json_object_foreach(providers, name, p) {
        vendor = json_string_value(json_object_get(p, "vendor"));
        if (!vendor || strcmp(vendor, "sim") != 0 ||
            json_object_get(p, "unix_socket"))
            continue;
        json_object_set_new(p, "unix_socket", json_string(path));
        n++;
    }
    return n;
}
