/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Keeping what a client gets of a Responses stream, and giving its events
 * numbers that follow each other: an event that the gateway made has that of
 * the one it was made after, and moves all behind it.
 */
#include "wire/responses_kept.h"
#include "wire/watch.h"

#include <stdio.h>
#include <stdlib.h>

#define NUMBER_MAX ((int64_t)1 << 53)

/* ---- finding ------------------------------------------------------------ */

/* An index of the event; UINT32_MAX where it has none. */
static uint32_t index_of(const struct wire_kept *k, const char *name)
{
    int64_t v = watch_number(&k->j, 0, name);

    return v >= 0 && v < UINT32_MAX ? (uint32_t)v : UINT32_MAX;
}

static struct said_item *item_of(const struct wire_kept *k)
{
    uint32_t index = index_of(k, "output_index");

    for (uint32_t i = k->n_items; i-- > 0;) {
        if (k->items[i].index == index)
            return &k->items[i];
    }
    return NULL;
}

struct row {
    const char *type;
    int (*see)(struct wire_kept *k, const struct row *row);
    uint8_t part;
    const char *index, *member;
};

static bool is_summary(uint8_t part)
{
    return part == RESPONSES_SUMMARY;
}

/* The part that an event is of, made where it is new; *out is NULL where the
 * client knows of no such item, or of its end. */
static int part_of(struct wire_kept *k, const struct row *row,
                   struct said_part **out)
{
    static const char *const empty[] = {
        [RESPONSES_PIECE] = "{\"type\":\"output_text\",\"annotations\":[],"
                            "\"logprobs\":[],\"text\":\"\"}",
        [RESPONSES_REFUSAL] = "{\"type\":\"refusal\",\"refusal\":\"\"}",
        [RESPONSES_SUMMARY] = "{\"type\":\"summary_text\",\"text\":\"\"}",
        [RESPONSES_REASONING] = "{\"type\":\"reasoning_text\","
                                "\"text\":\"\"}",
    };
    struct said_item *it = item_of(k);
    uint32_t index = index_of(k, row->index);
    int rc;

    *out = NULL;
    if (!it || it->over || index == UINT32_MAX)
        return 0;
    for (uint32_t i = it->n_parts; i-- > 0;) { /* the last one, mostly */
        if (it->parts[i].index == index &&
            is_summary(it->parts[i].part) == is_summary(row->part)) {
            *out = &it->parts[i];
            return 0;
        }
    }
    rc = said_add_part(k, it, row->part, index, out);
    return rc ? rc : said_put(k, &(*out)->raw, str_of(empty[row->part]));
}

/* ---- events ------------------------------------------------------------- */

/* A string's characters; nothing where it is none. */
static int put_text(struct wire_kept *k, struct buf *to, uint32_t node,
                    uint16_t *high)
{
    if (node == JSON_NONE || k->j.nodes[node].type != JSON_T_STRING)
        return 0;
    return said_chars(k, to, json_raw(&k->j, node), high);
}

/* What stands in the brackets of an array, behind what is there. */
static int put_elements(struct wire_kept *k, struct buf *to, uint32_t node)
{
    struct str raw;
    int rc = 0;

    if (node == JSON_NONE || k->j.nodes[node].type != JSON_T_ARRAY ||
        json_first(&k->j, node) == JSON_NONE)
        return 0;
    raw = json_raw(&k->j, node);
    if (buf_len(to))
        rc = said_put(k, to, STR(","));
    return rc ? rc : said_put(k, to, (struct str){ raw.p + 1, raw.n - 2 });
}

static int put_item(struct wire_kept *k, bool over)
{
    uint32_t node = wire_member(&k->j, 0, "item");
    uint32_t index = index_of(k, "output_index");
    struct said_item *it = item_of(k);
    const struct responses_call *call;
    int rc = 0;

    if (node == JSON_NONE || k->j.nodes[node].type != JSON_T_OBJECT ||
        index == UINT32_MAX)
        return 0;
    if (it)
        said_empty(k, it);
    else
        rc = said_add_item(k, index, &it);
    rc = rc ? rc : said_put(k, &it->raw, json_raw(&k->j, node));
    if (rc)
        return rc;
    it->over = over;
    call = over ? NULL : responses_call(&k->j, node);
    return call ? put_text(k, &it->text,
                           wire_member(&k->j, node, call->member), &it->high)
                : 0;
}

static int see_item(struct wire_kept *k, const struct row *row)
{
    (void)row;
    return put_item(k, false);
}

static int see_item_done(struct wire_kept *k, const struct row *row)
{
    (void)row;
    return put_item(k, true);
}

static uint8_t named_part(const struct json *j, uint32_t part, uint8_t else_)
{
    if (watch_is(j, part, "type", "refusal"))
        return RESPONSES_REFUSAL;
    return watch_is(j, part, "type", "reasoning_text") ? RESPONSES_REASONING
                                                       : else_;
}

/* What an event says of a whole part; *p NULL: nothing. */
static int whole_part(struct wire_kept *k, const struct row *row,
                      struct said_part **p, uint32_t *node)
{
    int rc = part_of(k, row, p);

    *node = wire_member(&k->j, 0, "part");
    if (rc || *node == JSON_NONE || k->j.nodes[*node].type != JSON_T_OBJECT)
        *p = NULL;
    return rc;
}

static int see_part(struct wire_kept *k, const struct row *row)
{
    struct said_part *p;
    uint32_t node;
    int rc = whole_part(k, row, &p, &node);

    if (rc || !p)
        return rc;
    p->part = named_part(&k->j, node, row->part);
    p->added = true;
    rc = said_set(k, &p->raw, json_raw(&k->j, node));
    return rc ? rc : put_text(k, &p->text,
                              wire_member(&k->j, node,
                                          p->part == RESPONSES_REFUSAL
                                              ? "refusal" : "text"),
                              &p->high);
}

static int see_part_done(struct wire_kept *k, const struct row *row)
{
    struct said_part *p;
    uint32_t node;
    int rc = whole_part(k, row, &p, &node);

    if (rc || !p)
        return rc;
    p->over = true;
    said_drop(k, &p->text);
    said_drop(k, &p->notes);
    said_drop(k, &p->probs);
    return said_set(k, &p->raw, json_raw(&k->j, node));
}

static int see_text(struct wire_kept *k, const struct row *row)
{
    struct said_part *p;
    int rc = part_of(k, row, &p);

    if (rc || !p || p->over)
        return rc;
    rc = put_text(k, &p->text, wire_member(&k->j, 0, row->member), &p->high);
    return rc ? rc : put_elements(k, &p->probs,
                                  wire_member(&k->j, 0, "logprobs"));
}

static int see_text_done(struct wire_kept *k, const struct row *row)
{
    struct said_part *p;
    int rc = part_of(k, row, &p);

    if (rc || !p || p->over)
        return rc;
    p->said = true;
    p->high = 0;
    said_drop(k, &p->text);
    said_drop(k, &p->probs);
    return see_text(k, row);
}

static int see_note(struct wire_kept *k, const struct row *row)
{
    uint32_t node = wire_member(&k->j, 0, row->member);
    struct said_part *p;
    int rc = part_of(k, row, &p);

    if (rc || !p || p->over || node == JSON_NONE)
        return rc;
    if (buf_len(&p->notes))
        rc = said_put(k, &p->notes, STR(","));
    return rc ? rc : said_put(k, &p->notes, json_raw(&k->j, node));
}

static int see_args(struct wire_kept *k, const struct row *row)
{
    struct said_item *it = item_of(k);

    if (!it || it->over)
        return 0;
    return put_text(k, &it->text, wire_member(&k->j, 0, row->member),
                    &it->high);
}

static int see_args_done(struct wire_kept *k, const struct row *row)
{
    struct said_item *it = item_of(k);

    if (!it || it->over)
        return 0;
    it->said = true;
    it->high = 0;
    said_drop(k, &it->text);
    return see_args(k, row);
}

#define C "content_index"
#define S "summary_index"

/* clang-format off */
static const struct row rows[] = {
    { "response.output_text.delta", see_text, RESPONSES_PIECE, C, "delta" },
    { "response.reasoning_summary_text.delta", see_text, RESPONSES_SUMMARY, S, "delta" },
    { "response.reasoning_text.delta", see_text, RESPONSES_REASONING, C, "delta" },
    { "response.refusal.delta", see_text, RESPONSES_REFUSAL, C, "delta" },
    { "response.function_call_arguments.delta", see_args, 0, NULL, "delta" },
    { "response.custom_tool_call_input.delta", see_args, 0, NULL, "delta" },
    { "response.mcp_call_arguments.delta", see_args, 0, NULL, "delta" },
    { "response.code_interpreter_call_code.delta", see_args, 0, NULL, "delta" },
    { "response.output_text.annotation.added", see_note, RESPONSES_PIECE, C, "annotation" },
    { "response.output_text.done", see_text_done, RESPONSES_PIECE, C, "text" },
    { "response.reasoning_summary_text.done", see_text_done, RESPONSES_SUMMARY, S, "text" },
    { "response.reasoning_text.done", see_text_done, RESPONSES_REASONING, C, "text" },
    { "response.refusal.done", see_text_done, RESPONSES_REFUSAL, C, "refusal" },
    { "response.function_call_arguments.done", see_args_done, 0, NULL, "arguments" },
    { "response.custom_tool_call_input.done", see_args_done, 0, NULL, "input" },
    { "response.mcp_call_arguments.done", see_args_done, 0, NULL, "arguments" },
    { "response.code_interpreter_call_code.done", see_args_done, 0, NULL, "code" },
    { "response.content_part.added", see_part, RESPONSES_PIECE, C, NULL },
    { "response.content_part.done", see_part_done, RESPONSES_PIECE, C, NULL },
    { "response.reasoning_summary_part.added", see_part, RESPONSES_SUMMARY, S, NULL },
    { "response.reasoning_summary_part.done", see_part_done, RESPONSES_SUMMARY, S, NULL },
    { "response.output_item.added", see_item, 0, NULL, NULL },
    { "response.output_item.done", see_item_done, 0, NULL, NULL },
};
/* clang-format on */

static int see(struct wire_kept *k, struct str name)
{
    struct str type = watch_text(&k->j, 0, "type", k->names);
    int rc = 0;

    if (!type.n)
        type = name;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0] && !k->lost; i++) {
        if (!str_is(type, rows[i].type))
            continue;
        rc = rows[i].see(k, &rows[i]);
        break;
    }
    if (rc != -ERR_LIMIT)
        return rc;
    said_lose(k);
    return 0;
}

/* The event with a number that is above the last one's. */
static int put_numbered(struct wire_kept *k, const struct sse_event *ev)
{
    uint32_t node = wire_member(&k->j, 0, "sequence_number");
    int64_t number = watch_number(&k->j, 0, "sequence_number");
    struct wire_splice splice;
    char digits[24];

    if (number < 0 || number > NUMBER_MAX) { /* it has none, and counts */
        k->last++;
        return buf_put(k->out, ev->raw);
    }
    if (number > k->last) {
        k->last = number;
        return buf_put(k->out, ev->raw);
    }
    snprintf(digits, sizeof digits, "%lld", (long long)++k->last);
    splice = (struct wire_splice){ k->j.nodes[node].start,
                                   k->j.nodes[node].end, str_of(digits) };
    return wire_put_edited(k->out, ev, &splice, 1);
}

static int on_event(void *ud, const struct sse_event *ev)
{
    struct wire_kept *k = ud;
    int rc = ev->data.p ? json_scan(&k->j, ev->data, NULL, NULL) : 0;

    if (rc == -ERR_NOMEM)
        return rc;
    if (rc || !ev->data.p)
        return buf_put(k->out, ev->raw);
    rc = put_numbered(k, ev);
    return rc ? rc : see(k, ev->event);
}

struct wire_kept *responses_kept_new(struct arena *names)
{
    struct wire_kept *k = calloc(1, sizeof *k);

    if (!k)
        return NULL;
    k->names = names;
    k->last = -1;
    return k;
}

int responses_keep(struct wire_kept *k, struct str events, struct buf *out)
{
    int rc;

    k->out = out;
    sse_init(&k->sse, events.n + 1);
    rc = sse_feed(&k->sse, events, on_event, k, NULL);
    sse_clear(&k->sse);
    return rc;
}

uint32_t responses_kept_next(const struct wire_kept *k)
{
    return k->last < UINT32_MAX ? (uint32_t)(k->last + 1) : 0;
}

void responses_kept_free(struct wire_kept *k)
{
    if (!k)
        return;
    said_lose(k);
    json_clear(&k->j);
    free(k);
}
