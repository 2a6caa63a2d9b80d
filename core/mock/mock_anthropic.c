/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Answers in Anthropic's shapes: messages, whole or as a stream, and counts
 * of tokens, errors. Ids are the same each time. Blocks come one after the
 * other: one of thoughts, one of text, one for a call.
 * Shapes as in Anthropic's API reference, read 2026-11.
 */
#include "mock/mock_anthropic.h"

/* Where a stream is. */
enum { STEP_START, STEP_PING, STEP_BLOCKS, STEP_STOP };

#define SIGNED 100u /* a block of thoughts of which only the end is left */

static const struct {
    const char *path;
    enum mock_op op;
} endpoints[] = {
    { "/messages", MOCK_MESSAGES },
    { "/messages/count_tokens", MOCK_COUNT },
};

static enum mock_op match(struct str method, struct str path)
{
    if (str_starts(path, STR("/v1/"))) {
        path.p += 3;
        path.n -= 3;
    }
    for (size_t i = 0; i < sizeof endpoints / sizeof endpoints[0]; i++) {
        if (str_is(method, "POST") && str_is(path, endpoints[i].path))
            return endpoints[i].op;
    }
    return MOCK_NOTHING;
}

/* The part of the id that depends on the request. */
static const char *serial(const struct mock_req *r)
{
    return r->id + sizeof "chatcmpl-" - 1;
}

static const char *stop_reason(const struct mock_req *r)
{
    const struct mock_ask *ask = &r->ask;

    if (r->gen.cut_short)
        return "max_tokens";
    if (ask->tool.p && !ask->tool_answer.p)
        return "tool_use";
    return "end_turn";
}

static int put_head(struct mock_req *r, struct buf *out)
{
    return buf_printf(out,
                      "{\"id\":\"msg_%s\",\"type\":\"message\","
                      "\"role\":\"assistant\",\"model\":\"" STR_FMT "\",",
                      serial(r), STR_ARG(r->ask.name));
}

static int put_usage(struct mock_req *r, uint64_t made, struct buf *out)
{
    return buf_printf(out,
                      "\"usage\":{\"input_tokens\":%llu,"
                      "\"cache_creation_input_tokens\":0,"
                      "\"cache_read_input_tokens\":0,"
                      "\"output_tokens\":%llu,\"service_tier\":\"standard\"}",
                      (unsigned long long)r->ask.prompt_tokens,
                      (unsigned long long)made);
}

static int put_final_usage(struct mock_req *r, struct buf *out)
{
    return buf_printf(out,
                      "\"usage\":{\"output_tokens\":%llu,"
                      "\"output_tokens_details\":{\"thinking_tokens\":%llu}}",
                      (unsigned long long)r->gen.made,
                      (unsigned long long)r->gen.thought);
}

/* ---- whole ------------------------------------------------------------- */

static int put_thinking(struct buf *out, struct str thoughts)
{
    char signature[MOCK_SIGNATURE_BYTES];
    int rc = buf_puts(out, "{\"type\":\"thinking\",\"thinking\":");

    mock_signature(mock_sign(MOCK_SIGN_START, thoughts), signature);
    rc = rc ? rc : buf_json_str(out, thoughts);
    return rc ? rc : buf_printf(out, ",\"signature\":\"%s\"}", signature);
}

static int put_text(struct buf *out, struct str text)
{
    int rc = buf_puts(out, "{\"type\":\"text\",\"text\":");

    rc = rc ? rc : buf_json_str(out, text);
    return rc ? rc : buf_putc(out, '}');
}

static int put_call(struct mock_req *r, struct buf *out, struct str name,
                    struct str args)
{
    int rc = buf_printf(out, "{\"type\":\"tool_use\",\"id\":\"toolu_%s\","
                             "\"name\":", serial(r));

    rc = rc ? rc : buf_json_str(out, name);
    rc = rc ? rc : buf_puts(out, ",\"input\":");
    /* an object that max_tokens cut is none */
    rc = rc ? rc : buf_put(out, r->gen.cut_short ? STR("{}") : args);
    return rc ? rc : buf_putc(out, '}');
}

static int put_content(struct mock_req *r, struct buf b[4], struct buf *out)
{
    const char *comma = "";
    int rc = 0;

    if (buf_len(&b[MOCK_P_THINK])) {
        rc = put_thinking(out, buf_str(&b[MOCK_P_THINK]));
        comma = ",";
    }
    if (!rc && buf_len(&b[MOCK_P_TEXT])) {
        rc = buf_puts(out, comma);
        rc = rc ? rc : put_text(out, buf_str(&b[MOCK_P_TEXT]));
        comma = ",";
    }
    if (!rc && buf_len(&b[MOCK_P_CALL])) {
        rc = buf_puts(out, comma);
        rc = rc ? rc : put_call(r, out, buf_str(&b[MOCK_P_CALL]),
                                buf_str(&b[MOCK_P_ARGS]));
    }
    return rc;
}

static int put_message(struct mock_req *r, struct buf b[4], struct buf *out)
{
    struct mock_piece p;
    int rc = 0;

    mock_gen_init(&r->gen, &r->ask, r->a);
    while (rc == 0 && mock_gen_run(&r->gen, &p))
        rc = buf_put(&b[p.kind], p.text);
    rc = rc ? rc : put_head(r, out);
    rc = rc ? rc : buf_puts(out, "\"content\":[");
    rc = rc ? rc : put_content(r, b, out);
    rc = rc ? rc : buf_printf(out, "],\"stop_reason\":\"%s\","
                                   "\"stop_sequence\":null,", stop_reason(r));
    rc = rc ? rc : put_usage(r, r->gen.made, out);
    return rc ? rc : buf_putc(out, '}');
}

static int whole(struct mock_req *r, struct buf *out)
{
    struct buf b[4];
    int rc;

    if (r->op == MOCK_COUNT)
        return buf_printf(out, "{\"input_tokens\":%llu}",
                          (unsigned long long)r->ask.prompt_tokens);
    for (int i = 0; i < 4; i++)
        buf_init(&b[i], MOCK_ANSWER_MAX);
    rc = put_message(r, b, out);
    for (int i = 0; i < 4; i++)
        buf_clear(&b[i]);
    return rc;
}

/* ---- stream ------------------------------------------------------------ */

static int open_event(struct buf *out, const char *type)
{
    return buf_printf(out, "event: %s\ndata: {\"type\":\"%s\"", type, type);
}

static int end_event(struct buf *out, int rc)
{
    return rc ? rc : buf_puts(out, "}\n\n");
}

static int begin(struct mock_req *r)
{
    mock_gen_init(&r->gen, &r->ask, r->a);
    r->step = STEP_START;
    r->choice = r->open = 0;
    r->piece.text = STR_NULL;
    return 0;
}

static int start(struct mock_req *r, struct buf *out)
{
    int rc = open_event(out, "message_start");

    rc = rc ? rc : buf_puts(out, ",\"message\":");
    rc = rc ? rc : put_head(r, out);
    rc = rc ? rc : buf_puts(out, "\"content\":[],\"stop_reason\":null,"
                                 "\"stop_sequence\":null,");
    rc = rc ? rc : put_usage(r, 1, out);
    rc = rc ? rc : buf_putc(out, '}');
    return end_event(out, rc);
}

/* A block begins empty; of a call, its name is there. */
static int open_block(struct mock_req *r, struct buf *out)
{
    int rc = open_event(out, "content_block_start");

    rc = rc ? rc : buf_printf(out, ",\"index\":%u,\"content_block\":",
                              r->choice);
    r->open = r->piece.kind + 1u;
    if (r->piece.kind == MOCK_P_THINK) {
        r->sum = MOCK_SIGN_START;
        rc = rc ? rc : buf_puts(out, "{\"type\":\"thinking\",\"thinking\":"
                                     "\"\",\"signature\":\"\"}");
    } else if (r->piece.kind == MOCK_P_TEXT) {
        rc = rc ? rc : put_text(out, STR(""));
    } else {
        rc = rc ? rc : buf_printf(out, "{\"type\":\"tool_use\",\"id\":"
                                       "\"toolu_%s\",\"name\":", serial(r));
        rc = rc ? rc : buf_json_str(out, r->piece.text);
        rc = rc ? rc : buf_puts(out, ",\"input\":{}}");
        r->open = MOCK_P_ARGS + 1u; /* which follow */
        r->piece.text = STR_NULL;
    }
    return end_event(out, rc);
}

static int put_delta(struct mock_req *r, struct buf *out, const char *opening,
                     struct str text)
{
    int rc = open_event(out, "content_block_delta");

    rc = rc ? rc : buf_printf(out, ",\"index\":%u,\"delta\":%s", r->choice,
                              opening);
    rc = rc ? rc : buf_json_str(out, text);
    rc = rc ? rc : buf_putc(out, '}');
    return end_event(out, rc);
}

static int delta(struct mock_req *r, struct buf *out)
{
    static const char *const openings[] = {
        [MOCK_P_THINK] = "{\"type\":\"thinking_delta\",\"thinking\":",
        [MOCK_P_TEXT] = "{\"type\":\"text_delta\",\"text\":",
        [MOCK_P_ARGS] = "{\"type\":\"input_json_delta\",\"partial_json\":",
    };
    struct str text = r->piece.text;

    r->piece.text = STR_NULL;
    if (r->piece.kind == MOCK_P_THINK)
        r->sum = mock_sign(r->sum, text);
    return put_delta(r, out, openings[r->piece.kind], text);
}

/* The end of a block; what was thought is signed in an event before it. */
static int close_block(struct mock_req *r, struct buf *out)
{
    char signature[MOCK_SIGNATURE_BYTES];
    int rc;

    if (r->open == MOCK_P_THINK + 1u) {
        r->open = SIGNED;
        mock_signature(r->sum, signature);
        return put_delta(r, out,
                         "{\"type\":\"signature_delta\",\"signature\":",
                         str_of(signature));
    }
    r->open = 0;
    rc = open_event(out, "content_block_stop");
    rc = rc ? rc : buf_printf(out, ",\"index\":%u", r->choice++);
    return end_event(out, rc);
}

static int message_delta(struct mock_req *r, struct buf *out)
{
    int rc = open_event(out, "message_delta");

    rc = rc ? rc : buf_printf(out, ",\"delta\":{\"stop_reason\":\"%s\","
                                   "\"stop_sequence\":null},",
                              stop_reason(r));
    rc = rc ? rc : put_final_usage(r, out);
    return end_event(out, rc);
}

/* One event: of the piece at hand, else of the next. */
static int blocks(struct mock_req *r, struct buf *out)
{
    if (!r->piece.text.p && !mock_gen_next(&r->gen, &r->piece)) {
        if (r->open)
            return close_block(r, out);
        r->step = STEP_STOP;
        return message_delta(r, out);
    }
    if (r->open && r->open != r->piece.kind + 1u)
        return close_block(r, out);
    return r->open ? delta(r, out) : open_block(r, out);
}

static int next(struct mock_req *r, struct buf *out, bool *more)
{
    *more = true;
    switch (r->step) {
    case STEP_START:
        r->step = STEP_PING;
        return start(r, out);
    case STEP_PING:
        r->step = STEP_BLOCKS;
        return buf_puts(out, "event: ping\ndata: {\"type\": \"ping\"}\n\n");
    case STEP_BLOCKS:
        return blocks(r, out);
    default:
        *more = false;
        return end_event(out, open_event(out, "message_stop"));
    }
}

/* ---- errors ------------------------------------------------------------ */

static const struct {
    int status;
    const char *type, *text;
} errors[] = {
    { 400, "invalid_request_error", "The request is not valid." },
    { 401, "authentication_error", "invalid x-api-key" },
    { 402, "billing_error", "Out of credit." },
    { 403, "permission_error", "You may not do that." },
    { 404, "not_found_error", "There is nothing here." },
    { 413, "request_too_large", "Request exceeds the maximum size" },
    { 429, "rate_limit_error", "Rate limit reached." },
    { 504, "timeout_error", "The request took too long." },
    { 529, "overloaded_error", "Overloaded" },
    { 500, "api_error", "Internal server error" }, /* the rest */
};

static int error(struct buf *out, int status, const char *code,
                 const char *text)
{
    size_t n = sizeof errors / sizeof errors[0], i = 0;
    int rc;

    (void)code; /* it has none */
    while (i < n - 1 && errors[i].status != status)
        i++;
    rc = buf_printf(out,
                    "{\"type\":\"error\",\"error\":{\"type\":\"%s\","
                    "\"message\":", errors[i].type);
    rc = rc ? rc : buf_json_str(out, str_of(text ? text : errors[i].text));
    return rc ? rc : buf_puts(out, "},\"request_id\":null}");
}

static int error_event(struct buf *out)
{
    int rc = buf_puts(out, "event: error\ndata: ");

    rc = rc ? rc : error(out, 500, NULL, NULL);
    return rc ? rc : buf_puts(out, "\n\n");
}

const struct mock_dialect mock_anthropic = {
    .match = match,
    .read = mock_anthropic_read,
    .whole = whole,
    .begin = begin,
    .next = next,
    .error = error,
    .error_event = error_event,
    .stream_type = "text/event-stream; charset=utf-8",
    .request_id = "request-id",
};
