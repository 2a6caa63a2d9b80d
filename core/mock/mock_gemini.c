/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Google's generateContent and its stream, as events (alt=sse) or as an
 * array, and countTokens. Each event has the shape of a whole answer; a call
 * goes whole, in one part. Ids are the same each time.
 * Shapes as in Google's API reference, read 2026-11.
 */
#include "mock/mock_gemini.h"

/* Where a stream is. */
enum { STEP_PIECES, STEP_LAST, STEP_END };

static enum mock_op match(struct str method, struct str path)
{
    static const struct {
        const char *method;
        enum mock_op op;
    } methods[] = {
        { ":generateContent", MOCK_GENERATE },
        { ":streamGenerateContent", MOCK_GENERATE },
        { ":countTokens", MOCK_COUNT },
    };

    if (!str_is(method, "POST") || !str_starts(path, STR("/v1beta/models/")))
        return MOCK_NOTHING;
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        struct str end = str_of(methods[i].method);

        if (path.n > end.n &&
            memcmp(path.p + path.n - end.n, end.p, end.n) == 0)
            return methods[i].op;
    }
    return MOCK_NOTHING;
}

static int put_usage(struct mock_req *r, struct buf *out)
{
    unsigned long long in = r->ask.prompt_tokens, made = r->gen.made;
    unsigned long long thought = r->gen.thought;
    int rc = buf_printf(out, "\"usageMetadata\":{\"promptTokenCount\":%llu,"
                             "\"candidatesTokenCount\":%llu,", in,
                        made - thought);

    if (!rc && thought)
        rc = buf_printf(out, "\"thoughtsTokenCount\":%llu,", thought);
    return rc ? rc : buf_printf(out, "\"totalTokenCount\":%llu}", in + made);
}

/* ---- parts --------------------------------------------------------------- */

static int put_text(struct buf *out, struct str text, bool thought)
{
    int rc = buf_puts(out, "{\"text\":");

    rc = rc ? rc : buf_json_str(out, text);
    return rc ? rc : buf_puts(out, thought ? ",\"thought\":true}" : "}");
}

static int put_call(struct mock_req *r, struct buf *out, struct str name,
                    struct str args)
{
    int rc = buf_printf(out, "{\"functionCall\":{\"id\":\"call_%s\","
                             "\"name\":", r->id + sizeof "chatcmpl-" - 1);

    rc = rc ? rc : buf_json_str(out, name);
    rc = rc ? rc : buf_puts(out, ",\"args\":");
    /* an object that maxOutputTokens cut is none */
    rc = rc ? rc : buf_put(out, r->gen.cut_short ? STR("{}") : args);
    return rc ? rc : buf_puts(out, "}}");
}

/* All pieces, each kind in a buffer of its own, as parts. */
static int put_parts(struct mock_req *r, struct buf b[4], struct buf *out)
{
    struct mock_piece p;
    const char *comma = "";
    int rc = 0;

    mock_gen_init(&r->gen, &r->ask, r->a);
    while (rc == 0 && mock_gen_run(&r->gen, &p))
        rc = buf_put(&b[p.kind], p.text);
    if (!rc && buf_len(&b[MOCK_P_THINK])) {
        rc = put_text(out, buf_str(&b[MOCK_P_THINK]), true);
        comma = ",";
    }
    if (!rc && buf_len(&b[MOCK_P_TEXT])) {
        rc = buf_puts(out, comma);
        rc = rc ? rc : put_text(out, buf_str(&b[MOCK_P_TEXT]), false);
        comma = ",";
    }
    if (!rc && buf_len(&b[MOCK_P_CALL])) {
        rc = buf_puts(out, comma);
        rc = rc ? rc : put_call(r, out, buf_str(&b[MOCK_P_CALL]),
                                buf_str(&b[MOCK_P_ARGS]));
    }
    return rc;
}

/* ---- answers ------------------------------------------------------------- */

static int begin_answer(struct buf *out)
{
    return buf_puts(out, "{\"candidates\":[{\"content\":{\"parts\":[");
}

static int end_answer(struct mock_req *r, bool last, struct buf *out)
{
    int rc = buf_puts(out, "],\"role\":\"model\"},");

    if (!rc && last)
        rc = buf_printf(out, "\"finishReason\":\"%s\",",
                        r->gen.cut_short ? "MAX_TOKENS" : "STOP");
    rc = rc ? rc : buf_puts(out, "\"index\":0}],");
    rc = rc ? rc : put_usage(r, out);
    rc = rc ? rc : buf_puts(out, ",\"modelVersion\":");
    rc = rc ? rc : buf_json_str(out, r->ask.name);
    return rc ? rc : buf_printf(out, ",\"responseId\":\"%s\"}",
                                r->id + sizeof "chatcmpl-" - 1);
}

static int whole(struct mock_req *r, struct buf *out)
{
    struct buf b[4];
    int rc;

    if (r->op == MOCK_COUNT)
        return buf_printf(out, "{\"totalTokens\":%llu}",
                          (unsigned long long)r->ask.prompt_tokens);
    for (int i = 0; i < 4; i++)
        buf_init(&b[i], MOCK_ANSWER_MAX);
    rc = begin_answer(out);
    rc = rc ? rc : put_parts(r, b, out);
    rc = rc ? rc : end_answer(r, true, out);
    for (int i = 0; i < 4; i++)
        buf_clear(&b[i]);
    return rc;
}

/* ---- streams ------------------------------------------------------------- */

static int begin(struct mock_req *r)
{
    mock_gen_init(&r->gen, &r->ask, r->a);
    r->step = STEP_PIECES;
    r->open = 0;
    return 0;
}

/* An event's edges: of SSE, or of an array's element. */
static int open_event(struct mock_req *r, struct buf *out)
{
    const char *edge = "data: ";

    if (r->d == &mock_gemini_array)
        edge = r->open ? ",\r\n" : "[";
    r->open = 1;
    return buf_puts(out, edge);
}

static int close_event(struct mock_req *r, struct buf *out)
{
    return r->d == &mock_gemini_array ? 0 : buf_puts(out, "\r\n\r\n");
}

/* The piece at hand is a call's name: its arguments are gathered. */
static int put_whole_call(struct mock_req *r, struct buf *out)
{
    struct str name = r->piece.text;
    struct buf args = BUF_INIT(MOCK_ANSWER_MAX);
    int rc = 0;

    while (!rc && mock_gen_next(&r->gen, &r->piece))
        rc = buf_put(&args, r->piece.text);
    rc = rc ? rc : put_call(r, out, name, buf_str(&args));
    buf_clear(&args);
    return rc;
}

static int piece(struct mock_req *r, struct buf *out)
{
    int rc;

    if (!mock_gen_next(&r->gen, &r->piece)) {
        r->step = STEP_LAST;
        return put_text(out, STR(""), false);
    }
    if (r->piece.kind == MOCK_P_CALL)
        return put_whole_call(r, out);
    rc = put_text(out, r->piece.text, r->piece.kind == MOCK_P_THINK);
    return rc;
}

static int next(struct mock_req *r, struct buf *out, bool *more)
{
    int rc;

    *more = true;
    if (r->step == STEP_END) {
        *more = false;
        return r->d == &mock_gemini_array ? buf_putc(out, ']') : 0;
    }
    rc = open_event(r, out);
    rc = rc ? rc : begin_answer(out);
    rc = rc ? rc : piece(r, out);
    rc = rc ? rc : end_answer(r, r->step == STEP_LAST, out);
    rc = rc ? rc : close_event(r, out);
    if (r->step != STEP_LAST)
        return rc;
    r->step = STEP_END;
    *more = r->d == &mock_gemini_array;
    return rc;
}

/* ---- errors -------------------------------------------------------------- */

static const struct {
    int status;
    const char *word, *text;
} errors[] = {
    { 400, "INVALID_ARGUMENT", "Request contains an invalid argument." },
    { 401, "UNAUTHENTICATED", "Request had invalid credentials." },
    { 403, "PERMISSION_DENIED", "The caller does not have permission" },
    { 404, "NOT_FOUND", "Requested entity was not found." },
    { 429, "RESOURCE_EXHAUSTED", "Resource has been exhausted." },
    { 499, "CANCELLED", "The operation was cancelled." },
    { 503, "UNAVAILABLE", "The model is overloaded." },
    { 504, "DEADLINE_EXCEEDED", "The request took too long." },
    { 500, "INTERNAL", "An internal error has occurred." }, /* the rest */
};

static int error(struct buf *out, int status, const char *code,
                 const char *text)
{
    size_t n = sizeof errors / sizeof errors[0], i = 0;
    int rc;

    (void)code; /* it is the status's word */
    while (i < n - 1 && errors[i].status != status)
        i++;
    rc = buf_printf(out, "{\"error\":{\"code\":%d,\"message\":", status);
    rc = rc ? rc : buf_json_str(out, str_of(text ? text : errors[i].text));
    return rc ? rc : buf_printf(out, ",\"status\":\"%s\"}}", errors[i].word);
}

static int error_event(struct buf *out)
{
    int rc = buf_puts(out, "data: ");

    rc = rc ? rc : error(out, 500, NULL, NULL);
    return rc ? rc : buf_puts(out, "\r\n\r\n");
}

static int error_element(struct buf *out)
{
    int rc = buf_puts(out, ",\r\n");

    rc = rc ? rc : error(out, 500, NULL, NULL);
    return rc ? rc : buf_putc(out, ']');
}

const struct mock_dialect mock_gemini = {
    .match = match,
    .read = mock_gemini_read,
    .whole = whole,
    .begin = begin,
    .next = next,
    .error = error,
    .error_event = error_event,
    .stream_type = "text/event-stream",
    .request_id = "x-request-id",
};

/* What a stream without alt=sse becomes when it is read. */
const struct mock_dialect mock_gemini_array = {
    .match = match,
    .read = mock_gemini_read,
    .whole = whole,
    .begin = begin,
    .next = next,
    .error = error,
    .error_event = error_element,
    .stream_type = "application/json; charset=UTF-8",
    .request_id = "x-request-id",
};
