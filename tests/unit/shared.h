/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Recordings and vectors that lie outside the repository: below
 * $PENSTOCK_SHARED, else ../shared from where the test runs. A test that
 * finds none says so and counts as skipped.
 */
#ifndef PENSTOCK_UNIT_SHARED_H
#define PENSTOCK_UNIT_SHARED_H

#include "base/str.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define SHARED_FILE_MAX (64L << 20)

static inline void shared_path(char *out, size_t size, const char *below)
{
    const char *top = getenv("PENSTOCK_SHARED");

    snprintf(out, size, "%s/%s", top && *top ? top : "../shared", below);
}

/** The bytes of a file; p is NULL when it cannot be read. Free p. */
static inline struct str shared_read(const char *path)
{
    FILE *f = fopen(path, "rb");
    struct str out = STR_NULL;
    char *p = NULL;
    long n = -1;

    if (f && fseek(f, 0, SEEK_END) == 0)
        n = ftell(f);
    if (n >= 0 && n <= SHARED_FILE_MAX) {
        rewind(f);
        p = malloc((size_t)n + 1);
    }
    if (p && fread(p, 1, (size_t)n, f) == (size_t)n)
        out = (struct str){ p, (size_t)n };
    else
        free(p);
    if (f)
        fclose(f);
    return out;
}

/**
 * Call fn for every file below `path` whose name ends with `suffix`, folders
 * included; returns how many there were.
 */
static inline int shared_each(const char *path, const char *suffix,
                              void (*fn)(const char *path, const char *name,
                                         struct str bytes, void *ud),
                              void *ud)
{
    DIR *dir = opendir(path);
    struct dirent *d;
    int n = 0;

    while (dir && (d = readdir(dir))) {
        size_t len = strlen(d->d_name), tail = strlen(suffix);
        char full[1024];
        struct stat st;

        if (d->d_name[0] == '.' ||
            (size_t)snprintf(full, sizeof full, "%s/%s", path, d->d_name) >=
                sizeof full ||
            stat(full, &st))
            continue;
        if (S_ISDIR(st.st_mode)) {
            n += shared_each(full, suffix, fn, ud);
        } else if (len >= tail &&
                   strcmp(d->d_name + len - tail, suffix) == 0) {
            struct str bytes = shared_read(full);

            if (bytes.p)
                fn(full, d->d_name, bytes, ud);
            free((char *)(size_t)bytes.p);
            n++;
        }
    }
    if (dir)
        closedir(dir);
    return n;
}

#endif
