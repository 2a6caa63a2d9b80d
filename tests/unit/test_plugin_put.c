/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* A file in the plugin folder, replaced and put back. */
#include "engine/plugin_put.h"
#include "unit.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64], staged[96];

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    fputs(text, f);
    fclose(f);
    chmod(path, 0644);
}

static void begin(void)
{
    snprintf(folder, sizeof folder, "/tmp/penstock-put-XXXXXX");
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
    snprintf(staged, sizeof staged, "%s.staged", folder);
    write_file(staged, "new");
}

static void end(void)
{
    char path[400];
    struct dirent *e;
    DIR *d = opendir(folder);

    while (d && (e = readdir(d))) {
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        unlink(path);
    }
    closedir(d);
    rmdir(folder);
    unlink(staged);
}

/* What a file says; "-" where there is none. */
static const char *text_of(const char *path)
{
    static char text[32];
    FILE *f = fopen(path, "r");
    size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;

    text[n] = '\0';
    if (!f)
        return "-";
    fclose(f);
    return text;
}

static int entries(void)
{
    DIR *d = opendir(folder);
    int n = 0;

    while (d && readdir(d))
        n++;
    closedir(d);
    return n - 2;
}

static void a_first_file_goes_again(void)
{
    struct plugin_put p;
    struct err err = { 0 };
    struct stat st;

    begin();
    UNIT_INT(plugin_put(&p, staged, folder, STR("acme"), &err), 0);
    CU_ASSERT(!p.same && !p.had);
    UNIT_STR(text_of(p.path), "new");
    CU_ASSERT(stat(p.path, &st) == 0);
    UNIT_INT(st.st_mode & 07777, 0555);
    UNIT_INT(entries(), 1);
    UNIT_INT(plugin_put_back(&p, &err), 0);
    UNIT_INT(entries(), 0);
    end();
}

static void the_one_before_is_kept(void)
{
    struct plugin_put p;
    struct err err = { 0 };
    char path[96];

    begin();
    snprintf(path, sizeof path, "%s/acme.so", folder);
    write_file(path, "old");
    UNIT_INT(plugin_put(&p, staged, folder, STR("acme"), &err), 0);
    CU_ASSERT(p.had && !p.same);
    UNIT_STR(text_of(p.path), "new");
    UNIT_STR(text_of(p.previous), "old");
    UNIT_INT(entries(), 2);
    UNIT_INT(plugin_put(&p, staged, folder, STR("acme"), &err), 0);
    CU_ASSERT(p.same);
    UNIT_INT(plugin_put_back(&p, &err), 0); /* nothing was done */
    UNIT_STR(text_of(p.path), "new");
    UNIT_STR(text_of(p.previous), "old");
    write_file(staged, "newer");
    UNIT_INT(plugin_put(&p, staged, folder, STR("acme"), &err), 0);
    UNIT_STR(text_of(p.previous), "new");
    UNIT_INT(plugin_put_back(&p, &err), 0);
    UNIT_STR(text_of(p.path), "new");
    UNIT_INT(entries(), 1);
    end();
}

static void a_loose_folder_is_refused(void)
{
    struct plugin_put p;
    struct err err = { 0 };

    begin();
    CU_ASSERT(chmod(folder, 0777) == 0);
    UNIT_INT(plugin_put(&p, staged, folder, STR("acme"), &err), -ERR_CONFIG);
    CU_ASSERT(strstr(err.msg, "writable by everybody") != NULL);
    UNIT_INT(entries(), 0);
    err = (struct err){ 0 };
    CU_ASSERT(plugin_put(&p, staged, "/tmp/penstock-is-not-here",
                         STR("acme"), &err) < 0);
    CU_ASSERT(strstr(err.msg, "penstock-is-not-here") != NULL);
    end();
}

UNIT_MAIN("plugin_put",
          { "a first file goes again", a_first_file_goes_again },
          { "the one before is kept", the_one_before_is_kept },
          { "a loose folder is refused", a_loose_folder_is_refused })
