/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * OpenAI chat requests: the top object. What compatible vendors have beside
 * OpenAI's own fields (top_k, reasoning, thinking, cache_control) is read
 * where the neutral form has a place for it.
 *
 * Source: https://platform.openai.com/docs/api-reference/chat (read 2026-11),
 * openai.com's SDK types 7.57, openrouter.ai/docs (read 2026-08).
 */
#include "wire/codec_chat.h"

enum {
    T_MODEL,
    T_MESSAGES,
    T_STREAM,
    T_STREAM_OPTIONS,
    T_MAX_COMPLETION,
    T_MAX_TOKENS,
    T_TOOLS,
    T_TOOL_CHOICE,
    T_FUNCTIONS,
    T_FUNCTION_CALL,
    T_PARALLEL,
    T_FORMAT,
    T_EFFORT,
    T_REASONING,
    T_THINKING,
    T_STOP,
    T_USER,
    T_SAFETY,
    T_TIER,
    T_CACHE,
    T_PARAMS, /* first of the sampling parameters */
    T_COUNT = T_PARAMS + PARAM_COUNT,
};

static const struct rd_field top[] = {
    [T_MODEL] = RD_FIELD("model", RD_STRING),
    [T_MESSAGES] = RD_FIELD("messages", RD_ARRAY),
    [T_STREAM] = RD_FIELD("stream", RD_BOOL),
    [T_STREAM_OPTIONS] = RD_FIELD("stream_options", RD_OBJECT),
    [T_MAX_COMPLETION] = RD_FIELD("max_completion_tokens", RD_NUMBER),
    [T_MAX_TOKENS] = RD_FIELD("max_tokens", RD_NUMBER),
    [T_TOOLS] = RD_FIELD("tools", RD_ARRAY),
    [T_TOOL_CHOICE] = RD_FIELD("tool_choice", RD_STRING | RD_OBJECT),
    [T_FUNCTIONS] = RD_FIELD("functions", RD_ARRAY),
    [T_FUNCTION_CALL] = RD_FIELD("function_call", RD_STRING | RD_OBJECT),
    [T_PARALLEL] = RD_FIELD("parallel_tool_calls", RD_BOOL),
    [T_FORMAT] = RD_FIELD("response_format", RD_OBJECT),
    [T_EFFORT] = RD_FIELD("reasoning_effort", RD_STRING),
    [T_REASONING] = RD_FIELD("reasoning", RD_OBJECT),
    [T_THINKING] = RD_FIELD("thinking", RD_OBJECT),
    [T_STOP] = RD_FIELD("stop", RD_STRING | RD_ARRAY),
    [T_USER] = RD_FIELD("user", RD_STRING),
    [T_SAFETY] = RD_FIELD("safety_identifier", RD_STRING),
    [T_TIER] = RD_FIELD("service_tier", RD_STRING),
    [T_CACHE] = RD_FIELD("cache_control", RD_OBJECT),
#define PARAM(id, chat, anthropic, types)                                     \
    [T_PARAMS + PARAM_##id] = RD_FIELD(chat, types),
#include "wire/neutral_param.def"
#undef PARAM
};

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

/* OpenRouter's reasoning{effort, max_tokens, enabled}. */
static int read_reasoning_object(struct rd *rd, uint32_t node)
{
    enum { EFFORT, MAX_TOKENS, ENABLED, EXCLUDE, COUNT };
    static const struct rd_field fields[] = {
        [EFFORT] = RD_FIELD("effort", RD_STRING),
        [MAX_TOKENS] = RD_FIELD("max_tokens", RD_NUMBER),
        [ENABLED] = RD_FIELD("enabled", RD_BOOL),
        [EXCLUDE] = RD_FIELD("exclude", RD_BOOL),
    };
    struct neutral_reasoning *t = &rd->r->reasoning;
    uint32_t at[COUNT];
    int rc;

    if (node == JSON_NONE)
        return 0;
    rc = rd_object(rd, node, fields, COUNT, "reasoning", at);
    if (!rc && at[EFFORT] != JSON_NONE)
        rc = rd_text(rd, at[EFFORT], &t->effort);
    if (!rc)
        rc = rd_count(rd, at[MAX_TOKENS], &t->budget);
    if (rc)
        return rc;
    if (t->budget >= 0)
        t->kind = REASONING_BUDGET;
    else if (rd_bool(rd, at[ENABLED]) == 1)
        t->kind = REASONING_ADAPTIVE;
    else if (rd_bool(rd, at[ENABLED]) == 0)
        t->kind = REASONING_OFF;
    if (rd_bool(rd, at[EXCLUDE]) == 1)
        t->display = STR("omitted");
    return 0;
}

/* thinking{type, budget_tokens}, as several vendors took it from Anthropic. */
static int read_thinking(struct rd *rd, uint32_t node)
{
    enum { TYPE, BUDGET, DISPLAY, COUNT };
    static const struct rd_field fields[] = {
        [TYPE] = RD_FIELD("type", RD_STRING),
        [BUDGET] = RD_FIELD("budget_tokens", RD_NUMBER),
        [DISPLAY] = RD_FIELD("display", RD_STRING),
    };
    struct neutral_reasoning *t = &rd->r->reasoning;
    struct str type;
    uint32_t at[COUNT];
    int rc;

    if (node == JSON_NONE)
        return 0;
    rc = rd_object(rd, node, fields, COUNT, "thinking", at);
    if (!rc)
        rc = rd_text(rd, at[TYPE], &type);
    if (!rc)
        rc = rd_count(rd, at[BUDGET], &t->budget);
    if (!rc)
        rc = rd_text(rd, at[DISPLAY], &t->display);
    if (rc)
        return rc;
    if (str_is(type, "disabled"))
        t->kind = REASONING_OFF;
    else
        t->kind = t->budget >= 0 ? REASONING_BUDGET : REASONING_ADAPTIVE;
    return 0;
}

static int read_reasoning(struct rd *rd, const uint32_t *at)
{
    struct neutral_reasoning *t = &rd->r->reasoning;
    int rc = rd_text(rd, at[T_EFFORT], &t->effort);

    if (!rc)
        rc = read_reasoning_object(rd, at[T_REASONING]);
    if (!rc)
        rc = read_thinking(rd, at[T_THINKING]);
    if (!rc && t->kind == REASONING_UNSET && t->effort.p)
        t->kind = str_is(t->effort, "none") ? REASONING_OFF
                                            : REASONING_ADAPTIVE;
    return rc;
}

static int read_tools(struct rd *rd, const uint32_t *at)
{
    int rc = chat_read_tools(rd, at[T_TOOLS], false);

    if (!rc && at[T_TOOLS] == JSON_NONE) {
        rc = chat_read_tools(rd, at[T_FUNCTIONS], true);
        rd->r->legacy_functions = at[T_FUNCTIONS] != JSON_NONE;
    }
    if (!rc)
        rc = chat_read_choice(rd, at[T_TOOL_CHOICE] != JSON_NONE
                                      ? at[T_TOOL_CHOICE]
                                      : at[T_FUNCTION_CALL]);
    rd->r->parallel = rd_bool(rd, at[T_PARALLEL]);
    return rc;
}

static int read_rest(struct rd *rd, const uint32_t *at)
{
    struct neutral_request *r = rd->r;
    int rc = rd_count(rd, at[T_MAX_TOKENS], &r->max_tokens);

    if (!rc)
        rc = rd_count(rd, at[T_MAX_COMPLETION], &r->max_tokens);
    if (!rc)
        rc = rd_names(rd, at[T_STOP], &r->stops);
    if (!rc)
        rc = rd_text(rd, at[T_SAFETY], &r->user);
    if (!rc && at[T_USER] != JSON_NONE)
        rc = rd_text(rd, at[T_USER], &r->user);
    if (!rc)
        rc = rd_text(rd, at[T_TIER], &r->service_tier);
    if (!rc)
        rc = rd_cache(rd, at[T_CACHE], &r->cache);
    for (int p = 0; p < PARAM_COUNT; p++)
        r->param[p] = rd_raw(rd, at[T_PARAMS + p]);
    return rc;
}

int chat_decode_request(const struct json *body, struct arena *a,
                        struct neutral_request *out, struct err *err)
{
    struct err own = { 0 };
    struct rd rd = { .j = body, .a = a, .r = out, .err = err ? err : &own };
    uint32_t at[T_COUNT];
    int rc;

    neutral_request_init(out, DIALECT_OPENAI_CHAT);
    rc = rd_object(&rd, 0, top, T_COUNT, NULL, at);
    if (!rc)
        rc = rd_text(&rd, at[T_MODEL], &out->model);
    if (!rc && at[T_MESSAGES] == JSON_NONE)
        rc = err_at(rd.err, ERR_INVALID_REQUEST, "messages",
                    "Missing required parameter: 'messages'.");
    if (!rc)
        rc = chat_read_messages(&rd, at[T_MESSAGES]);
    if (!rc)
        rc = read_stream(&rd, at);
    if (!rc)
        rc = read_tools(&rd, at);
    if (!rc && at[T_FORMAT] != JSON_NONE)
        rc = chat_read_format(&rd, at[T_FORMAT]);
    if (!rc)
        rc = read_reasoning(&rd, at);
    return rc ? rc : read_rest(&rd, at);
}
