/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A client of Responses streams, as strict as OpenAI's SDKs: it holds together
 * pieces, whole texts, parts, items and the last response, and wants numbers
 * that grow. What does not fit fails the test.
 */
#ifndef PENSTOCK_RESPONSES_CLIENT_H
#define PENSTOCK_RESPONSES_CLIENT_H

#include "output_unit.h"

#include "wire/watch.h"

enum { TEXTS = 64, ITEMS = 16 };

enum sort { CONTENT, SUMMARY, ARGS };

struct said {
    enum sort sort;
    int64_t item, index;
    struct buf text;
    uint16_t high;
    bool done;
};

struct client {
    struct json j;
    struct arena *a;
    int64_t last;
    uint32_t n;
    struct said said[TEXTS];
    struct buf items[ITEMS]; /* as they ended */
    bool added[ITEMS];
    char end[64];            /* the last event's type */
    struct buf response;
    bool failed;
};

#define MUST(cond)                                                            \
    do {                                                                      \
        CU_ASSERT(cond);                                                      \
        if (!(cond))                                                          \
            c->failed = true;                                                 \
    } while (0)

static inline bool ends_with(struct str s, struct str end)
{
    return s.n >= end.n && memcmp(s.p + s.n - end.n, end.p, end.n) == 0;
}

static inline struct said *said(struct client *c, enum sort sort, int64_t item,
                         int64_t index)
{
    uint32_t i = 0;

    while (i < c->n && (c->said[i].sort != sort || c->said[i].item != item ||
                        c->said[i].index != index))
        i++;
    CU_ASSERT_FATAL(i < TEXTS);
    if (i == c->n)
        c->said[c->n++] = (struct said){ .sort = sort, .item = item,
                                         .index = index,
                                         .text = BUF_INIT(1 << 20) };
    return &c->said[i];
}

static inline bool is_text(const struct json *j, uint32_t node, struct str text)
{
    struct buf chars = BUF_INIT(1 << 20);
    uint16_t high = 0;
    bool same;

    if (node == JSON_NONE || j->nodes[node].type != JSON_T_STRING)
        return false;
    wire_put_chars(&chars, json_raw(j, node), &high);
    wire_put_half(&chars, &high);
    same = str_eq(buf_str(&chars), text);
    buf_clear(&chars);
    return same;
}

static inline uint32_t any_of(const struct json *j, uint32_t object)
{
    static const char *const names[] = { "text", "refusal", "arguments",
                                         "input" };
    uint32_t found = JSON_NONE;

    for (size_t i = 0; i < 4 && found == JSON_NONE; i++)
        found = wire_member(j, object, names[i]);
    return found;
}

static inline void see_list(struct client *c, int64_t item, uint32_t list,
                     enum sort sort)
{
    int64_t i = 0;

    if (list == JSON_NONE || c->j.nodes[list].type != JSON_T_ARRAY)
        return;
    for (uint32_t p = json_first(&c->j, list); p != JSON_NONE;
         p = json_sibling(&c->j, list, p), i++)
        MUST(is_text(&c->j, any_of(&c->j, p),
                     buf_str(&said(c, sort, item, i)->text)));
}

/* An item that is over says what was said of it. */
static inline void see_item(struct client *c, int64_t item)
{
    uint32_t node = wire_member(&c->j, 0, "item");
    uint32_t args = any_of(&c->j, node);

    MUST(c->added[item] && !buf_len(&c->items[item]));
    buf_put(&c->items[item], json_raw(&c->j, node));
    see_list(c, item, wire_member(&c->j, node, "content"), CONTENT);
    see_list(c, item, wire_member(&c->j, node, "summary"), SUMMARY);
    if (args != JSON_NONE)
        MUST(is_text(&c->j, args, buf_str(&said(c, ARGS, item, -1)->text)));
    for (uint32_t i = 0; i < c->n; i++)
        MUST(c->said[i].item != item || c->said[i].done);
}

static inline void see_response(struct client *c)
{
    uint32_t r = wire_member(&c->j, 0, "response");
    uint32_t list = wire_member(&c->j, r, "output");
    uint32_t i = 0;

    if (list == JSON_NONE)
        return;
    buf_put(&c->response, json_raw(&c->j, r));
    for (uint32_t n = json_first(&c->j, list); n != JSON_NONE;
         n = json_sibling(&c->j, list, n), i++) {
        while (i < ITEMS - 1 && !c->added[i])
            i++;
        MUST(str_eq(json_raw(&c->j, n), buf_str(&c->items[i])));
    }
    for (; i < ITEMS; i++)
        MUST(!c->added[i]);
}

static inline void see_text(struct client *c, int64_t item, struct str type)
{
    bool summary = wire_member(&c->j, 0, "summary_index") != JSON_NONE;
    int64_t index = watch_number(&c->j, 0, summary ? "summary_index"
                                                   : "content_index");
    struct said *s = said(c, summary ? SUMMARY : index < 0 ? ARGS : CONTENT,
                          item, index);
    uint32_t piece = wire_member(&c->j, 0, "delta");

    MUST(c->added[item] && !buf_len(&c->items[item]));
    if (piece != JSON_NONE) {
        wire_put_chars(&s->text, json_raw(&c->j, piece), &s->high);
        return;
    }
    wire_put_half(&s->text, &s->high);
    if (ends_with(type, STR("part.done")))
        MUST(s->done && is_text(&c->j, any_of(&c->j, wire_member(
            &c->j, 0, "part")), buf_str(&s->text)));
    else if (ends_with(type, STR(".done")))
        MUST(is_text(&c->j, any_of(&c->j, 0), buf_str(&s->text)));
    s->done |= ends_with(type, STR(".done"));
}

static inline int see(void *ud, const struct sse_event *ev)
{
    struct client *c = ud;
    int64_t item, number;

    CU_ASSERT_EQUAL_FATAL(json_scan(&c->j, ev->data, NULL, NULL), 0);
    MUST(str_eq(ev->event, watch_text(&c->j, 0, "type", c->a)));
    MUST(!c->end[0]);
    number = watch_number(&c->j, 0, "sequence_number");
    MUST(number > c->last);
    c->last = number;
    item = watch_number(&c->j, 0, "output_index");
    CU_ASSERT_FATAL(item < ITEMS);
    if (str_is(ev->event, "response.output_item.added"))
        c->added[item] = true;
    else if (str_is(ev->event, "response.output_item.done"))
        see_item(c, item);
    else if (item >= 0)
        see_text(c, item, ev->event);
    if (!str_is(ev->event, "response.completed") &&
        !str_is(ev->event, "response.incomplete"))
        return 0;
    snprintf(c->end, sizeof c->end, STR_FMT, STR_ARG(ev->event));
    see_response(c);
    return 0;
}

/* What the client has; it is whole. */
static inline void client_read(struct client *c, struct story *s)
{
    struct sse sse;

    memset(c, 0, sizeof *c);
    c->a = s->f.arena;
    c->last = -1;
    c->response = (struct buf)BUF_INIT(1 << 20);
    for (size_t i = 0; i < ITEMS; i++)
        c->items[i] = (struct buf)BUF_INIT(1 << 20);
    sse_init(&sse, 1 << 20);
    CU_ASSERT_EQUAL(sse_feed(&sse, buf_str(&s->got), see, c, NULL), 0);
    sse_clear(&sse);
    MUST(c->end[0]);
    for (size_t i = 0; i < ITEMS; i++)
        MUST(!c->added[i] || buf_len(&c->items[i]));
    if (c->failed)
        printf("\n%s\n", story_bytes(s));
}

static inline void client_clear(struct client *c)
{
    for (uint32_t i = 0; i < c->n; i++)
        buf_clear(&c->said[i].text);
    for (size_t i = 0; i < ITEMS; i++)
        buf_clear(&c->items[i]);
    buf_clear(&c->response);
    json_clear(&c->j);
}

#endif
