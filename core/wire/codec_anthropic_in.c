/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Anthropic Messages answers, read: events and bodies. Counts of
 * message_delta are cumulative: they replace what message_start said.
 *
 * Source: https://platform.claude.com/docs/en/api/messages-streaming and the
 * SDK's types 1.12 (read 2026-11-23).
 */
#include "wire/codec_anthropic.h"
#include "wire/codec_anthropic_in.h"

static struct anthropic_in *anthropic_of(struct codec_in *in)
{
    return (struct anthropic_in *)(void *)in;
}

static void on_free(void *ud)
{
    struct anthropic_in *in = ud;

    buf_clear(&in->input);
    buf_clear(&in->opaque);
    buf_clear(&in->call.args);
}

int anthropic_in_init(struct codec_in *base)
{
    struct anthropic_in *in = anthropic_of(base);

    buf_init(&in->input, base->opts.max_held);
    buf_init(&in->opaque, base->opts.max_held);
    return arena_defer(base->a, on_free, in);
}

static struct str plain(struct anthropic_in *in, uint32_t object,
                        struct str name)
{
    uint32_t node = in_member(&in->base.j, object, name);

    return node == JSON_NONE ? STR_NULL
                             : json_text(&in->base.j, node, in->base.tmp);
}

static int read_usage(struct anthropic_in *in, uint32_t object, bool tell)
{
    uint32_t node = in_member(&in->base.j, object, STR("usage"));
    struct usage more;

    if (node == JSON_NONE)
        return 0;
    anthropic_read_usage(&in->base.j, node, &more);
    if (tell)
        return in_usage(&in->base, &more);
    usage_merge(&in->base.usage, &more);
    return 0;
}

static const struct {
    const char *word;
    enum neutral_finish finish;
} finishes[] = {
    { "end_turn", FINISH_STOP },
    { "max_tokens", FINISH_LENGTH },
    { "stop_sequence", FINISH_STOP_SEQUENCE },
    { "tool_use", FINISH_TOOL },
    { "pause_turn", FINISH_PAUSE },
    { "refusal", FINISH_FILTER },
    { "model_context_window_exceeded", FINISH_CONTEXT },
};

static enum neutral_finish finish_of(struct jstr word)
{
    struct str s = { word.p, word.n };

    for (size_t i = 0; i < sizeof finishes / sizeof finishes[0]; i++) {
        if (str_is(s, finishes[i].word))
            return finishes[i].finish;
    }
    return FINISH_STOP;
}

/* From the object that has stop_reason: the message, or a delta. */
static int read_finish(struct anthropic_in *in, uint32_t object)
{
    const struct json *j = &in->base.j;
    struct jstr word = in_string(j, object, STR("stop_reason"));
    uint32_t details = in_member(j, object, STR("stop_details"));
    struct neutral_event ev = { .type = NEUTRAL_FINISH };
    int rc;

    if (!word.p || in->finished)
        return 0;
    rc = in->open == OPEN_NONE ? 0 : anthropic_close(in);
    in->finished = true;
    ev.finish = neutral_finish_seen(finish_of(word), in->any_call);
    ev.text = in_string(j, object, STR("stop_sequence"));
    ev.name = in_string(j, details, STR("explanation"));
    return rc ? rc : in_emit(&in->base, &ev);
}

static int on_start(struct anthropic_in *in)
{
    uint32_t message = in_member(&in->base.j, 0, STR("message"));
    int rc = read_usage(in, message, false);

    if (rc)
        return rc;
    return in_start(&in->base, plain(in, message, STR("id")),
                    plain(in, message, STR("model")), 0);
}

static int on_message_delta(struct anthropic_in *in)
{
    int rc = in_start(&in->base, STR_NULL, STR_NULL, 0); /* if none came */

    if (!rc)
        rc = read_finish(in, in_member(&in->base.j, 0, STR("delta")));
    return rc ? rc : read_usage(in, 0, true);
}

static int on_error(struct anthropic_in *in)
{
    uint32_t error = in_member(&in->base.j, 0, STR("error"));

    return in_error_node(&in->base, error == JSON_NONE ? 0 : error);
}

/* The end of the stream, said by message_stop or by the connection. */
static int on_end(struct anthropic_in *in, bool said)
{
    struct neutral_event ev = { .type = NEUTRAL_FINISH };
    int rc = 0;

    if (!in->base.started || (!in->finished && !said))
        return in_cut(&in->base);
    if (in->open != OPEN_NONE)
        rc = anthropic_close(in);
    if (!rc && !in->finished) {
        ev.finish = neutral_finish_seen(FINISH_NONE, in->any_call);
        rc = in_emit(&in->base, &ev);
        in->finished = true;
    }
    return rc ? rc : in_end(&in->base);
}

static int on_block_event(struct anthropic_in *in, struct str type)
{
    const struct json *j = &in->base.j;
    int rc;

    if (in->finished) /* nothing belongs behind the reason */
        return 0;
    rc = in_start(&in->base, STR_NULL, STR_NULL, 0); /* if none came */
    if (rc)
        return rc;
    if (str_is(type, "content_block_delta"))
        return anthropic_delta(in, in_member(j, 0, STR("delta")));
    if (str_is(type, "content_block_start"))
        return anthropic_open(in, in_member(j, 0, STR("content_block")));
    return in->open == OPEN_NONE ? 0 : anthropic_close(in);
}

static int on_event(struct anthropic_in *in, struct str type)
{
    struct neutral_event ping = { .type = NEUTRAL_PING };

    if (str_starts(type, STR("content_block_")))
        return on_block_event(in, type);
    if (str_is(type, "message_start"))
        return on_start(in);
    if (str_is(type, "message_delta"))
        return on_message_delta(in);
    if (str_is(type, "message_stop"))
        return on_end(in, true);
    if (str_is(type, "ping"))
        return in_emit(&in->base, &ping);
    if (str_is(type, "error"))
        return on_error(in);
    return 0; /* what is new there */
}

int anthropic_decode_event(struct codec_in *base, struct str event,
                           struct str data, neutral_sink sink, void *ud,
                           struct err *err)
{
    struct anthropic_in *in = anthropic_of(base);
    struct err own = { 0 };
    struct jstr type;
    int rc;

    base->sink = sink;
    base->ud = ud;
    base->err = err ? err : &own;
    arena_reset(base->tmp);
    if (base->ended)
        return 0;
    if (!data.p)
        return on_end(in, false);
    if (str_is(str_trim(data), "[DONE]")) /* some end so beside the rest */
        return 0;
    rc = in_scan(base, data);
    if (rc)
        return rc;
    type = in_string(&base->j, 0, STR("type"));
    if (type.p)
        event = (struct str){ type.p, type.n };
    else if (in_member(&base->j, 0, STR("error")) != JSON_NONE)
        event = STR("error");
    return on_event(in, event);
}

static int read_blocks(struct anthropic_in *in)
{
    const struct json *j = &in->base.j;
    uint32_t content = in_member(j, 0, STR("content"));
    int rc = 0;

    for (uint32_t n = json_first(j, content); n != JSON_NONE && !rc;
         n = json_sibling(j, content, n)) {
        uint32_t citations = in_member(j, n, STR("citations"));

        rc = anthropic_open(in, n);
        for (uint32_t c = json_first(j, citations); c != JSON_NONE && !rc;
             c = json_sibling(j, citations, c))
            rc = anthropic_citation(in, c);
        if (!rc)
            rc = anthropic_close(in);
    }
    return rc;
}

int anthropic_decode_body(struct codec_in *base, struct str body,
                          neutral_sink sink, void *ud, struct err *err)
{
    struct anthropic_in *in = anthropic_of(base);
    struct err own = { 0 };
    int rc;

    base->sink = sink;
    base->ud = ud;
    base->err = err ? err : &own;
    arena_reset(base->tmp);
    if (base->opts.http_status >= 400)
        return in_error_body(base, body);
    rc = in_scan(base, body);
    if (rc)
        return rc;
    if (in_member(&base->j, 0, STR("error")) != JSON_NONE)
        return on_error(in);
    if (in_member(&base->j, 0, STR("content")) == JSON_NONE)
        return err_set(base->err, ERR_SYNTAX, "this is no message");
    rc = read_usage(in, 0, false);
    if (!rc)
        rc = in_start(base, plain(in, 0, STR("id")),
                      plain(in, 0, STR("model")), 0);
    if (!rc)
        rc = read_blocks(in);
    if (!rc)
        rc = read_finish(in, 0);
    if (!rc)
        rc = in_usage(base, &base->usage);
    return rc ? rc : on_end(in, true);
}
