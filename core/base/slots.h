/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Ids for things that completions refer to: index + generation in 64 bits, so
 * that a late completion finds nothing instead of somebody else's memory.
 */
#ifndef PENSTOCK_BASE_SLOTS_H
#define PENSTOCK_BASE_SLOTS_H

#include <stddef.h>
#include <stdint.h>

struct slots;

struct slots *slots_new(size_t max);
void slots_free(struct slots *s);

/** An id for `thing` (never 0), or 0 when full or out of memory. */
uint64_t slots_add(struct slots *s, void *thing);

/** The thing, or NULL when it was removed. O(1). */
void *slots_get(const struct slots *s, uint64_t id);

/** Forget; a stale id is ignored. */
void slots_del(struct slots *s, uint64_t id);

size_t slots_count(const struct slots *s);

#endif
