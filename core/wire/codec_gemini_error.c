/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Google's errors, read and written, and its counts. An error has a status in
 * words beside the number; what it means precisely stands in its details.
 *
 * Source: https://google.aip.dev/193, google/rpc/code.proto (read 2026-11).
 */
#include "wire/codec_gemini.h"

/* The first row of a status is how it is said. */
static const struct {
    int http;
    const char *word;
} words[] = {
    { 400, "INVALID_ARGUMENT" },   { 400, "FAILED_PRECONDITION" },
    { 400, "OUT_OF_RANGE" },       { 401, "UNAUTHENTICATED" },
    { 403, "PERMISSION_DENIED" },  { 404, "NOT_FOUND" },
    { 409, "ABORTED" },            { 409, "ALREADY_EXISTS" },
    { 429, "RESOURCE_EXHAUSTED" }, { 499, "CANCELLED" },
    { 500, "INTERNAL" },           { 500, "UNKNOWN" },
    { 500, "DATA_LOSS" },          { 501, "UNIMPLEMENTED" },
    { 503, "UNAVAILABLE" },        { 504, "DEADLINE_EXCEEDED" },
};

const char *gemini_status_word(int http_status)
{
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (words[i].http == http_status)
            return words[i].word;
    }
    if (http_status == 402)
        return "RESOURCE_EXHAUSTED";
    if (http_status < 500)
        return "INVALID_ARGUMENT";
    return http_status > 500 ? "UNAVAILABLE" : "INTERNAL";
}

int gemini_status_of(struct str word)
{
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (str_is(word, words[i].word))
            return words[i].http;
    }
    return 0;
}

void gemini_put_error(struct jw *w, const struct neutral_error *e, bool same)
{
    int status = codec_error_status(DIALECT_GEMINI, e);

    jw_open(w, '{');
    jw_key(w, "error");
    jw_open(w, '{');
    jw_member_int(w, "code", status);
    jw_member_text(w, "message", e->message);
    jw_member_text(w, "status", same && gemini_status_of(e->type)
                                    ? e->type
                                    : str_of(gemini_status_word(status)));
    jw_close(w, '}');
    jw_close(w, '}');
}

static struct str text_of(struct codec_in *in, uint32_t object,
                          struct str name)
{
    uint32_t node = in_member(&in->j, object, name);

    return node == JSON_NONE ? STR_NULL : json_text(&in->j, node, in->tmp);
}

/* The reason in google.rpc.ErrorInfo: API_KEY_INVALID. */
static struct str reason_of(struct codec_in *in, uint32_t error)
{
    uint32_t details = in_member(&in->j, error, STR("details"));

    if (details == JSON_NONE || in->j.nodes[details].type != JSON_T_ARRAY)
        return STR_NULL;
    for (uint32_t d = json_first(&in->j, details); d != JSON_NONE;
         d = json_sibling(&in->j, details, d)) {
        struct str reason = text_of(in, d, STR("reason"));

        if (reason.n)
            return reason;
    }
    return STR_NULL;
}

int gemini_error(struct codec_in *in, uint32_t node)
{
    struct neutral_error e = { .status = in->opts.http_status };
    int64_t code;

    if (in->j.nodes[node].type != JSON_T_OBJECT)
        return in_error_node(in, node);
    code = in_count(&in->j, node, STR("code"));
    e.type = text_of(in, node, STR("status"));
    e.code = reason_of(in, node);
    e.message = text_of(in, node, STR("message"));
    if (e.status < 400 && code >= 400 && code < 600)
        e.status = (int)code;
    if (e.status < 400)
        e.status = gemini_status_of(e.type);
    if (!e.message.n)
        e.message = STR("The provider reported an error.");
    e.status = codec_status_of(&e);
    return in_error(in, &e);
}

static int64_t sum(int64_t a, int64_t b)
{
    if (a < 0 || b < 0)
        return a > b ? a : b;
    return a + b;
}

static uint32_t tier_of(const struct json *j, uint32_t node)
{
    struct jstr s = in_string(j, node, STR("serviceTier"));
    struct str tier = { s.p, s.n };

    return str_is(tier, "flex")       ? TIER_FLEX
           : str_is(tier, "priority") ? TIER_PRIORITY
                                      : TIER_STANDARD;
}

/* The prompt's count includes what the cache held, and not what tools read;
 * thoughts stand beside the candidates' tokens. */
void gemini_read_usage(const struct json *j, uint32_t node,
                       struct usage *out)
{
    int64_t prompt = in_count(j, node, STR("promptTokenCount"));
    int64_t total = in_count(j, node, STR("totalTokenCount"));
    int64_t said = in_count(j, node, STR("candidatesTokenCount"));

    *out = USAGE_NONE;
    out->cache_read = in_count(j, node, STR("cachedContentTokenCount"));
    out->reasoning = in_count(j, node, STR("thoughtsTokenCount"));
    prompt = sum(prompt, in_count(j, node, STR("toolUsePromptTokenCount")));
    out->output = sum(said, out->reasoning);
    if (said < 0 && prompt >= 0 && total >= prompt)
        out->output = total - prompt;
    out->input = prompt;
    if (out->cache_read > 0 && prompt >= out->cache_read)
        out->input = prompt - out->cache_read;
    out->tier = tier_of(j, node);
}
