/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What a generateContent request asks of a model; see needs.h. */
#include "wire/gemini.h"

#include "wire/needs.h"

/* A member by either of its spellings. */
static uint32_t member(const struct json *j, uint32_t node, const char *camel,
                       const char *snake)
{
    uint32_t n = node == JSON_NONE || j->nodes[node].type != JSON_T_OBJECT
                     ? JSON_NONE : json_member(j, node, str_of(camel));

    return n != JSON_NONE || node == JSON_NONE ||
                   j->nodes[node].type != JSON_T_OBJECT
               ? n : json_member(j, node, str_of(snake));
}

static bool begins(const struct json *j, uint32_t node, const char *text)
{
    struct str raw = node == JSON_NONE ? STR_NULL : json_raw(j, node);

    return raw.n > 1 && raw.p[0] == '"' &&
           str_starts((struct str){ raw.p + 1, raw.n - 1 }, str_of(text));
}

static bool is_list(const struct json *j, uint32_t node)
{
    return node != JSON_NONE && j->nodes[node].type == JSON_T_ARRAY;
}

static uint32_t of_part(const struct json *j, uint32_t part)
{
    uint32_t data = member(j, part, "inlineData", "inline_data"), type;

    if (data == JSON_NONE)
        data = member(j, part, "fileData", "file_data");
    if (data == JSON_NONE)
        return 0;
    type = member(j, data, "mimeType", "mime_type");
    if (begins(j, type, "image/"))
        return NEED_VISION;
    if (begins(j, type, "audio/"))
        return NEED_AUDIO;
    return begins(j, type, "application/") ? NEED_DOCUMENTS : 0;
}

static uint32_t of_contents(const struct json *j, uint32_t list)
{
    uint32_t need = 0, c, parts, p, last = JSON_NONE;

    for (c = is_list(j, list) ? json_first(j, list) : JSON_NONE;
         c != JSON_NONE; c = json_sibling(j, list, c)) {
        last = c;
        parts = member(j, c, "parts", "parts");
        for (p = is_list(j, parts) ? json_first(j, parts) : JSON_NONE;
             p != JSON_NONE; p = json_sibling(j, parts, p))
            need |= of_part(j, p);
    }
    if (begins(j, member(j, last, "role", "role"), "model\""))
        need |= NEED_PREFILL;
    return need;
}

uint32_t gemini_needs(const struct json *body)
{
    uint32_t tools = member(body, 0, "tools", "tools");
    uint32_t config = member(body, 0, "generationConfig",
                             "generation_config");
    uint32_t need = of_contents(body, member(body, 0, "contents",
                                             "contents"));

    if (is_list(body, tools) && json_first(body, tools) != JSON_NONE)
        need |= NEED_TOOLS;
    if (member(body, config, "responseSchema", "response_schema") !=
            JSON_NONE ||
        member(body, config, "responseJsonSchema", "response_json_schema") !=
            JSON_NONE)
        need |= NEED_SCHEMA;
    return need;
}
