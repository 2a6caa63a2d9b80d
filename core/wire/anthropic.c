/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Reading Anthropic's requests, and saying errors as it does: the path of
 * the field at fault stands in front of the message. */
#include "wire/anthropic.h"

#include "wire/anthropic_impl.h"

#define MODEL_BYTES 256

static int bad(struct err *err, const char *field, const char *why)
{
    return err_at(err, ERR_INVALID_REQUEST, field, "%s: %s", field, why);
}

static int read_model(const struct json *b, struct arena *a,
                      struct wire_request *out, struct err *err)
{
    uint32_t node = json_member(b, 0, STR("model"));

    if (node == JSON_NONE)
        return bad(err, "model", "Field required");
    if (b->nodes[node].type != JSON_T_STRING)
        return bad(err, "model", "Input should be a valid string");
    out->model = json_text(b, node, a);
    if (!out->model.p)
        return -ERR_NOMEM;
    if (out->model.n == 0 || out->model.n > MODEL_BYTES)
        return bad(err, "model", "String should have 1 to 256 bytes");
    return 0;
}

static int read_max_tokens(enum dialect d, const struct json *b,
                           struct wire_request *out, struct err *err)
{
    uint32_t node = json_member(b, 0, STR("max_tokens"));

    if (node == JSON_NONE)
        return d == DIALECT_ANTHROPIC
                   ? bad(err, "max_tokens", "Field required")
                   : 0;
    if (!json_int(b, node, &out->max_tokens))
        return bad(err, "max_tokens", "Input should be a valid integer");
    if (out->max_tokens < 0)
        return bad(err, "max_tokens",
                   "Input should be greater than or equal to 0");
    return 0;
}

static int read_stream(const struct json *b, struct wire_request *out,
                       struct err *err)
{
    uint32_t node = json_member(b, 0, STR("stream"));

    if (node == JSON_NONE)
        return 0;
    if (b->nodes[node].type != JSON_T_TRUE &&
        b->nodes[node].type != JSON_T_FALSE)
        return bad(err, "stream", "Input should be a valid boolean");
    out->stream = b->nodes[node].type == JSON_T_TRUE;
    return 0;
}

static int read_messages(const struct json *b, struct err *err)
{
    uint32_t node = json_member(b, 0, STR("messages"));

    if (node == JSON_NONE)
        return bad(err, "messages", "Field required");
    if (b->nodes[node].type != JSON_T_ARRAY)
        return bad(err, "messages", "Input should be a valid list");
    return 0;
}

static int read_request(enum dialect d, const struct json *body,
                        struct arena *a, struct wire_request *out,
                        struct err *err)
{
    int rc;

    *out = (struct wire_request){ .max_tokens = -1, .include_usage = true };
    if (body->nodes[0].type != JSON_T_OBJECT)
        return err_set(err, ERR_INVALID_REQUEST,
                       "The body must be a JSON object.");
    rc = read_model(body, a, out, err);
    if (!rc)
        rc = read_messages(body, err);
    if (!rc)
        rc = read_max_tokens(d, body, out, err);
    if (!rc && d == DIALECT_ANTHROPIC)
        rc = read_stream(body, out, err);
    return rc;
}

static int put_error(struct buf *out, const struct wire_error *e)
{
    int rc = buf_puts(out, "{\"type\":\"error\",\"error\":{\"type\":");

    rc = rc ? rc : buf_json_str(out, str_of(e->info->type_anthropic));
    rc = rc ? rc : buf_puts(out, ",\"message\":");
    rc = rc ? rc : buf_json_str(out, e->message);
    rc = rc ? rc : buf_puts(out, "},\"request_id\":");
    if (!rc)
        rc = e->request_id.p ? buf_json_str(out, e->request_id)
                             : buf_puts(out, "null");
    return rc ? rc : buf_putc(out, '}');
}

static int put_error_event(struct buf *out, const struct wire_error *e)
{
    int rc = buf_puts(out, "event: error\ndata: ");

    rc = rc ? rc : put_error(out, e);
    return rc ? rc : buf_puts(out, "\n\n");
}

static int status_of(const struct err_info *info)
{
    return info->status_anthropic;
}

static const char *const max_tokens[] = { "/max_tokens", NULL };
/* Betas are passed whatever their names are: they come and go. */
static const char *const forwarded[] = { "anthropic-version",
                                         "anthropic-beta", NULL };
static const char *const passed[] = { "anthropic-ratelimit-",
                                      "anthropic-priority-", NULL };

const struct dialect_ops anthropic_dialect = {
    .read = read_request,
    .field = anthropic_field,
    .set_field = anthropic_set_field,
    .texts = anthropic_texts,
    .unseal = anthropic_unseal,
    .watch_event = anthropic_watch_event,
    .watch_body = anthropic_watch_body,
    .usage_in_tail = anthropic_usage_in_tail,
    .answers = anthropic_answers,
    .answer = anthropic_answer,
    .status = status_of,
    .error = put_error,
    .error_event = put_error_event,
    .request_id = "request-id",
    .keepalive = "event: ping\ndata: {\"type\": \"ping\"}\n\n",
    .needs_done = true,
    .passes_query = true,
    .max_tokens = max_tokens,
    .forwarded = forwarded,
    .passed = passed,
};
