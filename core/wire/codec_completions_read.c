/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Source: platform.openai.com/docs/api-reference/completions (read 2026-11):
 * max_tokens is 16 where nobody says it.
 */
#include "wire/codec_completions.h"
#include "wire/codec_read.h"

#define MAX_TOKENS_UNSAID 16
#define BY_CHAT ": the model is asked by chat"

enum {
    T_MODEL,
    T_PROMPT,
    T_MAX_TOKENS,
    T_STREAM,
    T_STREAM_OPTIONS,
    T_STOP,
    T_USER,
    T_SUFFIX,
    T_ECHO,
    T_BEST_OF,
    T_LOGPROBS,
    T_TEMPERATURE,
    T_TOP_P,
    T_FREQUENCY,
    T_PRESENCE,
    T_SEED,
    T_N,
    T_COUNT,
};

static const struct rd_field top[] = {
    [T_MODEL] = RD_FIELD("model", RD_STRING),
    [T_PROMPT] = RD_FIELD("prompt", RD_STRING | RD_ARRAY),
    [T_MAX_TOKENS] = RD_FIELD("max_tokens", RD_NUMBER),
    [T_STREAM] = RD_FIELD("stream", RD_BOOL),
    [T_STREAM_OPTIONS] = RD_FIELD("stream_options", RD_OBJECT),
    [T_STOP] = RD_FIELD("stop", RD_STRING | RD_ARRAY),
    [T_USER] = RD_FIELD("user", RD_STRING),
    [T_SUFFIX] = RD_FIELD("suffix", RD_STRING),
    [T_ECHO] = RD_FIELD("echo", RD_BOOL),
    [T_BEST_OF] = RD_FIELD("best_of", RD_NUMBER),
    [T_LOGPROBS] = RD_FIELD("logprobs", RD_NUMBER),
    [T_TEMPERATURE] = RD_FIELD("temperature", RD_NUMBER),
    [T_TOP_P] = RD_FIELD("top_p", RD_NUMBER),
    [T_FREQUENCY] = RD_FIELD("frequency_penalty", RD_NUMBER),
    [T_PRESENCE] = RD_FIELD("presence_penalty", RD_NUMBER),
    [T_SEED] = RD_FIELD("seed", RD_NUMBER),
    [T_N] = RD_FIELD("n", RD_NUMBER),
};

static const enum neutral_param params[] = {
    [T_TEMPERATURE] = PARAM_TEMPERATURE,
    [T_TOP_P] = PARAM_TOP_P,
    [T_FREQUENCY] = PARAM_FREQUENCY_PENALTY,
    [T_PRESENCE] = PARAM_PRESENCE_PENALTY,
    [T_SEED] = PARAM_SEED,
    [T_N] = PARAM_N,
};

static int read_prompt(struct rd *rd, uint32_t node)
{
    const struct json *j = rd->j;
    struct neutral_message *m;
    struct neutral_block *b;

    if (node == JSON_NONE)
        return err_at(rd->err, ERR_INVALID_REQUEST, "prompt",
                      "Missing required parameter: 'prompt'.");
    if (j->nodes[node].type == JSON_T_ARRAY) {
        uint32_t one = json_first(j, node);

        if (one == JSON_NONE || j->nodes[one].type != JSON_T_STRING ||
            json_sibling(j, node, one) != JSON_NONE)
            return rd_fault(rd, node, "one text" BY_CHAT);
        node = one;
    }
    m = rd_message(rd, ROLE_USER);
    b = m ? rd_block(rd, m, BLOCK_TEXT) : NULL;
    if (!b)
        return -(int)rd->err->code;
    b->text = jstr_of_node(j, node);
    return 0;
}

/* What chats have no word for; asked for as nothing, it is nothing. */
static int check_rest(struct rd *rd, const uint32_t *at)
{
    int64_t best = -1;
    int rc = rd_count(rd, at[T_BEST_OF], &best);

    if (rc)
        return rc;
    if (best > 1)
        return rd_fault(rd, at[T_BEST_OF], "1" BY_CHAT);
    if (rd_jstr(rd, at[T_SUFFIX]).n)
        return rd_fault(rd, at[T_SUFFIX], "no suffix" BY_CHAT);
    if (rd_bool(rd, at[T_ECHO]) == 1)
        return rd_fault(rd, at[T_ECHO], "false" BY_CHAT);
    if (at[T_LOGPROBS] != JSON_NONE)
        return rd_fault(rd, at[T_LOGPROBS], "null" BY_CHAT);
    return 0;
}

static int read_stream(struct rd *rd, const uint32_t *at)
{
    uint32_t usage;

    rd->r->stream = rd_bool(rd, at[T_STREAM]) == 1;
    if (at[T_STREAM_OPTIONS] == JSON_NONE)
        return 0;
    usage = json_member(rd->j, at[T_STREAM_OPTIONS], STR("include_usage"));
    rd->r->include_usage = rd_bool(rd, usage) == 1;
    return 0;
}

int completions_decode_request(const struct json *body, struct arena *a,
                               struct neutral_request *out, struct err *err)
{
    struct err own = { 0 };
    struct rd rd = { .j = body, .a = a, .r = out, .err = err ? err : &own };
    uint32_t at[T_COUNT];
    int rc;

    neutral_request_init(out, DIALECT_OPENAI_COMPLETIONS);
    rc = rd_object(&rd, 0, top, T_COUNT, NULL, at);
    if (!rc)
        rc = rd_text(&rd, at[T_MODEL], &out->model);
    if (!rc)
        rc = read_prompt(&rd, at[T_PROMPT]);
    if (!rc)
        rc = check_rest(&rd, at);
    if (!rc)
        rc = read_stream(&rd, at);
    if (!rc)
        rc = rd_count(&rd, at[T_MAX_TOKENS], &out->max_tokens);
    if (!rc)
        rc = rd_names(&rd, at[T_STOP], &out->stops);
    if (!rc)
        rc = rd_text(&rd, at[T_USER], &out->user);
    for (int t = T_TEMPERATURE; t < T_COUNT; t++)
        out->param[params[t]] = rd_raw(&rd, rc ? JSON_NONE : at[t]);
    if (out->max_tokens < 0)
        out->max_tokens = MAX_TOKENS_UNSAID;
    return rc;
}
