/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Answers in OpenAI's shapes: chat completions and completions, whole or as a
 * stream, embeddings, models, errors. Ids and dates are the same each time.
 * Shapes as in OpenAI's API reference, read 2026-11.
 */
#include "mock/mock_impl.h"

#define CREATED 1767225600 /* 2026-01-01 */

/* Where a stream is: its first event, pieces, the finish, usage, the end. */
enum { STEP_ROLE, STEP_PIECES, STEP_FINISH, STEP_USAGE, STEP_DONE };

static const struct {
    const char *method, *path;
    enum mock_op op;
} endpoints[] = {
    { "POST", "/chat/completions", MOCK_CHAT },
    { "POST", "/completions", MOCK_TEXT },
    { "POST", "/embeddings", MOCK_EMBEDDINGS },
    { "GET", "/models", MOCK_MODELS },
};

static enum mock_op match(struct str method, struct str path)
{
    if (str_starts(path, STR("/v1/"))) {
        path.p += 3;
        path.n -= 3;
    }
    for (size_t i = 0; i < sizeof endpoints / sizeof endpoints[0]; i++) {
        if (str_is(method, endpoints[i].method) &&
            str_is(path, endpoints[i].path))
            return endpoints[i].op;
    }
    if (str_is(method, "GET") && str_starts(path, STR("/models/")))
        return MOCK_MODELS;
    return MOCK_NOTHING;
}

static int put_usage(struct mock_req *r, struct buf *out)
{
    unsigned long long in = r->ask.prompt_tokens, made = r->gen.made;
    unsigned long long thought = r->gen.thought;

    made *= r->ask.choices;
    thought *= r->ask.choices;
    return buf_printf(
        out,
        "{\"prompt_tokens\":%llu,\"completion_tokens\":%llu,"
        "\"total_tokens\":%llu,"
        "\"prompt_tokens_details\":{\"cached_tokens\":0,\"audio_tokens\":0},"
        "\"completion_tokens_details\":{\"reasoning_tokens\":%llu,"
        "\"audio_tokens\":0,\"accepted_prediction_tokens\":0,"
        "\"rejected_prediction_tokens\":0}}",
        in, made, in + made, thought);
}

static const char *finish(const struct mock_req *r)
{
    const struct mock_ask *ask = &r->ask;

    if (r->gen.cut_short)
        return "length";
    if (ask->tool.p && !ask->tool_answer.p)
        return "tool_calls";
    return "stop";
}

static int put_head(struct mock_req *r, const char *object, struct buf *out)
{
    return buf_printf(out,
                      "{\"id\":\"%s\",\"object\":\"%s\",\"created\":%d,"
                      "\"model\":\"" STR_FMT "\",",
                      r->id, object, CREATED, STR_ARG(r->ask.name));
}

/* ---- whole ------------------------------------------------------------- */

/* All pieces, each kind in a buffer of its own. */
static int gather(struct mock_req *r, struct buf b[4])
{
    struct mock_piece p;
    int rc = 0;

    mock_gen_init(&r->gen, &r->ask, r->a);
    while (rc == 0 && mock_gen_run(&r->gen, &p))
        rc = buf_put(&b[p.kind], p.text);
    return rc;
}

static int put_message(struct mock_req *r, struct buf b[4], struct buf *out)
{
    bool call = buf_len(&b[MOCK_P_CALL]) > 0;
    int rc = buf_puts(out, "{\"role\":\"assistant\",\"content\":");

    if (rc == 0)
        rc = call ? buf_puts(out, "null")
                  : buf_json_str(out, buf_str(&b[MOCK_P_TEXT]));
    if (rc == 0 && buf_len(&b[MOCK_P_THINK])) {
        rc = buf_puts(out, ",\"reasoning_content\":");
        if (rc == 0)
            rc = buf_json_str(out, buf_str(&b[MOCK_P_THINK]));
    }
    if (rc == 0 && call) {
        rc = buf_printf(out,
                        ",\"tool_calls\":[{\"id\":\"call_%s\","
                        "\"type\":\"function\",\"function\":{\"name\":",
                        r->id + sizeof "chatcmpl" - 1 + 1);
        if (rc == 0)
            rc = buf_json_str(out, buf_str(&b[MOCK_P_CALL]));
        if (rc == 0)
            rc = buf_puts(out, ",\"arguments\":");
        if (rc == 0)
            rc = buf_json_str(out, buf_str(&b[MOCK_P_ARGS]));
        if (rc == 0)
            rc = buf_puts(out, "}}]");
    }
    return rc ? rc : buf_puts(out, ",\"refusal\":null}");
}

static int put_choice(struct mock_req *r, uint32_t i, struct buf b[4],
                      struct buf *out)
{
    int rc = buf_printf(out, "%s{\"index\":%u,", i ? "," : "", i);

    if (rc == 0 && r->op == MOCK_TEXT) {
        rc = buf_puts(out, "\"text\":");
        if (rc == 0)
            rc = buf_json_str(out, buf_str(&b[MOCK_P_TEXT]));
    } else if (rc == 0) {
        rc = buf_puts(out, "\"message\":");
        if (rc == 0)
            rc = put_message(r, b, out);
    }
    if (rc)
        return rc;
    return buf_printf(out, ",\"logprobs\":null,\"finish_reason\":\"%s\"}",
                      finish(r));
}

static int completion(struct mock_req *r, struct buf b[4], struct buf *out)
{
    int rc = gather(r, b);

    if (rc == 0)
        rc = put_head(r, r->op == MOCK_TEXT ? "text_completion"
                                            : "chat.completion", out);
    if (rc == 0)
        rc = buf_puts(out, "\"choices\":[");
    for (uint32_t i = 0; i < r->ask.choices && rc == 0; i++)
        rc = put_choice(r, i, b, out);
    if (rc == 0)
        rc = buf_puts(out, "],\"usage\":");
    if (rc == 0)
        rc = put_usage(r, out);
    return rc ? rc
              : buf_puts(out, ",\"service_tier\":\"default\","
                              "\"system_fingerprint\":\"fp_mock\"}");
}

static int put_model(struct buf *out, const char *name)
{
    return buf_printf(out,
                      "{\"id\":\"%s\",\"object\":\"model\",\"created\":%d,"
                      "\"owned_by\":\"penstock\"}",
                      name, CREATED);
}

/* GET /models, or one of them: its name is the ask's. */
static int models(struct mock_req *r, struct buf *out)
{
    int rc;

    if (r->ask.name.p)
        return put_model(out, mock_model_names[r->ask.model]);
    rc = buf_puts(out, "{\"object\":\"list\",\"data\":[");
    for (int i = MOCK_ECHO; i <= MOCK_EMBED && rc == 0; i++) {
        if (i > MOCK_ECHO)
            rc = buf_putc(out, ',');
        if (rc == 0)
            rc = put_model(out, mock_model_names[i]);
    }
    return rc ? rc : buf_puts(out, "]}");
}

static int whole(struct mock_req *r, struct buf *out)
{
    struct buf b[4];
    int rc;

    if (r->op == MOCK_MODELS)
        return models(r, out);
    if (r->op == MOCK_EMBEDDINGS)
        return mock_openai_embeddings(r, out);
    for (int i = 0; i < 4; i++)
        buf_init(&b[i], MOCK_ANSWER_MAX);
    rc = completion(r, b, out);
    for (int i = 0; i < 4; i++)
        buf_clear(&b[i]);
    return rc;
}

/* ---- stream ------------------------------------------------------------ */

static int put_event(struct mock_req *r, uint32_t index, struct buf *out)
{
    int rc = buf_put(out, r->prefix);

    return rc ? rc : buf_printf(out, "\"choices\":[{\"index\":%u,", index);
}

static int end_event(struct mock_req *r, const char *why, struct buf *out)
{
    const char *usage = r->ask.want_usage ? ",\"usage\":null" : "";

    if (!why)
        return buf_printf(out,
                          ",\"logprobs\":null,\"finish_reason\":null}]%s}\n\n",
                          usage);
    return buf_printf(out,
                      ",\"logprobs\":null,\"finish_reason\":\"%s\"}]%s}\n\n",
                      why, usage);
}

static int put_delta(struct mock_req *r, struct buf *out)
{
    static const char *const open[] = {
        [MOCK_P_THINK] = "\"delta\":{\"reasoning_content\":",
        [MOCK_P_TEXT] = "\"delta\":{\"content\":",
        [MOCK_P_ARGS] = "\"delta\":{\"tool_calls\":[{\"index\":0,"
                        "\"function\":{\"arguments\":",
    };
    const struct mock_piece *p = &r->piece;
    int rc;

    if (r->op == MOCK_TEXT) {
        rc = buf_puts(out, "\"text\":");
        return rc ? rc : buf_json_str(out, p->text);
    }
    if (p->kind == MOCK_P_CALL) {
        rc = buf_printf(out,
                        "\"delta\":{\"tool_calls\":[{\"index\":0,"
                        "\"id\":\"call_%s\",\"type\":\"function\","
                        "\"function\":{\"name\":",
                        r->id + sizeof "chatcmpl" - 1 + 1);
        if (rc == 0)
            rc = buf_json_str(out, p->text);
        return rc ? rc : buf_puts(out, ",\"arguments\":\"\"}}]}");
    }
    rc = buf_puts(out, open[p->kind]);
    if (rc == 0)
        rc = buf_json_str(out, p->text);
    if (rc)
        return rc;
    return buf_puts(out, p->kind == MOCK_P_ARGS ? "}}]}" : "}");
}

static int begin(struct mock_req *r)
{
    struct buf b = BUF_INIT(4096);
    int rc = buf_puts(&b, "data: ");

    if (rc == 0)
        rc = put_head(r, r->op == MOCK_TEXT ? "text_completion"
                                            : "chat.completion.chunk", &b);
    if (rc == 0)
        rc = buf_puts(&b, "\"system_fingerprint\":\"fp_mock\",");
    r->prefix = rc ? STR_NULL : arena_dup(r->a, buf_str(&b));
    buf_clear(&b);
    if (!r->prefix.p)
        return -ERR_NOMEM;
    mock_gen_init(&r->gen, &r->ask, r->a);
    r->step = r->op == MOCK_TEXT ? STEP_PIECES : STEP_ROLE;
    r->choice = 0;
    return 0;
}

static int role(struct mock_req *r, struct buf *out)
{
    int rc = put_event(r, r->choice, out);

    if (rc == 0)
        rc = buf_puts(out, "\"delta\":{\"role\":\"assistant\","
                           "\"content\":\"\",\"refusal\":null}");
    if (rc == 0)
        rc = end_event(r, NULL, out);
    if (++r->choice == r->ask.choices) {
        r->choice = 0;
        r->step = STEP_PIECES;
    }
    return rc;
}

static int finishing(struct mock_req *r, struct buf *out)
{
    int rc = put_event(r, r->choice, out);

    if (rc == 0)
        rc = buf_puts(out, r->op == MOCK_TEXT ? "\"text\":\"\""
                                              : "\"delta\":{}");
    if (rc == 0)
        rc = end_event(r, finish(r), out);
    if (++r->choice == r->ask.choices)
        r->step = r->ask.want_usage ? STEP_USAGE : STEP_DONE;
    return rc;
}

/* The piece goes to each choice in turn; without another, the finish. */
static int pieces(struct mock_req *r, struct buf *out)
{
    int rc;

    if (r->choice == 0 && !mock_gen_next(&r->gen, &r->piece)) {
        r->step = STEP_FINISH;
        return finishing(r, out);
    }
    rc = put_event(r, r->choice, out);
    if (rc == 0)
        rc = put_delta(r, out);
    if (rc == 0)
        rc = end_event(r, NULL, out);
    if (++r->choice == r->ask.choices)
        r->choice = 0;
    return rc;
}

static int usage(struct mock_req *r, struct buf *out)
{
    int rc = buf_put(out, r->prefix);

    r->step = STEP_DONE;
    if (rc == 0)
        rc = buf_puts(out, "\"choices\":[],\"usage\":");
    if (rc == 0)
        rc = put_usage(r, out);
    return rc ? rc : buf_puts(out, "}\n\n");
}

static int next(struct mock_req *r, struct buf *out, bool *more)
{
    *more = true;
    switch (r->step) {
    case STEP_ROLE:
        return role(r, out);
    case STEP_PIECES:
        return pieces(r, out);
    case STEP_FINISH:
        return finishing(r, out);
    case STEP_USAGE:
        return usage(r, out);
    default:
        *more = false;
        return buf_puts(out, "data: [DONE]\n\n");
    }
}

/* ---- errors ------------------------------------------------------------ */

static const struct {
    int status;
    const char *type, *code, *text;
} errors[] = {
    { 400, "invalid_request_error", NULL, "The request is not valid." },
    { 401, "invalid_request_error", "invalid_api_key",
      "Incorrect API key provided." },
    { 402, "insufficient_quota", "insufficient_quota", "Out of credit." },
    { 403, "permission_error", NULL, "You may not do that." },
    { 404, "invalid_request_error", NULL, "There is nothing here." },
    { 408, "timeout", NULL, "Request timeout." },
    { 413, "invalid_request_error", NULL, "The request is too large." },
    { 429, "requests", "rate_limit_exceeded", "Rate limit reached." },
    { 503, "server_error", NULL, "The engine is currently overloaded." },
    { 500, "server_error", NULL, "The server had an error." }, /* the rest */
};

static int error(struct buf *out, int status, const char *code,
                 const char *text)
{
    size_t n = sizeof errors / sizeof errors[0], i = 0;
    int rc;

    while (i < n - 1 && errors[i].status != status)
        i++;
    if (!code)
        code = errors[i].code;
    rc = buf_puts(out, "{\"error\":{\"message\":");
    if (rc == 0)
        rc = buf_json_str(out, str_of(text ? text : errors[i].text));
    if (rc == 0)
        rc = buf_printf(out, ",\"type\":\"%s\",\"param\":null,\"code\":",
                        errors[i].type);
    if (rc == 0)
        rc = code ? buf_json_str(out, str_of(code)) : buf_puts(out, "null");
    return rc ? rc : buf_puts(out, "}}");
}

static int error_event(struct buf *out)
{
    int rc = buf_puts(out, "data: ");

    if (rc == 0)
        rc = error(out, 500, NULL, NULL);
    return rc ? rc : buf_puts(out, "\n\n");
}

const struct mock_dialect mock_openai = {
    .match = match,
    .read = mock_openai_read,
    .whole = whole,
    .begin = begin,
    .next = next,
    .error = error,
    .error_event = error_event,
    .stream_type = "text/event-stream; charset=utf-8",
    .request_id = "x-request-id",
};
