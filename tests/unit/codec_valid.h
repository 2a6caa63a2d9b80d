/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What a body of each dialect must be made of, as a table: a member that is
 * not in it, of another type or value, or missing, is a fault. Written from
 * the vendors' references, not from the codecs.
 */
#ifndef PENSTOCK_UNIT_CODEC_VALID_H
#define PENSTOCK_UNIT_CODEC_VALID_H

#include "wire/codec_read.h"

struct valid_row {
    const char *kind, *member;
    uint32_t types;     /* RD_*; null as VALID_NULL */
    bool required;
    const char *values; /* "|a|b|"; NULL: any */
    const char *inside; /* kind of the object, or of an array's elements */
};

#define VALID_NULL (1u << JSON_T_NULL)
/* clang-format off */
#define NUL VALID_NULL
#define ROLES "|system|developer|user|assistant|tool|"
#define FINISH "|stop|length|tool_calls|content_filter|"
#define STOPS "|end_turn|max_tokens|stop_sequence|tool_use|pause_turn|refusal|model_context_window_exceeded|"
#define BLOCKS "|text|image|document|tool_use|tool_result|thinking|redacted_thinking|"

static const struct valid_row valid_rows[] = {
    { "chat", "model", RD_STRING, true, NULL, NULL },
    { "chat", "messages", RD_ARRAY, true, NULL, "chat.message" },
    { "chat", "max_tokens", RD_NUMBER, false, NULL, NULL },
    { "chat", "max_completion_tokens", RD_NUMBER, false, NULL, NULL },
    { "chat", "tools", RD_ARRAY, false, NULL, "chat.tool" },
    { "chat", "tool_choice", RD_STRING | RD_OBJECT, false, NULL, "chat.tool" },
    { "chat", "parallel_tool_calls", RD_BOOL, false, NULL, NULL },
    { "chat", "response_format", RD_OBJECT, false, NULL, "chat.format" },
    { "chat", "reasoning_effort", RD_STRING, false, "|none|minimal|low|medium|high|xhigh|", NULL },
    { "chat", "temperature", RD_NUMBER, false, NULL, NULL },
    { "chat", "top_p", RD_NUMBER, false, NULL, NULL },
    { "chat", "top_k", RD_NUMBER, false, NULL, NULL },
    { "chat", "stop", RD_ARRAY, false, NULL, NULL },
    { "chat", "user", RD_STRING, false, NULL, NULL },
    { "chat", "stream", RD_BOOL, false, NULL, NULL },
    { "chat", "stream_options", RD_OBJECT, false, NULL, "any" },
    { "chat.message", "role", RD_STRING, true, ROLES, NULL },
    { "chat.message", "content", RD_STRING | RD_ARRAY | NUL, true, NULL, "chat.part" },
    { "chat.message", "reasoning_content", RD_STRING, false, NULL, NULL },
    { "chat.message", "tool_calls", RD_ARRAY, false, NULL, "chat.call" },
    { "chat.message", "tool_call_id", RD_STRING, false, NULL, NULL },
    { "chat.part", "type", RD_STRING, true, "|text|image_url|file|", NULL },
    { "chat.part", "text", RD_STRING, false, NULL, NULL },
    { "chat.part", "image_url", RD_OBJECT, false, NULL, "any" },
    { "chat.part", "file", RD_OBJECT, false, NULL, "any" },
    { "chat.part", "prompt_cache_breakpoint", RD_OBJECT, false, NULL, "any" },
    { "chat.call", "id", RD_STRING, true, NULL, NULL },
    { "chat.call", "type", RD_STRING, true, "|function|", NULL },
    { "chat.call", "function", RD_OBJECT, true, NULL, "chat.called" },
    { "chat.called", "name", RD_STRING, true, NULL, NULL },
    { "chat.called", "arguments", RD_STRING, true, NULL, NULL },
    { "chat.tool", "type", RD_STRING, true, "|function|", NULL },
    { "chat.tool", "function", RD_OBJECT, true, NULL, "chat.function" },
    { "chat.function", "name", RD_STRING, true, NULL, NULL },
    { "chat.function", "description", RD_STRING, false, NULL, NULL },
    { "chat.function", "parameters", RD_OBJECT, false, NULL, "any" },
    { "chat.function", "strict", RD_BOOL, false, NULL, NULL },
    { "chat.format", "type", RD_STRING, true, "|text|json_object|json_schema|", NULL },
    { "chat.format", "json_schema", RD_OBJECT, false, NULL, "chat.schema" },
    { "chat.schema", "name", RD_STRING, true, NULL, NULL },
    { "chat.schema", "description", RD_STRING, false, NULL, NULL },
    { "chat.schema", "schema", RD_OBJECT, true, NULL, "any" },
    { "chat.schema", "strict", RD_BOOL, false, NULL, NULL },

    { "messages", "model", RD_STRING, true, NULL, NULL },
    { "messages", "max_tokens", RD_NUMBER, true, NULL, NULL },
    { "messages", "messages", RD_ARRAY, true, NULL, "messages.turn" },
    { "messages", "system", RD_ARRAY, false, NULL, "messages.block" },
    { "messages", "tools", RD_ARRAY, false, NULL, "messages.tool" },
    { "messages", "tool_choice", RD_OBJECT, false, NULL, "messages.choice" },
    { "messages", "thinking", RD_OBJECT, false, NULL, "messages.thinking" },
    { "messages", "output_config", RD_OBJECT, false, NULL, "messages.config" },
    { "messages", "temperature", RD_NUMBER, false, NULL, NULL },
    { "messages", "top_p", RD_NUMBER, false, NULL, NULL },
    { "messages", "top_k", RD_NUMBER, false, NULL, NULL },
    { "messages", "stop_sequences", RD_ARRAY, false, NULL, NULL },
    { "messages", "metadata", RD_OBJECT, false, NULL, "messages.metadata" },
    { "messages", "cache_control", RD_OBJECT, false, NULL, "messages.mark" },
    { "messages", "stream", RD_BOOL, false, NULL, NULL },
    { "messages.metadata", "user_id", RD_STRING, true, NULL, NULL },
    { "messages.turn", "role", RD_STRING, true, "|user|assistant|system|", NULL },
    { "messages.turn", "content", RD_ARRAY, true, NULL, "messages.block" },
    { "messages.block", "type", RD_STRING, true, BLOCKS, NULL },
    { "messages.block", "text", RD_STRING, false, NULL, NULL },
    { "messages.block", "source", RD_OBJECT, false, NULL, "messages.source" },
    { "messages.block", "title", RD_STRING, false, NULL, NULL },
    { "messages.block", "id", RD_STRING, false, NULL, NULL },
    { "messages.block", "name", RD_STRING, false, NULL, NULL },
    { "messages.block", "input", RD_OBJECT, false, NULL, "any" },
    { "messages.block", "tool_use_id", RD_STRING, false, NULL, NULL },
    { "messages.block", "content", RD_STRING | RD_ARRAY, false, NULL, "messages.block" },
    { "messages.block", "thinking", RD_STRING, false, NULL, NULL },
    { "messages.block", "signature", RD_STRING, false, NULL, NULL },
    { "messages.block", "data", RD_STRING, false, NULL, NULL },
    { "messages.block", "cache_control", RD_OBJECT, false, NULL, "messages.mark" },
    { "messages.mark", "type", RD_STRING, true, "|ephemeral|", NULL },
    { "messages.mark", "ttl", RD_STRING, false, "|5m|1h|", NULL },
    { "messages.source", "type", RD_STRING, true, "|base64|url|text|", NULL },
    { "messages.source", "media_type", RD_STRING, false, "|image/jpeg|image/png|image/gif|image/webp|application/pdf|text/plain|", NULL },
    { "messages.source", "data", RD_STRING, false, NULL, NULL },
    { "messages.source", "url", RD_STRING, false, NULL, NULL },
    { "messages.tool", "name", RD_STRING, true, NULL, NULL },
    { "messages.tool", "description", RD_STRING, false, NULL, NULL },
    { "messages.tool", "input_schema", RD_OBJECT, true, NULL, "any" },
    { "messages.tool", "strict", RD_BOOL, false, NULL, NULL },
    { "messages.tool", "cache_control", RD_OBJECT, false, NULL, "messages.mark" },
    { "messages.choice", "type", RD_STRING, true, "|auto|any|tool|none|", NULL },
    { "messages.choice", "name", RD_STRING, false, NULL, NULL },
    { "messages.choice", "disable_parallel_tool_use", RD_BOOL, false, NULL, NULL },
    { "messages.thinking", "type", RD_STRING, true, "|enabled|adaptive|disabled|", NULL },
    { "messages.thinking", "budget_tokens", RD_NUMBER, false, NULL, NULL },
    { "messages.thinking", "display", RD_STRING, false, "|summarized|omitted|", NULL },
    { "messages.config", "effort", RD_STRING, false, "|low|medium|high|xhigh|max|", NULL },
    { "messages.config", "format", RD_OBJECT, false, NULL, "any" },

    { "completion", "id", RD_STRING, true, NULL, NULL },
    { "completion", "object", RD_STRING, true, "|chat.completion|", NULL },
    { "completion", "created", RD_NUMBER, true, NULL, NULL },
    { "completion", "model", RD_STRING, true, NULL, NULL },
    { "completion", "choices", RD_ARRAY, true, NULL, "completion.choice" },
    { "completion", "usage", RD_OBJECT, true, NULL, "any" },
    { "completion.choice", "index", RD_NUMBER, true, NULL, NULL },
    { "completion.choice", "message", RD_OBJECT, true, NULL, "completion.message" },
    { "completion.choice", "logprobs", RD_OBJECT | NUL, true, NULL, "any" },
    { "completion.choice", "finish_reason", RD_STRING, true, FINISH, NULL },
    { "completion.message", "role", RD_STRING, true, "|assistant|", NULL },
    { "completion.message", "content", RD_STRING | NUL, true, NULL, NULL },
    { "completion.message", "refusal", RD_STRING | NUL, true, NULL, NULL },
    { "completion.message", "reasoning_content", RD_STRING, false, NULL, NULL },
    { "completion.message", "thinking_blocks", RD_ARRAY, false, NULL, "any" },
    { "completion.message", "annotations", RD_ARRAY, false, NULL, "any" },
    { "completion.message", "tool_calls", RD_ARRAY, false, NULL, "chat.call" },

    { "message", "id", RD_STRING, true, NULL, NULL },
    { "message", "type", RD_STRING, true, "|message|", NULL },
    { "message", "role", RD_STRING, true, "|assistant|", NULL },
    { "message", "model", RD_STRING, true, NULL, NULL },
    { "message", "content", RD_ARRAY, true, NULL, "messages.block" },
    { "message", "stop_reason", RD_STRING, true, STOPS, NULL },
    { "message", "stop_sequence", RD_STRING | NUL, true, NULL, NULL },
    { "message", "usage", RD_OBJECT, true, NULL, "any" },
};
/* clang-format on */

#undef NUL

static inline const struct valid_row *valid_find(const char *kind,
                                                 struct str name)
{
    for (size_t i = 0; i < sizeof valid_rows / sizeof valid_rows[0]; i++) {
        if (strcmp(valid_rows[i].kind, kind) == 0 &&
            str_is(name, valid_rows[i].member))
            return &valid_rows[i];
    }
    return NULL;
}

static inline bool valid_value(const struct json *j, uint32_t node,
                               const char *values)
{
    struct jstr s = jstr_of_node(j, node);
    char want[128];

    if (!values)
        return true;
    snprintf(want, sizeof want, "|" STR_FMT "|", (int)s.n, s.p ? s.p : "");
    return strstr(values, want) != NULL;
}

/* NULL, or the member that is at fault ("messages.block.text"). */
static inline const char *valid_fault(const struct json *j, uint32_t node,
                                      const char *kind, struct arena *a)
{
    const char *fault = NULL;

    if (!kind || strcmp(kind, "any") == 0)
        return NULL;
    if (j->nodes[node].type == JSON_T_ARRAY) {
        for (uint32_t c = json_first(j, node); c != JSON_NONE && !fault;
             c = json_sibling(j, node, c))
            fault = valid_fault(j, c, kind, a);
        return fault;
    }
    if (j->nodes[node].type != JSON_T_OBJECT)
        return NULL;
    for (uint32_t c = json_first(j, node); c != JSON_NONE && !fault;
         c = json_sibling(j, node, c)) {
        struct str name = json_name(j, c, a);
        const struct valid_row *r = valid_find(kind, name);

        if (!r || !(r->types & 1u << j->nodes[c].type) ||
            !valid_value(j, c, r->values))
            return arena_fmt(a, "%s." STR_FMT, kind, STR_ARG(name)).p;
        fault = valid_fault(j, c, r->inside, a);
    }
    for (size_t i = 0; i < sizeof valid_rows / sizeof valid_rows[0]; i++) {
        const struct valid_row *r = &valid_rows[i];

        if (!fault && r->required && strcmp(r->kind, kind) == 0 &&
            json_member(j, node, str_of(r->member)) == JSON_NONE)
            return arena_fmt(a, "no %s.%s", kind, r->member).p;
    }
    return fault;
}

#endif
