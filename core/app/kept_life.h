/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What the master does with bundles on disk: the one in force is there, at
 * most KEPT_MAX others with it, and one that served without a fault for its
 * time of trial is called good. Renames only, once it serves.
 */
#ifndef PENSTOCK_APP_KEPT_LIFE_H
#define PENSTOCK_APP_KEPT_LIFE_H

#include "app/kept.h"

struct master;

struct kept_life {
    struct kept_list list;
    uint64_t seen;     /* generation that was in force when it was looked at */
    uint64_t settled;  /* highest number whose file has its name */
    uint64_t since_ms; /* since when it serves without a fault */
    uint64_t deaths;   /* of workers, then */
    bool good;
    uint64_t left[KEPT_MAX]; /* gone back from, while we run; a ring */
    size_t n_left;
    char broken[1024]; /* why the files were not served at the start; "" */
    char from[PATHS_MAX + 128]; /* the folder that was looked in, and why */
};

/** The files are broken: start from the newest bundle that is good. Fills
 * m->loaded; *err (why the files are not) becomes why nothing is served. */
int kept_last_good(struct master *m, struct err *err);
/** The state folder is ours: write what is about to be served. Blocks. */
void kept_open(struct master *m);
/** Follow what is in force; call it each turn, before reload_step. */
void kept_step(struct master *m, uint64_t now_ms);

/** Forget one that the master no longer keeps, with its plugins' files. */
void kept_drop(struct master *m, uint64_t number);
/** Is it on disk? */
bool kept_has(const struct master *m, uint64_t number);
/** One came into force by a rollback from `former`: a later number than it is
 * gone back from, until it is asked for by its number. */
void kept_went_back(struct master *m, uint64_t former);
/** Where a rollback goes that names none: the last one that served before the
 * one in force, under a lower number, and was not gone back from; 0 = none. */
uint64_t kept_before(const struct master *m);
/** For `status`: [{"number", "good", "current", "taken_back"}, ...], newest
 * first. */
void kept_put_all(const struct master *m, struct buf *out);

#endif
