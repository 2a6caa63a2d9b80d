/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * An arena: one owner, freed at once; cleanup hooks run in reverse order.
 * One per request and one per attempt.
 */
#ifndef PENSTOCK_BASE_ARENA_H
#define PENSTOCK_BASE_ARENA_H

#include "base/str.h"

struct arena;

/** `max` bytes at most, blocks and all; NULL when memory is out. */
struct arena *arena_new(size_t max);

/** Runs the hooks in reverse, then frees all; NULL is fine. */
void arena_free(struct arena *a);
/** As arena_free and arena_new, without giving the first block back. */
void arena_reset(struct arena *a);

/** Zeroed, 16-byte aligned; NULL at the cap or when memory is out. */
void *arena_alloc(struct arena *a, size_t n);

/** NUL-terminated copy in the arena; p is NULL on failure. */
struct str arena_dup(struct arena *a, struct str s);

/** printf into the arena; p is NULL on failure. */
struct str arena_fmt(struct arena *a, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/** Call fn(ud) at arena_free; 0 or -ERR_NOMEM. */
int arena_defer(struct arena *a, void (*fn)(void *), void *ud);

/** Bytes handed out so far. */
size_t arena_used(const struct arena *a);

#endif
