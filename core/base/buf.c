/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Growing by doubling up to the limit; the consumed front is reused first. */
#include "base/buf.h"

#include "base/err.h"
#include "base/siphash.h"

#include <stdio.h>
#include <stdlib.h>

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){ .max = max };
}

void buf_clear(struct buf *b)
{
    free(b->p);
    b->p = NULL;
    b->off = b->n = b->cap = 0;
}

char *buf_reserve_slow(struct buf *b, size_t want)
{
    size_t len = b->n - b->off;
    size_t cap;
    char *p;

    if (want > b->max || len > b->max - want)
        return NULL;
    if (b->p && b->cap - b->n >= want)
        return b->p + b->n;
    if (b->off && b->cap >= len + want && b->off >= len) {
        memmove(b->p, b->p + b->off, len);
        b->off = 0;
        b->n = len;
        return b->p + len;
    }
    cap = b->cap ? b->cap : 256;
    while (cap < len + want)
        cap *= 2;
    p = malloc(cap);
    if (!p)
        return NULL;
    if (len)
        memcpy(p, b->p + b->off, len);
    free(b->p);
    b->p = p;
    b->cap = cap;
    b->off = 0;
    b->n = len;
    return p + len;
}

static int put_failed(const struct buf *b, size_t want)
{
    size_t len = b->n - b->off;

    return want > b->max || len > b->max - want ? -ERR_LIMIT : -ERR_NOMEM;
}

/* Growing, or refusing. */
int buf_put_slow(struct buf *b, struct str s)
{
    char *at = buf_reserve(b, s.n);

    if (!at)
        return put_failed(b, s.n);
    memcpy(at, s.p, s.n);
    b->n += s.n;
    return 0;
}

int buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
    char small[512];
    va_list again;
    char *at;
    int n;

    va_copy(again, ap);
    n = vsnprintf(small, sizeof small, fmt, ap);
    if (n < 0) {
        va_end(again);
        return -ERR_BUG;
    }
    if ((size_t)n < sizeof small) {
        va_end(again);
        return buf_put(b, (struct str){ small, (size_t)n });
    }
    at = buf_reserve(b, (size_t)n + 1);
    if (!at) {
        va_end(again);
        return put_failed(b, (size_t)n + 1);
    }
    vsnprintf(at, (size_t)n + 1, fmt, again);
    va_end(again);
    b->n += (size_t)n;
    return 0;
}

int buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    int rc;

    va_start(ap, fmt);
    rc = buf_vprintf(b, fmt, ap);
    va_end(ap);
    return rc;
}

static int put_escape(struct buf *b, unsigned char c)
{
    static const char two[] = "btn?fr";

    if (c == '"')
        return buf_puts(b, "\\\"");
    if (c == '\\')
        return buf_puts(b, "\\\\");
    if (c >= 8 && c <= 13 && c != 11) {
        char esc[2] = { '\\', two[c - 8] };

        return buf_put(b, (struct str){ esc, 2 });
    }
    return buf_printf(b, "\\u%04x", c);
}

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\' && c != 0x7f;
}

/* Eight of them at once. */
static bool is_plain_word(uint64_t x)
{
    const uint64_t ones = UINT64_MAX / 255, high = ones * 0x80;
    uint64_t quote, slash, del;

    quote = x ^ ones * '"';
    slash = x ^ ones * '\\';
    del = x ^ ones * 0x7f;
    return !((x | (x - ones * 0x20) | (quote - ones) | (slash - ones) |
              (del - ones)) & high);
}

static bool are_plain(const char *p)
{
    uint64_t x;

    memcpy(&x, p, sizeof x);
    return is_plain_word(x);
}

/* Less than eight, with blanks behind them. */
static bool few_are_plain(struct str s)
{
    const uint64_t blanks = UINT64_MAX / 255 * ' ';

    return is_plain_word(siphash_word(s) | blanks << (8 * s.n));
}

/* Bytes of one well-formed multi-byte character at s, or 0. */
static size_t utf8_char(struct str s)
{
    for (size_t n = 2; n <= 4 && n <= s.n; n++) {
        if (str_utf8_valid((struct str){ s.p, n }))
            return n;
    }
    return 0;
}

static bool all_plain(struct str s)
{
    if (s.n < 8)
        return few_are_plain(s);
    for (size_t i = 0; i + 8 <= s.n; i += 8) {
        if (!are_plain(s.p + i))
            return false;
    }
    return are_plain(s.p + s.n - 8); /* some of them again */
}

/* Most are a word or two. */
static bool put_plain(struct buf *b, struct str s)
{
    char *at = all_plain(s) ? buf_reserve(b, s.n + 2) : NULL;

    if (!at)
        return false;
    at[0] = '"';
    if (s.n)
        memcpy(at + 1, s.p, s.n);
    at[s.n + 1] = '"';
    buf_commit(b, s.n + 2);
    return true;
}

int buf_json_str(struct buf *b, struct str s)
{
    size_t i = 0;
    int rc;

    if (put_plain(b, s))
        return 0;
    rc = buf_putc(b, '"');

    while (rc == 0 && i < s.n) {
        size_t run = i;

        while (run < s.n && is_plain((unsigned char)s.p[run]))
            run++;
        if (run > i) {
            rc = buf_put(b, (struct str){ s.p + i, run - i });
            i = run;
        } else if ((unsigned char)s.p[i] < 0x80) {
            rc = put_escape(b, (unsigned char)s.p[i++]);
        } else {
            size_t len = utf8_char((struct str){ s.p + i, s.n - i });

            rc = len ? buf_put(b, (struct str){ s.p + i, len })
                     : buf_puts(b, "\xEF\xBF\xBD");
            i += len ? len : 1;
        }
    }
    return rc ? rc : buf_putc(b, '"');
}

void buf_consume(struct buf *b, size_t n)
{
    b->off += n;
    if (b->off >= b->n)
        b->off = b->n = 0;
}

char *buf_take(struct buf *b)
{
    size_t max = b->max;
    char *p;

    b->max = SIZE_MAX / 2;
    p = buf_putc(b, '\0') == 0 ? b->p : NULL;
    if (p && b->off)
        memmove(p, p + b->off, b->n - b->off);
    if (!p)
        free(b->p);
    *b = (struct buf){ .max = max };
    return p;
}
