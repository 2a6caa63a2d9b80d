/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Lists of small blocks over malloc. Lua tells a block's size when it gives
 * it back, so that blocks need no header. */
#include "policy/heap.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static bool is_small(size_t n)
{
    return n <= (size_t)HEAP_STEP * HEAP_CLASSES;
}

static size_t class_of(size_t n)
{
    return (n - 1) / HEAP_STEP;
}

static bool in_slab(const struct policy_heap *h, const void *p)
{
    return h->slab && (uintptr_t)p - (uintptr_t)h->slab < HEAP_SLAB;
}

/** A fresh small block; NULL: no memory. */
static void *cut(struct policy_heap *h, size_t n)
{
    if (!h->slab)
        h->slab = malloc(HEAP_SLAB);
    if (!h->slab || h->cut + n > HEAP_SLAB)
        return malloc(n);
    h->cut += n;
    return h->slab + h->cut - n;
}

static void *take(struct policy_heap *h, size_t n)
{
    size_t c;
    void *p;

    if (!is_small(n))
        return malloc(n);
    c = class_of(n);
    p = h->free[c];
    if (!p)
        return cut(h, (c + 1) * HEAP_STEP);
    memcpy(&h->free[c], p, sizeof p);
    if (!in_slab(h, p))
        h->kept -= (c + 1) * HEAP_STEP;
    return p;
}

static void give(struct policy_heap *h, void *p, size_t n)
{
    bool ours = in_slab(h, p);
    size_t c;

    if (!p)
        return;
    if (!ours && (n == 0 || !is_small(n) || h->kept >= HEAP_KEEP)) {
        free(p);
        return;
    }
    c = class_of(n);
    memcpy(p, &h->free[c], sizeof p);
    h->free[c] = p;
    if (!ours)
        h->kept += (c + 1) * HEAP_STEP;
}

static void *resize(struct policy_heap *h, void *p, size_t had, size_t want)
{
    void *q;

    if (!is_small(had) && !is_small(want))
        return realloc(p, want);
    if (had && is_small(had) && is_small(want) &&
        class_of(had) == class_of(want))
        return p;
    q = take(h, want);
    if (!q) /* Lua relies on it that blocks can be made smaller */
        return want <= had ? p : NULL;
    if (p) {
        memcpy(q, p, had < want ? had : want);
        give(h, p, had);
    }
    return q;
}

void *policy_heap_alloc(void *ud, void *p, size_t was, size_t want)
{
    struct policy_heap *h = ud;
    size_t had = p ? was : 0; /* else `was` is a type, not a size */
    void *q;

    if (want == 0) {
        give(h, p, had);
        h->used -= had;
        return NULL;
    }
    if (want > had && want - had > h->cap - h->used)
        return NULL;
    q = resize(h, p, had, want);
    if (q)
        h->used += want - had;
    return q;
}

void policy_heap_clear(struct policy_heap *h)
{
    for (size_t c = 0; c < HEAP_CLASSES; c++) {
        while (h->free[c]) {
            void *p = h->free[c];

            memcpy(&h->free[c], p, sizeof p);
            if (!in_slab(h, p))
                free(p);
        }
    }
    free(h->slab);
    h->slab = NULL;
    h->kept = h->cut = 0;
}
