/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A configuration file: read in this process, so that it can be shown with
 * all its places; tried by the loader itself, so that what passes here starts.
 */
#include "cli/config_file.h"

#include "app/loader.h"
#include "policy/conf_lua.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

void config_file_pointer(const char *kind, const char *name, const char *rest,
                         char *out, size_t size)
{
    struct buf b = BUF_INIT(4096);

    if (name)
        config_mark_add(&b, str_of(name));
    snprintf(out, size, "/%s" STR_FMT "/%s", kind, STR_ARG(buf_str(&b)), rest);
    buf_clear(&b);
}

struct config_paths config_file_paths(const struct config_file *f)
{
    static const char own[] = PS_SYSCONFDIR "/policies";

    return (struct config_paths){
        .policy_path = access(own, R_OK | X_OK) == 0 ? own : NULL,
        .shipped_policies = f->paths.policies,
        .catalogue = f->paths.catalogue,
        .state = f->paths.state,
        .plugins = f->paths.plugins,
        .static_only = f->static_only,
    };
}

int config_file_read(struct config_file *f, struct err *err)
{
    struct config_paths paths;
    json_t *tree;

    if (!f->path)
        f->path = PS_SYSCONFDIR "/penstock.conf";
    if (paths_find(&f->paths, NULL, err) < 0)
        return -err->code;
    paths = config_file_paths(f);
    tree = conf_load(f->path, err);
    if (tree)
        f->canonical = config_check_why(tree, &paths, &f->why, err);
    json_decref(tree);
    return f->canonical ? 0 : -err->code;
}

void config_file_clear(struct config_file *f)
{
    json_decref(f->canonical);
    json_decref(f->why);
    f->canonical = f->why = NULL;
}

int config_file_try(struct config_file *f, struct err *err)
{
    struct loaded loaded = {0};
    int rc = loader_load(&loaded, f->path, &f->paths, 0, -1, err);

    loaded_clear(&loaded);
    return rc < 0 ? rc : 0;
}
