/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The texts of Responses requests, and what they ask of a model: instructions,
 * then each item of the input. An item that nobody knows is looked into for
 * texts all the same; encrypted content is none.
 *
 * Source: https://platform.openai.com/docs/api-reference/responses/create
 * (read 2026-11).
 */
#include "wire/needs.h"
#include "wire/responses_impl.h"
#include "wire/watch.h"

struct walk {
    const struct json *j;
    wire_text_fn *fn;
    void *ud;
};

static int put(const struct walk *w, uint32_t node, enum wire_role role,
               enum wire_kind kind)
{
    struct wire_text t = { node, (uint16_t)role, (uint16_t)kind };

    if (node == JSON_NONE || w->j->nodes[node].type != JSON_T_STRING)
        return 0;
    return w->fn(w->ud, &t);
}

/* A string, or a list of parts with their text. */
static int put_content(const struct walk *w, uint32_t node,
                       enum wire_role role, enum wire_kind kind)
{
    static const char *const names[] = { "text", "refusal" };
    int rc = put(w, node, role, kind);

    if (node == JSON_NONE || w->j->nodes[node].type != JSON_T_ARRAY)
        return rc;
    for (uint32_t c = json_first(w->j, node); c != JSON_NONE && !rc;
         c = json_sibling(w->j, node, c)) {
        rc = put(w, c, role, kind);
        for (size_t i = 0; i < 2 && !rc; i++)
            rc = put(w, wire_member(w->j, c, names[i]), role, kind);
    }
    return rc;
}

static enum wire_role role_of(const struct walk *w, uint32_t item)
{
    if (watch_is(w->j, item, "role", "assistant"))
        return WIRE_ROLE_ASSISTANT;
    if (watch_is(w->j, item, "role", "system") ||
        watch_is(w->j, item, "role", "developer"))
        return WIRE_ROLE_SYSTEM;
    return WIRE_ROLE_USER;
}

/* Members of items that hold text, whatever the item's type is. */
static const struct {
    const char *member;
    enum wire_role role;
    enum wire_kind kind;
} members[] = {
    { "summary", WIRE_ROLE_ASSISTANT, WIRE_THINKING },
    { "arguments", WIRE_ROLE_ASSISTANT, WIRE_TOOL_ARGS },
    { "input", WIRE_ROLE_ASSISTANT, WIRE_TOOL_ARGS },
    { "output", WIRE_ROLE_TOOL, WIRE_TEXT },
};

static int put_item(const struct walk *w, uint32_t item)
{
    bool thought = watch_is(w->j, item, "type", "reasoning");
    enum wire_role role = thought ? WIRE_ROLE_ASSISTANT : role_of(w, item);
    int rc = put(w, item, WIRE_ROLE_USER, WIRE_TEXT);

    for (size_t i = 0; i < sizeof members / sizeof members[0] && !rc; i++)
        rc = put_content(w, wire_member(w->j, item, members[i].member),
                         members[i].role, members[i].kind);
    return rc ? rc : put_content(w, wire_member(w->j, item, "content"), role,
                                 thought ? WIRE_THINKING : WIRE_TEXT);
}

int responses_texts(enum dialect d, const struct json *body,
                    wire_text_fn *fn, void *ud)
{
    struct walk w = { body, fn, ud };
    uint32_t input = wire_member(body, 0, "input");
    int rc = put_content(&w, wire_member(body, 0, "instructions"),
                         WIRE_ROLE_SYSTEM, WIRE_TEXT);

    (void)d;
    if (!rc)
        rc = put(&w, input, WIRE_ROLE_USER, WIRE_TEXT);
    if (input == JSON_NONE || body->nodes[input].type != JSON_T_ARRAY)
        return rc;
    for (uint32_t c = json_first(body, input); c != JSON_NONE && !rc;
         c = json_sibling(body, input, c))
        rc = put_item(&w, c);
    return rc;
}

/* ---- needs -------------------------------------------------------------- */

static uint32_t of_parts(const struct json *j, uint32_t list)
{
    uint32_t need = 0;

    if (list == JSON_NONE || j->nodes[list].type != JSON_T_ARRAY)
        return 0;
    for (uint32_t c = json_first(j, list); c != JSON_NONE;
         c = json_sibling(j, list, c)) {
        if (watch_is(j, c, "type", "input_image"))
            need |= NEED_VISION;
        else if (watch_is(j, c, "type", "input_file"))
            need |= NEED_DOCUMENTS;
        else if (watch_is(j, c, "type", "input_audio"))
            need |= NEED_AUDIO;
    }
    return need;
}

uint32_t responses_needs(const struct json *body)
{
    uint32_t input = wire_member(body, 0, "input");
    uint32_t format = wire_member(body, wire_member(body, 0, "text"),
                                  "format");
    uint32_t need = 0;

    if (input != JSON_NONE && body->nodes[input].type == JSON_T_ARRAY) {
        for (uint32_t c = json_first(body, input); c != JSON_NONE;
             c = json_sibling(body, input, c)) {
            need |= of_parts(body, wire_member(body, c, "content"));
            need |= of_parts(body, wire_member(body, c, "output"));
        }
    }
    if (!wire_is_empty(body, wire_member(body, 0, "tools")))
        need |= NEED_TOOLS;
    if (watch_is(body, format, "type", "json_schema"))
        need |= NEED_SCHEMA;
    return need;
}
