/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Lists of small blocks over malloc. Lua tells a block's size when it gives
 * it back, so that blocks need no header. */
#include "policy/heap.h"

#include <stdbool.h>
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

static void *take(struct policy_heap *h, size_t n)
{
    size_t c;
    void *p;

    if (!is_small(n))
        return malloc(n);
    c = class_of(n);
    p = h->free[c];
    if (!p)
        return malloc((c + 1) * HEAP_STEP);
    memcpy(&h->free[c], p, sizeof p);
    h->kept -= (c + 1) * HEAP_STEP;
    return p;
}

static void give(struct policy_heap *h, void *p, size_t n)
{
    size_t c;

    if (!p)
        return;
    if (n == 0 || !is_small(n) || h->kept >= HEAP_KEEP) {
        free(p);
        return;
    }
    c = class_of(n);
    memcpy(p, &h->free[c], sizeof p);
    h->free[c] = p;
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
            free(p);
        }
    }
    h->kept = 0;
}
