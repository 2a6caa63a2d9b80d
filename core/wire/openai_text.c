/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Where OpenAI's answers hold text, chat and completions, streamed (`delta`)
 * and whole (`message`): a walk over each choice by tables of members, in the
 * order of the bytes, so that a member that stands twice is seen twice. Known
 * are also the members that vendors add and clients show as text: reasoning
 * in its three spellings, content in parts. What is not known is other
 * content.
 *
 * Source: https://platform.openai.com/docs/api-reference/chat, and the
 * vendors' pages for reasoning_content (DeepSeek, vLLM), reasoning and
 * reasoning_details (OpenRouter), content in parts (Mistral); read 2026-11.
 */
#include "wire/openai_impl.h"

/* One choice under search. */
struct search {
    const struct json *j;
    struct arena *names;
    struct wire_texts *out;
    uint32_t choice;
    uint32_t block; /* of the tool call or detail that is looked into */
    bool inside;    /* a delta or message: what is not known is content */
    int rc;
};

struct member {
    const char *name;
    void (*see)(struct search *s, uint32_t node);
};

#define MEMBERS(table) (table), sizeof(table) / sizeof(table)[0]

static void add(struct search *s, struct wire_item item)
{
    item.choice = s->choice;
    if (!s->rc)
        s->rc = wire_texts_add(s->out, item);
}

static void mark(struct search *s, enum wire_item_type type, uint32_t node)
{
    add(s, (struct wire_item){ .type = (uint8_t)type, .block = WIRE_ALL,
                               .node = node });
}

/* Something that is no text, and that a client would miss. */
static void other(struct search *s, bool content)
{
    s->out->bare = false;
    s->out->content |= content;
}

static void text(struct search *s, enum wire_kind kind,
                 enum openai_part part, uint32_t node)
{
    bool raw = s->j->nodes[node].type != JSON_T_STRING;

    if (raw && kind != WIRE_TOOL_ARGS && !wire_is_empty(s->j, node))
        other(s, true);
    if (wire_is_empty(s->j, node) || (raw && kind != WIRE_TOOL_ARGS))
        return;
    add(s, (struct wire_item){ .type = WIRE_ITEM_TEXT, .kind = (uint8_t)kind,
                               .part = (uint8_t)part, .raw = raw,
                               .block = s->block, .node = node });
}

/* Each member of an object by its row; one without is something else. */
static void walk(struct search *s, uint32_t object,
                 const struct member *table, size_t n)
{
    const struct json *j = s->j;

    if (j->nodes[object].type != JSON_T_OBJECT)
        return;
    for (uint32_t at = json_first(j, object); at != JSON_NONE;
         at = json_sibling(j, object, at)) {
        struct str name = json_name(j, at, s->names);
        size_t i = 0;

        while (i < n && !str_is(name, table[i].name))
            i++;
        if (i < n)
            table[i].see(s, at);
        else if (!wire_is_empty(j, at))
            other(s, s->inside);
    }
}

uint32_t openai_index(const struct json *j, uint32_t object, uint32_t position)
{
    uint32_t node = wire_member(j, object, "index");
    int64_t v;

    if (node != JSON_NONE && json_int(j, node, &v) && v >= 0 && v < WIRE_ALL)
        return (uint32_t)v;
    return position;
}

/* The objects of a list, each a block of its own. */
static void walk_list(struct search *s, uint32_t list,
                      const struct member *table, size_t n)
{
    uint32_t before = s->block, i = 0;

    for (uint32_t at = json_first(s->j, list); at != JSON_NONE;
         at = json_sibling(s->j, list, at), i++) {
        s->block = openai_index(s->j, at, i);
        walk(s, at, table, n);
    }
    s->block = before;
}

static void see_nothing(struct search *s, uint32_t node)
{
    (void)s;
    (void)node;
}

static void see_meta(struct search *s, uint32_t node)
{
    if (!wire_is_empty(s->j, node))
        other(s, false);
}

/* ---- content, whole or in parts ----------------------------------------- */

static void see_thinking_text(struct search *s, uint32_t node)
{
    text(s, WIRE_THINKING, OPENAI_PART_THINKING, node);
}

static void see_part_text(struct search *s, uint32_t node)
{
    text(s, WIRE_TEXT, OPENAI_PART_TEXT, node);
}

/* Parts of one list are one text: they have no index of their own. */
static void walk_parts(struct search *s, uint32_t list,
                       const struct member *table, size_t n)
{
    for (uint32_t at = json_first(s->j, list); at != JSON_NONE;
         at = json_sibling(s->j, list, at))
        walk(s, at, table, n);
}

static void see_part_thinking(struct search *s, uint32_t node)
{
    static const struct member part[] = {
        { "type", see_nothing },
        { "text", see_thinking_text },
    };

    if (s->j->nodes[node].type == JSON_T_ARRAY)
        walk_parts(s, node, MEMBERS(part));
    else
        text(s, WIRE_THINKING, OPENAI_PART_THINKING_TEXT, node);
}

static void see_content(struct search *s, uint32_t node)
{
    static const struct member part[] = {
        { "type", see_nothing },
        { "text", see_part_text },
        { "thinking", see_part_thinking },
    };

    if (s->j->nodes[node].type == JSON_T_ARRAY)
        walk_parts(s, node, MEMBERS(part));
    else
        text(s, WIRE_TEXT, OPENAI_PART_CONTENT, node);
}

static void see_refusal(struct search *s, uint32_t node)
{
    text(s, WIRE_TEXT, OPENAI_PART_REFUSAL, node);
}

static void see_transcript(struct search *s, uint32_t node)
{
    text(s, WIRE_TEXT, OPENAI_PART_TRANSCRIPT, node);
}

static void see_audio(struct search *s, uint32_t node)
{
    static const struct member audio[] = { { "transcript", see_transcript } };

    walk(s, node, MEMBERS(audio));
}

/* ---- thinking ------------------------------------------------------------ */

static void see_reasoning_content(struct search *s, uint32_t node)
{
    text(s, WIRE_THINKING, OPENAI_PART_REASONING_CONTENT, node);
}

static void see_reasoning(struct search *s, uint32_t node)
{
    text(s, WIRE_THINKING, OPENAI_PART_REASONING, node);
}

static void see_detail(struct search *s, uint32_t node)
{
    text(s, WIRE_THINKING, OPENAI_PART_DETAIL, node);
}

static void see_summary(struct search *s, uint32_t node)
{
    text(s, WIRE_THINKING, OPENAI_PART_SUMMARY, node);
}

static void see_details(struct search *s, uint32_t node)
{
    static const struct member detail[] = {
        { "text", see_detail },    { "summary", see_summary },
        { "type", see_nothing },   { "index", see_nothing },
        { "format", see_nothing },
    };

    walk_list(s, node, MEMBERS(detail));
}

/* ---- calls --------------------------------------------------------------- */

static void see_arguments(struct search *s, uint32_t node)
{
    text(s, WIRE_TOOL_ARGS, OPENAI_PART_ARGUMENTS, node);
}

static void see_input(struct search *s, uint32_t node)
{
    text(s, WIRE_TOOL_ARGS, OPENAI_PART_INPUT, node);
}

static void see_old_arguments(struct search *s, uint32_t node)
{
    text(s, WIRE_TOOL_ARGS, OPENAI_PART_FUNCTION_CALL, node);
}

/* The name is what makes it a call. */
static void see_name(struct search *s, uint32_t node)
{
    if (wire_is_empty(s->j, node))
        return;
    other(s, true);
    add(s, (struct wire_item){ .type = WIRE_ITEM_BEGIN, .block = s->block,
                               .kind = WIRE_TOOL_ARGS, .node = JSON_NONE });
}

static void see_function(struct search *s, uint32_t node)
{
    static const struct member function[] = { { "name", see_name },
                                              { "arguments", see_arguments } };

    walk(s, node, MEMBERS(function));
}

static void see_custom(struct search *s, uint32_t node)
{
    static const struct member custom[] = { { "name", see_name },
                                            { "input", see_input } };

    walk(s, node, MEMBERS(custom));
}

static void see_function_call(struct search *s, uint32_t node)
{
    static const struct member call[] = { { "name", see_name },
                                          { "arguments", see_old_arguments } };

    walk(s, node, MEMBERS(call));
}

static void see_tool_calls(struct search *s, uint32_t node)
{
    static const struct member tool[] = {
        { "index", see_nothing },
        { "type", see_nothing },
        { "function", see_function },
        { "custom", see_custom },
    };

    walk_list(s, node, MEMBERS(tool));
}

/* ---- choices ------------------------------------------------------------- */

static void see_role(struct search *s, uint32_t node)
{
    if (wire_is_empty(s->j, node))
        return;
    if (s->choice < 64)
        s->out->roles |= (uint64_t)1 << s->choice;
    else
        other(s, false);
}

static void see_message(struct search *s, uint32_t node)
{
    static const struct member message[] = {
        { "content", see_content },
        { "role", see_role },
        { "tool_calls", see_tool_calls },
        { "reasoning_content", see_reasoning_content },
        { "reasoning", see_reasoning },
        { "reasoning_details", see_details },
        { "refusal", see_refusal },
        { "function_call", see_function_call },
        { "audio", see_audio },
        { "annotations", see_meta },
        { "function_call_id", see_meta },
        { "provider_specific_fields", see_meta },
    };

    s->inside = true;
    walk(s, node, MEMBERS(message));
    s->inside = false;
}

static void see_completion(struct search *s, uint32_t node)
{
    text(s, WIRE_TEXT, OPENAI_PART_COMPLETION, node);
}

static void see_logprobs(struct search *s, uint32_t node)
{
    if (!wire_is_empty(s->j, node))
        mark(s, WIRE_ITEM_ECHO, node);
}

static void see_finish(struct search *s, uint32_t node)
{
    if (wire_is_empty(s->j, node))
        return;
    mark(s, WIRE_ITEM_END, JSON_NONE);
    other(s, false);
}

static void see_choice(struct search *s, uint32_t node)
{
    static const struct member choice[] = {
        { "index", see_nothing },    { "delta", see_message },
        { "message", see_message },  { "text", see_completion },
        { "logprobs", see_logprobs }, { "finish_reason", see_finish },
    };

    mark(s, WIRE_ITEM_BEGIN, JSON_NONE);
    walk(s, node, MEMBERS(choice));
}

static int find(enum dialect d, struct str name, const struct json *j,
                struct arena *names, struct wire_texts *out)
{
    struct search s = { .j = j, .names = names, .out = out };
    uint32_t choices = wire_member(j, 0, "choices");
    uint32_t usage = wire_member(j, 0, "usage"), i = 0;

    (void)d;
    (void)name;
    out->n = 0;
    out->bare = out->content = false;
    out->roles = 0;
    if (choices == JSON_NONE || j->nodes[choices].type != JSON_T_ARRAY)
        return 0;
    out->bare = json_first(j, choices) != JSON_NONE &&
                (usage == JSON_NONE || wire_is_empty(j, usage));
    for (uint32_t at = json_first(j, choices); at != JSON_NONE;
         at = json_sibling(j, choices, at), i++) {
        s.choice = s.block = openai_index(j, at, i);
        if (j->nodes[at].type == JSON_T_OBJECT)
            see_choice(&s, at);
    }
    return s.rc;
}

const struct wire_text_ops openai_text_ops = {
    .find = find,
    .carry = openai_carry,
    .stop_stream = openai_stop_stream,
    .stop_body = openai_stop_body,
};
