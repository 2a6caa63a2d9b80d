/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Watching answers. What an event is stands in its "type"; a block that
 * begins empty is no content yet, its deltas are. Kinds of blocks, deltas and
 * events that are not known are content's business, not ours: they come
 * every few weeks.
 *
 * Usage is told in two events and disjoint already: input in message_start,
 * output, which grows, in message_delta, which may repeat the rest.
 */
#include "wire/anthropic_impl.h"

#include "wire/texts.h"
#include "wire/watch.h"

static void read_usage(const struct json *j, uint32_t u, struct usage *out)
{
    uint32_t written, detail;

    if (u == JSON_NONE || j->nodes[u].type != JSON_T_OBJECT)
        return;
    written = json_member(j, u, STR("cache_creation"));
    detail = json_member(j, u, STR("output_tokens_details"));
    out->input = watch_number(j, u, "input_tokens");
    out->cache_read = watch_number(j, u, "cache_read_input_tokens");
    out->cache_write = watch_number(j, u, "cache_creation_input_tokens");
    out->cache_write_1h =
        watch_number(j, written, "ephemeral_1h_input_tokens");
    out->output = watch_number(j, u, "output_tokens");
    out->reasoning = watch_number(j, detail, "thinking_tokens");
    out->tier = watch_tier(j, u);
}

static void watch_error(const struct json *j, uint32_t e, struct arena *a,
                        struct wire_watch *out)
{
    out->error = true;
    if (e == JSON_NONE || j->nodes[e].type != JSON_T_OBJECT)
        return;
    out->error_type = watch_text(j, e, "type", a);
    out->error_message = watch_text(j, e, "message", a);
    out->error_code =
        watch_text(j, json_member(j, e, STR("details")), "error_code", a);
}

/* A block that says something with its start: a call, a result, what was
 * redacted. Texts and thoughts begin empty. */
static bool starts_with_content(const struct json *j, uint32_t block)
{
    if (watch_is(j, block, "type", "text"))
        return !wire_is_empty(j, json_member(j, block, STR("text")));
    if (watch_is(j, block, "type", "thinking"))
        return !wire_is_empty(j, json_member(j, block, STR("thinking"))) ||
               !wire_is_empty(j, json_member(j, block, STR("signature")));
    return block != JSON_NONE;
}

/* Any member but the type that is not empty: "" is how a call begins. */
static bool has_content(const struct json *j, uint32_t delta, struct arena *a)
{
    uint32_t at;

    if (delta == JSON_NONE || j->nodes[delta].type != JSON_T_OBJECT)
        return false;
    for (at = json_first(j, delta); at != JSON_NONE;
         at = json_sibling(j, delta, at)) {
        if (!str_is(json_name(j, at, a), "type") && !wire_is_empty(j, at))
            return true;
    }
    return false;
}

static void on_message_start(const struct json *j, struct arena *a,
                             struct wire_watch *out)
{
    uint32_t m = json_member(j, 0, STR("message"));

    (void)a;
    if (m != JSON_NONE)
        read_usage(j, json_member(j, m, STR("usage")), &out->usage);
}

static void on_block_start(const struct json *j, struct arena *a,
                           struct wire_watch *out)
{
    (void)a;
    out->content =
        starts_with_content(j, json_member(j, 0, STR("content_block")));
}

static void on_block_delta(const struct json *j, struct arena *a,
                           struct wire_watch *out)
{
    out->content = has_content(j, json_member(j, 0, STR("delta")), a);
}

static void on_message_delta(const struct json *j, struct arena *a,
                             struct wire_watch *out)
{
    uint32_t delta = json_member(j, 0, STR("delta"));

    out->finish = watch_text(j, delta, "stop_reason", a).n > 0;
    read_usage(j, json_member(j, 0, STR("usage")), &out->usage);
}

static void on_message_stop(const struct json *j, struct arena *a,
                            struct wire_watch *out)
{
    (void)j, (void)a;
    out->done = true;
}

static void on_error(const struct json *j, struct arena *a,
                     struct wire_watch *out)
{
    watch_error(j, json_member(j, 0, STR("error")), a, out);
}

static const struct {
    const char *type;
    void (*fn)(const struct json *j, struct arena *a, struct wire_watch *out);
} events[] = {
    { "content_block_delta", on_block_delta },
    { "content_block_start", on_block_start },
    { "message_start", on_message_start },
    { "message_delta", on_message_delta },
    { "message_stop", on_message_stop },
    { "error", on_error },
};

static int scan(struct str text, struct json *j, struct err *err)
{
    int rc = json_scan(j, text, NULL, err);

    if (!rc && j->nodes[0].type != JSON_T_OBJECT)
        rc = err_set(err, ERR_SYNTAX, "expected a JSON object");
    return rc;
}

int anthropic_watch_event(enum dialect d, struct str event, struct str data,
                          struct json *scratch, struct arena *a,
                          struct wire_watch *out, struct err *err)
{
    struct str type;
    int rc;

    (void)d;
    *out = (struct wire_watch){ .usage = USAGE_NONE };
    rc = scan(data, scratch, err);
    if (rc)
        return rc;
    type = watch_text(scratch, 0, "type", a);
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
        if (!str_is(type.n ? type : event, events[i].type))
            continue;
        events[i].fn(scratch, a, out);
        break;
    }
    return 0;
}

int anthropic_watch_body(enum dialect d, struct str body,
                         struct json *scratch, struct arena *a,
                         struct wire_watch *out, struct err *err)
{
    uint32_t e;
    int rc;

    *out = (struct wire_watch){ .usage = USAGE_NONE };
    rc = scan(body, scratch, err);
    if (rc)
        return rc;
    e = json_member(scratch, 0, STR("error"));
    if (!wire_is_empty(scratch, e) ||
        watch_is(scratch, 0, "type", "error")) {
        watch_error(scratch, e, a, out);
        return 0;
    }
    out->content = true;
    if (d != DIALECT_ANTHROPIC)
        return 0;
    out->finish = watch_text(scratch, 0, "stop_reason", a).n > 0;
    read_usage(scratch, json_member(scratch, 0, STR("usage")), &out->usage);
    return 0;
}

void anthropic_usage_in_tail(struct str tail, struct arena *a,
                             struct usage *out)
{
    struct json j = { 0 };

    (void)a;
    if (watch_last_object(tail, "usage", &j))
        read_usage(&j, 0, out);
    json_clear(&j);
}
