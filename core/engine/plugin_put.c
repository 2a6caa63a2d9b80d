/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "engine/plugin_put.h"

#include "engine/plugin_host.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int name_paths(struct plugin_put *p, const char *folder,
                      struct str name, struct err *err)
{
    *p = (struct plugin_put){ .same = false };
    if (snprintf(p->path, sizeof p->path, "%s/" STR_FMT ".so", folder,
                 STR_ARG(name)) >= (int)sizeof p->path ||
        snprintf(p->previous, sizeof p->previous, "%s.previous", p->path) >=
            (int)sizeof p->previous)
        return err_set(err, ERR_LIMIT, "the path %s is too long", folder);
    return 0;
}

static bool is_same(const char *path, struct str file)
{
    char *bytes = NULL;
    size_t n = 0;
    bool same;

    if (plugin_read(path, &bytes, &n, NULL) < 0)
        return false;
    same = n == file.n && memcmp(bytes, file.p, n) == 0;
    free(bytes);
    return same;
}

/** A second name for what is there, put in place by a rename: at no time is
 * there no file. */
static int keep(struct plugin_put *p, const char *folder, struct err *err)
{
    char tmp[PLUGIN_PUT_PATH];
    struct stat st;

    if (lstat(p->path, &st) != 0)
        return errno == ENOENT ? 0 : err_errno(err, "%s", p->path);
    if (snprintf(tmp, sizeof tmp, "%s/.previous-%d", folder,
                 (int)getpid()) >= (int)sizeof tmp)
        return err_set(err, ERR_LIMIT, "the path %s is too long", folder);
    if (link(p->path, tmp) != 0)
        return err_errno(err, "cannot keep %s", p->path);
    if (rename(tmp, p->previous) != 0) {
        unlink(tmp);
        return err_errno(err, "cannot rename to %s", p->previous);
    }
    p->had = true;
    return 0;
}

static int put(struct plugin_put *p, const char *folder, struct str file,
               struct err *err)
{
    int rc;

    p->same = is_same(p->path, file);
    if (p->same)
        return 0;
    rc = keep(p, folder, err);
    return rc ? rc : plugin_write(folder, p->path, file, err);
}

int plugin_put(struct plugin_put *p, const char *staged, const char *folder,
               struct str name, struct err *err)
{
    char *bytes = NULL;
    size_t n = 0;
    int rc = name_paths(p, folder, name, err);

    if (!rc)
        rc = plugin_path_check(folder, err);
    if (!rc)
        rc = plugin_read(staged, &bytes, &n, err);
    if (!rc)
        rc = put(p, folder, (struct str){ bytes, n }, err);
    free(bytes);
    return rc;
}

int plugin_put_back(const struct plugin_put *p, struct err *err)
{
    if (p->same)
        return 0;
    if (p->had ? rename(p->previous, p->path) : unlink(p->path))
        return err_errno(err, "cannot put %s back", p->path);
    return 0;
}
