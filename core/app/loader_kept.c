/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Bundles from the state folder, and to it. */
#include "app/loader_kept.h"

#include "base/log.h"
#include "base/snapshot.h"
#include "engine/plugin.h"

#include <stdio.h>
#include <unistd.h>

json_t *loader_kept_tree(const struct kept *k, struct config_paths *where,
                         struct err *err)
{
    json_t *tree = kept_tree(k), *canonical;

    if (!tree) {
        err_set(err, ERR_NOMEM, "no memory");
        return NULL;
    }
    where->kept = k;
    canonical = config_check(tree, where, err);
    json_decref(tree);
    return canonical;
}

static const struct kept_plugin *find(const struct kept *k, struct str name)
{
    size_t n;
    const struct kept_plugin *p = kept_plugins(k, &n);

    for (size_t i = 0; i < n; i++) {
        if (str_is(name, p[i].name))
            return &p[i];
    }
    return NULL;
}

int loader_kept_plugin(const struct kept *k, const char *state,
                       struct str name, char *out, size_t size,
                       struct err *err)
{
    const struct kept_plugin *p = find(k, name);
    char hex[SHA256_HEX + 1];
    int rc;

    if (!p)
        return err_set(err, ERR_CONFIG, "the kept bundle is damaged: it uses "
                       "plugin " STR_FMT " and does not name its file",
                       STR_ARG(name));
    if (snprintf(out, size, "%s/plugins/%s", state, p->file) >= (int)size)
        return err_set(err, ERR_LIMIT, "the state folder's path is too long");
    if (access(out, F_OK) != 0)
        return err_set(err, ERR_CONFIG, "generation %llu needs the plugin "
                       "file %s, which is gone; install that version of %s "
                       "again and reload",
                       (unsigned long long)kept_number(k), out, p->name);
    rc = plugin_staged_hash(out, hex, err);
    if (!rc && strcmp(hex, p->sha256) != 0)
        rc = err_set(err, ERR_CONFIG, "the plugin file %s is not what it was "
                     "in generation %llu: its hash differs", out,
                     (unsigned long long)kept_number(k));
    return rc;
}

uint64_t loader_next(const json_t *canonical)
{
    const char *state =
        json_string_value(json_object_get(canonical, "state"));
    static struct kept_list list; /* 1.5 KiB, and once */
    uint64_t last = 0;

    if (state)
        kept_scan(state, &list, &last);
    return last + 1;
}

void loader_keep(const char *state, const struct loaded *l)
{
    struct err err = { 0 };

    if (kept_write(state, l, "new", &err) != 0)
        log_event(EV_reload_not_kept,
                  LOG_I("generation",
                        (int64_t)snapshot_generation(l->bundle)),
                  LOG_Z("why", err.msg));
}
