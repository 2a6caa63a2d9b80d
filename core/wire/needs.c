/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "wire/needs.h"

#include "wire/gemini.h"
#include "wire/responses.h"

static const struct {
    const char *name;
    uint32_t need;
} names[] = {
    { "tools", NEED_TOOLS },   { "vision", NEED_VISION },
    { "documents", NEED_DOCUMENTS }, { "audio", NEED_AUDIO },
    { "schema", NEED_SCHEMA }, { "prefill", NEED_PREFILL },
};

/* Types of parts, of either dialect. */
static const struct {
    const char *type;
    uint32_t need;
} parts[] = {
    { "image_url", NEED_VISION },  { "image", NEED_VISION },
    { "document", NEED_DOCUMENTS }, { "file", NEED_DOCUMENTS },
    { "input_audio", NEED_AUDIO },
};

const char *wire_need_name(uint32_t need)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (names[i].need == need)
            return names[i].name;
    }
    return NULL;
}

uint32_t wire_need_of(struct str name)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (str_is(name, names[i].name))
            return names[i].need;
    }
    return 0;
}

static bool is(const struct json *j, uint32_t node, const char *word)
{
    struct str raw = node == JSON_NONE ? STR_NULL : json_raw(j, node);

    return raw.n >= 2 && raw.p[0] == '"' &&
           str_is((struct str){ raw.p + 1, raw.n - 2 }, word);
}

static uint32_t member(const struct json *j, uint32_t node, const char *name)
{
    return node == JSON_NONE ? JSON_NONE : json_member(j, node, str_of(name));
}

/* A message's content; what a tool answered may hold parts of its own. */
static uint32_t of_content(const struct json *j, uint32_t content, int depth)
{
    uint32_t need = 0, part, type;

    if (content == JSON_NONE || j->nodes[content].type != JSON_T_ARRAY)
        return 0;
    for (part = json_first(j, content); part != JSON_NONE;
         part = json_sibling(j, content, part)) {
        if (j->nodes[part].type != JSON_T_OBJECT)
            continue;
        type = member(j, part, "type");
        for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
            if (is(j, type, parts[i].type))
                need |= parts[i].need;
        }
        if (depth == 0 && is(j, type, "tool_result"))
            need |= of_content(j, member(j, part, "content"), 1);
    }
    return need;
}

static uint32_t of_messages(const struct json *j, uint32_t list)
{
    uint32_t need = 0, m, last = JSON_NONE;

    if (list == JSON_NONE || j->nodes[list].type != JSON_T_ARRAY)
        return 0;
    for (m = json_first(j, list); m != JSON_NONE;
         m = json_sibling(j, list, m)) {
        if (j->nodes[m].type != JSON_T_OBJECT)
            continue;
        need |= of_content(j, member(j, m, "content"), 0);
        last = m;
    }
    if (last != JSON_NONE && is(j, member(j, last, "role"), "assistant"))
        need |= NEED_PREFILL;
    return need;
}

static bool has_items(const struct json *j, uint32_t list)
{
    return list != JSON_NONE && j->nodes[list].type == JSON_T_ARRAY &&
           json_first(j, list) != JSON_NONE;
}

uint32_t wire_needs(enum dialect d, const struct json *body)
{
    uint32_t need, format;

    if (body->count &&
        (d == DIALECT_RESPONSES || d == DIALECT_RESPONSES_COUNT))
        return responses_needs(body);
    if (body->count && (d == DIALECT_GEMINI || d == DIALECT_GEMINI_COUNT))
        return gemini_needs(body);
    if (!body->count || (d != DIALECT_OPENAI_CHAT && d != DIALECT_ANTHROPIC &&
                         d != DIALECT_ANTHROPIC_COUNT))
        return 0;
    need = of_messages(body, json_member(body, 0, STR("messages")));
    if (has_items(body, json_member(body, 0, STR("tools"))) ||
        has_items(body, json_member(body, 0, STR("functions"))))
        need |= NEED_TOOLS;
    format = json_member(body, 0, d == DIALECT_OPENAI_CHAT
                                      ? STR("response_format")
                                      : STR("output_format"));
    if (format == JSON_NONE && d == DIALECT_ANTHROPIC)
        format = json_at(body, STR("/output_config/format"));
    if (format != JSON_NONE && body->nodes[format].type == JSON_T_OBJECT &&
        is(body, member(body, format, "type"), "json_schema"))
        need |= NEED_SCHEMA;
    return need;
}
