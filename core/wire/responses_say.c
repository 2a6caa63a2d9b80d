/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What the gateway itself says in a Responses stream: a piece of held text,
 * made from the stream's own events. How many events came before is not known
 * here: a piece has the number of the event that it is made from, until
 * responses_keep gives it its own. And what ends a whole answer.
 */
#include "wire/responses_impl.h"
#include "wire/watch.h"

enum { DATA_MAX = 64 << 20 }; /* of an event; above what a text may be */

static const struct {
    const char *type, *index;
} pieces[] = {
    [RESPONSES_PIECE] = { "response.output_text.delta", "content_index" },
    [RESPONSES_REFUSAL] = { "response.refusal.delta", "content_index" },
    [RESPONSES_SUMMARY] = { "response.reasoning_summary_text.delta",
                            "summary_index" },
    [RESPONSES_REASONING] = { "response.reasoning_text.delta",
                              "content_index" },
    [RESPONSES_ARGUMENTS] = { "response.function_call_arguments.delta",
                              NULL },
    [RESPONSES_INPUT] = { "response.custom_tool_call_input.delta", NULL },
    [RESPONSES_MCP] = { "response.mcp_call_arguments.delta", NULL },
};

enum { PIECES = sizeof pieces / sizeof pieces[0] };

/* A member of the event that is like it, as it stands there. */
static int put_like(struct buf *out, const struct json *j, const char *name,
                    const char *otherwise)
{
    uint32_t node = j->count ? wire_member(j, 0, name) : JSON_NONE;
    int rc = buf_printf(out, "\"%s\":", name);

    if (rc)
        return rc;
    return node == JSON_NONE ? buf_puts(out, otherwise)
                             : buf_put(out, json_raw(j, node));
}

int responses_carry(enum dialect d, const struct wire_block *b,
                    struct str text, struct str like, struct buf *out)
{
    struct buf data = BUF_INIT(DATA_MAX);
    struct json j = { 0 };
    int rc;

    (void)d;
    if (b->part >= PIECES) /* those end in the event that they stand in */
        return -ERR_NOTFOUND;
    rc = json_scan(&j, like, NULL, NULL);
    rc = rc ? rc : buf_printf(&data, "{\"type\":\"%s\",",
                              pieces[b->part].type);
    rc = rc ? rc : put_like(&data, &j, "item_id", "\"\"");
    rc = rc ? rc : buf_printf(&data, ",\"output_index\":%u,", b->choice);
    if (!rc && pieces[b->part].index)
        rc = buf_printf(&data, "\"%s\":%u,", pieces[b->part].index, b->block);
    if (!rc && b->part == RESPONSES_PIECE)
        rc = buf_puts(&data, "\"logprobs\":[],");
    rc = rc ? rc : buf_puts(&data, "\"delta\":");
    rc = rc ? rc : buf_json_str(&data, text);
    rc = rc ? rc : buf_putc(&data, ',');
    rc = rc ? rc : put_like(&data, &j, "sequence_number", "0");
    rc = rc ? rc : buf_putc(&data, '}');
    rc = rc ? rc : wire_put_event(out, str_of(pieces[b->part].type),
                                  buf_str(&data));
    json_clear(&j);
    buf_clear(&data);
    return rc;
}

/* ---- other values ------------------------------------------------------- */

static size_t index_of(const struct responses_with *with, size_t n,
                       struct str name)
{
    size_t i = 0;

    while (i < n && !str_is(name, with[i].name))
        i++;
    return i;
}

/* Behind the last member. */
static int put_missing(const struct responses_with *with, size_t n,
                       unsigned seen, bool any, struct buf *out)
{
    int rc = 0;

    for (size_t i = 0; i < n && !rc; i++) {
        if (seen >> i & 1 || !with[i].add || !with[i].json.p)
            continue;
        rc = buf_printf(out, "%s\"%s\":", any ? "," : "", with[i].name);
        rc = rc ? rc : buf_put(out, with[i].json);
        any = true;
    }
    return rc;
}

int responses_put_with(const struct json *j, uint32_t object,
                       struct arena *names, const struct responses_with *with,
                       size_t n, struct buf *out)
{
    const char *at = j->text + j->nodes[object].start;
    const char *end = j->text + j->nodes[object].end - 1; /* its brace */
    uint32_t first = json_first(j, object);
    unsigned seen = 0;
    int rc = 0;

    for (uint32_t m = first; m != JSON_NONE && !rc;
         m = json_sibling(j, object, m)) {
        size_t i = index_of(with, n, json_name(j, m, names));
        struct str raw = json_raw(j, m);

        if (i == n || !with[i].json.p)
            continue;
        seen |= 1u << i;
        rc = buf_put(out, (struct str){ at, (size_t)(raw.p - at) });
        rc = rc ? rc : buf_put(out, with[i].json);
        at = raw.p + raw.n;
    }
    rc = rc ? rc : buf_put(out, (struct str){ at, (size_t)(end - at) });
    rc = rc ? rc : put_missing(with, n, seen, first != JSON_NONE, out);
    return rc ? rc : buf_putc(out, '}');
}

int responses_stop_body(enum dialect d, const struct json *body,
                        struct arena *names, uint32_t choice,
                        enum wire_finish finish, struct buf *out)
{
    static const struct responses_end none = { STR("[]"), { NULL, 0 } };

    (void)d;
    (void)choice; /* items of one answer: none of it stays */
    return responses_put_ended(body, 0, names, finish, &none, out);
}
