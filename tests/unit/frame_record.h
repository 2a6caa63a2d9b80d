/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What a stream comes to, however it is cut: check_frames(kind, text) runs a
 * framer over it whole, in pieces of 1 and 7, and split at every place, and
 * holds all of it against the first. Frames come out as text, for `want`.
 */
#ifndef PENSTOCK_UNIT_FRAME_RECORD_H
#define PENSTOCK_UNIT_FRAME_RECORD_H

#include "unit.h"

#include "wire/framing.h"

#define EVERY_SPLIT_UP_TO 2048 /* each split runs the whole stream */

struct frames {
    struct buf said; /* event|data|flags; a line a frame */
    struct buf raw;
    int n, rc;
    size_t max;
};

static inline int frames_on(void *ud, const struct frame *f)
{
    struct frames *r = ud;

    buf_put(&r->said, f->event);
    buf_putc(&r->said, '|');
    buf_put(&r->said, f->data.p ? f->data : STR("-"));
    buf_printf(&r->said, "|%s%s\n", f->error ? "error" : "",
               f->cut ? "cut" : "");
    buf_put(&r->raw, f->raw);
    r->n++;
    return 0;
}

/* Each piece in a block of its own size, so that a reader past it is seen. */
static inline int frames_feed(struct framer *f, struct frames *r,
                              struct str piece)
{
    char *copy = malloc(piece.n ? piece.n : 1);
    int rc;

    if (piece.n)
        memcpy(copy, piece.p, piece.n);
    rc = framer_feed(f, (struct str){ copy, piece.n }, frames_on, r, NULL);
    free(copy);
    return rc;
}

/* First `first` bytes, then pieces of `chunk`; 0 = all at once. */
static inline void frames_run(struct frames *r, enum framing kind,
                              struct str text, size_t first, size_t chunk)
{
    struct framer f;

    r->said = r->raw = (struct buf)BUF_INIT(64u << 20);
    r->n = r->rc = 0;
    framer_init(&f, kind, r->max);
    for (size_t at = 0, n = first; at < text.n && !r->rc; at += n, n = chunk) {
        if (n == 0 || n > text.n - at)
            n = text.n - at;
        r->rc = frames_feed(&f, r, (struct str){ text.p + at, n });
    }
    if (!r->rc)
        r->rc = framer_eof(&f, frames_on, r, NULL);
    CU_ASSERT(framer_feed(&f, STR("x"), frames_on, r, NULL) == -ERR_CLOSED);
    framer_clear(&f);
}

static inline void frames_clear(struct frames *r)
{
    buf_clear(&r->said);
    buf_clear(&r->raw);
}

static inline void frames_same(const struct frames *a, const struct frames *b)
{
    UNIT_INT(a->rc, b->rc);
    CU_ASSERT_FATAL(str_eq(buf_str(&a->said), buf_str(&b->said)));
    CU_ASSERT_FATAL(str_eq(buf_str(&a->raw), buf_str(&b->raw)));
}

/* The frames of a whole run are in *whole; clear them. */
static inline void check_frames_max(struct frames *whole, enum framing kind,
                                    struct str text, size_t max)
{
    struct frames r = { .max = max };

    whole->max = max;
    frames_run(whole, kind, text, 0, 0);
    if (whole->rc == 0)
        CU_ASSERT(str_eq(buf_str(&whole->raw), text));
    for (size_t chunk = 1; chunk <= 7; chunk += 6) {
        frames_run(&r, kind, text, chunk, chunk);
        frames_same(whole, &r);
        frames_clear(&r);
    }
    for (size_t at = 1; text.n <= EVERY_SPLIT_UP_TO && at < text.n; at++) {
        frames_run(&r, kind, text, at, 0);
        frames_same(whole, &r);
        frames_clear(&r);
    }
}

static inline void check_frames(struct frames *whole, enum framing kind,
                                struct str text)
{
    check_frames_max(whole, kind, text, 16u << 20);
}

struct frame_case {
    const char *text, *want; /* NULL: refused, whatever came before */
};

static inline void check_case(enum framing kind, const struct frame_case *c)
{
    struct frames r;

    check_frames(&r, kind, str_of(c->text));
    buf_putc(&r.said, '\0');
    if (c->want)
        UNIT_STR(buf_str(&r.said).p, c->want);
    if ((r.rc == 0) != (c->want != NULL))
        printf("\n%s: %d", c->text, r.rc);
    CU_ASSERT((r.rc == 0) == (c->want != NULL));
    frames_clear(&r);
}

#endif
