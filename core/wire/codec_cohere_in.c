/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Cohere's answers, read. In a stream each event says its type in itself; the
 * parts of content, the plan before a call and the calls come one after the
 * other. Events of types that are not known here are somebody else's.
 */
#include "wire/codec_cohere.h"

static struct cohere_in *cohere_of(struct codec_in *in)
{
    return (struct cohere_in *)(void *)in;
}

static void on_free(void *ud)
{
    struct cohere_in *in = ud;

    if (in->open == COHERE_CALL)
        buf_clear(&in->call.args);
}

int cohere_in_init(struct codec_in *base)
{
    return arena_defer(base->a, on_free, cohere_of(base));
}

/* ---- blocks ------------------------------------------------------------- */

static int close_block(struct cohere_in *in)
{
    enum cohere_open open = in->open;

    in->open = COHERE_NONE;
    if (open == COHERE_CALL)
        return in_call_end(&in->base, &in->call);
    return open == COHERE_NONE
               ? 0
               : in_text(&in->base, NEUTRAL_BLOCK_END, 0, JSTR_NULL);
}

static int read_text(struct cohere_in *in, struct jstr text,
                     enum cohere_open kind)
{
    int rc = 0;

    if (!text.n)
        return 0;
    if (in->open != kind)
        rc = close_block(in);
    in->open = kind;
    if (rc)
        return rc;
    return in_text(&in->base, kind == COHERE_TEXT ? NEUTRAL_TEXT
                                                  : NEUTRAL_THINKING,
                   0, text);
}

/* {type, text | thinking}, or an event's piece of it, without the type */
static int read_part(struct cohere_in *in, uint32_t node)
{
    const struct json *j = &in->base.j;
    int rc = read_text(in, in_string(j, node, STR("thinking")),
                       COHERE_THINKING);

    return rc ? rc : read_text(in, in_string(j, node, STR("text")),
                               COHERE_TEXT);
}

static int begin_call(struct cohere_in *in, uint32_t node)
{
    const struct json *j = &in->base.j;
    uint32_t f = in_member(j, node, STR("function"));
    struct jstr id = in_string(j, node, STR("id"));
    struct jstr name = in_string(j, f, STR("name"));
    int rc = close_block(in);

    if (rc || !name.n)
        return rc;
    in->any_call = true;
    in->call = (struct in_call){ .id = jstr_text(id, in->base.tmp),
                                 .name = jstr_text(name, in->base.tmp) };
    rc = in_call_begin(&in->base, &in->call);
    if (rc)
        return rc;
    in->open = COHERE_CALL;
    return in_call_args(&in->base, &in->call,
                        in_string(j, f, STR("arguments")));
}

static int more_args(struct cohere_in *in, uint32_t node)
{
    const struct json *j = &in->base.j;
    uint32_t f = in_member(j, node, STR("function"));

    if (in->open != COHERE_CALL)
        return 0;
    return in_call_args(&in->base, &in->call,
                        in_string(j, f, STR("arguments")));
}

/* ---- events ------------------------------------------------------------- */

static int start(struct cohere_in *in)
{
    struct jstr id = in_string(&in->base.j, 0, STR("id"));

    return in_start(&in->base, jstr_text(id, in->base.tmp), STR_NULL, 0);
}

static int read_event(struct cohere_in *in)
{
    const struct json *j = &in->base.j;
    struct jstr word = in_string(j, 0, STR("type"));
    struct str type = { word.p, word.n };
    uint32_t delta = in_member(j, 0, STR("delta"));
    uint32_t message = in_member(j, delta, STR("message"));
    uint32_t calls = in_member(j, message, STR("tool_calls"));
    int rc = start(in);

    if (rc)
        return rc;
    if (str_is(type, "content-start") || str_is(type, "content-delta"))
        return read_part(in, in_member(j, message, STR("content")));
    if (str_is(type, "tool-plan-delta"))
        return read_text(in, in_string(j, message, STR("tool_plan")),
                         COHERE_THINKING);
    if (str_is(type, "tool-call-start"))
        return begin_call(in, calls);
    if (str_is(type, "tool-call-delta"))
        return more_args(in, calls);
    if (str_is(type, "citation-start"))
        return cohere_read_citation(in, in_member(j, message,
                                                  STR("citations")));
    if (str_is(type, "content-end") || str_is(type, "tool-call-end"))
        return in->open == COHERE_TEXT ? 0 : close_block(in);
    if (!str_is(type, "message-end"))
        return 0;
    rc = close_block(in);
    return rc ? rc : cohere_read_end(in, delta);
}

static void begin(struct codec_in *in, neutral_sink sink, void *ud,
                  struct err *err)
{
    in->sink = sink;
    in->ud = ud;
    in->err = err;
    arena_reset(in->tmp);
}

/* {"message": "..."} without a type, or "error" as others say it. */
static bool is_error(const struct json *j)
{
    return in_member(j, 0, STR("error")) != JSON_NONE ||
           (in_string(j, 0, STR("message")).p &&
            in_member(j, 0, STR("type")) == JSON_NONE);
}

static int error_in(struct codec_in *in)
{
    uint32_t node = in_member(&in->j, 0, STR("error"));

    return in_error_node(in, node == JSON_NONE ? 0 : node);
}

int cohere_decode_event(struct codec_in *in, struct str event,
                        struct str data, neutral_sink sink, void *ud,
                        struct err *err)
{
    struct err own = { 0 };
    int rc;

    (void)event;
    begin(in, sink, ud, err ? err : &own);
    if (in->ended)
        return 0;
    data = str_trim(data);
    if (!data.p || str_is(data, "[DONE]"))
        return cohere_of(in)->told ? in_end(in) : in_cut(in);
    if (cohere_of(in)->told)
        return 0;
    rc = in_scan(in, data);
    if (!rc && is_error(&in->j))
        return error_in(in);
    return rc ? rc : read_event(cohere_of(in));
}

/* ---- a whole answer ----------------------------------------------------- */

static int read_each(struct cohere_in *in, uint32_t array,
                     int (*one)(struct cohere_in *, uint32_t))
{
    const struct json *j = &in->base.j;
    int rc = 0;

    if (array == JSON_NONE || j->nodes[array].type != JSON_T_ARRAY)
        return 0;
    for (uint32_t n = json_first(j, array); n != JSON_NONE && !rc;
         n = json_sibling(j, array, n))
        rc = one(in, n);
    return rc;
}

static int read_message(struct cohere_in *in, uint32_t message)
{
    const struct json *j = &in->base.j;
    uint32_t content = in_member(j, message, STR("content"));
    int rc = read_text(in, in_string(j, message, STR("tool_plan")),
                       COHERE_THINKING);

    if (!rc)
        rc = read_each(in, content, read_part);
    if (!rc) /* a string, as some hosts of these models have it */
        rc = read_text(in, jstr_of_node(j, content), COHERE_TEXT);
    if (!rc)
        rc = read_each(in, in_member(j, message, STR("citations")),
                       cohere_read_citation);
    if (!rc)
        rc = read_each(in, in_member(j, message, STR("tool_calls")),
                       begin_call);
    return rc ? rc : close_block(in);
}

int cohere_decode_body(struct codec_in *base, struct str body,
                       neutral_sink sink, void *ud, struct err *err)
{
    struct cohere_in *in = cohere_of(base);
    struct err own = { 0 };
    uint32_t message;
    int rc;

    begin(base, sink, ud, err ? err : &own);
    if (base->opts.http_status >= 400)
        return in_error_body(base, body);
    rc = in_scan(base, body);
    if (rc)
        return rc;
    if (is_error(&base->j))
        return error_in(base);
    message = in_member(&base->j, 0, STR("message"));
    if (message == JSON_NONE)
        return err_set(base->err, ERR_SYNTAX, "this is no chat answer");
    rc = start(in);
    if (!rc)
        rc = read_message(in, message);
    if (!rc)
        rc = cohere_read_end(in, 0);
    return rc ? rc : in_end(base);
}
