/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Requests and answers through codecs: a JSON text to a neutral request and
 * on to another body; a whole answer or a cut stream to a sink.
 */
#ifndef PENSTOCK_UNIT_CODEC_RUN_H
#define PENSTOCK_UNIT_CODEC_RUN_H

#include "neutral_record.h"

/* One request on its way: body, index, neutral form, and where they lie. */
struct way {
    struct json j;
    struct arena *a;
    struct neutral_request r;
    struct buf out;
    struct codec_report report;
    struct codec_names names;
    struct err err;
};

static inline void way_clear(struct way *w)
{
    json_clear(&w->j);
    buf_clear(&w->out);
    arena_free(w->a);
}

static inline int way_in(struct way *w, enum dialect d, struct str body)
{
    int rc;

    *w = (struct way){ .out = BUF_INIT(64 << 20) };
    w->a = arena_new(256 << 20);
    if (!w->a)
        return err_set(&w->err, ERR_NOMEM, "out of memory");
    rc = json_scan(&w->j, body, NULL, &w->err);
    return rc ? rc : codec_for(d)->decode_request(&w->j, w->a, &w->r,
                                                  &w->err);
}

static inline int way_out(struct way *w, enum dialect d,
                          const struct codec_target *t)
{
    buf_reset(&w->out);
    return codec_for(d)->encode_request(&w->r, t, w->a, &w->out, &w->report,
                                        &w->names, &w->err);
}

/* A target that can do all that its dialect can say. */
static inline struct codec_target way_target(enum dialect d)
{
    struct codec_target t = { .model = STR("m"), .can = ~0u,
                              .reasoning_in = REASONING_IN_BLOCKS };

    t.can &= ~(unsigned)(CAN_OLD_EFFORT_ONLY | CAN_THINK_BETWEEN);
    (void)d;
    return t;
}

/* ---- answers ------------------------------------------------------------ */

struct stream_run {
    struct codec_in *in;
    neutral_sink sink;
    void *ud;
    struct err err;
    bool ended;
};

static inline int stream_event(void *ud, const struct sse_event *ev)
{
    struct stream_run *s = ud;

    if (!ev->data.p)
        return 0;
    return s->in->codec->decode_event(s->in, ev->event, ev->data, s->sink,
                                      s->ud, &s->err);
}

/* What answers lost on their way, since somebody set it to 0. */
static uint32_t run_lost;

static const struct codec_in_opts run_in_opts = { .unique = { "u1", 2 },
                                                  .lost = &run_lost };

/* A stream in pieces of `chunk` bytes; 0, or what failed. */
static inline int run_stream(enum dialect d, struct str text, size_t chunk,
                             neutral_sink sink, void *ud)
{
    struct arena *a = arena_new(256 << 20);
    struct stream_run s = { .sink = sink, .ud = ud };
    struct sse sse;
    int rc = 0;

    s.in = codec_in_new(codec_for(d), a, &run_in_opts);
    sse_init(&sse, 32 << 20);
    while (!rc && text.n) {
        size_t n = text.n < chunk ? text.n : chunk;
        char *copy = malloc(n);

        memcpy(copy, text.p, n);
        rc = sse_feed(&sse, (struct str){ copy, n }, stream_event, &s, NULL);
        free(copy);
        text.p += n;
        text.n -= n;
    }
    if (!rc)
        rc = sse_eof(&sse, stream_event, &s, NULL);
    if (!rc)
        rc = s.in->codec->decode_event(s.in, STR(""), STR_NULL, sink, ud,
                                       &s.err);
    sse_clear(&sse);
    arena_free(a);
    return rc;
}

static inline int run_body(enum dialect d, struct str body,
                           neutral_sink sink, void *ud)
{
    struct arena *a = arena_new(256 << 20);
    struct codec_in *in = codec_in_new(codec_for(d), a, &run_in_opts);
    struct err err = { 0 };
    int rc = in->codec->decode_body(in, body, sink, ud, &err);

    arena_free(a);
    return rc;
}

/* An answer, as a stream (chunk > 0) or whole, to the text of its events. */
static inline int run_record(enum dialect d, struct str answer, size_t chunk,
                             int flags, struct buf *out)
{
    struct record r;
    int rc;

    record_open(&r, flags);
    rc = chunk ? run_stream(d, answer, chunk, record_event, &r)
               : run_body(d, answer, record_event, &r);
    record_text(&r, out);
    if (r.faults)
        buf_printf(out, "%d faults\n", r.faults);
    record_close(&r);
    return rc;
}

/* An answer into another one: dialect `d`, streamed or not, to `to`. */
static inline int run_through(enum dialect from, struct str answer,
                              size_t chunk, enum dialect d, bool stream,
                              struct buf *to)
{
    struct codec_out_opts opts = { .stream = stream, .include_usage = true,
                                   .unique = { "u2", 2 }, .created = 7,
                                   .lost = &run_lost };
    struct arena *a = arena_new(256 << 20);
    struct codec_pipe pipe = { codec_out_new(codec_for(d), a, &opts), to };
    int rc = chunk ? run_stream(from, answer, chunk, codec_pipe, &pipe)
                   : run_body(from, answer, codec_pipe, &pipe);

    arena_free(a);
    return rc;
}

#endif
