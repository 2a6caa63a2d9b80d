/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What the gateway itself says in a Responses stream: a piece of held text,
 * and the end of an answer that a policy stopped, made from the stream's own
 * events. How many events came before is not known here, so that a piece has
 * the number of the event that it stands before.
 */
#include "wire/responses_impl.h"
#include "wire/watch.h"

enum { DATA_MAX = 64 << 20 }; /* of an event; above what a text may be */

/* The last number of a stream whose length nobody counted. */
#define LAST_NUMBER "2147483647"

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

/* ---- the end of a stream ------------------------------------------------ */

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

/* What stands for a member of a stopped response; p NULL: it stays. */
static struct str stopped(struct str name, enum wire_finish f,
                          struct str usage)
{
    if (str_is(name, "status"))
        return str_of(ends[f].status);
    if (str_is(name, "incomplete_details"))
        return str_of(ends[f].details);
    if (str_is(name, "output"))
        return STR("[]");
    if (str_is(name, "output_text"))
        return STR("\"\"");
    return str_is(name, "usage") ? usage : STR_NULL;
}

/* The object with other values for those members; usage p NULL: as it is. */
static int put_stopped(const struct json *j, uint32_t object,
                       struct arena *names, enum wire_finish f,
                       struct str usage, struct buf *out)
{
    const char *at = j->text + j->nodes[object].start;
    int rc = 0;

    for (uint32_t m = json_first(j, object); m != JSON_NONE && !rc;
         m = json_sibling(j, object, m)) {
        struct str with = stopped(json_name(j, m, names), f, usage);
        struct str raw = json_raw(j, m);

        if (!with.p)
            continue;
        rc = buf_put(out, (struct str){ at, (size_t)(raw.p - at) });
        rc = rc ? rc : buf_put(out, with);
        at = raw.p + raw.n;
    }
    return rc ? rc : buf_put(out, (struct str){
        at, (size_t)(j->text + j->nodes[object].end - at) });
}

static int put_response(const struct json *j, const struct wire_stop *stop,
                        struct buf *out)
{
    uint32_t r = j->count ? wire_member(j, 0, "response") : JSON_NONE;
    struct buf usage = BUF_INIT(1024);
    struct arena *names = arena_new(1 << 20);
    int rc = names ? put_usage(&usage, stop->usage) : -ERR_NOMEM;

    if (!rc && r != JSON_NONE && j->nodes[r].type == JSON_T_OBJECT)
        rc = put_stopped(j, r, names, stop->finish, buf_str(&usage), out);
    else if (!rc)
        rc = buf_printf(out, "{\"id\":\"\",\"object\":\"response\","
                             "\"status\":%s,\"incomplete_details\":%s,"
                             "\"output\":[]}",
                        ends[stop->finish].status,
                        ends[stop->finish].details);
    arena_free(names);
    buf_clear(&usage);
    return rc;
}

int responses_stop_stream(enum dialect d, const struct wire_stop *stop,
                          struct buf *out)
{
    const char *type = ends[stop->finish].type;
    struct buf data = BUF_INIT(DATA_MAX);
    struct json j = { 0 };
    int rc = stop->head.n ? json_scan(&j, stop->head, NULL, NULL) : 0;

    (void)d;
    rc = rc ? rc : buf_printf(&data, "{\"type\":\"%s\",\"sequence_number\":"
                                     LAST_NUMBER ",\"response\":", type);
    rc = rc ? rc : put_response(&j, stop, &data);
    rc = rc ? rc : buf_putc(&data, '}');
    rc = rc ? rc : wire_put_event(out, str_of(type), buf_str(&data));
    json_clear(&j);
    buf_clear(&data);
    return rc;
}

int responses_stop_body(enum dialect d, const struct json *body,
                        struct arena *names, uint32_t choice,
                        enum wire_finish finish, struct buf *out)
{
    (void)d;
    (void)choice; /* items of one answer: none of it stays */
    return put_stopped(body, 0, names, finish, STR_NULL, out);
}
