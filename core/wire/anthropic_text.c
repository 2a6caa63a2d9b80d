/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Where Anthropic's messages hold text, streamed (content blocks with a start,
 * deltas, a stop) and whole, and how more of a block, or the end of a message,
 * is said. A block is named by its index; kinds of blocks and deltas that are
 * not known are other content.
 *
 * Source: https://platform.claude.com/docs/en/api/messages and the pages on
 * streaming and on stop reasons (read 2026-11).
 */
#include "wire/anthropic_text.h"

#include <stdio.h>

/* Members that hold text, by the type of their block or delta. */
static const struct {
    const char *block, *delta, *member;
    uint8_t kind;
    bool is_input; /* in a block it is an object */
} texts[] = {
    { "text", "text_delta", "text", WIRE_TEXT, false },
    { "thinking", "thinking_delta", "thinking", WIRE_THINKING, false },
    { "tool_use", NULL, "input", WIRE_TOOL_ARGS, true },
    { "server_tool_use", NULL, "input", WIRE_TOOL_ARGS, true },
    { "mcp_tool_use", NULL, "input", WIRE_TOOL_ARGS, true },
    { NULL, "input_json_delta", "partial_json", WIRE_TOOL_ARGS, false },
};

enum { TEXTS = sizeof texts / sizeof texts[0] };

struct search {
    const struct json *j;
    struct arena *names;
    struct wire_texts *out;
    int rc;
};

static void add(struct search *s, enum wire_item_type type, uint8_t kind,
                uint32_t block, uint32_t node)
{
    struct wire_item item = { .type = (uint8_t)type, .kind = kind,
                              .block = block, .node = node };

    item.raw = node != JSON_NONE && s->j->nodes[node].type != JSON_T_STRING;
    if (!s->rc)
        s->rc = wire_texts_add(s->out, item);
}

static bool is(struct search *s, uint32_t object, const char *name,
               const char *value)
{
    uint32_t node = wire_member(s->j, object, name);

    return node != JSON_NONE && value &&
           str_is(json_text(s->j, node, s->names), value);
}

/* The row of a block's or a delta's type; TEXTS for none. */
static size_t row_of(struct search *s, uint32_t object, bool delta)
{
    size_t i = 0;

    while (i < TEXTS &&
           !is(s, object, "type", delta ? texts[i].delta : texts[i].block))
        i++;
    return i;
}

/* The texts of a block or delta, each time that they stand there; what else
 * says something makes it more than bare. */
static void see(struct search *s, uint32_t object, bool delta, uint32_t block)
{
    const struct json *j = s->j;
    size_t row = row_of(s, object, delta);

    for (uint32_t at = json_first(j, object); at != JSON_NONE;
         at = json_sibling(j, object, at)) {
        struct str name = json_name(j, at, s->names);

        if (str_is(name, "type") || wire_is_empty(j, at))
            continue;
        if (row < TEXTS && str_is(name, texts[row].member) &&
            (texts[row].is_input || j->nodes[at].type == JSON_T_STRING)) {
            add(s, WIRE_ITEM_TEXT, texts[row].kind, block, at);
            continue;
        }
        s->out->bare = false;
        s->out->content = true;
    }
}

static uint32_t index_of(const struct json *j)
{
    uint32_t node = wire_member(j, 0, "index");
    int64_t v;

    if (node != JSON_NONE && json_int(j, node, &v) && v >= 0 && v < WIRE_ALL)
        return (uint32_t)v;
    return 0;
}

/* Has the event nothing but its type, its index and its delta? */
static bool is_plain(struct search *s)
{
    const struct json *j = s->j;
    bool plain = true;

    for (uint32_t at = json_first(j, 0); at != JSON_NONE;
         at = json_sibling(j, 0, at)) {
        struct str name = json_name(j, at, s->names);

        plain &= str_is(name, "type") || str_is(name, "index") ||
                 str_is(name, "delta");
    }
    return plain;
}

static void see_event(struct search *s)
{
    uint32_t index = index_of(s->j);
    uint32_t block = wire_member(s->j, 0, "content_block");
    uint32_t delta = wire_member(s->j, 0, "delta");
    size_t row = row_of(s, block, false);

    if (is(s, 0, "type", "content_block_start") && block != JSON_NONE) {
        add(s, WIRE_ITEM_BEGIN, row < TEXTS ? texts[row].kind : WIRE_TEXT,
            index, JSON_NONE);
        see(s, block, false, index);
        s->out->bare = false;
    } else if (is(s, 0, "type", "content_block_delta") &&
               delta != JSON_NONE) {
        s->out->bare = is_plain(s);
        see(s, delta, true, index);
    } else if (is(s, 0, "type", "content_block_stop")) {
        add(s, WIRE_ITEM_END, 0, index, JSON_NONE);
    }
}

static int find(enum dialect d, struct str name, const struct json *j,
                struct arena *names, struct wire_texts *out)
{
    struct search s = { .j = j, .names = names, .out = out };
    uint32_t content = wire_member(j, 0, "content"), i = 0;

    (void)d;
    (void)name;
    out->n = 0;
    out->bare = out->content = false;
    out->roles = 0;
    if (!is(&s, 0, "type", "message")) {
        see_event(&s);
        return s.rc;
    }
    for (uint32_t at = json_first(j, content); at != JSON_NONE;
         at = json_sibling(j, content, at), i++)
        see(&s, at, false, i);
    return s.rc;
}

/* ---- what we say --------------------------------------------------------- */

static const char *const reasons[] = {
    [WIRE_FINISH_STOP] = "end_turn",
    [WIRE_FINISH_LENGTH] = "max_tokens",
    [WIRE_FINISH_FILTER] = "refusal",
};

static int put(struct buf *out, const char *type, const struct buf *data)
{
    return wire_put_event(out, str_of(type), buf_str(data));
}

static int carry(enum dialect d, const struct wire_block *b, struct str text,
                 struct str like, struct buf *out)
{
    struct buf data = BUF_INIT(64 << 20);
    size_t i = 0;
    int rc;

    (void)d;
    (void)like;
    while (i < TEXTS && (!texts[i].delta || texts[i].kind != b->kind))
        i++;
    if (i == TEXTS)
        return -ERR_NOTFOUND;
    rc = buf_printf(&data, "{\"type\":\"content_block_delta\",\"index\":%u,"
                           "\"delta\":{\"type\":\"%s\",\"%s\":",
                    b->block, texts[i].delta, texts[i].member);
    rc = rc ? rc : buf_json_str(&data, text);
    rc = rc ? rc : buf_puts(&data, "}}");
    rc = rc ? rc : put(out, "content_block_delta", &data);
    buf_clear(&data);
    return rc;
}

/* Counts so far; what is not known stays as message_start said. */
static int put_usage(struct buf *out, const struct usage *u)
{
    const struct {
        const char *name;
        int64_t n;
    } inputs[] = { { "input_tokens", u->input },
                   { "cache_creation_input_tokens", u->cache_write },
                   { "cache_read_input_tokens", u->cache_read } };
    int rc = buf_putc(out, '{');

    for (size_t i = 0; i < sizeof inputs / sizeof inputs[0] && !rc; i++) {
        if (inputs[i].n >= 0)
            rc = buf_printf(out, "\"%s\":%lld,", inputs[i].name,
                            (long long)inputs[i].n);
    }
    return rc ? rc : buf_printf(out, "\"output_tokens\":%lld}",
                                (long long)(u->output > 0 ? u->output : 0));
}

static int stop_stream(enum dialect d, const struct wire_stop *stop,
                       struct buf *out)
{
    struct buf data = BUF_INIT(1024);
    int rc = 0;

    (void)d;
    for (size_t i = 0; i < stop->n_open && !rc; i++) {
        buf_reset(&data);
        rc = buf_printf(&data, "{\"type\":\"content_block_stop\","
                               "\"index\":%u}", stop->open[i].block);
        rc = rc ? rc : put(out, "content_block_stop", &data);
    }
    buf_reset(&data);
    rc = rc ? rc : buf_printf(&data, "{\"type\":\"message_delta\",\"delta\":"
                              "{\"stop_reason\":\"%s\",\"stop_sequence\":null}"
                              ",\"usage\":", reasons[stop->finish]);
    rc = rc ? rc : put_usage(&data, stop->usage);
    rc = rc ? rc : buf_putc(&data, '}');
    rc = rc ? rc : put(out, "message_delta", &data);
    buf_clear(&data);
    return rc ? rc : buf_puts(out, "event: message_stop\ndata: "
                                   "{\"type\":\"message_stop\"}\n\n");
}

/* What stands for a member of the message; p NULL: it stays. */
static struct str stopped(struct str name, struct str reason)
{
    if (str_is(name, "content"))
        return STR("[]");
    if (str_is(name, "stop_sequence"))
        return STR("null");
    return str_is(name, "stop_reason") ? reason : STR_NULL;
}

static int stop_body(enum dialect d, const struct json *body,
                     struct arena *names, uint32_t choice,
                     enum wire_finish finish, struct buf *out)
{
    const char *at = body->text, *end = at + body->size;
    char word[32];
    int rc = 0;

    (void)d;
    (void)choice;
    snprintf(word, sizeof word, "\"%s\"", reasons[finish]);
    for (uint32_t m = json_first(body, 0); m != JSON_NONE && !rc;
         m = json_sibling(body, 0, m)) {
        struct str with = stopped(json_name(body, m, names), str_of(word));
        struct str raw = json_raw(body, m);

        if (!with.p)
            continue;
        rc = buf_put(out, (struct str){ at, (size_t)(raw.p - at) });
        rc = rc ? rc : buf_put(out, with);
        at = raw.p + raw.n;
    }
    return rc ? rc : buf_put(out, (struct str){ at, (size_t)(end - at) });
}

const struct wire_text_ops anthropic_text_ops = {
    .find = find,
    .carry = carry,
    .stop_stream = stop_stream,
    .stop_body = stop_body,
};
