/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Where things are looked for, and which folders are trusted. */
#include "app/paths.h"

#include "unit.h"

#include <sys/stat.h>
#include <unistd.h>

static void the_environment_counts_first(void)
{
    struct paths p;
    struct err err = { 0 };

    setenv("PENSTOCK_PLUGIN_PATH", "/p", 1);
    setenv("PENSTOCK_POLICY_PATH", "/l", 1);
    setenv("PENSTOCK_CATALOGUE_PATH", "/c", 1);
    setenv("PENSTOCK_STATE", "/s", 1);
    setenv("PENSTOCK_SOCKET", "/r/x.sock", 1);
    UNIT_INT(paths_find(&p, NULL, &err), 0);
    UNIT_STR(p.plugins, "/p");
    UNIT_STR(p.policies, "/l");
    UNIT_STR(p.catalogue, "/c/vendors.json");
    UNIT_STR(p.state, "/s");
    UNIT_STR(p.socket, "/r/x.sock");
    UNIT_STR(p.sim, "/r/x.sock.sim");
    UNIT_INT(paths_find(&p, "/o.sock", &err), 0);
    UNIT_STR(p.socket, "/o.sock");
}

static void elsewhere_the_configured_folders_count(void)
{
    struct paths p;
    struct err err = { 0 };

    unsetenv("PENSTOCK_PLUGIN_PATH");
    UNIT_INT(paths_find(&p, NULL, &err), 0);
    /* only core/penstock lies in a build tree */
    UNIT_STR(p.plugins, PS_PLUGIN_DIR);
}

static void refuses_long_paths(void)
{
    struct paths p;
    struct err err = { 0 };
    char big[2 * PATHS_MAX];

    memset(big, 'x', sizeof big);
    big[sizeof big - 1] = '\0';
    UNIT_INT(paths_find(&p, big, &err), -ERR_LIMIT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, "too long"));
}

static void trusts_its_own_folders_only(void)
{
    char top[] = "/tmp/penstock-paths-XXXXXX", path[128];
    struct err err = { 0 };

    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(top));
    snprintf(path, sizeof path, "%s/a/b", top);
    UNIT_INT(paths_make(path, 0700, &err), 0);
    UNIT_INT(paths_make(path, 0700, &err), 0);
    chmod(path, 0777);
    UNIT_INT(paths_make(path, 0700, &err), -ERR_IO);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, "written by others"));
    rmdir(path);
    UNIT_INT(symlink("/tmp", path), 0);
    err.code = 0;
    UNIT_INT(paths_make(path, 0700, &err), -ERR_IO);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, "not a folder"));
    unlink(path);
    snprintf(path, sizeof path, "%s/a", top);
    rmdir(path);
    rmdir(top);
}

UNIT_MAIN("paths",
          {"the environment counts first", the_environment_counts_first},
          {"elsewhere the configured folders count",
           elsewhere_the_configured_folders_count},
          {"refuses long paths", refuses_long_paths},
          {"trusts its own folders only", trusts_its_own_folders_only})
