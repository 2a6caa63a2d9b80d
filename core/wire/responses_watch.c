/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Watching Responses answers: what an event means is in its type. The last
 * one carries the whole response; a failed one is an error inside a 200.
 */
#include "wire/responses_impl.h"

#include "wire/watch.h"

static void read_usage(const struct json *j, uint32_t u, struct usage *out)
{
    uint32_t in = wire_member(j, u, "input_tokens_details");
    uint32_t reply = wire_member(j, u, "output_tokens_details");
    int64_t all = watch_number(j, u, "input_tokens");
    int64_t known;

    out->cache_read = watch_number(j, in, "cached_tokens");
    out->cache_write = watch_number(j, in, "cache_write_tokens");
    out->output = watch_number(j, u, "output_tokens");
    out->reasoning = watch_number(j, reply, "reasoning_tokens");
    known = (out->cache_read > 0 ? out->cache_read : 0) +
            (out->cache_write > 0 ? out->cache_write : 0);
    out->input = all < 0 ? all : all > known ? all - known : 0;
}

static void watch_error(const struct json *j, uint32_t e, struct arena *a,
                        struct wire_watch *out)
{
    out->error = true;
    out->error_code = watch_text(j, e, "code", a);
    out->error_type = watch_text(j, e, "type", a);
    out->error_message = watch_text(j, e, "message", a);
    if (str_is(out->error_type, "error")) /* the event's own */
        out->error_type = STR_NULL;
}

/* A response as the last event or a body holds it. */
static void watch_response(const struct json *j, uint32_t r, struct arena *a,
                           struct wire_watch *out)
{
    uint32_t error = wire_member(j, r, "error");
    uint32_t usage = wire_member(j, r, "usage");

    if (usage != JSON_NONE && j->nodes[usage].type == JSON_T_OBJECT) {
        read_usage(j, usage, &out->usage);
        out->usage.tier = watch_tier(j, r);
    }
    if (!wire_is_empty(j, error) || watch_is(j, r, "status", "failed"))
        watch_error(j, error, a, out);
    out->finish = watch_is(j, r, "status", "completed") ||
                  watch_is(j, r, "status", "incomplete");
}

static void on_last(const struct json *j, struct arena *a,
                    struct wire_watch *out)
{
    watch_response(j, wire_member(j, 0, "response"), a, out);
    out->done = !out->error;
}

static void on_error(const struct json *j, struct arena *a,
                     struct wire_watch *out)
{
    uint32_t inside = wire_member(j, 0, "error");

    watch_error(j, inside == JSON_NONE ? 0 : inside, a, out);
}

/* What tells that an answer is being made, before it says anything. */
static void on_nothing(const struct json *j, struct arena *a,
                       struct wire_watch *out)
{
    (void)j, (void)a, (void)out;
}

static void on_item(const struct json *j, struct arena *a,
                    struct wire_watch *out)
{
    uint32_t item = wire_member(j, 0, "item");

    (void)a; /* a message or reasoning has said nothing yet */
    out->content = !watch_is(j, item, "type", "message") &&
                   !watch_is(j, item, "type", "reasoning");
}

static const struct {
    const char *type;
    void (*fn)(const struct json *j, struct arena *a, struct wire_watch *out);
} events[] = {
    { "response.created", on_nothing },
    { "response.queued", on_nothing },
    { "response.in_progress", on_nothing },
    { "response.output_item.added", on_item },
    { "response.content_part.added", on_nothing },
    { "response.reasoning_summary_part.added", on_nothing },
    { "response.completed", on_last },
    { "response.incomplete", on_last },
    { "response.failed", on_last },
    { "response.cancelled", on_last },
    { "error", on_error },
    { "keepalive", on_nothing },
};

static int scan(struct str text, struct json *j, struct err *err)
{
    int rc = json_scan(j, text, NULL, err);

    if (!rc && j->nodes[0].type != JSON_T_OBJECT)
        rc = err_set(err, ERR_SYNTAX, "expected a JSON object");
    return rc;
}

int responses_watch_event(enum dialect d, struct str event, struct str data,
                          struct json *scratch, struct arena *a,
                          struct wire_watch *out, struct err *err)
{
    struct str type;
    int64_t number;
    int rc;

    (void)d;
    *out = (struct wire_watch){ .usage = USAGE_NONE };
    if (str_is(str_trim(data), "[DONE]")) /* some say it all the same */
        return 0;
    rc = scan(data, scratch, err);
    if (rc)
        return rc;
    number = watch_number(scratch, 0, "sequence_number");
    if (number >= 0 && number < UINT32_MAX)
        out->number = (uint32_t)number + 1;
    type = watch_text(scratch, 0, "type", a);
    if (!type.n)
        type = event;
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
        if (!str_is(type, events[i].type))
            continue;
        events[i].fn(scratch, a, out);
        return 0;
    }
    if (!type.n && !wire_is_empty(scratch, wire_member(scratch, 0, "error")))
        on_error(scratch, a, out);
    else
        out->content = true;
    return 0;
}

int responses_watch_body(enum dialect d, struct str body,
                         struct json *scratch, struct arena *a,
                         struct wire_watch *out, struct err *err)
{
    int rc;

    (void)d;
    *out = (struct wire_watch){ .usage = USAGE_NONE };
    rc = scan(body, scratch, err);
    if (rc)
        return rc;
    watch_response(scratch, 0, a, out);
    out->content = !out->error;
    return 0;
}

void responses_usage_in_tail(struct str tail, struct arena *a,
                             struct usage *out)
{
    struct json j = { 0 };

    (void)a;
    if (watch_last_object(tail, "usage", &j))
        read_usage(&j, 0, out);
    json_clear(&j);
}
