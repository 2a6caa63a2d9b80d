/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The bundles that are kept in the state folder, in generations/:
 *
 *     12.new      made by a reload that is under way
 *     12.served   it served
 *     12.good     it served through its time of trial without a fault
 *     12.left     it was gone back from: by a rule, or by hand
 *
 * Bytes are written by the loader, or by the master before it serves; later
 * the master only renames and removes. What is in them: engine/kept.h.
 */
#ifndef PENSTOCK_APP_KEPT_H
#define PENSTOCK_APP_KEPT_H

#include "app/loader.h"
#include "base/buf.h"
#include "engine/kept.h"

enum { KEPT_MAX = 10,   /* beside the one in force */
       KEPT_FILES = 64 }; /* that are looked at */

struct kept_file {
    uint64_t number;
    bool good, left;
    int64_t served_ns; /* when it last came into force, wall clock */
};

/** Newest first: by when they last came into force. */
struct kept_list {
    struct kept_file at[KEPT_FILES];
    size_t n;
};

/** What is there; a folder that is not is empty. Files of `new` are left out;
 * *last is the highest number of all. */
void kept_scan(const char *state, struct kept_list *out, uint64_t *last);

/**
 * Write a bundle under `kind` ("new", "served"): whole, on the disk, mode
 * 0600, or not at all.
 *
 * Errors:  IO, LIMIT, NOMEM, CONFIG (a staged plugin cannot be read)
 * Cost:    blocks on the disk: the loader's, or the master's before it serves
 */
int kept_write(const char *state, const struct loaded *l, const char *kind,
               struct err *err);

/** Read one; *bytes is what it is made of and outlives it. NULL with *err:
 * NOTFOUND, CONFIG (damaged, or not ours), IO. */
struct kept *kept_read(const char *state, uint64_t number, struct buf *bytes,
                       struct err *err);

/** From one kind to another; false where it was not there. */
bool kept_rename(const char *state, uint64_t number, const char *from,
                 const char *to);
/** It came into force just now. */
void kept_touch(const char *state, uint64_t number, bool good);
/** What is in use beside the files: in force, or held by the master. */
struct kept_use {
    const struct loaded *at[KEPT_MAX + 2];
    size_t n;
};

/** Remove it, and those of its plugins' files that neither another of `rest`
 * nor one of `use` names. */
void kept_remove(const char *state, uint64_t number,
                 const struct kept_list *rest, const struct kept_use *use);
/** Remove what reloads left behind that did not end. */
void kept_tidy(const char *state);

#endif
