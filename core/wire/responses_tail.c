/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The end of a Responses stream that the gateway ends, as the provider would
 * have said it: what is open is closed in order, each text whole, and the
 * last event repeats all of it. What is closed here is kept as if it had come
 * so, hence the last event needs no rule of its own.
 */
#include "wire/responses_kept.h"
#include "wire/watch.h"

enum { DATA_MAX = 64 << 20 }; /* of an event */

struct tail {
    struct wire_kept *k;
    const struct wire_stop *stop;
    struct arena *names;
    struct buf *out;
    struct buf data;  /* of the event at hand */
    struct buf text;  /* JSON of the text at hand */
    struct buf made;  /* JSON of what is closed */
    struct buf lists; /* contents, then summaries, of the item at hand */
    struct json j;    /* of what is closed, as it began */
    struct str id;    /* JSON of the open item's */
};

/* ---- events ------------------------------------------------------------- */

static int begin(struct tail *t, const char *type)
{
    buf_reset(&t->data);
    return buf_printf(&t->data, "{\"type\":\"%s\",\"sequence_number\":%lld",
                      type, (long long)++t->k->last);
}

static int end(struct tail *t, const char *type)
{
    int rc = buf_putc(&t->data, '}');

    return rc ? rc : wire_put_event(t->out, str_of(type), buf_str(&t->data));
}

static int put_member(struct tail *t, const char *name, struct str json)
{
    int rc = buf_printf(&t->data, ",\"%s\":", name);

    return rc ? rc : buf_put(&t->data, json);
}

static int put_place(struct tail *t, const struct said_item *it,
                     const struct said_part *p)
{
    int rc = put_member(t, "item_id", t->id);

    rc = rc ? rc : buf_printf(&t->data, ",\"output_index\":%u", it->index);
    if (rc || !p)
        return rc;
    return buf_printf(&t->data, ",\"%s\":%u",
                      p->part == RESPONSES_SUMMARY ? "summary_index"
                                                   : "content_index",
                      p->index);
}

/* What began as `raw` with other values for those members, in its place. */
static int become(struct tail *t, struct buf *raw,
                  const struct responses_with *with, size_t n)
{
    struct buf was = *raw;
    int rc;

    buf_reset(&t->made);
    rc = responses_put_with(&t->j, 0, t->names, with, n, &t->made);
    if (rc)
        return rc;
    *raw = t->made;
    t->made = was;
    return 0;
}

/* ---- parts -------------------------------------------------------------- */

static const struct {
    const char *text_done, *member, *part_done;
} parts[] = {
    [RESPONSES_PIECE] = { "response.output_text.done", "text",
                          "response.content_part.done" },
    [RESPONSES_REFUSAL] = { "response.refusal.done", "refusal",
                            "response.content_part.done" },
    [RESPONSES_SUMMARY] = { "response.reasoning_summary_text.done", "text",
                            "response.reasoning_summary_part.done" },
    [RESPONSES_REASONING] = { "response.reasoning_text.done", "text",
                              "response.content_part.done" },
};

/* The elements in the brackets of a list; p is NULL without any. */
static int put_list(struct buf *out, const struct buf *inside, struct str *list)
{
    int rc;

    if (!buf_len(inside))
        return 0;
    buf_reset(out);
    rc = buf_putc(out, '[');
    rc = rc ? rc : buf_put(out, buf_str(inside));
    rc = rc ? rc : buf_putc(out, ']');
    *list = buf_str(out);
    return rc;
}

static int say_text(struct tail *t, const struct said_item *it,
                    struct said_part *p, struct str probs)
{
    const char *type = parts[p->part].text_done;
    int rc = p->said ? 0 : begin(t, type);

    if (p->said || rc)
        return rc;
    rc = put_place(t, it, p);
    rc = rc ? rc : put_member(t, parts[p->part].member, buf_str(&t->text));
    if (!rc && p->part == RESPONSES_PIECE)
        rc = put_member(t, "logprobs", probs.p ? probs : STR("[]"));
    return rc ? rc : end(t, type);
}

static int say_part(struct tail *t, const struct said_item *it,
                    const struct said_part *p)
{
    const char *type = parts[p->part].part_done;
    int rc = p->added ? begin(t, type) : 0;

    if (!p->added || rc)
        return rc;
    rc = put_place(t, it, p);
    rc = rc ? rc : put_member(t, "part", buf_str(&p->raw));
    return rc ? rc : end(t, type);
}

static int close_part(struct tail *t, const struct said_item *it,
                      struct said_part *p)
{
    struct buf notes = BUF_INIT(DATA_MAX), probs = BUF_INIT(DATA_MAX);
    struct responses_with with[] = {
        { .name = parts[p->part].member, .add = true },
        { .name = "annotations", .add = true },
        { .name = "logprobs", .add = true },
    };
    int rc = wire_put_half(&p->text, &p->high);

    buf_reset(&t->text);
    rc = rc ? rc : buf_json_str(&t->text, buf_str(&p->text));
    rc = rc ? rc : put_list(&notes, &p->notes, &with[1].json);
    rc = rc ? rc : put_list(&probs, &p->probs, &with[2].json);
    with[0].json = buf_str(&t->text);
    rc = rc ? rc : json_scan(&t->j, buf_str(&p->raw), NULL, NULL);
    rc = rc ? rc : say_text(t, it, p, with[2].json);
    rc = rc ? rc : become(t, &p->raw, with, 3);
    rc = rc ? rc : say_part(t, it, p);
    p->over = true;
    buf_clear(&notes);
    buf_clear(&probs);
    return rc;
}

/* ---- items -------------------------------------------------------------- */

static int close_parts(struct tail *t, struct said_item *it)
{
    int rc = 0;

    for (uint32_t i = 0; i < it->n_parts && !rc; i++) {
        if (!it->parts[i].over)
            rc = close_part(t, it, &it->parts[i]);
    }
    return rc;
}

/* A list of the item's parts, of one of the two sorts; n is 0 for none. */
static int list_parts(struct tail *t, const struct said_item *it,
                      bool summaries, size_t *n)
{
    size_t was = buf_len(&t->lists);
    int rc = 0;

    for (uint32_t i = 0; i < it->n_parts && !rc; i++) {
        const struct said_part *p = &it->parts[i];

        if ((p->part == RESPONSES_SUMMARY) != summaries)
            continue;
        rc = buf_putc(&t->lists, buf_len(&t->lists) > was ? ',' : '[');
        rc = rc ? rc : buf_put(&t->lists, buf_str(&p->raw));
    }
    if (!rc && buf_len(&t->lists) > was)
        rc = buf_putc(&t->lists, ']');
    *n = buf_len(&t->lists) - was;
    return rc;
}

/* What its status is now. A call whose arguments are not whole never is
 * complete, and some items know no such word as incomplete. */
static struct str status(const struct tail *t, uint32_t item)
{
    static const char *const failing[] = { "web_search_call",
                                           "image_generation_call" };
    static const char *const texts[] = { "message", "reasoning" };

    for (size_t i = 0; i < 2; i++) {
        if (watch_is(&t->j, item, "type", failing[i]))
            return STR("\"failed\"");
        if (t->stop->finish == WIRE_FINISH_STOP &&
            watch_is(&t->j, item, "type", texts[i]))
            return STR("\"completed\"");
    }
    return STR("\"incomplete\"");
}

static int say_args(struct tail *t, const struct said_item *it,
                    const struct responses_call *call)
{
    uint32_t name = wire_member(&t->j, 0, "name");
    int rc;

    if (it->said)
        return 0;
    rc = begin(t, call->done);
    rc = rc ? rc : put_place(t, it, NULL);
    if (!rc && name != JSON_NONE && watch_is(&t->j, 0, "type",
                                             "function_call"))
        rc = put_member(t, "name", json_raw(&t->j, name));
    rc = rc ? rc : put_member(t, call->member, buf_str(&t->text));
    return rc ? rc : end(t, call->done);
}

static int say_item(struct tail *t, const struct said_item *it)
{
    static const char type[] = "response.output_item.done";
    int rc = begin(t, type);

    rc = rc ? rc : buf_printf(&t->data, ",\"output_index\":%u", it->index);
    rc = rc ? rc : put_member(t, "item", buf_str(&it->raw));
    return rc ? rc : end(t, type);
}

/* The item's members of text are those that the client got. */
static int fill_item(struct tail *t, struct said_item *it,
                     const struct responses_call *call)
{
    struct responses_with with[] = {
        { .name = "status", .json = status(t, 0) },
        { .name = "content", .add = true },
        { .name = "summary", .add = true },
        { .name = call ? call->member : "", .add = true },
    };
    size_t contents = 0, summaries = 0;
    int rc;

    buf_reset(&t->lists);
    rc = list_parts(t, it, false, &contents);
    rc = rc ? rc : list_parts(t, it, true, &summaries);
    if (rc)
        return rc;
    if (contents)
        with[1].json = (struct str){ buf_str(&t->lists).p, contents };
    if (summaries)
        with[2].json = (struct str){ buf_str(&t->lists).p + contents,
                                     summaries };
    if (call)
        with[3].json = buf_str(&t->text);
    return become(t, &it->raw, with, call ? 4 : 3);
}

static int close_item(struct tail *t, struct said_item *it)
{
    const struct responses_call *call;
    uint32_t id;
    int rc = json_scan(&t->j, buf_str(&it->raw), NULL, NULL);

    if (rc)
        return rc;
    id = wire_member(&t->j, 0, "id");
    t->id = id == JSON_NONE ? STR("\"\"") : json_raw(&t->j, id);
    rc = close_parts(t, it);
    rc = rc ? rc : json_scan(&t->j, buf_str(&it->raw), NULL, NULL);
    rc = rc ? rc : wire_put_half(&it->text, &it->high);
    buf_reset(&t->text);
    rc = rc ? rc : buf_json_str(&t->text, buf_str(&it->text));
    if (rc)
        return rc;
    call = responses_call(&t->j, 0);
    if (call)
        rc = say_args(t, it, call);
    rc = rc ? rc : fill_item(t, it, call);
    it->over = true;
    return rc ? rc : say_item(t, it);
}

/* ---- the response ------------------------------------------------------- */

static const struct {
    const char *type, *status, *details;
} ends[] = {
    [WIRE_FINISH_STOP] = { "response.completed", "\"completed\"", "null" },
    [WIRE_FINISH_LENGTH] = { "response.incomplete", "\"incomplete\"",
                             "{\"reason\":\"max_output_tokens\"}" },
    [WIRE_FINISH_FILTER] = { "response.incomplete", "\"incomplete\"",
                             "{\"reason\":\"content_filter\"}" },
};

static int put_usage(struct buf *out, const struct usage *u)
{
    int64_t cached = u->cache_read > 0 ? u->cache_read : 0;
    int64_t written = u->cache_write > 0 ? u->cache_write : 0;
    int64_t in = u->input + cached + written;

    if (u->input < 0 || u->output < 0)
        return buf_puts(out, "null");
    return buf_printf(out, "{\"input_tokens\":%lld,\"input_tokens_details\":"
                           "{\"cached_tokens\":%lld},\"output_tokens\":%lld,"
                           "\"output_tokens_details\":{\"reasoning_tokens\":"
                           "%lld},\"total_tokens\":%lld}",
                      (long long)in, (long long)cached,
                      (long long)u->output,
                      (long long)(u->reasoning > 0 ? u->reasoning : 0),
                      (long long)(in + u->output));
}

static int list_items(struct tail *t)
{
    int rc;

    buf_reset(&t->lists);
    rc = buf_putc(&t->lists, '[');
    for (uint32_t i = 0; i < t->k->n_items && !rc; i++) {
        rc = i ? buf_putc(&t->lists, ',') : 0;
        rc = rc ? rc : buf_put(&t->lists, buf_str(&t->k->items[i].raw));
    }
    return rc ? rc : buf_putc(&t->lists, ']');
}

int responses_put_ended(const struct json *j, uint32_t response,
                        struct arena *names, enum wire_finish f,
                        const struct responses_end *e, struct buf *out)
{
    const struct responses_with with[] = {
        { .name = "status", .json = str_of(ends[f].status) },
        { .name = "incomplete_details", .json = str_of(ends[f].details) },
        { .name = "output", .json = e->output, .add = true },
        { .name = "output_text", .json = STR("\"\"") },
        { .name = "usage", .json = e->usage },
    };

    return responses_put_with(j, response, names, with, 5, out);
}

/* The response that the stream began with. */
static int put_response(struct tail *t)
{
    static const struct str none = STR("{\"id\":\"\",\"object\":\"response\","
        "\"status\":\"\",\"incomplete_details\":null,\"output\":[]}");
    struct responses_end e;
    uint32_t r;
    int rc = json_scan(&t->j, t->stop->head.n ? t->stop->head : none, NULL,
                       NULL);

    buf_reset(&t->text);
    rc = rc ? rc : put_usage(&t->text, t->stop->usage);
    rc = rc ? rc : list_items(t);
    if (rc)
        return rc;
    e = (struct responses_end){ buf_str(&t->lists), buf_str(&t->text) };
    r = wire_member(&t->j, 0, "response");
    if (t->stop->head.n && (r == JSON_NONE ||
                            t->j.nodes[r].type != JSON_T_OBJECT)) {
        rc = json_scan(&t->j, none, NULL, NULL);
        r = 0;
    }
    r = r == JSON_NONE ? 0 : r;
    return rc ? rc : responses_put_ended(&t->j, r, t->names, t->stop->finish,
                                         &e, &t->data);
}

static int put_tail(struct tail *t)
{
    const char *type = ends[t->stop->finish].type;
    int rc = 0;

    for (uint32_t i = 0; i < t->k->n_items && !rc; i++) {
        if (!t->k->items[i].over)
            rc = close_item(t, &t->k->items[i]);
    }
    rc = rc ? rc : begin(t, type);
    rc = rc ? rc : buf_puts(&t->data, ",\"response\":");
    rc = rc ? rc : put_response(t);
    return rc ? rc : end(t, type);
}

int responses_stop_stream(enum dialect d, const struct wire_stop *stop,
                          struct buf *out)
{
    struct tail t = { .k = stop->kept, .stop = stop, .out = out,
                      .data = BUF_INIT(DATA_MAX), .text = BUF_INIT(DATA_MAX),
                      .made = BUF_INIT(DATA_MAX),
                      .lists = BUF_INIT(DATA_MAX) };
    int rc;

    (void)d;
    if (!stop->kept || stop->kept->lost)
        return -ERR_LIMIT;
    t.names = arena_new(1 << 20);
    rc = t.names ? put_tail(&t) : -ERR_NOMEM;
    arena_free(t.names);
    buf_clear(&t.data);
    buf_clear(&t.text);
    buf_clear(&t.made);
    buf_clear(&t.lists);
    json_clear(&t.j);
    return rc;
}
