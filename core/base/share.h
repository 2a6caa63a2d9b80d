/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Shared writable memory that outlives the program which made it: named
 * regions of memfds. The next program is given their descriptors and maps the
 * same memory where it would lay it out the same way; where not, it starts
 * with a new region. See docs/design/upgrade.md.
 *
 * The list of regions is the process's, like the logger: whoever makes a
 * region does not know who hands it on.
 */
#ifndef PENSTOCK_BASE_SHARE_H
#define PENSTOCK_BASE_SHARE_H

#include "base/err.h"
#include "base/siphash.h"

enum { SHARE_MAX = 16, SHARE_NAME = 16 };

struct share {
    char *map;    /* zeros where it is fresh; aligned to 64 bytes */
    size_t size;  /* of what is usable */
    bool fresh;   /* nobody used it before */
    struct siphash_key seed[2]; /* random, the same for all who map it */
};

/**
 * Map the region of this name: the one that was given, if its layout is the
 * same and it holds at least `size` bytes, else a fresh one. A name is opened
 * once at a time; opened again it is a region of its own.
 *
 *   layout  in   says all that decides where what lies: sizes, counts, and a
 *                number to count up when a meaning changes
 *   s       out  s->size may be larger than asked for, if it was given
 *
 * Errors: LIMIT (name, number of regions), IO
 * Cost:   system calls; for the start of the master only
 */
int share_open(struct share *s, const char *name, const char *layout,
               size_t size, struct err *err);
/** Unmap; other processes keep theirs. Of `s` the map alone is looked at, and
 * NULL there is fine. */
void share_close(struct share *s);

/** A region of the program before: taken by the next share_open of this name
 * (the descriptor is ours from now on). 0, -ERR_LIMIT. */
int share_give(const char *name, int fd);
/** Is that one waiting to be opened? */
bool share_given(const char *name);
/** Use nothing that was given under this name. NULL: under any. */
void share_forget(const char *name);

/** What is mapped here, to hand it on: start with *at = 0; false after the
 * last. The descriptor is borrowed. */
bool share_next(size_t *at, const char **name, int *fd);
/** In a child: close the descriptors. The memory stays. */
void share_let_go(void);

#endif
