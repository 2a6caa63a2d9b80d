/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * reload { watch = true }: the folders of the files that are served, and of
 * each link on the way to them, are watched (inotify), so that an editor's
 * rename, also where a link leads, and Kubernetes' swap of `..data` are seen
 * like a write. When nothing more has happened there for WATCH_QUIET_MS a
 * reload is wished for, which is as every other: a file with a fault keeps
 * what is served, and is said once.
 */
#ifndef PENSTOCK_APP_WATCH_H
#define PENSTOCK_APP_WATCH_H

#include "app/paths.h"
#include "base/buf.h"

struct master;

enum { WATCH_QUIET_MS = 500, WATCH_FOLDERS = 64, WATCH_LINKS = 40,
       WATCH_READS = 8, /* a turn, each of 8 KiB of events */
       WATCH_NAMES_MAX = 4 << 20 };

struct watch_folder {
    int id; /* inotify's */
    char path[PATHS_MAX];
};

/** Zeroed = nothing is watched. */
struct watch {
    int fd; /* 0 = none */
    struct watch_folder folders[WATCH_FOLDERS];
    size_t n;
    struct buf names; /* the files under each of their names; NULs end them */
    bool any;         /* not all are there: all that happens counts */
    bool begun;        /* these are the folders of what is served */
    bool failed;       /* it was said that it cannot be done */
    bool gone;         /* a folder went: look again */
    uint64_t quiet_ms; /* when it has been quiet long enough; 0 = it is */
    struct err said;   /* the refusal that was logged last */
};

/** Watch what is served, or no more; begin a reload that is due. Call it each
 * turn. */
void watch_step(struct master *m, uint64_t now_ms);
/** What the loop must wait for: a descriptor, or -1. */
int watch_sock(const struct master *m);
/** It is readable. */
void watch_hear(struct master *m);
/** Milliseconds until something is due, or UINT64_MAX. */
uint64_t watch_wait(const struct master *m, uint64_t now_ms);
/** Is this refusal of a reload that the watch wished for another than the one
 * that was said last? */
bool watch_is_news(struct master *m, const struct err *why);
void watch_close(struct master *m);

#endif
