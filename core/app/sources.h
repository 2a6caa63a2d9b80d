/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The files that a bundle was made of, each as it was when it was read: the
 * configuration and what it includes, policies, certificates, files of
 * secrets, plugins. The loader collects them; the master says which of them
 * have changed since (`status`), and watches their folders.
 */
#ifndef PENSTOCK_APP_SOURCES_H
#define PENSTOCK_APP_SOURCES_H

#include "base/buf.h"
#include "base/err.h"

#include <jansson.h>

enum { SOURCES_MAX = 4096 };

struct source {
    char *path;
    int64_t mtime_ns;
    uint64_t size, inode; /* 0 and 0: it was not there */
};

struct sources {
    struct source *list;
    size_t n;
};

/* ---- the loader's side ------------------------------------------------- */

/** Note the file of a tree's marks and the file itself; `files` is an array
 * of texts. */
void sources_of_marks(json_t *files, const char *file, const json_t *tree);
/** The same of all that a canonical tree names. */
void sources_of_tree(json_t *files, const json_t *canonical);
/** Look at them all and seal it: a descriptor, or -ERR_x. */
int sources_seal(const json_t *files, struct err *err);

/* ---- the master's side ------------------------------------------------- */

/** What was sealed; NULL with *err. */
struct sources *sources_open(int fd, struct err *err);
void sources_free(struct sources *s); /* NULL is fine */
/** The first that has changed since; NULL: none. Cost: one stat(2) each. */
const char *sources_changed(const struct sources *s);

#endif
