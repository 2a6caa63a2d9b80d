/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What models take, by the start of their names; the longest row counts. Not
 * told apart here: what depends on the account, and snapshots of one model.
 *
 * Source: platform.claude.com model pages and SDK types, OpenAI's model pages
 * and the answers of its API (read 2026-11-23). Unknown Claude models are
 * taken for the newest, which refuse most. Cohere's and Ollama's: the model
 * pages of docs.cohere.com and ollama.com ("thinking"; read 2026-11-23).
 */
#include "wire/codec_target.h"

struct row {
    enum dialect dialect;
    const char *prefix;
    uint32_t can;
    int32_t max_output, max_stops;
    enum codec_reasoning_in reasoning_in;
    enum codec_ids ids;
};

#define CLAUDE                                                                \
    (CAN_STOP | CAN_REASON | CAN_CACHE_CONTROL | CAN_PARTS | CAN_USER |       \
     CAN_PARALLEL)
#define CLAUDE_3 (CLAUDE | CAN_SAMPLE | CAN_TOP_P_WITH_TEMPERATURE |          \
                  CAN_TOP_K | CAN_FORCE_TOOL | CAN_PREFILL)
#define CLAUDE_4 (CLAUDE | CAN_SAMPLE | CAN_TOP_K | CAN_FORCE_TOOL |          \
                  CAN_THINK_BUDGET | CAN_THINK_OFF)
#define CLAUDE_45 (CLAUDE_4 | CAN_SCHEMA | CAN_STRICT | CAN_PREFILL)
#define CLAUDE_46 (CLAUDE_4 | CAN_SCHEMA | CAN_STRICT | CAN_THINK_ADAPTIVE |  \
                   CAN_EFFORT)
#define CLAUDE_47 (CLAUDE | CAN_FORCE_TOOL | CAN_SCHEMA | CAN_STRICT |        \
                   CAN_THINK_ADAPTIVE | CAN_THINK_OFF | CAN_EFFORT |          \
                   CAN_XHIGH | CAN_DISPLAY)
#define CLAUDE_5 (CLAUDE_47 | CAN_SYSTEM_INSIDE)
#define CLAUDE_55 ((CLAUDE_5 | CAN_THINK_ADAPTIVE) &                          \
                   ~(unsigned)(CAN_THINK_OFF | CAN_FORCE_TOOL))
/* who else speaks Anthropic's dialect: no rules known, so what is common */
#define LIKE_CLAUDE (CLAUDE_4 | CAN_THINK_ADAPTIVE | CAN_PREFILL |            \
                     CAN_TOP_P_WITH_TEMPERATURE)

#define CHAT                                                                  \
    (CAN_SAMPLE | CAN_TOP_P_WITH_TEMPERATURE | CAN_STOP | CAN_FORCE_TOOL |    \
     CAN_PREFILL | CAN_SYSTEM_INSIDE | CAN_SCHEMA | CAN_JSON |                \
     CAN_STREAM_OPTIONS | CAN_PARTS | CAN_USER | CAN_PARALLEL | CAN_STRICT |  \
     CAN_N | CAN_LOGPROBS)
#define GPT                                                                   \
    (CHAT | CAN_MAX_COMPLETION | CAN_CUSTOM_TOOLS | CAN_ALLOWED_TOOLS)
#define GPT_REASON                                                            \
    ((GPT | CAN_REASON | CAN_EFFORT | CAN_DEVELOPER) &                        \
     ~(unsigned)(CAN_SAMPLE | CAN_STOP | CAN_LOGPROBS))
#define GPT_51 (GPT_REASON | CAN_THINK_OFF | CAN_XHIGH)
#define GPT_56 (GPT_51 | CAN_CACHE_BREAKPOINT)
#define MISTRAL                                                               \
    (CHAT & ~(unsigned)(CAN_STREAM_OPTIONS | CAN_USER | CAN_LOGPROBS))
/* those that think when they are asked to; Magistral always does */
#define MISTRAL_EFFORT (MISTRAL | CAN_REASON | CAN_EFFORT | CAN_THINK_OFF)

/* Bedrock's Converse, whose members are the same for all; Claude models there
 * have Anthropic's rows */
#define CONVERSE                                                              \
    (CAN_SAMPLE | CAN_TOP_P_WITH_TEMPERATURE | CAN_STOP | CAN_FORCE_TOOL |    \
     CAN_PREFILL)

/* DEVELOPER: has a place for instructions; STRICT: takes JSON schemas;
 * EFFORT: thinks by levels, and wants its signatures of calls back */
#define GEMINI                                                                \
    (CAN_SAMPLE | CAN_TOP_P_WITH_TEMPERATURE | CAN_TOP_K | CAN_STOP |         \
     CAN_FORCE_TOOL | CAN_PREFILL | CAN_SCHEMA | CAN_JSON | CAN_PARTS |       \
     CAN_N | CAN_LOGPROBS | CAN_DEVELOPER)
#define GEMINI_25 (GEMINI | CAN_STRICT | CAN_REASON | CAN_THINK_BUDGET)
#define GEMINI_3 (GEMINI | CAN_STRICT | CAN_REASON | CAN_EFFORT)
#define GEMMA (CAN_SAMPLE | CAN_TOP_P_WITH_TEMPERATURE | CAN_TOP_K |          \
               CAN_STOP | CAN_PREFILL | CAN_PARTS)

#define A DIALECT_ANTHROPIC
#define C DIALECT_CONVERSE
#define G DIALECT_GEMINI
#define O DIALECT_OPENAI_CHAT

/* clang-format off */
static const struct row rows[] = {
    { A, "", LIKE_CLAUDE, 0, 0, REASONING_IN_NONE, IDS_ANY },
    { A, "claude-", CLAUDE_55, 128000, 0, REASONING_IN_NONE, IDS_ANY },
    { A, "claude-2", CLAUDE_3 & ~(unsigned)CAN_REASON, 4096, 0, REASONING_IN_NONE, IDS_ANY },
    { A, "claude-3", CLAUDE_3 & ~(unsigned)CAN_REASON, 4096, 0, REASONING_IN_NONE, IDS_ANY },
    { A, "claude-3-5", CLAUDE_3 & ~(unsigned)CAN_REASON, 8192, 0, REASONING_IN_NONE, IDS_ANY },
    { A, "claude-3-7", CLAUDE_3 | CAN_THINK_BUDGET | CAN_THINK_OFF, 64000, 0, REASONING_IN_NONE, IDS_ANY },
    { A, "claude-opus-4", CLAUDE_4 | CAN_PREFILL, 32000, 0, REASONING_IN_NONE, IDS_ANY },
    { A, "claude-sonnet-4", CLAUDE_4 | CAN_PREFILL, 64000, 0, REASONING_IN_NONE, IDS_ANY },
    { A, "claude-haiku-4-5", CLAUDE_45, 64000, 0, REASONING_IN_NONE, IDS_ANY },
    { A, "claude-sonnet-4-5", CLAUDE_45, 64000, 0, REASONING_IN_NONE, IDS_ANY },
    { A, "claude-opus-4-5", CLAUDE_45 | CAN_EFFORT, 64000, 0, REASONING_IN_NONE, IDS_ANY },
    { A, "claude-opus-4-6", CLAUDE_46, 128000, 0, REASONING_IN_NONE, IDS_ANY },
    { A, "claude-sonnet-4-6", CLAUDE_46, 128000, 0, REASONING_IN_NONE, IDS_ANY },
    { A, "claude-opus-4-7", CLAUDE_47, 128000, 0, REASONING_IN_NONE, IDS_ANY },
    { A, "claude-opus-4-8", CLAUDE_47, 128000, 0, REASONING_IN_NONE, IDS_ANY },
    { A, "claude-fable-5", CLAUDE_5, 128000, 0, REASONING_IN_NONE, IDS_ANY },
    { A, "claude-sonnet-5", CLAUDE_5, 128000, 0, REASONING_IN_NONE, IDS_ANY },
    { A, "claude-opus-5", CLAUDE_5, 128000, 0, REASONING_IN_NONE, IDS_ANY },
    { A, "claude-opus-5-5", CLAUDE_55, 128000, 0, REASONING_IN_NONE, IDS_ANY },
    { A, "claude-fable-5-1", CLAUDE_55, 128000, 0, REASONING_IN_NONE, IDS_ANY },
    { A, "claude-fable-5-2", CLAUDE_55, 128000, 0, REASONING_IN_NONE, IDS_ANY },
    { A, "claude-sonnet-5-5", CLAUDE_55 | CAN_THINK_BETWEEN, 128000, 0, REASONING_IN_NONE, IDS_ANY },
    { A, "claude-haiku-5-5", CLAUDE_5, 128000, 0, REASONING_IN_NONE, IDS_ANY },

    { O, "", CHAT, 0, 4, REASONING_IN_NONE, IDS_ANY },
    { O, "gpt-", GPT, 0, 4, REASONING_IN_NONE, IDS_40 },
    { O, "chatgpt-", GPT, 0, 4, REASONING_IN_NONE, IDS_40 },
    { O, "o1", GPT_REASON | CAN_STOP, 0, 4, REASONING_IN_NONE, IDS_40 },
    { O, "o3", GPT_REASON, 0, 4, REASONING_IN_NONE, IDS_40 },
    { O, "o4", GPT_REASON, 0, 4, REASONING_IN_NONE, IDS_40 },
    { O, "gpt-5", GPT_REASON, 0, 4, REASONING_IN_NONE, IDS_40 },
    { O, "gpt-5-chat", GPT, 0, 4, REASONING_IN_NONE, IDS_40 },
    { O, "gpt-5.", GPT_56, 0, 4, REASONING_IN_NONE, IDS_40 },
    { O, "gpt-5.1", GPT_51, 0, 4, REASONING_IN_NONE, IDS_40 },
    { O, "gpt-5.2", GPT_51, 0, 4, REASONING_IN_NONE, IDS_40 },
    { O, "gpt-5.3", GPT_51, 0, 4, REASONING_IN_NONE, IDS_40 },
    { O, "gpt-5.4", GPT_51, 0, 4, REASONING_IN_NONE, IDS_40 },
    { O, "gpt-5.5", GPT_51, 0, 4, REASONING_IN_NONE, IDS_40 },
    { O, "gpt-6", GPT_56 & ~(unsigned)CAN_THINK_OFF, 0, 4, REASONING_IN_NONE, IDS_40 },
    { O, "gpt-oss", CHAT | CAN_REASON | CAN_EFFORT | CAN_OLD_EFFORT_ONLY, 0, 4, REASONING_IN_PLAIN, IDS_ANY },
    { O, "deepseek-", CHAT & ~(unsigned)CAN_SCHEMA, 0, 16, REASONING_IN_CONTENT, IDS_ANY },
    { O, "kimi-", CHAT, 0, 4, REASONING_IN_CONTENT, IDS_ANY },
    { O, "glm-", CHAT, 0, 4, REASONING_IN_CONTENT, IDS_ANY },
    { O, "mistral-", MISTRAL, 0, 0, REASONING_IN_NONE, IDS_9 },
    { O, "magistral-", MISTRAL, 0, 0, REASONING_IN_NONE, IDS_9 },
    { O, "ministral-", MISTRAL, 0, 0, REASONING_IN_NONE, IDS_9 },
    { O, "codestral-", MISTRAL, 0, 0, REASONING_IN_NONE, IDS_9 },
    { O, "devstral-", MISTRAL, 0, 0, REASONING_IN_NONE, IDS_9 },

    { C, "", CONVERSE, 0, 4, REASONING_IN_NONE, IDS_ANY },
    { C, "amazon.nova", CONVERSE | CAN_CACHE_CONTROL, 0, 4, REASONING_IN_NONE, IDS_ANY },
    { C, "openai.gpt-oss", CONVERSE & ~(unsigned)CAN_FORCE_TOOL, 0, 4, REASONING_IN_NONE, IDS_ANY },
    { C, "meta.", CONVERSE & ~(unsigned)(CAN_FORCE_TOOL | CAN_STOP), 0, 4, REASONING_IN_NONE, IDS_ANY },

    { G, "", GEMINI_3, 0, 5, REASONING_IN_NONE, IDS_ANY },
    { G, "gemini-1.", GEMINI, 0, 5, REASONING_IN_NONE, IDS_ANY },
    { G, "gemini-2.0", GEMINI, 0, 5, REASONING_IN_NONE, IDS_ANY },
    { G, "gemini-2.5", GEMINI_25 | CAN_THINK_OFF, 0, 5, REASONING_IN_NONE, IDS_ANY },
    { G, "gemini-2.5-pro", GEMINI_25, 0, 5, REASONING_IN_NONE, IDS_ANY },
    { G, "gemma-", GEMMA, 0, 5, REASONING_IN_NONE, IDS_ANY },

    { DIALECT_COHERE, "", 0, 0, 5, REASONING_IN_CONTENT, IDS_ANY },
    { DIALECT_COHERE, "command-a-reasoning", CAN_REASON, 0, 5, REASONING_IN_CONTENT, IDS_ANY },
    { DIALECT_COHERE, "command-a-plus", CAN_REASON, 0, 5, REASONING_IN_CONTENT, IDS_ANY },

    { DIALECT_MISTRAL, "", MISTRAL, 0, 0, REASONING_IN_NONE, IDS_9 },
    { DIALECT_MISTRAL, "magistral", MISTRAL | CAN_REASON, 0, 0, REASONING_IN_PARTS, IDS_9 },
    { DIALECT_MISTRAL, "mistral-medium-3.5", MISTRAL_EFFORT, 0, 0, REASONING_IN_PARTS, IDS_9 },
    { DIALECT_MISTRAL, "mistral-medium-latest", MISTRAL_EFFORT, 0, 0, REASONING_IN_PARTS, IDS_9 },
    { DIALECT_MISTRAL, "mistral-small-2603", MISTRAL_EFFORT, 0, 0, REASONING_IN_PARTS, IDS_9 },
    { DIALECT_MISTRAL, "mistral-small-latest", MISTRAL_EFFORT, 0, 0, REASONING_IN_PARTS, IDS_9 },

    { DIALECT_OLLAMA, "", 0, 0, 0, REASONING_IN_CONTENT, IDS_ANY },
    { DIALECT_OLLAMA, "deepseek-r1", CAN_REASON, 0, 0, REASONING_IN_CONTENT, IDS_ANY },
    { DIALECT_OLLAMA, "deepseek-v3", CAN_REASON, 0, 0, REASONING_IN_CONTENT, IDS_ANY },
    { DIALECT_OLLAMA, "gpt-oss", CAN_REASON | CAN_EFFORT, 0, 0, REASONING_IN_CONTENT, IDS_ANY },
    { DIALECT_OLLAMA, "magistral", CAN_REASON, 0, 0, REASONING_IN_CONTENT, IDS_ANY },
    { DIALECT_OLLAMA, "qwen3", CAN_REASON, 0, 0, REASONING_IN_CONTENT, IDS_ANY },
    { DIALECT_OLLAMA, "qwen3-coder", 0, 0, 0, REASONING_IN_CONTENT, IDS_ANY },
    { DIALECT_OLLAMA, "qwq", CAN_REASON, 0, 0, REASONING_IN_CONTENT, IDS_ANY },
};
/* clang-format on */

/* Behind what vendors and clouds put before a model's name. */
static struct str bare_name(enum dialect d, struct str model)
{
    ptrdiff_t claude = str_find(model, STR("claude-"));

    if (d == DIALECT_CONVERSE) { /* "eu.amazon.nova...", ".../eu.amazon..." */
        static const char *const makers[] = { "amazon.nova", "openai.gpt-oss",
                                              "meta." };

        for (size_t i = 0; i < sizeof makers / sizeof makers[0]; i++) {
            ptrdiff_t at = str_find(model, str_of(makers[i]));

            if (at >= 0)
                return (struct str){ model.p + at, model.n - (size_t)at };
        }
    }
    if (d == DIALECT_ANTHROPIC && claude > 0)
        return (struct str){ model.p + claude, model.n - (size_t)claude };
    for (size_t i = model.n; i > 0; i--) {
        if (model.p[i - 1] == '/')
            return (struct str){ model.p + i, model.n - i };
    }
    return model;
}

enum codec_reasoning_in
codec_reasoning_named(struct str name, enum codec_reasoning_in otherwise)
{
    static const char *const names[] = {
        [REASONING_IN_NONE] = "none",
        [REASONING_IN_CONTENT] = "reasoning_content",
        [REASONING_IN_PLAIN] = "reasoning",
        [REASONING_IN_DETAILS] = "reasoning_details",
        [REASONING_IN_BLOCKS] = "thinking_blocks",
        [REASONING_IN_TAGS] = "think_tags",
        [REASONING_IN_PARTS] = "thinking_parts",
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (str_is(name, names[i]))
            return (enum codec_reasoning_in)i;
    }
    return otherwise;
}

struct codec_target codec_target_of(enum dialect d, struct str model)
{
    struct str name, chat = STR("-chat-latest");
    const struct row *best = NULL;
    size_t length = 0;
    bool bedrock = d == DIALECT_CONVERSE;
    uint32_t cannot = 0;

    if (d == DIALECT_RESPONSES) /* the same models */
        d = DIALECT_OPENAI_CHAT;
    if (bedrock && str_find(model, STR("claude-")) >= 0)
        d = DIALECT_ANTHROPIC;
    name = bare_name(d, model);
    if (bedrock && str_starts(name, STR("claude-haiku-5-5")))
        cannot = CAN_SCHEMA | CAN_STRICT; /* at Anthropic's own alone */
    if (d == DIALECT_OPENAI_CHAT && name.n > chat.n &&
        str_eq((struct str){ name.p + name.n - chat.n, chat.n }, chat))
        name = STR("chatgpt-"); /* the ones that do not reason */
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct str prefix = str_of(rows[i].prefix);

        if (rows[i].dialect != d || !str_starts(name, prefix))
            continue;
        if (!best || prefix.n > length) {
            best = &rows[i];
            length = prefix.n;
        }
    }
    if (!best)
        return (struct codec_target){ .model = model };
    return (struct codec_target){
        .model = model,
        .can = best->can & ~cannot,
        .max_output = best->max_output,
        .reasoning_in = best->reasoning_in,
        .ids = best->ids,
        .max_stops = (uint32_t)best->max_stops,
    };
}
