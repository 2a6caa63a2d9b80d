/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Reading Google's requests, and saying errors as it does. */
#include "wire/gemini.h"

#include "wire/gemini_impl.h"

/* ---- requests ----------------------------------------------------------- */

static uint32_t config_of(const struct json *b)
{
    uint32_t node = json_member(b, 0, STR("generationConfig"));

    if (node == JSON_NONE)
        node = json_member(b, 0, STR("generation_config"));
    return node != JSON_NONE && b->nodes[node].type == JSON_T_OBJECT
               ? node : JSON_NONE;
}

static int read_max_tokens(const struct json *b, struct wire_request *out,
                           struct err *err)
{
    uint32_t config = config_of(b), node;

    if (config == JSON_NONE)
        return 0;
    node = json_member(b, config, STR("maxOutputTokens"));
    if (node == JSON_NONE)
        node = json_member(b, config, STR("max_output_tokens"));
    if (node == JSON_NONE || b->nodes[node].type == JSON_T_NULL)
        return 0;
    if (!json_int(b, node, &out->max_tokens) || out->max_tokens < 0) {
        out->max_tokens = -1;
        return err_at(err, ERR_INVALID_REQUEST,
                      "generation_config.max_output_tokens",
                      "maxOutputTokens must be a positive integer.");
    }
    return 0;
}

static int read_request(enum dialect d, const struct json *body,
                        struct arena *a, struct wire_request *out,
                        struct err *err)
{
    const char *what = d == DIALECT_GEMINI_EMBED   ? "content"
                       : d == DIALECT_GEMINI_BATCH ? "requests"
                                                   : "contents";
    enum json_type type = d == DIALECT_GEMINI_EMBED ? JSON_T_OBJECT
                                                    : JSON_T_ARRAY;
    uint32_t node;

    (void)a;
    *out = (struct wire_request){ .max_tokens = -1, .include_usage = true };
    if (body->nodes[0].type != JSON_T_OBJECT)
        return err_set(err, ERR_INVALID_REQUEST,
                       "The body must be a JSON object.");
    node = json_member(body, 0, str_of(what));
    if (node == JSON_NONE && d == DIALECT_GEMINI_COUNT &&
        json_member(body, 0, STR("generateContentRequest")) != JSON_NONE)
        return 0;
    if (node == JSON_NONE || body->nodes[node].type != (uint32_t)type)
        return err_at(err, ERR_INVALID_REQUEST, what,
                      "* GenerateContentRequest.%s: %s is not specified",
                      what, what);
    return read_max_tokens(body, out, err);
}

/* A member may be spelled as in Google's protocol files; a request that had
 * both spellings would be refused, so that what is there is kept. */
struct place {
    struct str at[4]; /* the one to write first */
};

static const struct str configs[] = { STR("/generationConfig"),
                                      STR("/generation_config") };
static const struct place places[] = {
    [WIRE_MAX_TOKENS] = { { STR("/generationConfig/maxOutputTokens"),
                            STR("/generationConfig/max_output_tokens"),
                            STR("/generation_config/maxOutputTokens"),
                            STR("/generation_config/max_output_tokens") } },
    [WIRE_TEMPERATURE] = { { STR("/generationConfig/temperature"),
                             STR("/generation_config/temperature") } },
};

static bool has_place(enum dialect d, enum wire_field f)
{
    return d == DIALECT_GEMINI &&
           (f == WIRE_MAX_TOKENS || f == WIRE_TEMPERATURE);
}

/* Where it stands; else where it would, in the config that is there. */
static struct str place_of(enum wire_field f, const struct json_edits *e)
{
    const struct place *p = &places[f];

    for (size_t i = 0; i < 4 && p->at[i].p; i++) {
        if (json_edits_get(e, p->at[i]).p)
            return p->at[i];
    }
    for (size_t i = 0; i < 4 && p->at[i].p; i++) {
        bool snake = str_starts(p->at[i], configs[1]);

        if (json_edits_get(e, configs[snake]).p)
            return p->at[i];
    }
    return p->at[0];
}

static struct str field(enum dialect d, enum wire_field f,
                        const struct json_edits *e)
{
    struct str raw = has_place(d, f) ? json_edits_get(e, place_of(f, e))
                                     : STR_NULL;

    return raw.p && !str_is(raw, "null") ? raw : STR_NULL;
}

static int set_field(enum dialect d, enum wire_field f, struct json_edits *e,
                     struct str value, struct err *err)
{
    struct str at;
    int rc = 0;

    if (!has_place(d, f))
        return -ERR_NOTFOUND;
    at = place_of(f, e);
    if (!value.p)
        return json_edit_remove(e, at);
    if (!json_edits_get(e, configs[0]).p && !json_edits_get(e, configs[1]).p)
        rc = json_edit_set(e, configs[0], STR("{}"), err);
    return rc ? rc : json_edit_set(e, at, value, err);
}

/* ---- errors ------------------------------------------------------------- */

static int status_of(const struct err_info *info)
{
    return info->status_gemini;
}

static int put_details(struct buf *out, const struct wire_error *e)
{
    int rc = buf_puts(out, "{\"@type\":\"type.googleapis.com/google.rpc."
                           "ErrorInfo\",\"reason\":");

    rc = rc ? rc : buf_json_str(out, e->code);
    rc = rc ? rc : buf_puts(out, ",\"domain\":\"penstock\"}");
    if (!rc && e->request_id.n) {
        rc = buf_puts(out, ",{\"@type\":\"type.googleapis.com/google.rpc."
                           "RequestInfo\",\"requestId\":");
        rc = rc ? rc : buf_json_str(out, e->request_id);
        rc = rc ? rc : buf_putc(out, '}');
    }
    if (!rc && e->param.n) { /* a field at fault, by its path */
        rc = buf_puts(out, ",{\"@type\":\"type.googleapis.com/google.rpc."
                           "BadRequest\",\"fieldViolations\":[{\"field\":");
        rc = rc ? rc : buf_json_str(out, e->param);
        rc = rc ? rc : buf_puts(out, ",\"description\":");
        rc = rc ? rc : buf_json_str(out, e->message);
        rc = rc ? rc : buf_puts(out, "}]}");
    }
    if (rc || !e->retry_after_ms)
        return rc;
    return buf_printf(out, ",{\"@type\":\"type.googleapis.com/google.rpc."
                           "RetryInfo\",\"retryDelay\":\"%llu.%03us\"}",
                      (unsigned long long)(e->retry_after_ms / 1000),
                      (unsigned)(e->retry_after_ms % 1000));
}

static int put_error(struct buf *out, const struct wire_error *e)
{
    int rc = buf_printf(out, "{\"error\":{\"code\":%d,\"message\":",
                        e->status ? e->status : e->info->status_gemini);

    rc = rc ? rc : buf_json_str(out, e->message);
    rc = rc ? rc : buf_puts(out, ",\"status\":");
    rc = rc ? rc : buf_json_str(out, str_of(e->info->type_gemini));
    rc = rc ? rc : buf_puts(out, ",\"details\":[");
    rc = rc ? rc : put_details(out, e);
    return rc ? rc : buf_puts(out, "]}}");
}

static int put_error_event(struct buf *out, const struct wire_error *e)
{
    int rc = buf_puts(out, "data: ");

    rc = rc ? rc : put_error(out, e);
    return rc ? rc : buf_puts(out, "\r\n\r\n");
}

static const char *const max_tokens[] = {
    "/generationConfig/maxOutputTokens",
    "/generationConfig/max_output_tokens",
    "/generation_config/maxOutputTokens",
    "/generation_config/max_output_tokens", NULL
};
static const char *const forwarded[] = { "x-goog-api-client",
                                         "x-goog-user-project", NULL };
static const char *const passed[] = { "x-goog-", "x-gemini-", NULL };

const struct dialect_ops gemini_dialect = {
    .read = read_request,
    .field = field,
    .set_field = set_field,
    .texts = gemini_texts,
    .unseal = gemini_unseal,
    .watch_event = gemini_watch_event,
    .watch_body = gemini_watch_body,
    .usage_in_tail = gemini_usage_in_tail,
    .answers = gemini_answers,
    .answer = gemini_answer,
    .status = status_of,
    .error = put_error,
    .error_event = put_error_event,
    .request_id = "x-request-id",
    .keepalive = "", /* Google's SDKs read every line as JSON */
    .needs_done = false,
    .max_tokens = max_tokens,
    .forwarded = forwarded,
    .passed = passed,
};
