/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Responses answers, read. An item's pieces go into the queue that chat's
 * answers have (codec_chat_in.h), by the item's index. What an event repeats
 * whole (`.done`, the item, the response) is read only where no piece of it
 * came. Items that the provider's own tools made have no place elsewhere.
 *
 * Source: https://platform.openai.com/docs/api-reference/responses-streaming
 * (read 2026-11); recorded streams of OpenAI, Azure, Bedrock, DeepSeek.
 */
#include "wire/codec_responses_in.h"

#include "wire/codec_responses.h"
#include "wire/watch.h"

static struct responses_in *of(struct codec_in *in)
{
    return (struct responses_in *)(void *)in;
}

static void on_free(void *ud)
{
    chat_free_choices(ud);
}

/* ---- events ------------------------------------------------------------- */

struct event {
    const char *type;
    int (*read)(struct responses_in *in, const struct event *e);
    enum part_kind kind;
    const char *member, *part;
};

static struct responses_item *at_hand(struct responses_in *in)
{
    int64_t n = in_count(&in->chat.base.j, 0, STR("output_index"));

    return said_item(in, n < 0 ? 0 : n & INT32_MAX);
}

static int on_delta(struct responses_in *in, const struct event *e)
{
    const struct json *j = &in->chat.base.j;
    struct responses_item *i = at_hand(in);

    int rc;

    if (!i)
        return -in->chat.base.err->code;
    rc = said_push(in, i, e->kind, in_count(j, 0, str_of(e->part)),
                   in_string(j, 0, str_of(e->member)));
    return rc || e->kind != PART_TEXT ? rc : said_probs(in, i, 0);
}

/* The whole of a part: of use where it did not come in pieces. */
static int on_done(struct responses_in *in, const struct event *e)
{
    int64_t part = in_count(&in->chat.base.j, 0, str_of(e->part));
    struct responses_item *i = at_hand(in);

    if (!i)
        return -in->chat.base.err->code;
    if (!i->said || i->part != part)
        return on_delta(in, e);
    return i->probs || e->kind != PART_TEXT ? 0 : said_probs(in, i, 0);
}

static int on_args(struct responses_in *in, const struct event *e)
{
    struct responses_item *i = at_hand(in);

    if (!i)
        return -in->chat.base.err->code;
    return said_call(in, i, JSON_NONE, e->part != NULL,
                     in_string(&in->chat.base.j, 0, str_of(e->member)));
}

static int on_args_done(struct responses_in *in, const struct event *e)
{
    struct responses_item *i = at_hand(in);

    if (!i)
        return -in->chat.base.err->code;
    return i->said ? 0 : on_args(in, e);
}

static int on_added(struct responses_in *in, const struct event *e)
{
    const struct json *j = &in->chat.base.j;
    uint32_t node = in_member(j, 0, STR("item"));
    bool custom = watch_is(j, node, "type", "custom_tool_call");
    struct responses_item *i = at_hand(in);

    (void)e;
    if (!i)
        return -in->chat.base.err->code;
    if (!custom && !watch_is(j, node, "type", "function_call"))
        return 0;
    return said_call(in, i, node, custom,
                     in_string(j, node, custom ? STR("input")
                                               : STR("arguments")));
}

static int on_item(struct responses_in *in, const struct event *e)
{
    const struct json *j = &in->chat.base.j;
    struct responses_item *i = at_hand(in);

    (void)e;
    if (!i)
        return -in->chat.base.err->code;
    return said_whole(in, i->index, in_member(j, 0, STR("item")));
}

static int on_annotation(struct responses_in *in, const struct event *e)
{
    (void)e;
    return said_citation(in, in_member(&in->chat.base.j, 0,
                                       STR("annotation")));
}

static int start(struct responses_in *in, uint32_t response)
{
    int64_t at = in_count(&in->chat.base.j, response, STR("created_at"));

    return in_start(&in->chat.base, said_text(in, response, STR("id")),
                    said_text(in, response, STR("model")), at > 0 ? at : 0);
}

static int on_created(struct responses_in *in, const struct event *e)
{
    (void)e;
    return start(in, in_member(&in->chat.base.j, 0, STR("response")));
}

static int on_error(struct responses_in *in, const struct event *e)
{
    uint32_t node = in_member(&in->chat.base.j, 0, STR("error"));

    (void)e;
    return in_error_node(&in->chat.base, node == JSON_NONE ? 0 : node);
}

/* ---- the end ------------------------------------------------------------ */

static int read_usage(struct responses_in *in, uint32_t response)
{
    const struct json *j = &in->chat.base.j;
    uint32_t u = in_member(j, response, STR("usage"));
    uint32_t read = in_member(j, u, STR("input_tokens_details"));
    uint32_t reply = in_member(j, u, STR("output_tokens_details"));
    int64_t all = in_count(j, u, STR("input_tokens")), known;
    struct usage more = USAGE_NONE;

    more.tier = watch_tier(j, response);
    if (u == JSON_NONE && !more.tier)
        return 0;
    more.cache_read = in_count(j, read, STR("cached_tokens"));
    more.cache_write = in_count(j, read, STR("cache_write_tokens"));
    more.output = in_count(j, u, STR("output_tokens"));
    more.reasoning = in_count(j, reply, STR("reasoning_tokens"));
    known = (more.cache_read > 0 ? more.cache_read : 0) +
            (more.cache_write > 0 ? more.cache_write : 0);
    more.input = all >= known ? all - known : all;
    return in_usage(&in->chat.base, &more);
}

static enum neutral_finish finish_of(struct responses_in *in,
                                     uint32_t response)
{
    const struct json *j = &in->chat.base.j;
    uint32_t why = in_member(j, response, STR("incomplete_details"));

    if (!watch_is(j, response, "status", "incomplete"))
        return FINISH_STOP;
    return watch_is(j, why, "reason", "content_filter") ? FINISH_FILTER
                                                        : FINISH_LENGTH;
}

static int finish(struct responses_in *in, uint32_t response)
{
    struct chat_choice *c = said_choice(in);
    struct neutral_event ev = { .type = NEUTRAL_FINISH };
    int rc = c ? chat_drain(&in->chat, c) : -in->chat.base.err->code;

    if (rc)
        return rc;
    ev.finish = neutral_finish_seen(finish_of(in, response), c->any_call);
    rc = in_emit(&in->chat.base, &ev);
    if (!rc)
        rc = read_usage(in, response);
    return rc ? rc : in_end(&in->chat.base);
}

/* The response, whole: its output is what no event told before. */
static int read_response(struct responses_in *in, uint32_t response)
{
    const struct json *j = &in->chat.base.j;
    uint32_t list = in_member(j, response, STR("output"));
    uint32_t error = in_member(j, response, STR("error"));
    bool all = !in->items;
    int64_t index = 0;
    int rc = 0;

    if (error != JSON_NONE)
        return in_error_node(&in->chat.base, error);
    if (watch_is(j, response, "status", "failed") ||
        watch_is(j, response, "status", "cancelled"))
        return in_cut(&in->chat.base);
    rc = start(in, response);
    if (list == JSON_NONE || j->nodes[list].type != JSON_T_ARRAY)
        all = false;
    for (uint32_t n = all ? json_first(j, list) : JSON_NONE;
         n != JSON_NONE && !rc; n = json_sibling(j, list, n))
        rc = said_whole(in, index++, n);
    return rc ? rc : finish(in, response);
}

static int on_last(struct responses_in *in, const struct event *e)
{
    (void)e;
    return read_response(in, in_member(&in->chat.base.j, 0,
                                       STR("response")));
}

#define C "content_index"
#define S "summary_index"

/* clang-format off */
static const struct event events[] = {
    { "response.output_text.delta", on_delta, PART_TEXT, "delta", C },
    { "response.function_call_arguments.delta", on_args, 0, "delta", NULL },
    { "response.reasoning_summary_text.delta", on_delta, PART_THINKING, "delta", S },
    { "response.reasoning_text.delta", on_delta, PART_THINKING, "delta", C },
    { "response.refusal.delta", on_delta, PART_REFUSAL, "delta", C },
    { "response.custom_tool_call_input.delta", on_args, 0, "delta", "" },
    { "response.output_text.done", on_done, PART_TEXT, "text", C },
    { "response.function_call_arguments.done", on_args_done, 0, "arguments", NULL },
    { "response.reasoning_summary_text.done", on_done, PART_THINKING, "text", S },
    { "response.reasoning_text.done", on_done, PART_THINKING, "text", C },
    { "response.refusal.done", on_done, PART_REFUSAL, "refusal", C },
    { "response.custom_tool_call_input.done", on_args_done, 0, "input", "" },
    { "response.output_text.annotation.added", on_annotation, 0, NULL, NULL },
    { "response.output_item.added", on_added, 0, NULL, NULL },
    { "response.output_item.done", on_item, 0, NULL, NULL },
    { "response.completed", on_last, 0, NULL, NULL },
    { "response.incomplete", on_last, 0, NULL, NULL },
    { "response.failed", on_last, 0, NULL, NULL },
    { "response.cancelled", on_last, 0, NULL, NULL },
    { "response.created", on_created, 0, NULL, NULL },
    { "response.in_progress", on_created, 0, NULL, NULL },
    { "error", on_error, 0, NULL, NULL },
};
/* clang-format on */

static void begin(struct codec_in *in, neutral_sink sink, void *ud,
                  struct err *err)
{
    in->sink = sink;
    in->ud = ud;
    in->err = err;
    arena_reset(in->tmp);
}

/* Some leave the first events out. */
static int read_event(struct responses_in *in, struct str type)
{
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
        const struct event *e = &events[i];
        int rc = 0;

        if (!str_is(type, e->type))
            continue;
        if (e->read != on_error && e->read != on_last &&
            e->read != on_created)
            rc = in_start(&in->chat.base, STR_NULL, STR_NULL, 0);
        return rc ? rc : e->read(in, e);
    }
    return 0;
}

int responses_decode_event(struct codec_in *base, struct str event,
                           struct str data, neutral_sink sink, void *ud,
                           struct err *err)
{
    struct err own = { 0 };
    struct str type;
    int rc;

    begin(base, sink, ud, err ? err : &own);
    if (base->ended)
        return 0;
    if (!data.p)
        return in_cut(base);
    data = str_trim(data);
    if (str_is(data, "[DONE]"))
        return 0;
    rc = in_scan(base, data);
    if (rc)
        return rc;
    type = said_text(of(base), 0, STR("type"));
    if (!type.n)
        type = event;
    if (!type.n && in_member(&base->j, 0, STR("error")) != JSON_NONE)
        return on_error(of(base), NULL);
    return read_event(of(base), type);
}

int responses_decode_body(struct codec_in *base, struct str body,
                          neutral_sink sink, void *ud, struct err *err)
{
    struct err own = { 0 };
    int rc;

    begin(base, sink, ud, err ? err : &own);
    if (base->opts.http_status >= 400)
        return in_error_body(base, body);
    rc = in_scan(base, body);
    if (rc)
        return rc;
    if (in_member(&base->j, 0, STR("output")) == JSON_NONE &&
        in_member(&base->j, 0, STR("error")) == JSON_NONE)
        return err_set(base->err, ERR_SYNTAX, "this is no response");
    return read_response(of(base), 0);
}

int responses_in_init(struct codec_in *in)
{
    return arena_defer(in->a, on_free, &of(in)->chat);
}
