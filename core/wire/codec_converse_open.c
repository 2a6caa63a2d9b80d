/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Converse answers, read: one block. Only a tool's has a start of its own in
 * a stream; texts and reasoning begin with their first delta. */
#include "wire/codec_converse.h"

static int no_memory(struct converse_in *in)
{
    return err_set(in->base.err, ERR_NOMEM, "out of memory");
}

static int send(struct converse_in *in, struct jstr text)
{
    enum neutral_event_type type = in->open == CONVERSE_THINKING
                                       ? NEUTRAL_THINKING
                                       : NEUTRAL_TEXT;

    if (!text.n)
        return 0;
    in->said = true;
    return in->open == CONVERSE_CALL
               ? in_call_args(&in->base, &in->call, text)
               : in_text(&in->base, type, 0, text);
}

static int send_piece(struct converse_in *in, struct jstr text)
{
    int rc = in_whole_pairs(&in->base, &in->half, &text);

    return rc ? rc : send(in, text);
}

int converse_close(struct converse_in *in)
{
    int rc = send(in, in_half_left(&in->half));

    if (!rc && in->open == CONVERSE_CALL)
        rc = in_call_end(&in->base, &in->call);
    else if (!rc && in->said)
        rc = in_text(&in->base, NEUTRAL_BLOCK_END, 0, JSTR_NULL);
    in->open = CONVERSE_NONE;
    in->said = false;
    return rc;
}

/* From here on it is a block of that kind; the same one goes on. */
static int turn_to(struct converse_in *in, enum converse_kind kind)
{
    int rc = in->open == CONVERSE_NONE || in->open == kind
                 ? 0
                 : converse_close(in);

    in->open = kind;
    return rc;
}

static int open_call(struct converse_in *in, uint32_t tool)
{
    const struct json *j = &in->base.j;
    struct jstr type = in_string(j, tool, STR("type"));
    int rc = in->open == CONVERSE_NONE ? 0 : converse_close(in);

    if (rc)
        return rc;
    in->open = CONVERSE_SKIPPED;
    if (str_is((struct str){ type.p, type.n }, "server_tool_use")) {
        in_lose(&in->base, LOSS_SERVER_BLOCKS);
        return 0;
    }
    in->open = CONVERSE_CALL;
    in->call.choice = 0;
    in->call.id = json_text(j, in_member(j, tool, STR("toolUseId")),
                            in->base.tmp);
    in->call.name = json_text(j, in_member(j, tool, STR("name")),
                              in->base.tmp);
    in->call.custom = false;
    in->call.signature = JSTR_NULL;
    rc = in_call_begin(&in->base, &in->call);
    if (in->call.mode != CALL_TEXT) /* else an answer in a tool's clothes */
        in->any_call = true;
    return rc;
}

/* ---- reasoning ---------------------------------------------------------- */

static int redacted(struct converse_in *in, struct jstr data)
{
    int rc = in->open == CONVERSE_NONE ? 0 : converse_close(in);

    data = converse_redacted_read(data, in->base.tmp);
    return rc ? rc : in_text(&in->base, NEUTRAL_REDACTED, 0, data);
}

/* {text}, {signature}, {redactedContent}; several of them in a whole one. */
static int reasoning(struct converse_in *in, uint32_t node)
{
    const struct json *j = &in->base.j;
    struct jstr data = in_string(j, node, STR("redactedContent"));
    struct jstr sign = in_string(j, node, STR("signature"));
    int rc;

    if (data.n)
        return redacted(in, data);
    rc = turn_to(in, CONVERSE_THINKING);
    if (!rc)
        rc = send_piece(in, in_string(j, node, STR("text")));
    if (rc || !sign.n)
        return rc;
    in->said = true;
    return in_text(&in->base, NEUTRAL_SIGNATURE, 0, sign);
}

static int citation(struct converse_in *in, uint32_t node)
{
    const struct json *j = &in->base.j;
    uint32_t web = in_member(j, in_member(j, node, STR("location")),
                             STR("web"));
    struct neutral_event ev = {
        .type = NEUTRAL_CITATION,
        .text = in_string(j, web, STR("url")),
        .name = in_string(j, node, STR("title")),
        .raw = json_raw(j, node),
        .from = DIALECT_CONVERSE,
    };

    if (node == JSON_NONE)
        return 0;
    if (in->open != CONVERSE_TEXT || !in->said || !ev.text.n) {
        in_lose(&in->base, LOSS_CITATIONS);
        return 0;
    }
    return in_emit(&in->base, &ev);
}

/* {format, source: {bytes}} */
static int image(struct converse_in *in, uint32_t node)
{
    const struct json *j = &in->base.j;
    struct jstr format = in_string(j, node, STR("format"));
    struct str type = arena_fmt(in->base.tmp, "image/" STR_FMT,
                                STR_ARG(((struct str){ format.p,
                                                       format.n })));
    int rc = in->open == CONVERSE_NONE ? 0 : converse_close(in);

    if (!type.p)
        return no_memory(in);
    return rc ? rc
              : in_media(&in->base, 0,
                         format.n ? (struct jstr){ type.p, type.n }
                                  : JSTR_NULL, /* of no said type */
                         in_string(j, in_member(j, node, STR("source")),
                                   STR("bytes")));
}

/* ---- a stream's --------------------------------------------------------- */

/* A block of another number than the open one: that one is over. */
static int at_index(struct converse_in *in)
{
    int64_t index = in_count(&in->base.j, 0, STR("contentBlockIndex"));
    int rc = in->open != CONVERSE_NONE && index >= 0 && index != in->index
                 ? converse_close(in)
                 : 0;

    in->index = index;
    return rc;
}

int converse_start(struct converse_in *in)
{
    const struct json *j = &in->base.j;
    uint32_t tool = in_member(j, in_member(j, 0, STR("start")),
                              STR("toolUse"));
    int rc = at_index(in);

    return rc || tool == JSON_NONE ? rc : open_call(in, tool);
}

int converse_delta(struct converse_in *in)
{
    const struct json *j = &in->base.j;
    uint32_t delta = in_member(j, 0, STR("delta"));
    uint32_t tool = in_member(j, delta, STR("toolUse"));
    uint32_t thought = in_member(j, delta, STR("reasoningContent"));
    struct jstr text = in_string(j, delta, STR("text"));
    int rc = at_index(in);

    if (rc || in->open == CONVERSE_SKIPPED)
        return rc;
    if (tool != JSON_NONE)
        return in->open == CONVERSE_CALL
                   ? send_piece(in, in_string(j, tool, STR("input")))
                   : 0;
    if (thought != JSON_NONE)
        return reasoning(in, thought);
    if (text.p) {
        rc = turn_to(in, CONVERSE_TEXT);
        return rc ? rc : send_piece(in, text);
    }
    if (in_member(j, delta, STR("image")) != JSON_NONE)
        in_lose(&in->base, LOSS_IMAGES); /* in pieces, of no known model */
    if (in_member(j, delta, STR("toolResult")) != JSON_NONE)
        in_lose(&in->base, LOSS_SERVER_BLOCKS);
    return citation(in, in_member(j, delta, STR("citation")));
}

/* ---- a whole answer's --------------------------------------------------- */

static int whole_call(struct converse_in *in, uint32_t tool)
{
    const struct json *j = &in->base.j;
    uint32_t input = in_member(j, tool, STR("input"));
    struct jstr args;
    int rc = open_call(in, tool);

    if (!rc && in->open == CONVERSE_CALL &&
        json_first(j, input) != JSON_NONE) {
        args = jstr_escape(json_raw(j, input), in->base.tmp);
        rc = args.p ? send(in, args) : no_memory(in);
    }
    return rc;
}

/* What is said with citations: texts, and where they are from. */
static int whole_cited(struct converse_in *in, uint32_t node)
{
    const struct json *j = &in->base.j;
    uint32_t texts = in_member(j, node, STR("content"));
    uint32_t cites = in_member(j, node, STR("citations"));
    int rc = turn_to(in, CONVERSE_TEXT);

    for (uint32_t c = texts == JSON_NONE ? texts : json_first(j, texts);
         c != JSON_NONE && !rc; c = json_sibling(j, texts, c))
        rc = send_piece(in, in_string(j, c, STR("text")));
    for (uint32_t c = cites == JSON_NONE ? cites : json_first(j, cites);
         c != JSON_NONE && !rc; c = json_sibling(j, cites, c))
        rc = citation(in, c);
    return rc;
}

int converse_block(struct converse_in *in, uint32_t block)
{
    const struct json *j = &in->base.j;
    uint32_t tool = in_member(j, block, STR("toolUse"));
    uint32_t thought = in_member(j, block, STR("reasoningContent"));
    uint32_t cited = in_member(j, block, STR("citationsContent"));
    struct jstr text = in_string(j, block, STR("text"));
    uint32_t signed_text = in_member(j, thought, STR("reasoningText"));
    int rc = 0;

    if (tool != JSON_NONE) {
        rc = whole_call(in, tool);
    } else if (thought != JSON_NONE) {
        rc = reasoning(in, signed_text == JSON_NONE ? thought : signed_text);
    } else if (cited != JSON_NONE) {
        rc = whole_cited(in, cited);
    } else if (text.p) {
        rc = turn_to(in, CONVERSE_TEXT);
        if (!rc)
            rc = send_piece(in, text);
    } else if (in_member(j, block, STR("image")) != JSON_NONE) {
        rc = image(in, in_member(j, block, STR("image")));
    } else {
        in_lose(&in->base, LOSS_SERVER_BLOCKS); /* results, what is new */
    }
    return rc || in->open == CONVERSE_NONE ? rc : converse_close(in);
}
