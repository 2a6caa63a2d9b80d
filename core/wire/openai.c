/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Reading OpenAI requests, answers and errors by spans. */
#include "wire/openai.h"

#include "wire/openai_impl.h"

/* Fields that must be there, by dialect, and their JSON types. */
struct required {
    enum dialect dialect;
    const char *name;
    uint32_t types; /* bits of 1 << enum json_type */
    const char *expected;
};

#define T(type) (1u << (type))

static const struct required required[] = {
    { DIALECT_OPENAI_CHAT, "messages", T(JSON_T_ARRAY),
      "an array of messages" },
    { DIALECT_OPENAI_EMBEDDINGS, "input", T(JSON_T_STRING) | T(JSON_T_ARRAY),
      "a string or an array" },
};

int openai_bad(struct err *err, const char *field, const char *why)
{
    return err_at(err, ERR_INVALID_REQUEST, field, "Invalid '%s': %s", field,
                  why);
}

int openai_read_model(const struct json *b, struct arena *a,
                      struct wire_request *out, struct err *err)
{
    uint32_t node = json_member(b, 0, STR("model"));

    if (node == JSON_NONE)
        return err_at(err, ERR_INVALID_REQUEST, "model",
                      "you must provide a model parameter");
    if (b->nodes[node].type != JSON_T_STRING)
        return openai_bad(err, "model", "expected a string.");
    out->model = json_text(b, node, a);
    if (!out->model.p)
        return -ERR_NOMEM;
    if (out->model.n == 0 || out->model.n > 256)
        return openai_bad(err, "model", "expected 1 to 256 bytes.");
    return 0;
}

/* *out stays as it is where the member is absent or null. */
int openai_read_bool(const struct json *b, uint32_t object, const char *name,
                     bool *out, struct err *err)
{
    uint32_t node = json_member(b, object, str_of(name));

    if (node == JSON_NONE || b->nodes[node].type == JSON_T_NULL)
        return 0;
    if (b->nodes[node].type != JSON_T_TRUE &&
        b->nodes[node].type != JSON_T_FALSE)
        return openai_bad(err, name, "expected true or false.");
    *out = b->nodes[node].type == JSON_T_TRUE;
    return 0;
}

static int read_stream(const struct json *b, struct wire_request *out,
                       struct err *err)
{
    uint32_t options = json_member(b, 0, STR("stream_options"));
    int rc = openai_read_bool(b, 0, "stream", &out->stream, err);

    if (rc)
        return rc;
    if (options == JSON_NONE || b->nodes[options].type == JSON_T_NULL)
        return 0;
    if (b->nodes[options].type != JSON_T_OBJECT)
        return openai_bad(err, "stream_options", "expected an object.");
    if (!out->stream)
        return openai_bad(err, "stream_options",
                   "only allowed when 'stream' is true.");
    return openai_read_bool(b, options, "include_usage", &out->include_usage,
                            err);
}

/* Known where it makes sense; whether it does is the provider's business. */
static void read_max_tokens(const struct json *b, struct wire_request *out)
{
    static const char *const names[] = { "max_completion_tokens",
                                         "max_tokens" };

    out->max_tokens = -1;
    for (size_t i = 0; i < 2; i++) {
        uint32_t node = json_member(b, 0, str_of(names[i]));
        int64_t v;

        if (node == JSON_NONE)
            continue;
        if (json_int(b, node, &v) && v >= 0 && out->max_tokens < 0)
            out->max_tokens = v;
    }
}

static int check_required(enum dialect d, const struct json *b,
                          struct err *err)
{
    for (size_t i = 0; i < sizeof required / sizeof required[0]; i++) {
        const struct required *r = &required[i];
        uint32_t node;

        if (r->dialect != d)
            continue;
        node = json_member(b, 0, str_of(r->name));
        if (node == JSON_NONE)
            return err_at(err, ERR_INVALID_REQUEST, r->name,
                          "Missing required parameter: '%s'.", r->name);
        if (!(r->types & T(b->nodes[node].type)))
            return err_at(err, ERR_INVALID_REQUEST, r->name,
                          "Invalid type for '%s': expected %s.", r->name,
                          r->expected);
    }
    return 0;
}

static int read_request(enum dialect d, const struct json *body,
                        struct arena *a, struct wire_request *out,
                        struct err *err)
{
    int rc;

    *out = (struct wire_request){ .max_tokens = -1 };
    if (body->nodes[0].type != JSON_T_OBJECT)
        return err_set(err, ERR_INVALID_REQUEST,
                       "The body must be a JSON object.");
    rc = openai_read_model(body, a, out, err);
    if (!rc)
        rc = check_required(d, body, err);
    if (!rc && d != DIALECT_OPENAI_EMBEDDINGS)
        rc = read_stream(body, out, err);
    if (!rc && d != DIALECT_OPENAI_EMBEDDINGS)
        read_max_tokens(body, out);
    return rc;
}

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
    int rc = buf_puts(out, "data: ");

    rc = rc ? rc : put_error(out, e);
    return rc ? rc : buf_puts(out, "\n\n");
}

static int status_of(const struct err_info *info)
{
    return info->status_openai;
}

static const char *const max_tokens[] = { "/max_completion_tokens",
                                          "/max_tokens", NULL };
static const char *const forwarded[] = { "openai-", NULL };
static const char *const passed[] = { "openai-", "x-ratelimit-", NULL };

const struct dialect_ops openai_dialect = {
    .read = read_request,
    .field = openai_field,
    .set_field = openai_set_field,
    .texts = openai_texts,
    .watch_event = openai_watch_event,
    .watch_body = openai_watch_body,
    .usage_in_tail = openai_usage_in_tail,
    .answers = openai_answers,
    .answer = openai_answer,
    .status = status_of,
    .error = put_error,
    .error_event = put_error_event,
    .request_id = "x-request-id",
    .keepalive = ": keep-alive\n\n",
    .usage_wish = "/stream_options/include_usage",
    .max_tokens = max_tokens,
    .forwarded = forwarded,
    .passed = passed,
};
