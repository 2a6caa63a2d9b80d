/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Responses requests: the top object. What asks for something that a provider
 * keeps (an earlier response, a conversation, a prompt) stays an extra, which
 * no other dialect can be told (codec_put.c); that an answer need not be kept
 * and that reasoning is to come sealed needs no telling elsewhere.
 *
 * Source: https://platform.openai.com/docs/api-reference/responses/create
 * (read 2026-11), openai.com's SDK types 7.57.
 */
#include "wire/codec_responses.h"

enum {
    T_MODEL,
    T_INPUT,
    T_INSTRUCTIONS,
    T_STREAM,
    T_STREAM_OPTIONS,
    T_MAX_TOKENS,
    T_TOOLS,
    T_CHOICE,
    T_PARALLEL,
    T_TEXT,
    T_REASONING,
    T_USER,
    T_SAFETY,
    T_TIER,
    T_TEMPERATURE,
    T_TOP_P,
    T_TOP_LOGPROBS,
    T_INCLUDE,
    T_STORE,
    T_BACKGROUND,
    T_TRUNCATION,
    T_COUNT,
};

static const struct rd_field top[] = {
    [T_MODEL] = RD_FIELD("model", RD_STRING),
    [T_INPUT] = RD_FIELD("input", RD_STRING | RD_ARRAY),
    [T_INSTRUCTIONS] = RD_FIELD("instructions", RD_STRING | RD_ARRAY),
    [T_STREAM] = RD_FIELD("stream", RD_BOOL),
    [T_STREAM_OPTIONS] = RD_FIELD("stream_options", RD_OBJECT),
    [T_MAX_TOKENS] = RD_FIELD("max_output_tokens", RD_NUMBER),
    [T_TOOLS] = RD_FIELD("tools", RD_ARRAY),
    [T_CHOICE] = RD_FIELD("tool_choice", RD_STRING | RD_OBJECT),
    [T_PARALLEL] = RD_FIELD("parallel_tool_calls", RD_BOOL),
    [T_TEXT] = RD_FIELD("text", RD_OBJECT),
    [T_REASONING] = RD_FIELD("reasoning", RD_OBJECT),
    [T_USER] = RD_FIELD("user", RD_STRING),
    [T_SAFETY] = RD_FIELD("safety_identifier", RD_STRING),
    [T_TIER] = RD_FIELD("service_tier", RD_STRING),
    [T_TEMPERATURE] = RD_FIELD("temperature", RD_NUMBER),
    [T_TOP_P] = RD_FIELD("top_p", RD_NUMBER),
    [T_TOP_LOGPROBS] = RD_FIELD("top_logprobs", RD_NUMBER),
    [T_INCLUDE] = RD_FIELD("include", RD_ARRAY),
    [T_STORE] = RD_FIELD("store", RD_BOOL),
    [T_BACKGROUND] = RD_FIELD("background", RD_BOOL),
    [T_TRUNCATION] = RD_FIELD("truncation", RD_STRING),
};

static int read_instructions(struct rd *rd, uint32_t node)
{
    struct neutral_message *m;

    if (node == JSON_NONE)
        return 0;
    m = rd_message(rd, ROLE_DEVELOPER);
    return m ? responses_read_content(rd, m, node) : -rd->err->code;
}

/* reasoning{effort, summary}: a summary is what can be read of it. */
static int read_reasoning(struct rd *rd, uint32_t node)
{
    enum { EFFORT, SUMMARY, GENERATE, COUNT };
    static const struct rd_field fields[] = {
        [EFFORT] = RD_FIELD("effort", RD_STRING),
        [SUMMARY] = RD_FIELD("summary", RD_STRING),
        [GENERATE] = RD_FIELD("generate_summary", RD_STRING),
    };
    struct neutral_reasoning *t = &rd->r->reasoning;
    uint32_t at[COUNT];
    int rc;

    if (node == JSON_NONE)
        return 0;
    rc = rd_object(rd, node, fields, COUNT, "reasoning", at);
    if (!rc)
        rc = rd_text(rd, at[EFFORT], &t->effort);
    if (rc)
        return rc;
    if (t->effort.p)
        t->kind = str_is(t->effort, "none") ? REASONING_OFF
                                            : REASONING_ADAPTIVE;
    if (at[SUMMARY] != JSON_NONE || at[GENERATE] != JSON_NONE)
        t->display = STR("summarized");
    return 0;
}

static int read_text(struct rd *rd, uint32_t node)
{
    enum { FORMAT, COUNT };
    static const struct rd_field fields[] = {
        [FORMAT] = RD_FIELD("format", RD_OBJECT),
    };
    uint32_t at[COUNT];
    int rc;

    if (node == JSON_NONE)
        return 0;
    rc = rd_object(rd, node, fields, COUNT, "text", at);
    if (rc || at[FORMAT] == JSON_NONE)
        return rc;
    return responses_read_format(rd, at[FORMAT]);
}

/* What is asked for beside the answer. Reasoning comes sealed anyway. */
static int read_include(struct rd *rd, uint32_t node)
{
    for (uint32_t c = json_first(rd->j, node); c != JSON_NONE;
         c = json_sibling(rd->j, node, c)) {
        struct str what;

        if (rd->j->nodes[c].type != JSON_T_STRING)
            return rd_fault(rd, c, "a string");
        if (rd_text(rd, c, &what))
            return -rd->err->code;
        if (str_is(what, "message.output_text.logprobs"))
            rd->r->param[PARAM_LOGPROBS] = STR("true");
        else if (!str_is(what, "reasoning.encrypted_content") &&
                 rd_unread(rd, "include", what))
            return -rd->err->code;
    }
    return 0;
}

/* Others ask for a number of tokens beside the chosen only where they are
 * asked for the chosen one; none is what everybody gets. */
static void read_logprobs(struct rd *rd, uint32_t node)
{
    struct str *param = rd->r->param;
    struct str raw = rd_raw(rd, node);

    if (!raw.p || (str_is(raw, "0") && !param[PARAM_LOGPROBS].p))
        return;
    param[PARAM_TOP_LOGPROBS] = raw;
    param[PARAM_LOGPROBS] = STR("true");
}

/* Members that ask for something only where they are not the default. */
static int read_kept(struct rd *rd, const uint32_t *at)
{
    uint32_t node = at[T_TRUNCATION];
    struct str word;
    int rc = rd_text(rd, node, &word);

    if (!rc && word.p && !str_is(word, "disabled"))
        rc = rd_extra(rd, node, STR("truncation"));
    if (!rc && rd_bool(rd, at[T_BACKGROUND]) == 1)
        rc = rd_extra(rd, at[T_BACKGROUND], STR("background"));
    if (!rc && rd_bool(rd, at[T_STORE]) == 1)
        rc = rd_extra(rd, at[T_STORE], STR("store"));
    return rc;
}

static int read_rest(struct rd *rd, const uint32_t *at)
{
    struct neutral_request *r = rd->r;
    int rc = rd_count(rd, at[T_MAX_TOKENS], &r->max_tokens);

    r->stream = rd_bool(rd, at[T_STREAM]) == 1;
    r->include_usage = true;
    r->parallel = rd_bool(rd, at[T_PARALLEL]);
    r->param[PARAM_TEMPERATURE] = rd_raw(rd, at[T_TEMPERATURE]);
    r->param[PARAM_TOP_P] = rd_raw(rd, at[T_TOP_P]);
    if (!rc)
        rc = rd_text(rd, at[T_USER], &r->user);
    if (!rc && at[T_SAFETY] != JSON_NONE)
        rc = rd_text(rd, at[T_SAFETY], &r->user);
    if (!rc)
        rc = rd_text(rd, at[T_TIER], &r->service_tier);
    if (!rc)
        rc = read_include(rd, at[T_INCLUDE]);
    read_logprobs(rd, at[T_TOP_LOGPROBS]);
    return rc ? rc : read_kept(rd, at);
}

int responses_decode_request(const struct json *body, struct arena *a,
                             struct neutral_request *out, struct err *err)
{
    struct err own = { 0 };
    struct rd rd = { .j = body, .a = a, .r = out, .err = err ? err : &own };
    uint32_t at[T_COUNT];
    int rc;

    neutral_request_init(out, DIALECT_RESPONSES);
    rc = rd_object(&rd, 0, top, T_COUNT, NULL, at);
    if (!rc)
        rc = rd_text(&rd, at[T_MODEL], &out->model);
    if (!rc)
        rc = read_instructions(&rd, at[T_INSTRUCTIONS]);
    if (!rc)
        rc = responses_read_input(&rd, at[T_INPUT]);
    if (!rc)
        rc = responses_read_tools(&rd, at[T_TOOLS]);
    if (!rc)
        rc = responses_read_choice(&rd, at[T_CHOICE]);
    if (!rc)
        rc = read_text(&rd, at[T_TEXT]);
    if (!rc)
        rc = read_reasoning(&rd, at[T_REASONING]);
    return rc ? rc : read_rest(&rd, at);
}
