/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A growable byte buffer that cannot be made without its limit.
 *
 * Bytes are consumed from the front by moving `off`; memory is given back by
 * buf_clear, or kept for the next use by buf_reset.
 */
#ifndef PENSTOCK_BASE_BUF_H
#define PENSTOCK_BASE_BUF_H

#include "base/str.h"

#include <stdarg.h>

struct buf {
    char *p;    /* malloc'd, or NULL while nothing was ever put in */
    size_t off; /* consumed bytes at the front */
    size_t n;   /* end of the bytes; the content is p[off..n) */
    size_t cap; /* allocated */
    size_t max; /* the content may never pass this many bytes */
};

#define BUF_INIT(limit) { .max = (limit) }

void buf_init(struct buf *b, size_t max);
void buf_clear(struct buf *b);

static inline void buf_reset(struct buf *b)
{
    b->off = b->n = 0;
}

static inline size_t buf_len(const struct buf *b)
{
    return b->n - b->off;
}

static inline struct str buf_str(const struct buf *b)
{
    return (struct str){ b->p ? b->p + b->off : "", b->n - b->off };
}

/**
 * Make room for `want` more bytes at the end.
 *
 * Returns where to write them (then call buf_commit), or NULL with nothing
 * changed: the limit would be passed (-ERR_LIMIT's case) or memory is out.
 */
char *buf_reserve_slow(struct buf *b, size_t want);

static inline char *buf_reserve(struct buf *b, size_t want)
{
    size_t len = b->n - b->off;

    if (!b->p || want > b->cap - b->n || want > b->max || len > b->max - want)
        return buf_reserve_slow(b, want);
    return b->p + b->n;
}

static inline void buf_commit(struct buf *b, size_t n)
{
    b->n += n;
}

int buf_put_slow(struct buf *b, struct str s);

/** Append; 0, -ERR_LIMIT or -ERR_NOMEM (nothing appended then). */
static inline int buf_put(struct buf *b, struct str s)
{
    size_t len = b->n - b->off;

    if (s.n == 0)
        return 0;
    if (s.n > b->cap - b->n || s.n > b->max || len > b->max - s.n)
        return buf_put_slow(b, s);
    memcpy(b->p + b->n, s.p, s.n);
    b->n += s.n;
    return 0;
}

static inline int buf_putc(struct buf *b, char c)
{
    return buf_put(b, (struct str){ &c, 1 });
}

static inline int buf_puts(struct buf *b, const char *z)
{
    return buf_put(b, str_of(z));
}

int buf_printf(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
int buf_vprintf(struct buf *b, const char *fmt, va_list ap);

/** Append as a JSON string with its quotes; bad UTF-8 becomes U+FFFD. */
int buf_json_str(struct buf *b, struct str s);

/** Drop n bytes (at most buf_len) from the front; O(1). */
void buf_consume(struct buf *b, size_t n);

/** The malloc'd bytes, NUL-terminated, now the caller's; b is empty. */
char *buf_take(struct buf *b);

#endif
