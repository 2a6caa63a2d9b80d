/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Policies and their tests as files. */
#include "cli/policy.h"

#include "base/file.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

static const struct str lua = STR(".lua"), test_lua = STR("_test.lua");

static bool ends(struct str s, struct str with)
{
    return s.n > with.n &&
           memcmp(s.p + s.n - with.n, with.p, with.n) == 0;
}

static struct str last_part(const char *path)
{
    const char *slash = strrchr(path, '/');

    return str_of(slash ? slash + 1 : path);
}

bool policy_is_test(const char *path)
{
    return ends(last_part(path), test_lua);
}

struct str policy_name_of(const char *path)
{
    struct str s = last_part(path);

    if (ends(s, test_lua))
        s.n -= test_lua.n;
    else if (ends(s, lua))
        s.n -= lua.n;
    return s;
}

int policy_file_read(const char *path, struct buf *out, struct err *err)
{
    int rc = file_read(path, out, err);

    if (rc == 0 && buf_putc(out, '\0') != 0)
        rc = err_set(err, ERR_LIMIT, "%s is too large", path);
    return rc;
}

int policy_paths_add(struct policy_paths *p, const char *path, struct err *err)
{
    char **more;

    if (p->n == POLICY_FILES_MAX)
        return err_set(err, ERR_LIMIT, "more than %d files", POLICY_FILES_MAX);
    more = realloc(p->list, (p->n + 1) * sizeof *more);
    if (more) {
        p->list = more;
        more[p->n] = strdup(path);
    }
    if (!more || !more[p->n])
        return err_set(err, ERR_NOMEM, "no memory");
    p->n++;
    return 0;
}

void policy_paths_clear(struct policy_paths *p)
{
    for (size_t i = 0; i < p->n; i++)
        free(p->list[i]);
    free(p->list);
    *p = (struct policy_paths){ NULL, 0 };
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int policy_paths_find(struct policy_paths *p, const char *folder, bool tests,
                      struct err *err)
{
    DIR *d = opendir(folder);
    const struct dirent *e;
    char path[4096];
    int rc = 0;

    if (!d)
        return err_errno(err, "%s", folder);
    while (rc == 0 && (e = readdir(d))) {
        if (e->d_name[0] == '.' || !ends(str_of(e->d_name), lua) ||
            policy_is_test(e->d_name) != tests)
            continue;
        if (snprintf(path, sizeof path, "%s%s%s",
                     strcmp(folder, ".") == 0 ? "" : folder,
                     strcmp(folder, ".") == 0 ? "" : "/", e->d_name) <
            (int)sizeof path)
            rc = policy_paths_add(p, path, err);
    }
    closedir(d);
    if (p->n)
        qsort(p->list, p->n, sizeof *p->list, by_name);
    return rc;
}
