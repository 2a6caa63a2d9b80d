/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The texts of OpenAI's requests. Chat: contents and refusals, whole or in
 * parts, reasoning that is sent back, arguments of calls; then the prediction,
 * which the provider reads as the answer's. Completions: prompt and suffix;
 * embeddings: input. Lists of tokens are no texts.
 *
 * Source: https://platform.openai.com/docs/api-reference (read 2026-11);
 * reasoning_content: DeepSeek's and others' names (read 2026-11).
 */
#include "wire/openai_impl.h"

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

static uint32_t member(const struct walk *w, uint32_t object,
                       const char *name)
{
    return object == JSON_NONE ? JSON_NONE
                               : json_member(w->j, object, str_of(name));
}

/* A part of a content: a bare string is one, too. */
static int put_part(const struct walk *w, uint32_t part, enum wire_role role)
{
    static const char *const names[] = { "text", "refusal" };
    int rc = put(w, part, role, WIRE_TEXT);

    for (size_t i = 0; i < 2 && !rc; i++)
        rc = put(w, member(w, part, names[i]), role, WIRE_TEXT);
    return rc;
}

/* A string, or a list of parts. */
static int put_content(const struct walk *w, uint32_t node,
                       enum wire_role role)
{
    int rc = put(w, node, role, WIRE_TEXT);

    if (node == JSON_NONE || w->j->nodes[node].type != JSON_T_ARRAY)
        return rc;
    for (uint32_t c = json_first(w->j, node); c != JSON_NONE && !rc;
         c = json_sibling(w->j, node, c))
        rc = put_part(w, c, role);
    return rc;
}

static int put_calls(const struct walk *w, uint32_t list)
{
    int rc = 0;

    if (list == JSON_NONE || w->j->nodes[list].type != JSON_T_ARRAY)
        return 0;
    for (uint32_t c = json_first(w->j, list); c != JSON_NONE && !rc;
         c = json_sibling(w->j, list, c)) {
        uint32_t fn = member(w, c, "function");

        rc = put(w, member(w, fn, "arguments"), WIRE_ROLE_ASSISTANT,
                 WIRE_TOOL_ARGS);
        fn = member(w, c, "custom");
        if (!rc)
            rc = put(w, member(w, fn, "input"), WIRE_ROLE_ASSISTANT,
                     WIRE_TOOL_ARGS);
    }
    return rc;
}

static enum wire_role role_of(const struct walk *w, uint32_t message)
{
    static const struct {
        const char *name;
        enum wire_role role;
    } roles[] = {
        { "\"user\"", WIRE_ROLE_USER },
        { "\"assistant\"", WIRE_ROLE_ASSISTANT },
        { "\"system\"", WIRE_ROLE_SYSTEM },
        { "\"developer\"", WIRE_ROLE_SYSTEM },
        { "\"tool\"", WIRE_ROLE_TOOL },
        { "\"function\"", WIRE_ROLE_TOOL },
    };
    struct str raw = json_raw(w->j, member(w, message, "role"));

    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
        if (str_is(raw, roles[i].name))
            return roles[i].role;
    }
    return WIRE_ROLE_USER;
}

static int put_message(const struct walk *w, uint32_t m)
{
    static const char *const thoughts[] = { "reasoning_content", "reasoning" };
    enum wire_role role = role_of(w, m);
    int rc = 0;

    for (size_t i = 0; i < 2 && !rc; i++)
        rc = put(w, member(w, m, thoughts[i]), role, WIRE_THINKING);
    if (!rc)
        rc = put_content(w, member(w, m, "content"), role);
    if (!rc)
        rc = put(w, member(w, m, "refusal"), role, WIRE_TEXT);
    if (!rc)
        rc = put_calls(w, member(w, m, "tool_calls"));
    if (!rc)
        rc = put(w, member(w, member(w, m, "function_call"), "arguments"),
                 WIRE_ROLE_ASSISTANT, WIRE_TOOL_ARGS);
    return rc;
}

static int chat(const struct walk *w)
{
    uint32_t list = member(w, 0, "messages");
    int rc = 0;

    for (uint32_t m = json_first(w->j, list); m != JSON_NONE && !rc;
         m = json_sibling(w->j, list, m))
        rc = put_message(w, m);
    return rc ? rc
              : put_content(w, member(w, member(w, 0, "prediction"),
                                      "content"),
                            WIRE_ROLE_ASSISTANT);
}

int openai_texts(enum dialect d, const struct json *body, wire_text_fn *fn,
                 void *ud)
{
    struct walk w = { body, fn, ud };
    int rc = 0;

    if (d == DIALECT_OPENAI_CHAT)
        return chat(&w);
    if (d == DIALECT_OPENAI_EMBEDDINGS)
        return put_content(&w, member(&w, 0, "input"), WIRE_ROLE_USER);
    if (d != DIALECT_OPENAI_COMPLETIONS)
        return 0;
    rc = put_content(&w, member(&w, 0, "prompt"), WIRE_ROLE_USER);
    return rc ? rc
              : put(&w, member(&w, 0, "suffix"), WIRE_ROLE_USER, WIRE_TEXT);
}
