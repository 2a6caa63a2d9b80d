/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * OpenAI chat answers, read: a whole body's messages and a stream's deltas
 * are the same members (codec_chat_message.c), so they go one way. Usage may
 * stand in three places, an error inside a 200.
 *
 * Source: https://platform.openai.com/docs/api-reference/chat (read 2026-11);
 * the vendors' references and recorded streams (read 2026-08).
 */
#include "wire/codec_chat.h"
#include "wire/codec_chat_in.h"
#include "wire/watch.h"

static struct chat_in *chat_of(struct codec_in *in)
{
    return (struct chat_in *)(void *)in;
}

static void on_free(void *ud)
{
    chat_free_choices(ud);
}

int chat_in_init(struct codec_in *in)
{
    return arena_defer(in->a, on_free, chat_of(in));
}

static struct str plain(struct chat_in *in, uint32_t object, struct str name)
{
    uint32_t node = in_member(&in->base.j, object, name);

    return node == JSON_NONE ? STR_NULL
                             : json_text(&in->base.j, node, in->base.tmp);
}

/* ---- choices ------------------------------------------------------------ */

static const struct {
    const char *word;
    enum neutral_finish finish;
} finishes[] = {
    { "length", FINISH_LENGTH },        { "tool_calls", FINISH_TOOL },
    { "function_call", FINISH_TOOL },   { "content_filter", FINISH_FILTER },
    { "model_length", FINISH_CONTEXT }, { "max_tokens", FINISH_LENGTH },
    { "sensitive", FINISH_FILTER },     { "refusal", FINISH_FILTER },
    { "safety", FINISH_FILTER },
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

/* An error that is one: not null, false, {}, "" or []. */
static uint32_t error_in(const struct json *j)
{
    uint32_t node = in_member(j, 0, STR("error"));

    if (node == JSON_NONE)
        node = in_member(j, in_member(j, 0, STR("x_groq")), STR("error"));
    if (node == JSON_NONE || j->nodes[node].type == JSON_T_FALSE)
        return JSON_NONE;
    return json_raw(j, node).n > 2 ? node : JSON_NONE;
}

/* Reasons that say that there is no answer. */
static bool is_failure(struct jstr word)
{
    struct str s = { word.p, word.n };

    return str_is(s, "error") || str_is(s, "abort") ||
           str_is(s, "network_error") ||
           str_is(s, "insufficient_system_resource");
}

/*
 * FINISH waits for the end, or for the chunk with usage alone: some give the
 * reason again behind each of several calls.
 */
static int tell_finish(struct chat_in *in, struct chat_choice *c)
{
    struct neutral_event ev = { .type = NEUTRAL_FINISH, .choice = c->index };
    int rc = chat_say_sources(in, c);

    rc = rc ? rc : chat_drain(in, c);
    if (c->told)
        return rc;
    c->told = true;
    ev.finish = neutral_finish_seen(c->said, c->any_call);
    if (ev.finish == FINISH_STOP && c->stop.n) {
        ev.finish = FINISH_STOP_SEQUENCE;
        ev.text = c->stop;
    }
    return rc ? rc : in_emit(&in->base, &ev);
}

static int note_finish(struct chat_in *in, struct chat_choice *c,
                       enum neutral_finish said, struct jstr stop)
{
    struct str copy = { stop.p, stop.n };
    int rc = 0;

    if (!in->settled)
        rc = chat_take_sources(in);
    in->settled = true;
    rc = rc ? rc : chat_say_sources(in, c);
    if (rc)
        return rc;
    if (!c->ended)
        c->said = said;
    c->ended = true;
    if (stop.n && !c->stop.n) {
        copy = arena_dup(in->base.a, copy);
        if (!copy.p)
            return err_set(in->base.err, ERR_NOMEM, "out of memory");
        c->stop = (struct jstr){ copy.p, copy.n };
    }
    return chat_drain(in, c);
}

/* Beside the choices. It is in every piece: looked at in the first, and in
 * the one that ends a choice. */
static void read_beside(struct chat_in *in)
{
    const struct json *j = &in->base.j;
    uint32_t tier = watch_tier(j, 0);

    if (tier)
        in->base.usage.tier = tier;
    if (in_string(j, 0, STR("system_fingerprint")).n)
        in_lose(&in->base, LOSS_FINGERPRINT);
}

static int read_finish(struct chat_in *in, struct chat_choice *c,
                       uint32_t node)
{
    const struct json *j = &in->base.j;
    struct jstr word = in_string(j, node, STR("finish_reason"));

    if (!word.n || str_is((struct str){ word.p, word.n }, "null"))
        return 0;
    if (is_failure(word) && error_in(j) != JSON_NONE)
        return in_error_node(&in->base, error_in(j));
    if (is_failure(word)) {
        struct neutral_error e = {
            .status = 502,
            .type = STR("upstream_error"),
            .code = { word.p, word.n },
            .message = STR("The provider broke off its answer."),
        };

        return in_error(&in->base, &e);
    }
    read_beside(in);
    return note_finish(in, c, finish_of(word),
                       in_string(j, node, STR("stop_reason")));
}

static int read_logprobs(struct chat_in *in, struct chat_choice *c,
                         uint32_t node)
{
    uint32_t probs = in_member(&in->base.j, node, STR("logprobs"));
    struct neutral_event ev = { .type = NEUTRAL_LOGPROBS, .choice = c->index,
                                .raw = json_raw(&in->base.j, probs),
                                .from = DIALECT_OPENAI_CHAT };

    return probs == JSON_NONE ? 0 : in_emit(&in->base, &ev);
}

static int read_choice(struct chat_in *in, uint32_t node, bool whole)
{
    const struct json *j = &in->base.j;
    uint32_t message = in_member(j, node, STR("delta"));
    uint32_t error = in_member(j, node, STR("error"));
    int64_t index = in_count(j, node, STR("index"));
    struct chat_choice *c;
    int rc;

    if (error != JSON_NONE && json_raw(j, error).n > 2)
        return in_error_node(&in->base, error);
    if (message == JSON_NONE || whole)
        message = in_member(j, node, STR("message"));
    c = chat_choice(in, index > 0 ? (uint32_t)(index & INT32_MAX) : 0);
    if (!c)
        return -in->base.err->code;
    if (c->told)
        return 0;
    rc = chat_read_message(in, c, message, whole);
    if (!rc && !c->ended)
        rc = read_logprobs(in, c, node);
    return rc ? rc : read_finish(in, c, node);
}

/* ---- events and bodies -------------------------------------------------- */

static int read_usage(struct chat_in *in, uint32_t first_choice)
{
    const struct json *j = &in->base.j;
    uint32_t node = in_member(j, 0, STR("usage"));
    struct usage more;

    if (node == JSON_NONE)
        node = in_member(j, in_member(j, 0, STR("x_groq")), STR("usage"));
    if (node == JSON_NONE)
        node = in_member(j, first_choice, STR("usage"));
    if (node == JSON_NONE || j->nodes[node].type != JSON_T_OBJECT ||
        !in->base.started)
        return 0;
    chat_read_usage(j, node, &more);
    more.tier = watch_tier(j, 0);
    return in_usage(&in->base, &more);
}

/* Usage behind the choices: what they said is complete. */
static int tell_all(struct chat_in *in)
{
    int rc = 0;

    for (struct chat_choice *c = in->choices; c && !rc; c = c->next)
        rc = tell_finish(in, c);
    return rc;
}

static bool all_ended(const struct chat_in *in)
{
    const struct chat_choice *c = in->choices;

    while (c && c->ended)
        c = c->next;
    return !c && in->choices;
}

static int read_object(struct chat_in *in, bool whole)
{
    const struct json *j = &in->base.j;
    uint32_t choices = in_member(j, 0, STR("choices"));
    uint32_t first = json_first(j, choices), error = error_in(j);
    int64_t created = in_count(j, 0, STR("created"));
    int rc = 0;

    if (first != JSON_NONE && !in->base.started)
        read_beside(in);
    if (!in->sources && (first == JSON_NONE || !in->base.started))
        rc = chat_take_sources(in);
    in->settled |= whole;
    if (!rc && first != JSON_NONE)
        rc = in_start(&in->base, plain(in, 0, STR("id")),
                      plain(in, 0, STR("model")), created > 0 ? created : 0);
    for (uint32_t n = first; n != JSON_NONE && !rc && !in->base.ended;
         n = json_sibling(j, choices, n))
        rc = read_choice(in, n, whole);
    if (!rc && error != JSON_NONE)
        return in_error_node(&in->base, error);
    if (choices == JSON_NONE && in_string(j, 0, STR("message")).p)
        return in_error_node(&in->base, 0); /* Mistral's, in nothing */
    if (!rc && first == JSON_NONE && all_ended(in))
        rc = tell_all(in);
    return rc ? rc : read_usage(in, first);
}

/* The end: choices that gave no reason ended all the same, if that was said. */
static int end(struct chat_in *in, bool said)
{
    int rc = 0;

    if (!in->base.started)
        return in_cut(&in->base);
    for (struct chat_choice *c = in->choices; c; c = c->next) {
        if (!c->ended && !said)
            return in_cut(&in->base);
    }
    rc = tell_all(in);
    return rc ? rc : in_end(&in->base);
}

int chat_decode_event(struct codec_in *base, struct str event,
                      struct str data, neutral_sink sink, void *ud,
                      struct err *err)
{
    struct chat_in *in = chat_of(base);
    struct err own = { 0 };
    int rc;

    base->sink = sink;
    base->ud = ud;
    base->err = err ? err : &own;
    arena_reset(base->tmp);
    if (base->ended)
        return 0;
    if (!data.p)
        return end(in, false);
    data = str_trim(data);
    if (str_is(data, "[DONE]"))
        return end(in, true);
    rc = in_scan(base, data);
    if (!rc && str_is(event, "error") && error_in(&base->j) == JSON_NONE)
        return in_error_node(base, 0);
    return rc ? rc : read_object(in, false);
}

int chat_decode_body(struct codec_in *base, struct str body,
                     neutral_sink sink, void *ud, struct err *err)
{
    struct chat_in *in = chat_of(base);
    struct err own = { 0 };
    uint32_t choices;
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
    choices = in_member(&base->j, 0, STR("choices"));
    if (choices == JSON_NONE && error_in(&base->j) == JSON_NONE) {
        if (in_string(&base->j, 0, STR("message")).p)
            return in_error_node(base, 0); /* some wrap theirs in nothing */
        return err_set(base->err, ERR_SYNTAX, "this is no chat completion");
    }
    rc = read_object(in, true);
    return rc || base->ended ? rc : end(in, true);
}
