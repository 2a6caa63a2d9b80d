/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * OpenAI chat answers, read: the members of a message or a delta. What
 * compatible vendors do otherwise is taken as it comes: reasoning under four
 * names, content as an array, arguments as an object.
 */
#include "wire/codec_chat_in.h"

/* ---- reasoning ---------------------------------------------------------- */

/* thinking_blocks: in a stream whole, after the same text was readable. */
static int read_block(struct chat_in *in, struct chat_choice *c,
                      uint32_t node)
{
    const struct json *j = &in->base.j;
    struct jstr data = in_string(j, node, STR("data"));
    struct jstr sign = in_string(j, node, STR("signature"));
    struct chat_part *open = c->tail;
    int rc = 0;

    if (data.p)
        return chat_push(in, c, PART_REDACTED, -1, data);
    if (!open || open->kind != PART_THINKING || open->signed_off)
        rc = chat_push(in, c, PART_THINKING, -1,
                       in_string(j, node, STR("thinking")));
    return rc || !sign.n ? rc : chat_push_signature(in, c, sign);
}

static int read_array(struct chat_in *in, struct chat_choice *c,
                      uint32_t array,
                      int (*read)(struct chat_in *, struct chat_choice *,
                                  uint32_t))
{
    const struct json *j = &in->base.j;
    int rc = 0;

    if (array == JSON_NONE || j->nodes[array].type != JSON_T_ARRAY)
        return 0;
    for (uint32_t n = json_first(j, array); n != JSON_NONE && !rc;
         n = json_sibling(j, array, n))
        rc = read(in, c, n);
    return rc;
}

static bool any_text(const struct json *j, uint32_t details)
{
    for (uint32_t n = json_first(j, details); n != JSON_NONE;
         n = json_sibling(j, details, n)) {
        if (in_string(j, n, STR("text")).n || in_string(j, n,
                                                        STR("summary")).n)
            return true;
    }
    return false;
}

static int read_reasoning(struct chat_in *in, struct chat_choice *c,
                          uint32_t message, bool whole)
{
    const struct json *j = &in->base.j;
    uint32_t blocks = in_member(j, message, STR("thinking_blocks"));
    uint32_t details = in_member(j, message, STR("reasoning_details"));
    struct jstr plain = in_string(j, message, STR("reasoning_content"));
    int rc = 0;

    if (!plain.n)
        plain = in_string(j, message, STR("reasoning"));
    if (plain.n && in->base.opts.tags == TAGS_AUTO &&
        c->tags_at == TAGS_BEFORE) { /* a server that tells them apart */
        rc = chat_flush_content(in, c);
        c->tags_at = TAGS_NONE;
    }
    if (rc)
        return rc;
    if (json_first(j, details) != JSON_NONE) {
        if (!any_text(j, details)) /* then they do not say it again */
            rc = chat_push(in, c, PART_THINKING, -1, plain);
        return rc ? rc : read_array(in, c, details, chat_read_detail);
    }
    if (!whole || json_first(j, blocks) == JSON_NONE)
        rc = chat_push(in, c, PART_THINKING, -1, plain);
    return rc ? rc : read_array(in, c, blocks, read_block);
}

/* ---- content ------------------------------------------------------------ */

/* Mistral's {thinking: [{text}]}, Databricks' {summary: [{text, signature}]} */
static int read_inner(struct chat_in *in, struct chat_choice *c,
                      uint32_t node)
{
    const struct json *j = &in->base.j;
    struct jstr sign = in_string(j, node, STR("signature"));
    int rc = chat_push(in, c, PART_THINKING, -1,
                       in_string(j, node, STR("text")));

    return rc || !sign.n ? rc : chat_push_signature(in, c, sign);
}

/* {image_url: {url}}; a string, as some have it */
static int read_image(struct chat_in *in, struct chat_choice *c,
                      uint32_t node)
{
    const struct json *j = &in->base.j;
    uint32_t image = in_member(j, node, STR("image_url"));
    struct jstr url = in_string(j, image, STR("url"));

    if (!url.p)
        url = jstr_of_node(j, image);
    return chat_push(in, c, PART_IMAGE, -1, url.p ? url : JSTR(""));
}

static int read_part(struct chat_in *in, struct chat_choice *c, uint32_t node)
{
    const struct json *j = &in->base.j;
    uint32_t thinking = in_member(j, node, STR("thinking"));

    if (in_member(j, node, STR("image_url")) != JSON_NONE)
        return read_image(in, c, node);
    if (thinking == JSON_NONE)
        thinking = in_member(j, node, STR("summary"));
    if (thinking == JSON_NONE)
        return chat_push(in, c, PART_TEXT, -1,
                         in_string(j, node, STR("text")));
    if (j->nodes[thinking].type == JSON_T_STRING)
        return chat_push(in, c, PART_THINKING, -1,
                         jstr_of_node(j, thinking));
    return read_array(in, c, thinking, read_inner);
}

static int read_content(struct chat_in *in, struct chat_choice *c,
                        uint32_t message)
{
    const struct json *j = &in->base.j;
    uint32_t content = in_member(j, message, STR("content"));

    if (content == JSON_NONE)
        return 0;
    if (j->nodes[content].type == JSON_T_STRING)
        return chat_push_content(in, c, jstr_of_node(j, content));
    return read_array(in, c, content, read_part);
}

static int read_citation(struct chat_in *in, struct chat_choice *c,
                         uint32_t node)
{
    const struct json *j = &in->base.j;
    uint32_t url = in_member(j, node, STR("url_citation"));
    struct neutral_event ev = {
        .type = NEUTRAL_CITATION,
        .choice = c->index,
        .text = in_string(j, url, STR("url")),
        .name = in_string(j, url, STR("title")),
        .raw = json_raw(j, node),
        .from = DIALECT_OPENAI_CHAT,
    };

    if (!ev.text.p || !c->tail || c->tail != c->head ||
        c->tail->kind != PART_TEXT) {
        in_lose(&in->base, LOSS_CITATIONS);
        return 0;
    }
    c->cited = true;
    return in_emit(&in->base, &ev);
}

/* ---- calls -------------------------------------------------------------- */

static struct str plain(struct chat_in *in, uint32_t object, struct str name)
{
    uint32_t node = in_member(&in->base.j, object, name);

    return node == JSON_NONE ? STR_NULL
                             : json_text(&in->base.j, node, in->base.tmp);
}

/* Arguments as a string, or (with some) as an object. */
static int read_args(struct chat_in *in, uint32_t object, struct str name,
                     struct jstr *out)
{
    const struct json *j = &in->base.j;
    uint32_t node = in_member(j, object, name);

    *out = jstr_of_node(j, node);
    if (out->p || node == JSON_NONE)
        return 0;
    *out = jstr_escape(json_raw(j, node), in->base.tmp);
    return out->p ? 0 : err_set(in->base.err, ERR_NOMEM, "out of memory");
}

static int read_call(struct chat_in *in, struct chat_choice *c, uint32_t node,
                     bool whole)
{
    const struct json *j = &in->base.j;
    uint32_t function = in_member(j, node, STR("function"));
    uint32_t custom = in_member(j, node, STR("custom"));
    uint32_t google = in_member(j, in_member(j, node, STR("extra_content")),
                                STR("google"));
    struct chat_piece x = {
        .index = in_count(j, node, STR("index")),
        .whole = whole,
        .id = plain(in, node, STR("id")),
        .custom = function == JSON_NONE && custom != JSON_NONE,
        .signature = in_string(j, google, STR("thought_signature")),
    };
    uint32_t named = x.custom ? custom : function;
    int rc;

    x.name = plain(in, named, STR("name"));
    rc = read_args(in, named, x.custom ? STR("input") : STR("arguments"),
                   &x.args);
    return rc ? rc : chat_push_call(in, c, &x);
}

static int read_piece(struct chat_in *in, struct chat_choice *c,
                      uint32_t node)
{
    return read_call(in, c, node, false);
}

static int read_whole(struct chat_in *in, struct chat_choice *c,
                      uint32_t node)
{
    return read_call(in, c, node, true);
}

/* The old form: one call, without an id. */
static int read_function_call(struct chat_in *in, struct chat_choice *c,
                              uint32_t message)
{
    uint32_t node = in_member(&in->base.j, message, STR("function_call"));
    struct chat_piece x = { .index = 0 };
    int rc;

    x.name = plain(in, node, STR("name"));
    rc = read_args(in, node, STR("arguments"), &x.args);
    if (!x.name.n && !x.args.n) /* absent, or there for the form only */
        return rc;
    return rc ? rc : chat_push_call(in, c, &x);
}

/* ---- a message ---------------------------------------------------------- */

static int read_texts(struct chat_in *in, struct chat_choice *c,
                      uint32_t message, bool whole)
{
    const struct json *j = &in->base.j;
    int rc = read_reasoning(in, c, message, whole);

    if (!rc)
        rc = read_content(in, c, message);
    if (!rc)
        rc = read_array(in, c, in_member(j, message, STR("annotations")),
                        read_citation);
    if (!rc)
        rc = read_array(in, c, in_member(j, message, STR("images")),
                        read_image);
    if (in_member(j, message, STR("audio")) != JSON_NONE)
        in_lose(&in->base, LOSS_AUDIO);
    return rc ? rc : chat_push(in, c, PART_REFUSAL, -1,
                               in_string(j, message, STR("refusal")));
}

int chat_read_message(struct chat_in *in, struct chat_choice *c,
                      uint32_t message, bool whole)
{
    const struct json *j = &in->base.j;
    uint32_t calls = in_member(j, message, STR("tool_calls"));
    int rc = c->ended ? 0 : read_texts(in, c, message, whole);

    if (!rc && json_first(j, calls) != JSON_NONE)
        rc = chat_flush_content(in, c);
    if (!rc)
        rc = read_array(in, c, calls,
                        whole ? read_whole : read_piece);
    return rc ? rc : read_function_call(in, c, message);
}
