/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Server-sent events: bytes in, in whatever pieces, events out. For each
 * event also its exact bytes, so that the native path forwards or withholds
 * it byte for byte: the raws of all events, one after the other, are the
 * stream. What comes out does not depend on how the bytes were cut.
 *
 * An event that lies whole in the bytes fed is not copied. Only the start of
 * one that does not is held on the heap; between events nothing is.
 *
 * Framing is that of the HTML standard, section 9.2.6 (read 2026-09), with
 * two things more that a gateway needs: comments and blank lines before an
 * event are given out at once, as events of their own without fields, since
 * they are keep-alives; and what stands at the end of the stream without its
 * blank line is given out too, marked `cut`.
 */
#ifndef PENSTOCK_WIRE_SSE_H
#define PENSTOCK_WIRE_SSE_H

#include "base/buf.h"
#include "base/err.h"

struct sse_event {
    struct str raw;    /* the very bytes, blank line included */
    struct str event;  /* name; n is 0 for the standard's "message" */
    struct str data;   /* lines joined by \n; p is NULL without data field */
    struct str id;     /* p is NULL without id field in this event */
    int64_t retry_ms;  /* -1 without */
    bool comment_only; /* no field: a comment, a blank line */
    bool cut;          /* the stream ended inside this event */
};

/**
 * What to do with an event; all in it is borrowed until the return.
 * 0 = go on; anything else ends sse_feed, which returns it.
 */
typedef int (*sse_on_event)(void *ud, const struct sse_event *ev);

/** One stream. Fields are the framer's own. */
struct sse {
    struct buf held;    /* an event's bytes so far; no memory between them */
    uint8_t line;       /* what the line so far is */
    uint8_t line_end;   /* how the line before it ended */
    bool fields;        /* the event has a line that is no comment */
    bool cr;            /* the last byte was a CR: an LF may belong to it */
    bool bom_passed;    /* the stream's first event is out */
    bool dead;          /* an event was over the cap, or the callback ended */
};

/** `max_event` is the cap on one event's raw bytes. No memory is taken. */
void sse_init(struct sse *s, size_t max_event);

/**
 * Take bytes; call `fn` for each event that they complete, in order.
 *
 * After an error, or when `fn` ended it, the stream cannot be fed again
 * (-ERR_CLOSED).
 *
 *   returns  0, what fn returned, or an error
 *
 * Errors:  LIMIT   an event is longer than max_event
 *          NOMEM
 * Cost:    about 60 ns per event and 0.1 ns per byte; never blocks
 */
int sse_feed(struct sse *s, struct str bytes, sse_on_event fn, void *ud,
             struct err *err);

/** The stream has ended: gives out what is held, and frees it. */
int sse_eof(struct sse *s, sse_on_event fn, void *ud, struct err *err);

/** Forget the stream and free what is held; sse_init makes it new. */
void sse_clear(struct sse *s);

#endif
