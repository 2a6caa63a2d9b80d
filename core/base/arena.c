/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Blocks in a list, the newest first; the first block lies in the arena's own
 * allocation, so that a small request costs one malloc.
 */
#include "base/arena.h"

#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define FIRST_BYTES 1984
#define BLOCK_FIRST 1024 /* each further block doubles, up to */
#define BLOCK_BYTES 8192
#define ALIGN 16

struct block {
    struct block *next;
    size_t size, used;
    _Alignas(ALIGN) char bytes[];
};

struct hook {
    struct hook *next;
    void (*fn)(void *);
    void *ud;
};

struct arena {
    struct block *blocks; /* newest first; NULL while `first` suffices */
    struct block *spare;  /* of BLOCK_FIRST bytes, kept over a reset */
    struct hook *hooks;
    size_t max, total, used;
    size_t first_used;
    _Alignas(ALIGN) char first[FIRST_BYTES];
};

struct arena *arena_new(size_t max)
{
    struct arena *a = malloc(sizeof *a);

    if (!a)
        return NULL;
    a->blocks = a->spare = NULL;
    a->hooks = NULL;
    a->max = max;
    a->total = sizeof *a;
    a->used = a->first_used = 0;
    return a;
}

static void block_back(struct arena *a, struct block *b)
{
    if (a->spare || b->size != BLOCK_FIRST)
        free(b);
    else
        a->spare = b;
}

void arena_reset(struct arena *a)
{
    for (struct hook *h = a->hooks; h; h = h->next)
        h->fn(h->ud);
    a->hooks = NULL;
    while (a->blocks) {
        struct block *b = a->blocks;

        a->blocks = b->next;
        block_back(a, b);
    }
    a->total = sizeof *a;
    a->used = a->first_used = 0;
}

void arena_free(struct arena *a)
{
    if (!a)
        return;
    arena_reset(a);
    free(a->spare);
    free(a);
}

static struct block *block_new(struct arena *a, size_t size)
{
    struct block *b = a->spare;

    if (!b || b->size != size)
        return malloc(sizeof *b + size);
    a->spare = NULL;
    return b;
}

static void *from_block(struct arena *a, size_t n)
{
    struct block *b = a->blocks;
    size_t size = BLOCK_FIRST;

    if (b && b->size - b->used >= n) {
        b->used += n;
        return b->bytes + b->used - n;
    }
    if (b)
        size = b->size < BLOCK_BYTES / 2 ? b->size * 2 : BLOCK_BYTES;
    if (size < n)
        size = n;
    if (size > a->max || a->total > a->max - size)
        return NULL;
    b = block_new(a, size);
    if (!b)
        return NULL;
    a->total += sizeof *b + size;
    b->size = size;
    b->used = n;
    b->next = a->blocks;
    a->blocks = b;
    return b->bytes;
}

void *arena_alloc(struct arena *a, size_t n)
{
    void *p;

    if (n > SIZE_MAX - ALIGN)
        return NULL;
    n = (n + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    if (!a->blocks && FIRST_BYTES - a->first_used >= n) {
        p = a->first + a->first_used;
        a->first_used += n;
    } else {
        p = from_block(a, n);
    }
    if (!p)
        return NULL;
    a->used += n;
    return memset(p, 0, n);
}

struct str arena_dup(struct arena *a, struct str s)
{
    char *p = arena_alloc(a, s.n + 1);

    if (!p)
        return STR_NULL;
    if (s.n)
        memcpy(p, s.p, s.n);
    return (struct str){ p, s.n };
}

struct str arena_fmt(struct arena *a, const char *fmt, ...)
{
    va_list ap, again;
    char *p = NULL;
    int n;

    va_start(ap, fmt);
    va_copy(again, ap);
    n = vsnprintf(NULL, 0, fmt, ap);
    if (n >= 0)
        p = arena_alloc(a, (size_t)n + 1);
    if (p)
        vsnprintf(p, (size_t)n + 1, fmt, again);
    va_end(again);
    va_end(ap);
    return p ? (struct str){ p, (size_t)n } : STR_NULL;
}

int arena_defer(struct arena *a, void (*fn)(void *), void *ud)
{
    struct hook *h = arena_alloc(a, sizeof *h);

    if (!h)
        return -ERR_NOMEM;
    h->fn = fn;
    h->ud = ud;
    h->next = a->hooks;
    a->hooks = h;
    return 0;
}

size_t arena_used(const struct arena *a)
{
    return a->used;
}
