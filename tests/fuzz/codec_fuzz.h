/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A codec over any bytes. The first byte says what the rest is: R a request,
 * B a whole answer, else a stream. What is decoded must be in order, and what
 * is written from it, in any dialect, must be JSON again.
 */
#ifndef PENSTOCK_FUZZ_CODEC_FUZZ_H
#define PENSTOCK_FUZZ_CODEC_FUZZ_H

#include "wire/codec_stream.h"
#include "wire/sse.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(x)                                                               \
    do {                                                                      \
        if (!(x)) {                                                           \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x);           \
            abort();                                                          \
        }                                                                     \
    } while (0)

#define OUT_MAX (8u << 20)

static void must_be_json(struct str s)
{
    struct json_limits lim = { .dup_nowhere = true, .max_depth = 1000 };
    struct json j = { 0 };

    if (json_scan(&j, s, &lim, NULL))
        fprintf(stderr, "not JSON: " STR_FMT "\n", STR_ARG(s));
    MUST(j.count > 0);
    json_clear(&j);
}

/* ---- requests ----------------------------------------------------------- */

static const char *const models[] = { "claude-sonnet-4-5", "claude-opus-5-5",
                                      "gpt-4o", "gpt-5.6", "mistral-large",
                                      "deepseek-flash", "gemini-3-pro",
                                      "gemini-2.0-flash" };

static void write_request(const struct neutral_request *r, enum dialect to,
                          const char *model, struct arena *a)
{
    struct codec_target t = codec_target_of(to, str_of(model));
    struct buf out = BUF_INIT(OUT_MAX), names = BUF_INIT(4096);
    struct codec_report report;
    struct codec_names changed;
    struct err err = { 0 };
    int rc = codec_for(to)->encode_request(r, &t, a, &out, &report, &changed,
                                           &err);

    MUST(rc == -err.code);
    if (!rc)
        must_be_json(buf_str(&out));
    MUST(codec_report_names(&report, FATE_DROPPED, 200, &names) == 0);
    MUST(buf_len(&names) <= 200);
    buf_clear(&out);
    buf_clear(&names);
}

static void fuzz_request(enum dialect d, struct str body)
{
    struct arena *a = arena_new(64 << 20);
    struct neutral_request r;
    struct json j = { 0 };
    struct err err = { 0 };

    if (json_scan(&j, body, NULL, NULL) == 0) {
        int rc = codec_for(d)->decode_request(&j, a, &r, &err);

        MUST(rc == -err.code);
        for (size_t i = 0; !rc && i < sizeof models / sizeof *models; i++) {
            write_request(&r, DIALECT_ANTHROPIC, models[i], a);
            write_request(&r, DIALECT_GEMINI, models[i], a);
            write_request(&r, DIALECT_OPENAI_CHAT, models[i], a);
            write_request(&r, DIALECT_COHERE, "command-a-plus", a);
            write_request(&r, DIALECT_OLLAMA, "gpt-oss", a);
            write_request(&r, DIALECT_MISTRAL, "mistral-large", a);
            write_request(&r, DIALECT_RESPONSES, models[i], a);
        }
    }
    json_clear(&j);
    arena_free(a);
}

/* ---- answers ------------------------------------------------------------ */

static const enum dialect into[] = { DIALECT_OPENAI_CHAT, DIALECT_ANTHROPIC,
                                     DIALECT_GEMINI, DIALECT_RESPONSES,
                                     DIALECT_OPENAI_COMPLETIONS };

enum { OUTS = 2 * sizeof into / sizeof *into };

/* Into every dialect, as a stream and whole. */
struct answer {
    struct codec_in *in;
    struct codec_out *out[OUTS];
    struct buf to[OUTS];
    bool started, ended, open;
};

static int on_neutral(void *ud, const struct neutral_event *ev)
{
    struct answer *s = ud;
    bool first = ev->type == NEUTRAL_START;
    bool loose = ev->type == NEUTRAL_ERROR || ev->type == NEUTRAL_PING;

    MUST(!s->ended && first != (s->started || loose));
    s->started = s->started || first;
    s->ended = ev->type == NEUTRAL_END || ev->type == NEUTRAL_ERROR;
    if (ev->choice == 0) {
        MUST(ev->type != NEUTRAL_TOOL_BEGIN || !s->open);
        MUST(ev->type != NEUTRAL_TOOL_ARGS || s->open);
        MUST(ev->type != NEUTRAL_FINISH || !s->open);
        s->open = ev->type == NEUTRAL_TOOL_BEGIN ||
                  (s->open && ev->type != NEUTRAL_BLOCK_END);
    }
    for (int i = 0; i < OUTS; i++) {
        int rc = s->out[i]->codec->encode(s->out[i], ev, &s->to[i]);

        MUST(rc == 0 || rc == -ERR_LIMIT || rc == -ERR_NOMEM);
    }
    return 0;
}

static void open_answer(struct answer *s, enum dialect d, struct arena *a)
{
    struct codec_in_opts in = { .unique = STR("u"), .max_held = 1 << 20 };
    struct codec_out_opts out = { .unique = STR("u"), .max_held = 1 << 20,
                                  .include_usage = true };

    *s = (struct answer){ .in = codec_in_new(codec_for(d), a, &in) };
    for (int i = 0; i < OUTS; i++) {
        out.stream = i & 1;
        s->out[i] = codec_out_new(codec_for(into[i / 2]), a, &out);
        buf_init(&s->to[i], OUT_MAX);
    }
}

static int on_written(void *ud, const struct sse_event *ev)
{
    (void)ud;
    MUST(!ev->cut);
    if (ev->data.p && !str_is(ev->data, "[DONE]"))
        must_be_json(ev->data);
    return 0;
}

static void check_written(struct answer *s)
{
    for (int i = 0; i < OUTS; i++) {
        struct sse sse;

        sse_init(&sse, OUT_MAX);
        if (i & 1) {
            MUST(sse_feed(&sse, buf_str(&s->to[i]), on_written, NULL, NULL) ==
                 0);
            MUST(sse_eof(&sse, on_written, NULL, NULL) == 0);
        } else if (s->ended && buf_len(&s->to[i])) {
            must_be_json(buf_str(&s->to[i]));
        }
        buf_clear(&s->to[i]);
    }
}

static int on_sse(void *ud, const struct sse_event *ev)
{
    struct answer *s = ud;

    if (!ev->data.p)
        return 0;
    return s->in->codec->decode_event(s->in, ev->event, ev->data, on_neutral,
                                      s, NULL);
}

static void fuzz_answer(enum dialect d, struct str text, bool whole)
{
    struct arena *a = arena_new(64 << 20);
    struct answer s;
    struct sse sse;
    int rc;

    open_answer(&s, d, a);
    if (whole) {
        rc = s.in->codec->decode_body(s.in, text, on_neutral, &s, NULL);
        MUST(rc || s.ended);
    } else {
        sse_init(&sse, 1 << 20);
        rc = sse_feed(&sse, text, on_sse, &s, NULL);
        if (!rc)
            rc = sse_eof(&sse, on_sse, &s, NULL);
        if (!rc)
            rc = s.in->codec->decode_event(s.in, STR(""), STR_NULL,
                                           on_neutral, &s, NULL);
        MUST(rc || s.ended);
        sse_clear(&sse);
    }
    check_written(&s);
    arena_free(a);
}

static inline int fuzz_codec(enum dialect d, const uint8_t *data, size_t size)
{
    struct str text = { (const char *)data + 1, size - 1 };

    if (size < 2)
        return 0;
    if (data[0] == 'R')
        fuzz_request(d, text);
    else
        fuzz_answer(d, text, data[0] == 'B');
    return 0;
}

#endif
