/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Items and parts of a stream that is kept, and what they may cost. */
#include "wire/responses_kept.h"
#include "wire/watch.h"

#include <stdlib.h>

/* Of one text: above what it may be, for what it becomes as JSON. */
enum { BUF_MAX = 64 << 20 };

static const struct responses_call calls[] = {
    { "function_call", "arguments",
      "response.function_call_arguments.done" },
    { "custom_tool_call", "input", "response.custom_tool_call_input.done" },
    { "mcp_call", "arguments", "response.mcp_call_arguments.done" },
    { "code_interpreter_call", "code",
      "response.code_interpreter_call_code.done" },
};

const struct responses_call *responses_call(const struct json *j,
                                            uint32_t item)
{
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        if (watch_is(j, item, "type", calls[i].type))
            return &calls[i];
    }
    return NULL;
}

/* ---- memory ------------------------------------------------------------- */

void said_drop(struct wire_kept *k, struct buf *b)
{
    k->used -= buf_len(b);
    buf_clear(b);
}

static int grown(struct wire_kept *k, const struct buf *b, size_t was, int rc)
{
    k->used += buf_len(b) - was;
    return !rc && k->used > RESPONSES_KEPT_MAX ? -ERR_LIMIT : rc;
}

int said_put(struct wire_kept *k, struct buf *to, struct str s)
{
    size_t was = buf_len(to);

    return grown(k, to, was, buf_put(to, s));
}

int said_chars(struct wire_kept *k, struct buf *to, struct str raw,
                         uint16_t *high)
{
    size_t was = buf_len(to);

    return grown(k, to, was, wire_put_chars(to, raw, high));
}

int said_set(struct wire_kept *k, struct buf *to, struct str s)
{
    said_drop(k, to);
    return said_put(k, to, s);
}

static void free_parts(struct wire_kept *k, struct said_item *it)
{
    for (uint32_t i = 0; i < it->n_parts; i++) {
        said_drop(k, &it->parts[i].raw);
        said_drop(k, &it->parts[i].text);
        said_drop(k, &it->parts[i].notes);
        said_drop(k, &it->parts[i].probs);
    }
    k->n_parts -= it->n_parts;
    free(it->parts);
    it->parts = NULL;
    it->n_parts = it->cap_parts = 0;
}

void said_empty(struct wire_kept *k, struct said_item *it)
{
    free_parts(k, it);
    said_drop(k, &it->raw);
    said_drop(k, &it->text);
    it->said = it->over = false;
    it->high = 0;
}

void said_lose(struct wire_kept *k)
{
    for (uint32_t i = 0; i < k->n_items; i++)
        said_empty(k, &k->items[i]);
    free(k->items);
    k->items = NULL;
    k->n_items = k->cap_items = 0;
    k->lost = true;
}

/* Room for one more at `at` of a list of n. */
static int make_room(void **list, uint32_t n, uint32_t *cap, size_t size)
{
    uint32_t more = *cap ? *cap * 2 : 2;
    void *p;

    if (n < *cap)
        return 0;
    p = realloc(*list, more * size);
    if (!p)
        return -ERR_NOMEM;
    *list = p;
    *cap = more;
    return 0;
}

/* ---- lists -------------------------------------------------------------- */

int said_add_item(struct wire_kept *k, uint32_t index,
                    struct said_item **out)
{
    void *list = k->items;
    uint32_t i = k->n_items;

    if (i == RESPONSES_KEPT_ITEMS)
        return -ERR_LIMIT;
    if (make_room(&list, i, &k->cap_items, sizeof *k->items))
        return -ERR_NOMEM;
    k->items = list;
    for (; i > 0 && k->items[i - 1].index > index; i--)
        k->items[i] = k->items[i - 1];
    k->items[i] = (struct said_item){
        .index = index, .raw = BUF_INIT(BUF_MAX),
        .text = BUF_INIT(BUF_MAX) };
    k->n_items++;
    *out = &k->items[i];
    return 0;
}

int said_add_part(struct wire_kept *k, struct said_item *it, uint8_t part,
                    uint32_t index, struct said_part **out)
{
    const struct buf none = BUF_INIT(BUF_MAX);
    void *list = it->parts;
    uint32_t i = it->n_parts;

    if (k->n_parts == RESPONSES_KEPT_PARTS || i == RESPONSES_KEPT_IN_ITEM)
        return -ERR_LIMIT;
    if (make_room(&list, i, &it->cap_parts, sizeof *it->parts))
        return -ERR_NOMEM;
    it->parts = list;
    for (; i > 0 && it->parts[i - 1].index > index; i--)
        it->parts[i] = it->parts[i - 1];
    it->parts[i] = (struct said_part){ .part = part, .index = index,
                                       .raw = none, .text = none,
                                       .notes = none, .probs = none };
    it->n_parts++;
    k->n_parts++;
    *out = &it->parts[i];
    return 0;
}
