/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Where Responses answers hold text. An answer is said up to five times: in
 * pieces, whole behind them (`.done`), in the part, in the item, and in the
 * response that the last event carries. Each of these is a block of its own
 * (its `part` differs), so that what a policy changes is changed in all: a
 * client may read any of them.
 *
 * `choice` is the output item's index, `block` the part's in it.
 */
#include "wire/responses_kept.h"
#include "wire/watch.h"

struct search {
    const struct json *j;
    struct arena *names;
    struct wire_texts *out;
    uint32_t choice;
    int rc;
};

static void add(struct search *s, struct wire_item item)
{
    item.choice = s->choice;
    if (!s->rc)
        s->rc = wire_texts_add(s->out, item);
}

static void text(struct search *s, enum wire_kind kind, uint8_t part,
                 uint32_t block, uint32_t node)
{
    if (node == JSON_NONE || s->j->nodes[node].type != JSON_T_STRING ||
        wire_is_empty(s->j, node))
        return;
    add(s, (struct wire_item){ .type = WIRE_ITEM_TEXT, .kind = (uint8_t)kind,
                               .part = part, .block = block, .node = node,
                               .again = part >= RESPONSES_DONE });
}

static void mark(struct search *s, enum wire_item_type type, uint8_t kind,
                 uint32_t block)
{
    add(s, (struct wire_item){ .type = (uint8_t)type, .kind = kind,
                               .block = block, .node = JSON_NONE });
}

static uint32_t index_of(const struct json *j, const char *name)
{
    int64_t v = watch_number(j, 0, name);

    return v >= 0 && v < WIRE_ALL ? (uint32_t)v : 0;
}

/* ---- items, whole ------------------------------------------------------- */

static void see_parts(struct search *s, uint32_t list, enum wire_kind kind,
                      uint8_t part)
{
    const struct json *j = s->j;
    uint32_t i = 0;

    if (list == JSON_NONE || j->nodes[list].type != JSON_T_ARRAY)
        return;
    for (uint32_t c = json_first(j, list); c != JSON_NONE;
         c = json_sibling(j, list, c), i++) {
        uint32_t probs = wire_member(j, c, "logprobs");

        text(s, kind, part, i, wire_member(j, c, "text"));
        text(s, kind, part, i, wire_member(j, c, "refusal"));
        if (!wire_is_empty(j, probs))
            add(s, (struct wire_item){ .type = WIRE_ITEM_ECHO, .block = i,
                                       .node = probs });
    }
}

static void see_item(struct search *s, uint32_t item, uint8_t part)
{
    const struct json *j = s->j;
    bool thought = watch_is(j, item, "type", "reasoning");
    bool message = watch_is(j, item, "type", "message");

    see_parts(s, wire_member(j, item, "summary"), WIRE_THINKING, part);
    see_parts(s, wire_member(j, item, "content"),
              thought ? WIRE_THINKING : WIRE_TEXT, part);
    text(s, WIRE_TOOL_ARGS, part, 0, wire_member(j, item, "arguments"));
    text(s, WIRE_TOOL_ARGS, part, 0, wire_member(j, item, "input"));
    if (!thought && !message)
        s->out->content = true;
}

static void see_response(struct search *s, uint32_t response)
{
    const struct json *j = s->j;
    uint32_t list = wire_member(j, response, "output");

    s->choice = 0;
    if (list == JSON_NONE || j->nodes[list].type != JSON_T_ARRAY)
        return;
    for (uint32_t c = json_first(j, list); c != JSON_NONE;
         c = json_sibling(j, list, c), s->choice++) {
        see_item(s, c, RESPONSES_WHOLE);
        mark(s, WIRE_ITEM_END, 0, WIRE_ALL);
    }
}

/* ---- events ------------------------------------------------------------- */

struct event {
    const char *type;
    void (*see)(struct search *s, const struct event *e);
    uint8_t kind, part;
    const char *member, *index; /* the text's, its block's */
};

/* Is there nothing but what tells which text it is? */
static bool is_plain(struct search *s)
{
    static const char *const names[] = { "type",         "delta",
                                         "item_id",      "output_index",
                                         "content_index", "summary_index",
                                         "sequence_number", "obfuscation",
                                         "logprobs" };
    const struct json *j = s->j;

    for (uint32_t at = json_first(j, 0); at != JSON_NONE;
         at = json_sibling(j, 0, at)) {
        struct str name = json_name(j, at, s->names);
        size_t i = 0, n = sizeof names / sizeof names[0];

        while (i < n && !str_is(name, names[i]))
            i++;
        if (i == n)
            return false;
    }
    return true;
}

static void see_delta(struct search *s, const struct event *e)
{
    uint32_t block = index_of(s->j, e->index);
    uint32_t probs = wire_member(s->j, 0, "logprobs");

    s->out->bare = is_plain(s);
    text(s, (enum wire_kind)e->kind, e->part, block,
         wire_member(s->j, 0, e->member));
    if (!wire_is_empty(s->j, probs))
        add(s, (struct wire_item){ .type = WIRE_ITEM_ECHO, .block = block,
                                   .node = probs });
}

/* The whole of it again: the block is over. */
static void see_done(struct search *s, const struct event *e)
{
    see_delta(s, e);
    s->out->bare = false;
    mark(s, WIRE_ITEM_END, e->kind, index_of(s->j, e->index));
}

static void see_part(struct search *s, const struct event *e)
{
    uint32_t part = wire_member(s->j, 0, "part");
    uint32_t block = index_of(s->j, e->index);
    uint32_t probs = wire_member(s->j, part, "logprobs");

    text(s, (enum wire_kind)e->kind, e->part, block,
         wire_member(s->j, part, "text"));
    text(s, (enum wire_kind)e->kind, e->part, block,
         wire_member(s->j, part, "refusal"));
    if (!wire_is_empty(s->j, probs))
        add(s, (struct wire_item){ .type = WIRE_ITEM_ECHO, .block = block,
                                   .node = probs });
    mark(s, e->member ? WIRE_ITEM_BEGIN : WIRE_ITEM_END, e->kind, block);
}

static void see_added(struct search *s, const struct event *e)
{
    mark(s, WIRE_ITEM_BEGIN, WIRE_TEXT, WIRE_ALL);
    see_item(s, wire_member(s->j, 0, "item"), e->part);
}

static void see_item_done(struct search *s, const struct event *e)
{
    see_item(s, wire_member(s->j, 0, "item"), e->part);
    mark(s, WIRE_ITEM_END, 0, WIRE_ALL);
}

static void see_last(struct search *s, const struct event *e)
{
    (void)e;
    see_response(s, wire_member(s->j, 0, "response"));
}

#define C "content_index"
#define S "summary_index"

/* clang-format off */
static const struct event events[] = {
    { "response.output_text.delta", see_delta, WIRE_TEXT, RESPONSES_PIECE, "delta", C },
    { "response.refusal.delta", see_delta, WIRE_TEXT, RESPONSES_REFUSAL, "delta", C },
    { "response.reasoning_summary_text.delta", see_delta, WIRE_THINKING, RESPONSES_SUMMARY, "delta", S },
    { "response.reasoning_text.delta", see_delta, WIRE_THINKING, RESPONSES_REASONING, "delta", C },
    { "response.function_call_arguments.delta", see_delta, WIRE_TOOL_ARGS, RESPONSES_ARGUMENTS, "delta", C },
    { "response.custom_tool_call_input.delta", see_delta, WIRE_TOOL_ARGS, RESPONSES_INPUT, "delta", C },
    { "response.mcp_call_arguments.delta", see_delta, WIRE_TOOL_ARGS, RESPONSES_MCP, "delta", C },
    { "response.output_text.done", see_done, WIRE_TEXT, RESPONSES_DONE, "text", C },
    { "response.refusal.done", see_done, WIRE_TEXT, RESPONSES_DONE, "refusal", C },
    { "response.reasoning_summary_text.done", see_done, WIRE_THINKING, RESPONSES_DONE, "text", S },
    { "response.reasoning_text.done", see_done, WIRE_THINKING, RESPONSES_DONE, "text", C },
    { "response.function_call_arguments.done", see_done, WIRE_TOOL_ARGS, RESPONSES_DONE, "arguments", C },
    { "response.custom_tool_call_input.done", see_done, WIRE_TOOL_ARGS, RESPONSES_DONE, "input", C },
    { "response.mcp_call_arguments.done", see_done, WIRE_TOOL_ARGS, RESPONSES_DONE, "arguments", C },
    { "response.content_part.added", see_part, WIRE_TEXT, RESPONSES_PART, "", C },
    { "response.content_part.done", see_part, WIRE_TEXT, RESPONSES_PART, NULL, C },
    { "response.reasoning_summary_part.added", see_part, WIRE_THINKING, RESPONSES_PART, "", S },
    { "response.reasoning_summary_part.done", see_part, WIRE_THINKING, RESPONSES_PART, NULL, S },
    { "response.output_item.added", see_added, 0, RESPONSES_ITEM, NULL, NULL },
    { "response.output_item.done", see_item_done, 0, RESPONSES_ITEM, NULL, NULL },
    { "response.completed", see_last, 0, RESPONSES_WHOLE, NULL, NULL },
    { "response.incomplete", see_last, 0, RESPONSES_WHOLE, NULL, NULL },
    { "response.failed", see_last, 0, RESPONSES_WHOLE, NULL, NULL },
};
/* clang-format on */

static bool is_silent(struct str type)
{
    return str_is(type, "response.created") ||
           str_is(type, "response.in_progress") ||
           str_is(type, "response.queued");
}

static int find(enum dialect d, struct str name, const struct json *j,
                struct arena *names, struct wire_texts *out)
{
    struct search s = { .j = j, .names = names, .out = out };
    struct str type = watch_text(j, 0, "type", names);

    (void)d;
    out->n = 0;
    out->bare = out->content = false;
    out->roles = 0;
    if (!type.n)
        type = name;
    if (!type.n) { /* a whole answer */
        see_response(&s, 0);
        return s.rc;
    }
    s.choice = index_of(j, "output_index");
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
        if (!str_is(type, events[i].type))
            continue;
        events[i].see(&s, &events[i]);
        return s.rc;
    }
    out->content = !is_silent(type);
    return s.rc;
}

const struct wire_text_ops responses_text_ops = {
    .find = find,
    .carry = responses_carry,
    .stop_stream = responses_stop_stream,
    .stop_body = responses_stop_body,
    .kept_new = responses_kept_new,
    .keep = responses_keep,
    .kept_next = responses_kept_next,
    .kept_free = responses_kept_free,
    .each = true,
};
