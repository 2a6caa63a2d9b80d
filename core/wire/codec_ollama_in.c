/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Ollama's answers, read: a line of a stream and a whole answer are the same
 * object, the last of a stream says `done` and counts. An error is {"error":
 * "text"}, with a status or, in a stream that began, without.
 */
#include "wire/codec_ollama.h"
#include "wire/codec_probs.h"

static struct ollama_in *ollama_of(struct codec_in *in)
{
    return (struct ollama_in *)(void *)in;
}

static int close_block(struct ollama_in *in)
{
    bool open = in->open != OLLAMA_NONE;

    in->open = OLLAMA_NONE;
    return open ? in_text(&in->base, NEUTRAL_BLOCK_END, 0, JSTR_NULL) : 0;
}

static int read_text(struct ollama_in *in, struct jstr text,
                     enum ollama_open kind)
{
    int rc = 0;

    if (!text.n)
        return 0;
    if (in->open != kind)
        rc = close_block(in);
    in->open = kind;
    if (rc)
        return rc;
    return in_text(&in->base, kind == OLLAMA_TEXT ? NEUTRAL_TEXT
                                                  : NEUTRAL_THINKING,
                   0, text);
}

/* Arguments are an object; some models' parsers leave them a string. */
static int read_args(struct ollama_in *in, uint32_t node, struct jstr *out)
{
    const struct json *j = &in->base.j;

    *out = JSTR_NULL;
    if (node == JSON_NONE)
        return 0;
    *out = j->nodes[node].type == JSON_T_STRING
               ? jstr_of_node(j, node)
               : jstr_escape(json_raw(j, node), in->base.tmp);
    return out->p ? 0 : err_set(in->base.err, ERR_NOMEM, "out of memory");
}

static int read_call(struct ollama_in *in, uint32_t node)
{
    const struct json *j = &in->base.j;
    uint32_t f = in_member(j, node, STR("function"));
    struct jstr id = in_string(j, node, STR("id"));
    struct jstr name = in_string(j, f, STR("name")), args;
    struct in_call call = { .id = jstr_text(id, in->base.tmp),
                            .name = jstr_text(name, in->base.tmp) };
    int rc;

    if (!name.n)
        return 0;
    rc = close_block(in);
    in->any_call = true;
    if (!rc)
        rc = read_args(in, in_member(j, f, STR("arguments")), &args);
    if (!rc)
        rc = in_call_begin(&in->base, &call);
    if (!rc)
        rc = in_call_args(&in->base, &call, args);
    if (!rc)
        return in_call_end(&in->base, &call);
    buf_clear(&call.args);
    return rc;
}

/* base64, of no said type */
static int read_images(struct ollama_in *in, uint32_t list)
{
    const struct json *j = &in->base.j;
    int rc;

    if (json_first(j, list) == JSON_NONE)
        return 0;
    rc = close_block(in);
    for (uint32_t n = json_first(j, list); n != JSON_NONE && !rc;
         n = json_sibling(j, list, n))
        rc = in_media(&in->base, 0, JSTR_NULL, jstr_of_node(j, n));
    return rc;
}

static int read_message(struct ollama_in *in, uint32_t node)
{
    const struct json *j = &in->base.j;
    uint32_t calls = in_member(j, node, STR("tool_calls"));
    int rc = read_text(in, in_string(j, node, STR("thinking")),
                       OLLAMA_THINKING);

    if (!rc)
        rc = read_text(in, in_string(j, node, STR("content")), OLLAMA_TEXT);
    if (!rc)
        rc = read_images(in, in_member(j, node, STR("images")));
    if (calls == JSON_NONE || j->nodes[calls].type != JSON_T_ARRAY)
        return rc;
    for (uint32_t n = json_first(j, calls); n != JSON_NONE && !rc;
         n = json_sibling(j, calls, n))
        rc = read_call(in, n);
    return rc;
}

static int read_done(struct ollama_in *in)
{
    const struct json *j = &in->base.j;
    struct jstr why = in_string(j, 0, STR("done_reason"));
    bool length = str_is((struct str){ why.p, why.n }, "length");
    struct neutral_event ev = {
        .type = NEUTRAL_FINISH,
        .finish = neutral_finish_seen(length ? FINISH_LENGTH : FINISH_STOP,
                                      in->any_call),
    };
    struct usage more = USAGE_NONE;
    int rc = close_block(in);

    more.input = in_count(j, 0, STR("prompt_eval_count"));
    more.output = in_count(j, 0, STR("eval_count"));
    if (!rc)
        rc = in_emit(&in->base, &ev);
    if (!rc)
        rc = in_usage(&in->base, &more);
    return rc ? rc : in_end(&in->base);
}

static bool is_true(const struct json *j, uint32_t node)
{
    return node != JSON_NONE && j->nodes[node].type == JSON_T_TRUE;
}

static int read_object(struct ollama_in *in)
{
    const struct json *j = &in->base.j;
    uint32_t error = in_member(j, 0, STR("error"));
    struct jstr model = in_string(j, 0, STR("model"));
    int rc;

    if (error != JSON_NONE && json_raw(j, error).n > 2)
        return in_error_node(&in->base, error);
    rc = in_start(&in->base, STR_NULL, jstr_text(model, in->base.tmp), 0);
    if (!rc)
        rc = read_message(in, in_member(j, 0, STR("message")));
    if (!rc)
        rc = in_probs(&in->base, 0, in_member(j, 0, STR("logprobs")));
    if (!rc && is_true(j, in_member(j, 0, STR("done"))))
        rc = read_done(in);
    return rc;
}

static void begin(struct codec_in *in, neutral_sink sink, void *ud,
                  struct err *err)
{
    in->sink = sink;
    in->ud = ud;
    in->err = err;
    arena_reset(in->tmp);
}

int ollama_decode_event(struct codec_in *in, struct str event,
                        struct str data, neutral_sink sink, void *ud,
                        struct err *err)
{
    struct err own = { 0 };
    int rc;

    (void)event;
    begin(in, sink, ud, err ? err : &own);
    if (in->ended)
        return 0;
    if (!data.p)
        return in_cut(in);
    rc = in_scan(in, data);
    return rc ? rc : read_object(ollama_of(in));
}

int ollama_decode_body(struct codec_in *in, struct str body,
                       neutral_sink sink, void *ud, struct err *err)
{
    struct err own = { 0 };
    int rc;

    begin(in, sink, ud, err ? err : &own);
    if (in->opts.http_status >= 400)
        return in_error_body(in, body);
    rc = in_scan(in, body);
    if (!rc && in_member(&in->j, 0, STR("message")) == JSON_NONE &&
        in_member(&in->j, 0, STR("error")) == JSON_NONE)
        rc = err_set(in->err, ERR_SYNTAX, "this is no answer of Ollama's");
    if (!rc)
        rc = read_object(ollama_of(in));
    return rc || in->ended ? rc : in_cut(in);
}
