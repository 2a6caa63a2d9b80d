/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Answers of dialects that are spoken to providers alone, in their own
 * framing, through a decoder to a sink. */
#ifndef PENSTOCK_UNIT_CODEC_FRAMED_H
#define PENSTOCK_UNIT_CODEC_FRAMED_H

#include "codec_run.h"

#include "wire/framing.h"

static inline enum framing framing_of(enum dialect d)
{
    return d == DIALECT_OLLAMA ? FRAMING_NDJSON : FRAMING_SSE;
}

static inline int framed_event(void *ud, const struct frame *f)
{
    struct stream_run *s = ud;

    if (!f->data.p)
        return 0;
    return s->in->codec->decode_event(s->in, f->event, f->data, s->sink,
                                      s->ud, &s->err);
}

/* chunk 0: a whole answer, of an HTTP status where that is an error's. */
static inline int run_framed(enum dialect d, struct str text, size_t chunk,
                             int status, neutral_sink sink, void *ud)
{
    struct codec_in_opts opts = { .unique = STR("u1"),
                                  .http_status = status };
    struct arena *a = arena_new(256 << 20);
    struct stream_run s = { .sink = sink, .ud = ud };
    struct framer framer;
    int rc = 0;

    s.in = codec_in_new(codec_for(d), a, &opts);
    if (!chunk) {
        rc = s.in->codec->decode_body(s.in, text, sink, ud, &s.err);
        arena_free(a);
        return rc;
    }
    framer_init(&framer, framing_of(d), 32 << 20);
    while (!rc && text.n) {
        size_t n = text.n < chunk ? text.n : chunk;
        char *copy = malloc(n);

        memcpy(copy, text.p, n);
        rc = framer_feed(&framer, (struct str){ copy, n }, framed_event, &s,
                         NULL);
        free(copy);
        text.p += n;
        text.n -= n;
    }
    if (!rc)
        rc = framer_eof(&framer, framed_event, &s, NULL);
    if (!rc)
        rc = s.in->codec->decode_event(s.in, STR(""), STR_NULL, sink, ud,
                                       &s.err);
    framer_clear(&framer);
    arena_free(a);
    return rc;
}

/* To the text of its events. */
static inline int framed_record(enum dialect d, struct str answer,
                                size_t chunk, int status, struct buf *out)
{
    struct record r;
    int rc;

    record_open(&r, 0);
    rc = run_framed(d, answer, chunk, status, record_event, &r);
    record_text(&r, out);
    if (r.faults)
        buf_printf(out, "%d faults\n", r.faults);
    record_close(&r);
    return rc;
}

/* Into an answer of a client's dialect. */
static inline int framed_through(enum dialect from, struct str answer,
                                 size_t chunk, enum dialect to, bool stream,
                                 struct buf *out)
{
    struct codec_out_opts opts = { .stream = stream, .include_usage = true,
                                   .unique = STR("u2"), .created = 7 };
    struct arena *a = arena_new(256 << 20);
    struct codec_pipe pipe = { codec_out_new(codec_for(to), a, &opts), out };
    int rc = run_framed(from, answer, chunk, 0, codec_pipe, &pipe);

    arena_free(a);
    return rc;
}

#endif
