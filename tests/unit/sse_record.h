/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What an event stream comes to, however it is cut: check_stream(text) runs
 * the framer over it whole, in pieces of 1 and 7, and split at every place,
 * and holds all that against a plain line by line reading of the standard.
 */
#ifndef PENSTOCK_UNIT_SSE_RECORD_H
#define PENSTOCK_UNIT_SSE_RECORD_H

#include "unit.h"

#include "wire/sse.h"

#define MAX_EVENT (1u << 20)
#define EVERY_SPLIT_UP_TO 8192

#define ALL_RUNS_UP_TO 512
#define EVENTS_MAX 20000

/* All that came out: what each event was, and where it ended. */
struct record {
    struct buf events, raw;
    struct buf dispatched; /* name and data of what a browser would see */
    struct sse s;
    int n;
    struct mark {
        size_t events, raw;
    } *marks; /* the ends of the first n in `events` and `raw`, or NULL */
};

static inline void put_field(struct buf *b, struct str s)
{
    buf_putc(b, s.p ? '=' : '-');
    buf_put(b, (struct str){ (const char *)&s.n, sizeof s.n });
    buf_put(b, s);
}

static inline void put_dispatch(struct buf *b, struct str event,
                                struct str data)
{
    put_field(b, event.n ? event : STR("message"));
    put_field(b, data);
}

static inline int on_event(void *ud, const struct sse_event *ev)
{
    struct record *r = ud;

    buf_putc(&r->events, (char)('0' + ev->comment_only + 2 * ev->cut));
    put_field(&r->events, (struct str){ (const char *)&ev->retry_ms, 8 });
    put_field(&r->events, ev->raw);
    put_field(&r->events, ev->event);
    put_field(&r->events, ev->data);
    put_field(&r->events, ev->id);
    buf_put(&r->raw, ev->raw);
    if (ev->data.p && !ev->cut)
        put_dispatch(&r->dispatched, ev->event, ev->data);
    if (r->marks && r->n < EVENTS_MAX)
        r->marks[r->n] = (struct mark){ r->events.n, r->raw.n };
    r->n++;
    return 0;
}

static inline void record_init(struct record *r)
{
    *r = (struct record){ .events = BUF_INIT(64 << 20),
                          .raw = BUF_INIT(64 << 20),
                          .dispatched = BUF_INIT(64 << 20) };
    sse_init(&r->s, MAX_EVENT);
}

static inline void record_clear(struct record *r)
{
    sse_clear(&r->s);
    buf_clear(&r->events);
    buf_clear(&r->raw);
    buf_clear(&r->dispatched);
    free(r->marks);
}

/* Each piece in a block of its own size, so that a reader past it is seen. */
static inline void feed(struct record *r, struct str piece)
{
    char *copy = malloc(piece.n ? piece.n : 1);

    memcpy(copy, piece.p, piece.n);
    CU_ASSERT_FATAL(sse_feed(&r->s, (struct str){ copy, piece.n }, on_event,
                             r, NULL) == 0);
    free(copy);
}

static inline void run(struct record *r, struct str text, size_t chunk)
{
    record_init(r);
    if (chunk >= text.n)
        r->marks = calloc(EVENTS_MAX, sizeof *r->marks);
    for (size_t at = 0; at < text.n; at += chunk)
        feed(r, (struct str){ text.p + at,
                              text.n - at < chunk ? text.n - at : chunk });
    CU_ASSERT(sse_eof(&r->s, on_event, r, NULL) == 0);
    CU_ASSERT(r->s.held.p == NULL);
    CU_ASSERT(str_eq(buf_str(&r->raw), text));
}

static inline void check_same(const struct record *a, const struct record *b)
{
    CU_ASSERT_FATAL(str_eq(buf_str(&a->events), buf_str(&b->events)));
    CU_ASSERT_FATAL(str_eq(buf_str(&a->raw), buf_str(&b->raw)));
}

static inline void run_split(const struct record *whole, struct str text,
                             size_t at)
{
    struct record r;

    record_init(&r);
    feed(&r, (struct str){ text.p, at });
    feed(&r, (struct str){ text.p + at, text.n - at });
    CU_ASSERT(sse_eof(&r.s, on_event, &r, NULL) == 0);
    check_same(whole, &r);
    record_clear(&r);
}

static inline struct str slice(struct str s, size_t from, size_t to)
{
    return (struct str){ s.p + from, to - from };
}

/*
 * Split at `at`, inside the event that starts at `from`, where the framer's
 * state is *s: the events up to `to` and the state then must be as without.
 */
static inline void split_here(const struct sse *s, struct str text, size_t from,
                       size_t at, size_t to)
{
    struct record a, b;

    record_init(&a);
    record_init(&b);
    a.s = b.s = *s;
    feed(&a, slice(text, from, to));
    feed(&b, slice(text, from, at));
    feed(&b, slice(text, at, to));
    check_same(&a, &b);
    CU_ASSERT_FATAL(str_eq(buf_str(&a.s.held), buf_str(&b.s.held)));
    buf_clear(&a.s.held);
    buf_clear(&b.s.held);
    CU_ASSERT_FATAL(memcmp(&a.s, &b.s, sizeof a.s) == 0);
    record_clear(&a);
    record_clear(&b);
}

/*
 * Every split. Between events the framer is a plain value, so each split is
 * run from the start of its event over the two that follow.
 */
static inline void check_splits(const struct record *whole, struct str text)
{
    struct record r;
    size_t from = 0;

    record_init(&r);
    for (int i = 0; i < whole->n; i++) {
        size_t end = whole->marks[i].raw;
        int last = i + 2 < whole->n ? i + 2 : whole->n - 1;

        for (size_t at = from + 1; at <= end; at++)
            split_here(&r.s, text, from, at, whole->marks[last].raw);
        feed(&r, slice(text, from, end));
        if (i + 1 < whole->n)
            CU_ASSERT_FATAL(r.s.held.p == NULL && r.n == i + 1);
        from = end;
    }
    record_clear(&r);
}

/* The standard's steps, taken literally, one line after the other. */
static inline void plain_reading(struct str text, struct buf *out)
{
    struct buf data = BUF_INIT(64 << 20), event = BUF_INIT(64 << 20);
    bool any = false;
    size_t at = str_starts(text, STR("\xEF\xBB\xBF")) ? 3 : 0;

    while (at < text.n) {
        struct str line = { text.p + at, 0 }, value;
        ptrdiff_t colon;

        while (at < text.n && text.p[at] != '\r' && text.p[at] != '\n') {
            line.n++;
            at++;
        }
        if (at == text.n)
            break;
        at += text.p[at] == '\r' && at + 1 < text.n && text.p[at + 1] == '\n'
                  ? 2 : 1;
        if (line.n == 0) {
            if (any)
                put_dispatch(out, buf_str(&event),
                             (struct str){ data.p + 0, data.n - 1 });
            buf_reset(&data);
            buf_reset(&event);
            any = false;
            continue;
        }
        colon = str_find(line, STR(":"));
        value = (struct str){ line.p + line.n, 0 };
        if (colon >= 0) {
            value = (struct str){ line.p + colon + 1,
                                  line.n - (size_t)colon - 1 };
            line.n = (size_t)colon;
        }
        if (value.n && value.p[0] == ' ')
            value = (struct str){ value.p + 1, value.n - 1 };
        if (str_is(line, "data")) {
            buf_put(&data, value);
            buf_putc(&data, '\n');
            any = true;
        } else if (str_is(line, "event")) {
            buf_reset(&event);
            buf_put(&event, value);
        }
    }
    buf_clear(&data);
    buf_clear(&event);
}

static inline void check_stream(struct str text)
{
    struct buf plain = BUF_INIT(64 << 20);
    struct record whole, r;

    run(&whole, text, text.n ? text.n : 1);
    plain_reading(text, &plain);
    CU_ASSERT_FATAL(str_eq(buf_str(&whole.dispatched), buf_str(&plain)));
    for (size_t chunk = 1; chunk <= 7; chunk += 6) {
        run(&r, text, chunk);
        check_same(&whole, &r);
        record_clear(&r);
    }
    for (size_t at = 1; text.n <= ALL_RUNS_UP_TO && at < text.n; at++)
        run_split(&whole, text, at);
    if (text.n > ALL_RUNS_UP_TO && text.n <= EVERY_SPLIT_UP_TO)
        check_splits(&whole, text);
    record_clear(&whole);
    buf_clear(&plain);
}

#endif
