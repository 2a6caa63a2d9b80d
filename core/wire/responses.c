/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Reading Responses requests and saying errors; see wire/responses.h. */
#include "wire/responses.h"

#include "wire/needs.h"
#include "wire/openai_impl.h"
#include "wire/responses_impl.h"

static int check_input(const struct json *b, struct err *err)
{
    uint32_t node = json_member(b, 0, STR("input"));

    if (node == JSON_NONE) /* a kept prompt or conversation may hold it */
        return 0;
    switch (b->nodes[node].type) {
    case JSON_T_NULL:
    case JSON_T_STRING:
    case JSON_T_ARRAY:
        return 0;
    default:
        return openai_bad(err, "input",
                          "expected a string or an array of items.");
    }
}

static int read_request(enum dialect d, const struct json *body,
                        struct arena *a, struct wire_request *out,
                        struct err *err)
{
    uint32_t max = json_member(body, 0, STR("max_output_tokens"));
    int64_t v;
    int rc;

    *out = (struct wire_request){ .max_tokens = -1, .include_usage = true };
    if (body->nodes[0].type != JSON_T_OBJECT)
        return err_set(err, ERR_INVALID_REQUEST,
                       "The body must be a JSON object.");
    rc = openai_read_model(body, a, out, err);
    if (!rc)
        rc = check_input(body, err);
    if (!rc)
        rc = openai_read_bool(body, 0, "stream", &out->stream, err);
    if (d == DIALECT_RESPONSES_COUNT)
        out->stream = false; /* a count is one number */
    if (!rc && max != JSON_NONE && json_int(body, max, &v) && v >= 0)
        out->max_tokens = v;
    return rc;
}

const char *responses_stateful(const struct json *body)
{
    static const char *const names[] = { "previous_response_id",
                                         "conversation", "prompt" };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        uint32_t node = json_member(body, 0, str_of(names[i]));

        if (node != JSON_NONE && body->nodes[node].type != JSON_T_NULL)
            return names[i];
    }
    return NULL;
}

/* ---- fields ------------------------------------------------------------- */

static const struct str places[] = {
    [WIRE_MODEL] = { "/model", 6 },
    [WIRE_STREAM] = { "/stream", 7 },
    [WIRE_MAX_TOKENS] = { "/max_output_tokens", 18 },
    [WIRE_TEMPERATURE] = { "/temperature", 12 },
    [WIRE_USER] = { "/user", 5 },
};

struct str responses_field(enum dialect d, enum wire_field f,
                           const struct json_edits *e)
{
    struct str raw = json_edits_get(e, places[f]);

    (void)d;
    return raw.p && !str_is(raw, "null") ? raw : STR_NULL;
}

/* Only a stream has options: upstream refuses them otherwise. */
int responses_set_field(enum dialect d, enum wire_field f,
                        struct json_edits *e, struct str value,
                        struct err *err)
{
    int rc = 0;

    (void)d;
    if (f == WIRE_STREAM && (!value.p || str_is(value, "false")))
        rc = json_edit_remove(e, STR("/stream_options"));
    if (rc)
        return rc;
    return value.p ? json_edit_set(e, places[f], value, err)
                   : json_edit_remove(e, places[f]);
}

/* ---- errors ------------------------------------------------------------- */

static int put_or_null(struct buf *out, struct str s)
{
    return s.n ? buf_json_str(out, s) : buf_puts(out, "null");
}

static int put_error(struct buf *out, const struct wire_error *e)
{
    int rc = buf_puts(out, "{\"error\":{\"message\":");

    rc = rc ? rc : buf_json_str(out, e->message);
    rc = rc ? rc : buf_puts(out, ",\"type\":");
    rc = rc ? rc : buf_json_str(out, str_of(e->info->type_openai));
    rc = rc ? rc : buf_puts(out, ",\"param\":");
    rc = rc ? rc : put_or_null(out, e->param);
    rc = rc ? rc : buf_puts(out, ",\"code\":");
    rc = rc ? rc : put_or_null(out, e->code);
    return rc ? rc : buf_puts(out, "}}");
}

static int put_error_event(struct buf *out, const struct wire_error *e)
{
    int rc = buf_puts(out, "event: error\ndata: {\"type\":\"error\","
                           "\"code\":");

    rc = rc ? rc : put_or_null(out, e->code);
    rc = rc ? rc : buf_puts(out, ",\"message\":");
    rc = rc ? rc : buf_json_str(out, e->message);
    rc = rc ? rc : buf_puts(out, ",\"param\":");
    rc = rc ? rc : put_or_null(out, e->param);
    return rc ? rc : buf_printf(out, ",\"sequence_number\":%lu}\n\n",
                                (unsigned long)e->number);
}

static int status_of(const struct err_info *info)
{
    return info->status_openai;
}

static const char *const max_tokens[] = { "/max_output_tokens", NULL };
static const char *const forwarded[] = { "openai-", NULL };
static const char *const passed[] = { "openai-", "x-ratelimit-", NULL };

const struct dialect_ops responses_dialect = {
    .read = read_request,
    .field = responses_field,
    .set_field = responses_set_field,
    .texts = responses_texts,
    .unseal = responses_unseal,
    .watch_event = responses_watch_event,
    .watch_body = responses_watch_body,
    .usage_in_tail = responses_usage_in_tail,
    .answers = responses_answers,
    .answer = responses_answer,
    .status = status_of,
    .error = put_error,
    .error_event = put_error_event,
    .request_id = "x-request-id",
    .keepalive = ": keep-alive\n\n",
    .needs_done = true,
    .max_tokens = max_tokens,
    .forwarded = forwarded,
    .passed = passed,
};
