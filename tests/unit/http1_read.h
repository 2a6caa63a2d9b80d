/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A connection without a socket: reads requests one after the other, as the
 * server does, from bytes cut in pieces. For the parser's test and fuzzing.
 */
#ifndef PENSTOCK_UNIT_HTTP1_READ_H
#define PENSTOCK_UNIT_HTTP1_READ_H

#include "net/http1.h"

#include <stdlib.h>

enum read_end {
    READ_IDLE,   /* between two requests, nothing waits */
    READ_CLOSED, /* the last request ended the connection; the rest is lost */
    READ_INSIDE, /* within a head or a body */
    READ_BAD,
};

struct reading {
    enum read_end end;
    unsigned requests; /* whole ones */
    int status;
    const char *why;
    uint64_t sum; /* of all that was understood */
    char first[512]; /* "METHOD path query host|body" of the first */
};

static const struct http1_limits read_limits = { 65536, 100 };

static inline void read_note(struct reading *r, struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        r->sum = r->sum * 31 + (unsigned char)s.p[i];
    if (r->requests == 0) {
        size_t at = strlen(r->first), room = sizeof r->first - 1 - at;

        if (s.n < room)
            room = s.n;
        if (room)
            memcpy(r->first + at, s.p, room);
        r->first[at + room] = '\0';
    }
}

static inline void read_note_head(struct reading *r, const struct http1_head *h,
                                  struct str in)
{
    struct http_header f[100];

    http1_head_fields(h, in, f);
    read_note(r, http1_span_str(h->method, in));
    read_note(r, STR(" "));
    read_note(r, http1_span_str(h->path, in));
    read_note(r, STR("?"));
    read_note(r, http1_span_str(h->query, in));
    read_note(r, STR(" "));
    read_note(r, http_header_get(f, h->n_fields, STR("host")));
    read_note(r, STR("|"));
    for (uint32_t i = 0; i < h->n_fields; i++)
        r->sum = str_hash(f[i].value, str_hash(f[i].name, r->sum));
}

/* The bytes given so far lie at `all.p`, in a block of their own size, so
 * that a sanitizer sees a read past them. */
struct reader {
    struct reading r;
    struct http1_head h;
    struct http1_chunks c;
    size_t at; /* begin of the head, or of what is left of the body */
    bool in_body, over;
};

static inline void reader_end(struct reader *x)
{
    read_note(&x->r, STR("\n"));
    x->r.requests++;
    x->over = !x->h.persistent;
    x->r.end = x->over ? READ_CLOSED : READ_IDLE;
    x->h = (struct http1_head){ 0 };
    x->c = (struct http1_chunks){ 0 };
    x->in_body = false;
}

static inline void reader_bad(struct reader *x, int status, const char *why)
{
    x->r.end = READ_BAD;
    x->r.status = status;
    x->r.why = why;
    x->over = true;
}

/* False when more bytes are needed. */
static inline bool reader_head(struct reader *x, struct str in)
{
    enum http1_rc rc = http1_head_feed(&x->h, &read_limits, in);

    x->r.end = in.n > 0 && !(x->h.blank_seen && x->h.size == in.n)
                   ? READ_INSIDE
                   : READ_IDLE;
    if (rc == HTTP1_BAD)
        reader_bad(x, x->h.status, x->h.why);
    if (rc != HTTP1_DONE)
        return false;
    read_note_head(&x->r, &x->h, in);
    x->at += x->h.size;
    x->r.end = READ_INSIDE;
    x->in_body = true;
    if (!x->h.chunked && x->h.length == 0)
        reader_end(x);
    return !x->over;
}

static inline bool reader_body(struct reader *x, struct str in)
{
    struct str data = { in.p, in.n };
    size_t used = 0;
    enum http1_rc rc;

    if (!x->h.chunked) {
        if (data.n > x->h.length)
            data.n = (size_t)x->h.length;
        read_note(&x->r, data);
        x->h.length -= data.n;
        x->at += data.n;
        if (x->h.length)
            return false;
        reader_end(x);
        return !x->over;
    }
    rc = http1_chunks_feed(&x->c, in, &used, &data);
    x->at += used;
    if (rc == HTTP1_DATA)
        read_note(&x->r, data);
    else if (rc == HTTP1_BAD)
        reader_bad(x, 400, x->c.why);
    else if (rc == HTTP1_DONE)
        reader_end(x);
    return rc == HTTP1_DATA || (rc == HTTP1_DONE && !x->over);
}

static inline void reader_more(struct reader *x, struct str all)
{
    bool more = !x->over;

    while (more) {
        struct str in = { all.p + x->at, all.n - x->at };

        more = x->in_body ? reader_body(x, in) : reader_head(x, in);
    }
}

/** Read `bytes` in pieces of `step` (0 = whole). */
static inline struct reading read_all(struct str bytes, size_t step)
{
    struct reader x = { .at = 0 };

    if (step == 0 || step > bytes.n)
        step = bytes.n ? bytes.n : 1;
    for (size_t n = step;; n += step) {
        char *copy;

        if (n > bytes.n)
            n = bytes.n;
        copy = malloc(n ? n : 1);
        if (n)
            memcpy(copy, bytes.p, n);
        reader_more(&x, (struct str){ copy, n });
        free(copy);
        if (n == bytes.n)
            return x.r;
    }
}

#endif
