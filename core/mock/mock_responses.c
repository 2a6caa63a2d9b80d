/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * OpenAI's Responses, whole or as a stream: an item of reasoning, a message,
 * a call, each begun, said in pieces, said whole and ended, and all of it
 * once more in the last event. What will be said is made beforehand, so that
 * it can be said whole. Nothing is stored. Ids are the same each time.
 * Shapes as in OpenAI's API reference, read 2026-11.
 */
#include "mock/mock_read.h"

#define CREATED 1767225600 /* 2026-01-01 */

/* Where a stream is: its first events, then items (`stage` within one). */
enum { STEP_CREATED, STEP_RUNNING, STEP_ITEMS };
/* Where an item is; what its kind does not have is passed over. */
enum { ITEM_ADDED, ITEM_PART, ITEM_PIECES, ITEM_TEXT, ITEM_PART_DONE,
       ITEM_DONE };

struct said {
    struct str text[4]; /* by mock_kind, whole */
    int stage;
    bool cut;
};

static const struct {
    const char *kind, *id, *delta, *part, *index;
} items[] = {
    [MOCK_P_THINK] = { "reasoning", "rs", "reasoning_summary_text",
                       "reasoning_summary_part", "summary_index" },
    [MOCK_P_TEXT] = { "message", "msg", "output_text", "content_part",
                      "content_index" },
    [MOCK_P_ARGS] = { "function_call", "fc", "function_call_arguments", NULL,
                      NULL },
};

static enum mock_op match(struct str method, struct str path)
{
    if (str_starts(path, STR("/v1/"))) {
        path.p += 3;
        path.n -= 3;
    }
    return str_is(method, "POST") && str_is(path, "/responses")
               ? MOCK_RESPONSES : MOCK_NOTHING;
}

static const char *serial(const struct mock_req *r)
{
    return r->id + sizeof "chatcmpl-" - 1;
}

/* ---- what is said -------------------------------------------------------- */

static int gather(struct mock_req *r)
{
    struct said *s = arena_alloc(r->a, sizeof *s);
    struct mock_piece p;
    struct buf b[4];
    int rc = s ? 0 : -ERR_NOMEM;

    if (!s)
        return rc;
    *s = (struct said){ .stage = ITEM_ADDED };
    for (int i = 0; i < 4; i++)
        buf_init(&b[i], MOCK_ANSWER_MAX);
    mock_gen_init(&r->gen, &r->ask, r->a);
    while (!rc && mock_gen_run(&r->gen, &p))
        rc = buf_put(&b[p.kind], p.text);
    for (int i = 0; i < 4; i++) {
        if (!rc && buf_len(&b[i])) {
            s->text[i] = arena_dup(r->a, buf_str(&b[i]));
            rc = s->text[i].p ? 0 : -ERR_NOMEM;
        }
        buf_clear(&b[i]);
    }
    s->cut = r->gen.cut_short;
    r->own = s;
    return rc;
}

static int put_part(struct buf *out, enum mock_kind kind, struct str text)
{
    int rc = buf_puts(out, kind == MOCK_P_THINK
                               ? "{\"type\":\"summary_text\",\"text\":"
                               : "{\"type\":\"output_text\",\"annotations\":"
                                 "[],\"logprobs\":[],\"text\":");

    rc = rc ? rc : buf_json_str(out, text);
    return rc ? rc : buf_putc(out, '}');
}

/* An item as it is when it begins (nothing in it), or at its end. */
static int put_item(struct mock_req *r, enum mock_kind kind, bool done,
                    struct buf *out)
{
    const struct said *s = r->own;
    struct str text = done ? s->text[kind] : STR("");
    int rc = buf_printf(out, "{\"id\":\"%s_%s\",\"type\":\"%s\",",
                        items[kind].id, serial(r), items[kind].kind);

    if (kind == MOCK_P_ARGS) {
        rc = rc ? rc : buf_printf(out, "\"call_id\":\"call_%s\",\"name\":",
                                  serial(r));
        rc = rc ? rc : buf_json_str(out, s->text[MOCK_P_CALL]);
        rc = rc ? rc : buf_puts(out, ",\"arguments\":");
        rc = rc ? rc : buf_json_str(out, text);
    } else {
        rc = rc ? rc : buf_puts(out, kind == MOCK_P_THINK
                                         ? "\"summary\":["
                                         : "\"role\":\"assistant\","
                                           "\"content\":[");
        if (!rc && done)
            rc = put_part(out, kind, text);
        rc = rc ? rc : buf_putc(out, ']');
    }
    return rc ? rc : buf_printf(out, ",\"status\":\"%s\"}",
                                !done    ? "in_progress"
                                : s->cut ? "incomplete" : "completed");
}

/* A call without arguments is one all the same. */
static bool has(const struct said *s, enum mock_kind kind)
{
    return kind == MOCK_P_ARGS ? s->text[MOCK_P_CALL].p : s->text[kind].p;
}

static int put_output(struct mock_req *r, struct buf *out)
{
    static const enum mock_kind kinds[] = { MOCK_P_THINK, MOCK_P_TEXT,
                                            MOCK_P_ARGS };
    const struct said *s = r->own;
    const char *comma = "";
    int rc = 0;

    for (size_t i = 0; i < 3 && !rc; i++) {
        if (!has(s, kinds[i]))
            continue;
        rc = buf_puts(out, comma);
        rc = rc ? rc : put_item(r, kinds[i], true, out);
        comma = ",";
    }
    return rc;
}

static int put_usage(struct mock_req *r, struct buf *out)
{
    unsigned long long in = r->ask.prompt_tokens, made = r->gen.made;

    return buf_printf(out, "{\"input_tokens\":%llu,\"input_tokens_details\":"
                           "{\"cached_tokens\":0},\"output_tokens\":%llu,"
                           "\"output_tokens_details\":{\"reasoning_tokens\":"
                           "%llu},\"total_tokens\":%llu}",
                      in, made, (unsigned long long)r->gen.thought,
                      in + made);
}

static int put_response(struct mock_req *r, bool done, struct buf *out)
{
    const struct said *s = r->own;
    int rc = buf_printf(out, "{\"id\":\"resp_%s\",\"object\":\"response\","
                             "\"created_at\":%d,\"status\":\"%s\",\"error\":"
                             "null,\"incomplete_details\":%s,\"model\":",
                        serial(r), CREATED,
                        !done    ? "in_progress"
                        : s->cut ? "incomplete" : "completed",
                        done && s->cut
                            ? "{\"reason\":\"max_output_tokens\"}" : "null");

    rc = rc ? rc : buf_json_str(out, r->ask.name);
    rc = rc ? rc : buf_puts(out, ",\"output\":[");
    if (!rc && done)
        rc = put_output(r, out);
    rc = rc ? rc : buf_puts(out, "],\"parallel_tool_calls\":true,\"tools\":[]"
                                 ",\"tool_choice\":\"auto\",\"usage\":");
    if (!rc)
        rc = done ? put_usage(r, out) : buf_puts(out, "null");
    return rc ? rc : buf_putc(out, '}');
}

static int whole(struct mock_req *r, struct buf *out)
{
    int rc = gather(r);

    return rc ? rc : put_response(r, true, out);
}

/* ---- stream -------------------------------------------------------------- */

static int begin(struct mock_req *r)
{
    int rc = gather(r);

    if (rc)
        return rc;
    mock_gen_init(&r->gen, &r->ask, r->a);
    r->step = STEP_CREATED;
    r->choice = r->open = 0;
    r->piece.text = STR_NULL;
    r->sum = 0; /* the number of the next event */
    return 0;
}

static int open_event(struct mock_req *r, struct buf *out, const char *type,
                      const char *more)
{
    int rc = buf_printf(out, "event: response.%s%s\ndata: {\"type\":"
                             "\"response.%s%s\",\"sequence_number\":%llu",
                        type, more, type, more,
                        (unsigned long long)r->sum);

    r->sum++;
    return rc;
}

static int close_event(struct buf *out, int rc)
{
    return rc ? rc : buf_puts(out, "}\n\n");
}

static int put_state(struct mock_req *r, struct buf *out, const char *type,
                     bool done)
{
    int rc = open_event(r, out, type, "");

    rc = rc ? rc : buf_puts(out, ",\"response\":");
    rc = rc ? rc : put_response(r, done, out);
    return close_event(out, rc);
}

/* Where in the answer: the item, and its one part. */
static int put_place(struct mock_req *r, enum mock_kind kind,
                     struct buf *out)
{
    int rc = buf_printf(out, ",\"item_id\":\"%s_%s\",\"output_index\":%u",
                        items[kind].id, serial(r), r->choice);

    if (!rc && items[kind].index)
        rc = buf_printf(out, ",\"%s\":0", items[kind].index);
    return rc;
}

static int put_edge(struct mock_req *r, enum mock_kind kind, bool done,
                    struct buf *out)
{
    int rc = open_event(r, out, "output_item", done ? ".done" : ".added");

    rc = rc ? rc : buf_printf(out, ",\"output_index\":%u,\"item\":",
                              r->choice);
    rc = rc ? rc : put_item(r, kind, done, out);
    return close_event(out, rc);
}

static int put_part_edge(struct mock_req *r, enum mock_kind kind, bool done,
                         struct buf *out)
{
    const struct said *s = r->own;
    int rc = open_event(r, out, items[kind].part, done ? ".done" : ".added");

    rc = rc ? rc : put_place(r, kind, out);
    rc = rc ? rc : buf_puts(out, ",\"part\":");
    rc = rc ? rc : put_part(out, kind, done ? s->text[kind] : STR(""));
    return close_event(out, rc);
}

static int put_text(struct mock_req *r, enum mock_kind kind, struct buf *out)
{
    const struct said *s = r->own;
    bool call = kind == MOCK_P_ARGS;
    int rc = open_event(r, out, items[kind].delta, ".done");

    rc = rc ? rc : put_place(r, kind, out);
    rc = rc ? rc : buf_puts(out, call ? ",\"arguments\":" : ",\"text\":");
    rc = rc ? rc : buf_json_str(out, s->text[kind]);
    return close_event(out, rc);
}

static int put_delta(struct mock_req *r, enum mock_kind kind,
                     struct buf *out)
{
    int rc = open_event(r, out, items[kind].delta, ".delta");

    rc = rc ? rc : put_place(r, kind, out);
    if (!rc && kind == MOCK_P_TEXT)
        rc = buf_puts(out, ",\"logprobs\":[]");
    rc = rc ? rc : buf_puts(out, ",\"delta\":");
    rc = rc ? rc : buf_json_str(out, r->piece.text);
    r->piece.text = STR_NULL;
    return close_event(out, rc);
}

/* The piece at hand, or the next; false when the item has no more. */
static bool has_piece(struct mock_req *r, enum mock_kind kind)
{
    if (!r->piece.text.p && !mock_gen_next(&r->gen, &r->piece))
        return false;
    return r->piece.kind == kind;
}

/* One event of the item that is open; the last one closes it. */
static int in_item(struct mock_req *r, struct buf *out)
{
    enum mock_kind kind = (enum mock_kind)(r->open - 1);
    struct said *s = r->own;
    int rc;

    if (s->stage == ITEM_PART && !items[kind].part)
        s->stage++;
    if (s->stage == ITEM_PIECES && has_piece(r, kind))
        return put_delta(r, kind, out);
    if (s->stage == ITEM_PIECES)
        s->stage++;
    if (s->stage == ITEM_PART_DONE && !items[kind].part)
        s->stage++;
    switch (s->stage++) {
    case ITEM_ADDED:
        return put_edge(r, kind, false, out);
    case ITEM_PART:
        return put_part_edge(r, kind, false, out);
    case ITEM_TEXT:
        return put_text(r, kind, out);
    case ITEM_PART_DONE:
        return put_part_edge(r, kind, true, out);
    default:
        rc = put_edge(r, kind, true, out);
        r->choice++;
        r->open = 0;
        s->stage = ITEM_ADDED;
        return rc;
    }
}

static int in_items(struct mock_req *r, struct buf *out, bool *more)
{
    const struct said *s = r->own;

    if (!r->open && (r->piece.text.p ||
                     mock_gen_next(&r->gen, &r->piece))) {
        r->open = r->piece.kind + 1u;
        if (r->piece.kind == MOCK_P_CALL) { /* arguments follow its name */
            r->open = MOCK_P_ARGS + 1u;
            r->piece.text = STR_NULL;
        }
    }
    if (r->open)
        return in_item(r, out);
    *more = false;
    return put_state(r, out, s->cut ? "incomplete" : "completed", true);
}

static int next(struct mock_req *r, struct buf *out, bool *more)
{
    *more = true;
    switch (r->step) {
    case STEP_CREATED:
        r->step = STEP_RUNNING;
        return put_state(r, out, "created", false);
    case STEP_RUNNING:
        r->step = STEP_ITEMS;
        return put_state(r, out, "in_progress", false);
    default:
        return in_items(r, out, more);
    }
}

static int error(struct buf *out, int status, const char *code,
                 const char *text)
{
    return mock_openai.error(out, status, code, text);
}

static int error_event(struct buf *out)
{
    return buf_puts(out, "event: error\ndata: {\"type\":\"error\",\"code\":"
                         "\"server_error\",\"message\":\"The server had an "
                         "error.\",\"param\":null,\"sequence_number\":0}"
                         "\n\n");
}

const struct mock_dialect mock_responses = {
    .match = match,
    .read = mock_responses_read,
    .whole = whole,
    .begin = begin,
    .next = next,
    .error = error,
    .error_event = error_event,
    .stream_type = "text/event-stream; charset=utf-8",
    .request_id = "x-request-id",
};
