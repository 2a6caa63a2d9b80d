/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "wire/codec_where.h"

#include "base/arena.h"

#include <stdio.h>

void codec_path(const struct json *j, uint32_t node, enum dialect d,
                struct arena *a, char *out, size_t size)
{
    struct str pointer = json_pointer(j, node, a);
    bool dots = dialect_is_anthropic(d);
    size_t n = 0;

    out[0] = '\0';
    if (!pointer.p || !pointer.n)
        return;
    pointer = (struct str){ pointer.p + 1, pointer.n - 1 };
    while (pointer.p && n < size) {
        struct str part = str_split(&pointer, '/');
        uint64_t index;
        bool brackets = !dots && n && str_u64(part, &index);
        int len = snprintf(out + n, size - n,
                           brackets ? "[" STR_FMT "]" : n ? "." STR_FMT
                                                          : STR_FMT,
                           STR_ARG(part));

        n += len > 0 ? (size_t)len : size;
    }
}

static uint32_t child_at(const struct json *j, uint32_t parent, size_t offset)
{
    uint8_t type = j->nodes[parent].type;
    uint32_t c = JSON_NONE;

    if (type == JSON_T_ARRAY || type == JSON_T_OBJECT)
        c = json_first(j, parent);
    while (c != JSON_NONE &&
           !(j->nodes[c].start <= offset && offset < j->nodes[c].end))
        c = json_sibling(j, parent, c);
    return c;
}

uint32_t codec_node_at(const struct json *j, const char *at)
{
    uint32_t found = JSON_NONE, next, node = 0;
    bool element = false;
    size_t offset;

    if (!j->count || !at || at < j->text || at >= j->text + j->size)
        return JSON_NONE;
    offset = (size_t)(at - j->text);
    while ((next = child_at(j, node, offset)) != JSON_NONE) {
        bool of_list = j->nodes[node].type == JSON_T_ARRAY;

        if (of_list || !element)
            found = next;
        element = element || of_list;
        node = next;
    }
    return found;
}

const char *codec_talk_field(enum dialect d)
{
    switch (d) {
    case DIALECT_RESPONSES:
        return "input";
    case DIALECT_GEMINI:
        return "contents";
    case DIALECT_OPENAI_COMPLETIONS:
        return "prompt";
    default:
        return "messages";
    }
}
