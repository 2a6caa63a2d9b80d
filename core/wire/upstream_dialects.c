/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Watching answers of Cohere and Ollama, chats and vectors, and vectors of the
 * clouds: one scan, a look
 * at few members. */
#include "wire/upstream_dialects.h"

#include "base/json_bytes.h"
#include "wire/texts.h"
#include "wire/watch.h"

/* A member that says something: not null, false, "", [] or {}. */
static bool says(const struct json *j, uint32_t object, const char *name)
{
    uint32_t node = object == JSON_NONE
                        ? JSON_NONE
                        : json_member(j, object, str_of(name));

    return node != JSON_NONE && !wire_is_empty(j, node) &&
           j->nodes[node].type != JSON_T_FALSE;
}

static uint32_t member(const struct json *j, uint32_t object,
                       const char *name)
{
    if (object == JSON_NONE || j->nodes[object].type != JSON_T_OBJECT)
        return JSON_NONE;
    return json_member(j, object, str_of(name));
}

/* {"error": "text"}, {"error": {...}}, and where `flat` {"message": "..."}. */
static void watch_error(const struct json *j, bool flat, struct arena *a,
                        struct wire_watch *out)
{
    uint32_t error = member(j, 0, "error");

    if (says(j, 0, "error")) {
        out->error = true;
        if (j->nodes[error].type != JSON_T_OBJECT) {
            out->error_message = json_text(j, error, a);
            return;
        }
        out->error_code = watch_text(j, error, "code", a);
        out->error_type = watch_text(j, error, "type", a);
        out->error_message = watch_text(j, error, "message", a);
        return;
    }
    error = member(j, 0, "message");
    if (flat && error != JSON_NONE && j->nodes[error].type == JSON_T_STRING) {
        out->error = true;
        out->error_message = json_text(j, error, a);
    }
}

static int scan(struct str text, struct json *j, struct wire_watch *out,
                struct err *err)
{
    int rc;

    *out = (struct wire_watch){ .usage = USAGE_NONE };
    rc = json_scan(j, text, NULL, err);
    if (!rc && j->nodes[0].type != JSON_T_OBJECT)
        rc = err_set(err, ERR_SYNTAX, "expected a JSON object");
    return rc;
}

static int put_error_event(struct buf *out, const struct wire_error *e)
{
    int rc = buf_puts(out, "data: {\"error\":");

    rc = rc ? rc : buf_json_str(out, e->message);
    return rc ? rc : buf_puts(out, "}\n\n");
}

static bool answers_nobody(enum dialect d)
{
    (void)d;
    return false;
}

/* ---- Ollama ------------------------------------------------------------- */

static int ollama_watch(enum dialect d, struct str body, struct json *j,
                        struct arena *a, struct wire_watch *out,
                        struct err *err)
{
    int rc = scan(body, j, out, err);
    uint32_t message, done;

    if (rc)
        return rc;
    message = member(j, 0, "message");
    done = member(j, 0, "done");
    watch_error(j, false, a, out);
    out->content = says(j, message, "content") ||
                   says(j, message, "thinking") ||
                   says(j, message, "tool_calls");
    out->done = done != JSON_NONE && j->nodes[done].type == JSON_T_TRUE;
    out->finish = out->done;
    if (d == DIALECT_OLLAMA_EMBED)
        out->content = out->finish = says(j, 0, "embeddings");
    out->usage.input = watch_number(j, 0, "prompt_eval_count");
    out->usage.output = watch_number(j, 0, "eval_count");
    return 0;
}

static int ollama_event(enum dialect d, struct str event, struct str data,
                        struct json *scratch, struct arena *a,
                        struct wire_watch *out, struct err *err)
{
    (void)event;
    return ollama_watch(d, data, scratch, a, out, err);
}

static void no_usage_in_tail(struct str tail, struct arena *a,
                             struct usage *out)
{
    (void)tail, (void)a, (void)out; /* counts stand at the top: never cut */
}

/* ---- Cohere ------------------------------------------------------------- */

static void cohere_usage(const struct json *j, uint32_t usage,
                         struct usage *out)
{
    uint32_t seen = member(j, usage, "tokens");

    if (seen == JSON_NONE)
        seen = member(j, usage, "billed_units");
    out->input = watch_number(j, seen, "input_tokens");
    out->output = watch_number(j, seen, "output_tokens");
    out->reasoning = watch_number(j, seen, "reasoning_tokens");
    out->cache_read = watch_number(j, usage, "cached_tokens");
    if (out->cache_read > 0 && out->input >= out->cache_read)
        out->input -= out->cache_read;
}

/* finish_reason, usage and error, of an answer or of its last event. */
static void cohere_end(const struct json *j, uint32_t object,
                       struct arena *a, struct wire_watch *out)
{
    out->finish = says(j, object, "finish_reason");
    if (says(j, object, "error") ||
        watch_is(j, object, "finish_reason", "ERROR") ||
        watch_is(j, object, "finish_reason", "TIMEOUT")) {
        out->error = true;
        out->error_code = watch_text(j, object, "finish_reason", a);
        out->error_message = watch_text(j, object, "error", a);
    }
    cohere_usage(j, member(j, object, "usage"), &out->usage);
}

static int cohere_event(enum dialect d, struct str event, struct str data,
                        struct json *j, struct arena *a,
                        struct wire_watch *out, struct err *err)
{
    uint32_t delta;
    int rc;

    (void)d, (void)event;
    data = str_trim(data);
    *out = (struct wire_watch){ .usage = USAGE_NONE };
    out->done = str_is(data, "[DONE]"); /* not always there */
    if (out->done)
        return 0;
    rc = scan(data, j, out, err);
    if (rc)
        return rc;
    delta = member(j, 0, "delta");
    watch_error(j, member(j, 0, "type") == JSON_NONE, a, out);
    out->content = watch_is(j, 0, "type", "content-delta") ||
                   watch_is(j, 0, "type", "tool-plan-delta") ||
                   watch_is(j, 0, "type", "tool-call-start");
    if (watch_is(j, 0, "type", "message-end"))
        cohere_end(j, delta, a, out);
    return 0;
}

static int64_t billed_input(const struct json *j)
{
    return watch_number(j, member(j, member(j, 0, "meta"), "billed_units"),
                        "input_tokens");
}

static int cohere_body(enum dialect d, struct str body, struct json *j,
                       struct arena *a, struct wire_watch *out,
                       struct err *err)
{
    int rc = scan(body, j, out, err);

    if (rc)
        return rc;
    watch_error(j, true, a, out);
    if (d == DIALECT_COHERE_EMBED) {
        out->content = out->finish = says(j, 0, "embeddings");
        out->usage.input = billed_input(j);
        return 0;
    }
    out->content = says(j, 0, "message");
    if (!out->error)
        cohere_end(j, 0, a, out);
    return 0;
}

static void cohere_usage_in_tail(struct str tail, struct arena *a,
                                 struct usage *out)
{
    struct json j = { 0 };

    (void)a;
    if (watch_last_object(tail, "usage", &j))
        cohere_usage(&j, 0, out);
    json_clear(&j);
}

/* ---- vectors of Titan, Nova, Vertex AI ---------------------------------- */

static int vectors_body(enum dialect d, struct str body, struct json *j,
                        struct arena *a, struct wire_watch *out,
                        struct err *err)
{
    int rc = scan(body, j, out, err);

    if (rc)
        return rc;
    watch_error(j, true, a, out);
    out->content = out->finish = says(j, 0, "embedding") ||
                                 says(j, 0, "embeddings") ||
                                 says(j, 0, "predictions");
    out->usage.input = d == DIALECT_PREDICT_EMBED
                           ? watch_sum(j, member(j, 0, "predictions"),
                                       "embeddings.statistics.token_count")
                           : watch_number(j, 0, "inputTextTokenCount");
    return 0;
}

static int vectors_event(enum dialect d, struct str event, struct str data,
                     struct json *j, struct arena *a, struct wire_watch *out,
                     struct err *err)
{
    (void)event;
    return vectors_body(d, data, j, a, out, err);
}

static const char *const nothing[] = { NULL };

const struct dialect_ops ollama_dialect = {
    .watch_event = ollama_event,
    .watch_body = ollama_watch,
    .usage_in_tail = no_usage_in_tail,
    .answers = answers_nobody,
    .error_event = put_error_event,
    .max_tokens = nothing,
    .forwarded = nothing,
    .passed = nothing,
    .needs_done = true,
};

const struct dialect_ops cohere_dialect = {
    .watch_event = cohere_event,
    .watch_body = cohere_body,
    .usage_in_tail = cohere_usage_in_tail,
    .answers = answers_nobody,
    .error_event = put_error_event,
    .max_tokens = nothing,
    .forwarded = nothing,
    .passed = nothing,
};

const struct dialect_ops vectors_dialect = {
    .watch_event = vectors_event,
    .watch_body = vectors_body,
    .usage_in_tail = no_usage_in_tail,
    .answers = answers_nobody,
    .error_event = put_error_event,
    .max_tokens = nothing,
    .forwarded = nothing,
    .passed = nothing,
};
