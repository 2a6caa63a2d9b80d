/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The explain ring: the last requests of each process, one JSON text each, in
 * shared memory. Single producer; readers copy and check a sequence number.
 */
#ifndef PENSTOCK_ENGINE_EXPLAIN_H
#define PENSTOCK_ENGINE_EXPLAIN_H

#include "base/buf.h"
#include "base/str.h"

struct explain_ring;

#define EXPLAIN_MAX_BYTES 4096 /* a longer text is cut at its last fact */

/** This process's ring; NULL switches it off. */
void explain_here(struct explain_ring *r);

/** Keep a request's text (the newest replaces the oldest). */
void explain_put(struct str id, struct str json);

/** Copy the text of `id` out of a ring; 0 or -ERR_NOTFOUND. */
int explain_find(const struct explain_ring *r, struct str id, struct buf *out);

#endif
