/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A text that is put together in the caller's own memory: what does not fit is
 * noted, not written, and asked for once at the end. Included by plugin.h.
 *
 *     char room[256];
 *     ps_scratch s;
 *
 *     ps_scratch_init(&s, room, sizeof room);
 *     ps_fmt(&s, "%s/%d", "models", 7);
 *     if (s.over)
 *         return ps_fail(t, PS_ENOMEM, "the path is too long");
 *     use(ps_scratched(&s));
 */
#ifndef PENSTOCK_SCRATCH_H
#define PENSTOCK_SCRATCH_H

#include <penstock/plugin.h>

#include <stdarg.h>
#include <stdio.h>

typedef struct ps_scratch {
    char *p;
    size_t n, size; /* bytes used; bytes there are */
    int over;       /* something did not fit: all after it was left out */
} ps_scratch;

/** An empty one in memory of the caller's. */
static inline void ps_scratch_init(ps_scratch *s, char *room, size_t size)
{
    s->p = room;
    s->n = 0;
    s->size = size;
    s->over = 0;
}

/** Append bytes. */
static inline void ps_put(ps_scratch *s, ps_str bytes)
{
    if (s->over || bytes.n > s->size - s->n) {
        s->over = 1;
        return;
    }
    if (bytes.n)
        memcpy(s->p + s->n, bytes.p, bytes.n);
    s->n += bytes.n;
}

/** Append as printf; a NUL is written behind it and not counted, so there is
 * room for one byte less. */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
static inline void ps_fmt(ps_scratch *s, const char *fmt, ...)
{
    size_t left = s->size - s->n;
    va_list ap;
    int n;

    if (s->over)
        return;
    va_start(ap, fmt);
    n = vsnprintf(s->p + s->n, left, fmt, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= left)
        s->over = 1;
    else
        s->n += (size_t)n;
}

/** What was put, borrowed from the caller's memory. */
static inline ps_str ps_scratched(const ps_scratch *s)
{
    ps_str out;

    out.p = s->p;
    out.n = s->n;
    return out;
}

#endif
