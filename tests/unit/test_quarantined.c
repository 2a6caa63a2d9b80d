/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Quarantines in the state folder: noted, found, forgotten, bounded; and none
 * is believed of a folder that others may write to. */
#include "app/quarantined.h"

#include "unit.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

static char state[64];

static int remove_one(const char *path, const struct stat *st, int type,
                      struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void begin(void)
{
    snprintf(state, sizeof state, "/tmp/penstock-quarantined-XXXXXX");
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(state));
}

static void end(void)
{
    nftw(state, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static int note(const char *name, const char *hash, struct err *err)
{
    return quarantined_note(str_of(state), name, hash, err);
}

static bool has(const char *name, const char *hash)
{
    return quarantined_has(str_of(state), name, str_of(hash));
}

/** How many that were, or -ERR_x. */
static int forget(const char *name)
{
    struct err err = { 0 };
    size_t n;
    int rc = quarantined_forget(str_of(state), str_of(name), &n, &err);

    return rc ? rc : (int)n;
}

static void remembers_until_it_forgets(void)
{
    struct err err = { 0 };

    begin();
    CU_ASSERT_FALSE(has("acme", "01"));
    UNIT_INT(forget("acme"), 0);
    UNIT_INT(note("acme", "01", &err), 0);
    UNIT_INT(note("acme", "02", &err), 0);
    UNIT_INT(note("acme", "02", &err), 0);
    UNIT_INT(note("acm", "01", &err), 0);
    CU_ASSERT(has("acme", "01") && has("acme", "02") && has("acm", "01"));
    CU_ASSERT_FALSE(has("acme", "03"));
    CU_ASSERT_FALSE(has("acm", "02"));
    UNIT_INT(forget("acme"), 2);
    CU_ASSERT_FALSE(has("acme", "01"));
    CU_ASSERT_TRUE(has("acm", "01"));
    end();
}

static void the_oldest_gives_way(void)
{
    const struct timespec old[2] = { { .tv_sec = 1 }, { .tv_sec = 1 } };
    struct err err = { 0 };
    char hash[16], path[128];

    begin();
    for (int i = 0; i < QUARANTINED_MAX; i++) {
        snprintf(hash, sizeof hash, "%02d", i);
        UNIT_INT(note("acme", hash, &err), 0);
    }
    snprintf(path, sizeof path, "%s/quarantine/acme.07", state);
    UNIT_INT(utimensat(AT_FDCWD, path, old, 0), 0);
    UNIT_INT(note("acme", "03", &err), 0); /* is there: nobody goes */
    CU_ASSERT_TRUE(has("acme", "07"));
    UNIT_INT(note("acme", "64", &err), 0);
    CU_ASSERT_TRUE(has("acme", "64") && has("acme", "06"));
    CU_ASSERT_FALSE(has("acme", "07"));
    UNIT_INT(forget("acme"), QUARANTINED_MAX);
    end();
}

static void believes_its_own_folder_only(void)
{
    struct err err = { 0 };
    char path[128];

    begin();
    UNIT_INT(note("acme", "01", &err), 0);
    snprintf(path, sizeof path, "%s/quarantine", state);
    UNIT_INT(chmod(path, 0777), 0);
    CU_ASSERT_FALSE(has("acme", "01"));
    UNIT_INT(forget("acme"), 0);
    UNIT_INT(note("acme", "02", &err), -ERR_IO);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, "mode 0700"));
    end();
}

static void says_what_it_cannot_forget(void)
{
    struct err err = { 0 };
    char path[128];
    size_t n;

    begin();
    UNIT_INT(note("acme", "01", &err), 0);
    snprintf(path, sizeof path, "%s/quarantine/acme.02", state);
    UNIT_INT(mkdir(path, 0700), 0); /* root may remove all else */
    UNIT_INT(quarantined_forget(str_of(state), STR("acme"), &n, &err),
             -ERR_IO);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, "quarantine/acme.02"));
    UNIT_INT(rmdir(path), 0);
    end();
}

UNIT_MAIN("quarantined",
          {"remembers until it forgets", remembers_until_it_forgets},
          {"says what it cannot forget", says_what_it_cannot_forget},
          {"the oldest gives way", the_oldest_gives_way},
          {"believes its own folder only", believes_its_own_folder_only})
