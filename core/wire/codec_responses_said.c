/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Responses answers, read: the items of the output, in pieces and whole. What
 * came in pieces is not read again where it is repeated whole.
 */
#include "wire/codec_responses_in.h"

#include "wire/codec_probs.h"
#include "wire/codec_responses.h"
#include "wire/watch.h"

#define ITEMS_MAX 4096

struct responses_item *said_item(struct responses_in *in, int64_t index)
{
    struct responses_item *i = in->items;

    while (i && i->index != index)
        i = i->next;
    if (i)
        return i;
    if (in->n_items++ >= ITEMS_MAX) {
        err_set(in->chat.base.err, ERR_LIMIT, "more than %d items",
                ITEMS_MAX);
        return NULL;
    }
    i = arena_alloc(in->chat.base.a, sizeof *i);
    if (!i) {
        err_set(in->chat.base.err, ERR_NOMEM, "out of memory");
        return NULL;
    }
    *i = (struct responses_item){ .next = in->items, .index = index,
                                  .part = -1 };
    in->items = i;
    return i;
}

struct str said_text(struct responses_in *in, uint32_t object,
                        struct str name)
{
    uint32_t node = in_member(&in->chat.base.j, object, name);

    return node == JSON_NONE
               ? STR_NULL
               : json_text(&in->chat.base.j, node, in->chat.base.tmp);
}

struct chat_choice *said_choice(struct responses_in *in)
{
    return chat_choice(&in->chat, 0);
}

/* A piece of text of an item; parts of reasoning have an empty line between
 * them, those of a message are blocks of their own. */
int said_push(struct responses_in *in, struct responses_item *i,
                     enum part_kind kind, int64_t part, struct jstr text)
{
    struct chat_choice *c = said_choice(in);
    int64_t key = kind == PART_THINKING ? i->index
                                        : i->index << 16 | (part & 0xFFFF);
    int rc = 0;

    if (!c)
        return -in->chat.base.err->code;
    if (!text.n)
        return 0;
    if (kind == PART_THINKING && i->said && part != i->part)
        rc = chat_push(&in->chat, c, kind, key, JSTR("\\n\\n"));
    if (part != i->part)
        i->probs = false; /* those were of another text */
    i->said = true;
    i->part = part;
    return rc ? rc : chat_push(&in->chat, c, kind, key, text);
}

int said_call(struct responses_in *in, struct responses_item *i, uint32_t node,
                     bool custom, struct jstr args)
{
    struct chat_choice *c = said_choice(in);
    struct chat_piece x = { .index = i->index, .args = args,
                            .custom = custom };

    if (!c)
        return -in->chat.base.err->code;
    if (node != JSON_NONE) {
        x.id = said_text(in, node, STR("call_id"));
        x.name = said_text(in, node, STR("name"));
        if (!x.id.n)
            x.id = said_text(in, node, STR("id"));
    }
    i->said = i->said || args.n;
    return chat_push_call(&in->chat, c, &x);
}

/* Nothing more of the call will come, whatever its arguments look like. */
static void call_over(struct responses_in *in, const struct responses_item *i)
{
    struct chat_choice *c = said_choice(in);

    for (struct chat_part *p = c ? c->head : NULL; p; p = p->next) {
        if (p->kind == PART_CALL && p->key == i->index)
            p->progress.done = true;
    }
}

/* ---- citations, log probabilities ---------------------------------------- */

static bool is_open_text(const struct chat_choice *c)
{
    return c && c->tail && c->tail == c->head && c->tail->kind == PART_TEXT;
}

int said_probs(struct responses_in *in, struct responses_item *i,
               uint32_t object)
{
    const struct json *j = &in->chat.base.j;
    uint32_t list = in_member(j, object, STR("logprobs"));

    if (json_first(j, list) == JSON_NONE)
        return 0;
    i->probs = true;
    if (is_open_text(said_choice(in)))
        return in_probs(&in->chat.base, 0, list);
    in_lose(&in->chat.base, LOSS_LOGPROBS);
    return 0;
}

int said_citation(struct responses_in *in, uint32_t node)
{
    const struct json *j = &in->chat.base.j;
    struct chat_choice *c = said_choice(in);
    struct neutral_event ev = {
        .type = NEUTRAL_CITATION,
        .text = in_string(j, node, STR("url")),
        .name = in_string(j, node, STR("title")),
        .raw = json_raw(j, node),
        .from = DIALECT_RESPONSES,
    };

    if (!ev.text.p || !is_open_text(c)) {
        in_lose(&in->chat.base, LOSS_CITATIONS);
        return 0;
    }
    return in_emit(&in->chat.base, &ev);
}

static int read_citations(struct responses_in *in, uint32_t part)
{
    const struct json *j = &in->chat.base.j;
    uint32_t list = in_member(j, part, STR("annotations"));
    int rc = 0;

    if (list == JSON_NONE || j->nodes[list].type != JSON_T_ARRAY)
        return 0;
    for (uint32_t n = json_first(j, list); n != JSON_NONE && !rc;
         n = json_sibling(j, list, n))
        rc = said_citation(in, n);
    return rc;
}

/* ---- items, whole ------------------------------------------------------- */

static int read_parts(struct responses_in *in, struct responses_item *i,
                      uint32_t list, enum part_kind kind)
{
    const struct json *j = &in->chat.base.j;
    int64_t part = 0;
    int rc = 0;

    if (list == JSON_NONE || j->nodes[list].type != JSON_T_ARRAY)
        return 0;
    for (uint32_t n = json_first(j, list); n != JSON_NONE && !rc;
         n = json_sibling(j, list, n), part++) {
        struct jstr refusal = in_string(j, n, STR("refusal"));

        rc = said_push(in, i, kind, part, in_string(j, n, STR("text")));
        if (!rc && kind == PART_TEXT)
            rc = said_probs(in, i, n);
        if (!rc && kind == PART_TEXT)
            rc = read_citations(in, n);
        if (!rc && refusal.n)
            rc = said_push(in, i, PART_REFUSAL, part, refusal);
    }
    return rc;
}

static int whole_message(struct responses_in *in, struct responses_item *i,
                         uint32_t node)
{
    const struct json *j = &in->chat.base.j;

    return i->said ? 0
                   : read_parts(in, i, in_member(j, node, STR("content")),
                                PART_TEXT);
}

static int whole_call(struct responses_in *in, struct responses_item *i,
                      uint32_t node)
{
    const struct json *j = &in->chat.base.j;
    bool custom = in_member(j, node, STR("input")) != JSON_NONE;
    struct jstr args = in_string(j, node, custom ? STR("input")
                                                 : STR("arguments"));
    int rc = said_call(in, i, node, custom, i->said ? JSTR_NULL : args);

    call_over(in, i);
    return rc;
}

/* What only its provider can read, in the form that chat has for it. */
static int push_sealed(struct responses_in *in, uint32_t node,
                       struct jstr data)
{
    struct chat_choice *c = said_choice(in);
    struct jstr id = in_string(&in->chat.base.j, node, STR("id"));
    struct buf raw = BUF_INIT(in->chat.base.opts.max_held);
    struct jw w = { .b = &raw };
    int rc;

    jw_open(&w, '{');
    jw_member_text(&w, "type", STR("reasoning.encrypted"));
    jw_opt_jstr(&w, "id", id);
    jw_member_text(&w, "format", STR(RESPONSES_FORMAT));
    jw_member_jstr(&w, "data", data);
    jw_close(&w, '}');
    if (w.rc || !c)
        rc = w.rc ? err_set(in->chat.base.err, -w.rc,
                            "a reasoning item is too long")
                  : -in->chat.base.err->code;
    else
        rc = chat_push(&in->chat, c, PART_OPAQUE, -1,
                       (struct jstr){ buf_str(&raw).p, buf_len(&raw) });
    buf_clear(&raw);
    return rc;
}

static int whole_reasoning(struct responses_in *in, struct responses_item *i,
                           uint32_t node)
{
    const struct json *j = &in->chat.base.j;
    struct jstr data = in_string(j, node, STR("encrypted_content"));
    int rc = 0;

    if (!i->said)
        rc = read_parts(in, i, in_member(j, node, STR("summary")),
                        PART_THINKING);
    if (!rc && !i->said)
        rc = read_parts(in, i, in_member(j, node, STR("content")),
                        PART_THINKING);
    return rc || !data.n ? rc : push_sealed(in, node, data);
}

/* A picture that the provider's own tool made. */
static int whole_image(struct responses_in *in, struct responses_item *i,
                       uint32_t node)
{
    const struct json *j = &in->chat.base.j;
    struct jstr format = in_string(j, node, STR("output_format"));
    struct str type = { format.p, format.n };
    struct chat_choice *c = said_choice(in);
    int rc = c ? chat_drain(&in->chat, c) : -in->chat.base.err->code;

    (void)i;
    if (type.n) {
        type = arena_fmt(in->chat.base.tmp, "image/" STR_FMT, STR_ARG(type));
        if (!type.p)
            return err_set(in->chat.base.err, ERR_NOMEM, "out of memory");
    }
    return rc ? rc : in_media(&in->chat.base, 0,
                              (struct jstr){ type.p, type.n },
                              in_string(j, node, STR("result")));
}

static const struct {
    const char *type;
    int (*whole)(struct responses_in *in, struct responses_item *i,
                 uint32_t node);
} kinds[] = {
    { "message", whole_message },
    { "function_call", whole_call },
    { "custom_tool_call", whole_call },
    { "reasoning", whole_reasoning },
    { "image_generation_call", whole_image },
};

int said_whole(struct responses_in *in, int64_t index, uint32_t node)
{
    struct responses_item *i = said_item(in, index);

    if (!i)
        return -in->chat.base.err->code;
    if (i->over)
        return 0;
    i->over = true;
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        if (watch_is(&in->chat.base.j, node, "type", kinds[k].type))
            return kinds[k].whole(in, i, node);
    }
    in_lose(&in->chat.base, LOSS_SERVER_BLOCKS);
    return 0;
}

