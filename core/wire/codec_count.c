/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Source: docs.claude.com/en/api/messages-count-tokens,
 * ai.google.dev/api/tokens, docs.aws.amazon.com/bedrock/latest/APIReference/
 * API_runtime_CountTokens.html (read 2026-11). Google counts instructions and
 * tools only where the request stands whole in generateContentRequest.
 */
#include "wire/codec_count.h"

#include "wire/codec_anthropic.h"
#include "wire/codec_chat.h"
#include "wire/codec_converse.h"
#include "wire/codec_gemini.h"

/* ---- requests ----------------------------------------------------------- */

static void clear_index(void *ud)
{
    json_clear(ud);
}

/* The request within; its index lives as long as the arena. */
static const struct json *inner(const struct json *body, struct arena *a,
                                struct err *err)
{
    uint32_t node = json_member(body, 0, STR("generateContentRequest"));
    struct json *j;

    if (node == JSON_NONE)
        return body;
    j = arena_alloc(a, sizeof *j);
    if (!j || arena_defer(a, clear_index, j)) {
        err_set(err, ERR_NOMEM, "out of memory");
        return NULL;
    }
    return json_scan(j, json_raw(body, node), NULL, err) ? NULL : j;
}

int gemini_count_decode_request(const struct json *body, struct arena *a,
                                struct neutral_request *out, struct err *err)
{
    struct err own = { 0 };
    const struct json *j;

    err = err ? err : &own;
    j = inner(body, a, err);
    return j ? gemini_decode_request(j, a, out, err) : -(int)err->code;
}

/* Nothing that is counted hangs on these, and the endpoints refuse them. */
static struct neutral_request bare(const struct neutral_request *r)
{
    struct neutral_request n = *r;

    memset(n.param, 0, sizeof n.param);
    n.stops = NULL;
    n.stream = false;
    n.user = n.service_tier = STR_NULL;
    n.max_tokens = -1;
    return n;
}

/* The same without some members. */
static int without(struct buf *whole, const char *const *members,
                   struct arena *a, struct buf *out, struct err *err)
{
    struct json j = { 0 };
    struct json_edits *e = NULL;
    int rc = json_scan(&j, buf_str(whole), NULL, err);

    if (!rc)
        e = json_edits_new(&j, a);
    if (!rc && !e)
        rc = err_set(err, ERR_NOMEM, "out of memory");
    for (; !rc && *members; members++)
        rc = json_edit_remove(e, str_of(*members));
    if (!rc)
        rc = json_edits_apply(e, out);
    json_clear(&j);
    return rc;
}

int anthropic_count_encode_request(const struct neutral_request *r,
                                   const struct codec_target *target,
                                   struct arena *a, struct buf *out,
                                   struct codec_report *report,
                                   struct codec_names *names,
                                   struct err *err)
{
    static const char *const uncounted[] = { "/max_tokens", NULL };
    struct codec_target t = codec_target_of(DIALECT_ANTHROPIC, target->model);
    struct neutral_request n = bare(r);
    struct buf whole = BUF_INIT(out->max);
    int rc = anthropic_encode_request(&n, &t, a, &whole, report, names,
                                      err);

    if (!rc)
        rc = without(&whole, uncounted, a, out, err);
    report->fate[FATE_MAPPED] &= ~(UINT64_C(1) << FEATURE_MAX_TOKENS);
    buf_clear(&whole);
    return rc;
}

int gemini_count_encode_request(const struct neutral_request *r,
                                const struct codec_target *target,
                                struct arena *a, struct buf *out,
                                struct codec_report *report,
                                struct codec_names *names, struct err *err)
{
    struct codec_target t = codec_target_of(DIALECT_GEMINI, target->model);
    struct neutral_request n = bare(r);
    struct buf whole = BUF_INIT(out->max);
    int rc = gemini_encode_request(&n, &t, a, &whole, report, names, err);
    struct str all = buf_str(&whole);
    struct jw w = { .b = out, .rc = rc };

    jw_open(&w, '{');
    jw_key(&w, "generateContentRequest");
    jw_open(&w, '{');
    jw_member_text(&w, "model",
                   arena_fmt(a, "models/" STR_FMT, STR_ARG(target->model)));
    jw_bytes(&w, STR(","));
    if (!rc) /* behind its bracket; there is a member: the contents */
        jw_bytes(&w, (struct str){ all.p + 1, all.n - 1 });
    jw_close(&w, '}');
    buf_clear(&whole);
    if (w.rc && err && !err->code)
        err_set(err, -w.rc, "the request grew over its limit");
    return w.rc;
}

int converse_count_encode_request(const struct neutral_request *r,
                                  const struct codec_target *target,
                                  struct arena *a, struct buf *out,
                                  struct codec_report *report,
                                  struct codec_names *names,
                                  struct err *err)
{
    static const char *const uncounted[] = {
        "/inferenceConfig",   "/outputConfig",    "/serviceTier",
        "/requestMetadata",   "/guardrailConfig", "/promptVariables",
        "/performanceConfig", "/additionalModelResponseFieldPaths",
        NULL,
    };
    struct codec_target t = codec_target_of(DIALECT_CONVERSE, target->model);
    struct neutral_request n = bare(r);
    struct buf whole = BUF_INIT(out->max);
    int rc = converse_encode_request(&n, &t, a, &whole, report, names, err);

    if (!rc)
        rc = buf_puts(out, "{\"input\":{\"converse\":");
    if (!rc)
        rc = without(&whole, uncounted, a, out, err);
    if (!rc)
        rc = buf_puts(out, "}}");
    report->fate[FATE_MAPPED] &= ~(UINT64_C(1) << FEATURE_MAX_TOKENS);
    buf_clear(&whole);
    if (rc && err && !err->code)
        err_set(err, -rc, "the request grew over its limit");
    return rc;
}

/* ---- answers ------------------------------------------------------------ */

static void begin(struct codec_in *in, neutral_sink sink, void *ud,
                  struct err *err)
{
    in->sink = sink;
    in->ud = ud;
    in->err = err;
    arena_reset(in->tmp);
}

int count_decode_event(struct codec_in *in, struct str event,
                       struct str data, neutral_sink sink, void *ud,
                       struct err *err)
{
    (void)event;
    begin(in, sink, ud, err);
    return data.p ? err_set(err, ERR_SYNTAX, "a count is never streamed")
                  : in_cut(in);
}

static struct str member_of(enum dialect d)
{
    return d == DIALECT_ANTHROPIC_COUNT  ? STR("input_tokens")
           : d == DIALECT_CONVERSE_COUNT ? STR("inputTokens")
                                         : STR("totalTokens");
}

int count_decode_body(struct codec_in *in, struct str body,
                      neutral_sink sink, void *ud, struct err *err)
{
    struct usage u = USAGE_NONE;
    struct err own = { 0 };
    uint32_t error;
    int rc;

    begin(in, sink, ud, err ? err : &own);
    if (in->opts.http_status >= 400)
        return in_error_body(in, body);
    rc = in_scan(in, body);
    if (rc)
        return rc;
    error = in_member(&in->j, 0, STR("error"));
    if (error != JSON_NONE)
        return in_error_node(in, error);
    u.input = in_count(&in->j, 0, member_of(in->codec->dialect));
    if (u.input < 0)
        return err_set(in->err, ERR_SYNTAX, "this is no count of tokens");
    rc = in_start(in, STR_NULL, STR_NULL, 0);
    if (!rc)
        rc = in_usage(in, &u);
    return rc ? rc : in_end(in);
}

int count_out_init(struct codec_out *out)
{
    (void)out;
    return 0;
}

int count_encode(struct codec_out *out, const struct neutral_event *ev,
                 struct buf *to)
{
    bool anthropic = out->codec->dialect == DIALECT_ANTHROPIC_COUNT;
    bool responses = out->codec->dialect == DIALECT_RESPONSES_COUNT;
    struct jw w = { .b = to };
    int rc = codec_out_note(out, ev);

    if (rc)
        return rc;
    if (ev->type == NEUTRAL_END) {
        jw_open(&w, '{');
        if (responses)
            jw_member_text(&w, "object", STR("response.input_tokens"));
        jw_member_int(&w, anthropic || responses ? "input_tokens"
                                                 : "totalTokens",
                      out->usage.input > 0 ? out->usage.input : 0);
        jw_close(&w, '}');
    } else if (ev->type == NEUTRAL_ERROR && anthropic) {
        anthropic_put_error(&w, ev->error, dialect_is_anthropic(ev->from));
    } else if (ev->type == NEUTRAL_ERROR && responses) {
        chat_put_error(&w, ev->error, false); /* none of it is OpenAI's */
    } else if (ev->type == NEUTRAL_ERROR) {
        gemini_put_error(&w, ev->error, dialect_is_gemini(ev->from));
    }
    return w.rc;
}
