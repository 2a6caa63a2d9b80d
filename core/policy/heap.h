/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The heap of one Lua state: counted and capped. Small blocks that Lua frees
 * are kept by size and handed out again, because a policy makes the same few
 * objects for each request and malloc was an eighth of its time. The first of
 * them are cut from one slab, which goes in one piece: the libraries of a
 * fresh state alone are hundreds, and giving those of twenty states back one
 * by one left malloc a millisecond's work to join them.
 */
#ifndef PENSTOCK_POLICY_HEAP_H
#define PENSTOCK_POLICY_HEAP_H

#include <stddef.h>

enum {
    HEAP_STEP = 16,
    HEAP_CLASSES = 16,
    HEAP_KEEP = 128 << 10,
    HEAP_SLAB = 24 << 10,
};

struct policy_heap {
    size_t used, cap; /* bytes that Lua has, and may have */
    size_t kept; /* bytes in the lists below, but for the slab's; at most
                  * HEAP_KEEP */
    char *slab;  /* HEAP_SLAB bytes from the first small block on */
    size_t cut;  /* bytes of it that were handed out once */
    void *free[HEAP_CLASSES]; /* blocks of 16, 32, ... 256 bytes */
};

/** A lua_Alloc; `ud` is the heap. NULL at the cap: Lua collects, asks once
 * more, then raises a memory error. */
void *policy_heap_alloc(void *ud, void *p, size_t was, size_t want);

/** Give kept blocks back; after lua_close. */
void policy_heap_clear(struct policy_heap *h);

#endif
