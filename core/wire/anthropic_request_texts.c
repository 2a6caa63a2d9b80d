/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The texts of Anthropic's requests: the system's, then the blocks of the
 * messages, those within tool results, documents and search results, too. A
 * call's arguments are an object here: each string in it is a text of its own.
 * A block of a kind that is not known is looked through for the same members.
 *
 * Source: platform.claude.com/docs/en/api/messages (read 2026-11-23).
 */
#include "wire/anthropic_impl.h"

enum { DEPTH_MAX = 8 }; /* contents within contents */

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

/* Names are no nodes: every string below is a value. */
static int put_args(const struct walk *w, uint32_t input)
{
    int rc = 0;

    if (input == JSON_NONE)
        return 0;
    for (uint32_t n = input; n < w->j->nodes[input].next && !rc; n++)
        rc = put(w, n, WIRE_ROLE_ASSISTANT, WIRE_TOOL_ARGS);
    return rc;
}

static bool is_result(const struct walk *w, uint32_t block)
{
    struct str type = json_raw(w->j, member(w, block, "type"));
    struct str end = STR("tool_result\"");

    return type.n >= end.n &&
           str_eq((struct str){ type.p + type.n - end.n, end.n }, end);
}

static int put_content(const struct walk *w, uint32_t node,
                       enum wire_role role, int depth);

/* A document's: plain text, or blocks; never the digits of a file. */
static int put_source(const struct walk *w, uint32_t source,
                      enum wire_role role, int depth)
{
    struct str type = json_raw(w->j, member(w, source, "type"));

    if (str_is(type, "\"text\""))
        return put(w, member(w, source, "data"), role, WIRE_TEXT);
    return put_content(w, member(w, source, "content"), role, depth);
}

static int put_block(const struct walk *w, uint32_t b, enum wire_role role,
                     int depth)
{
    static const char *const names[] = { "title", "context", "text" };
    int rc = put(w, b, role, WIRE_TEXT);

    if (is_result(w, b))
        role = WIRE_ROLE_TOOL;
    for (size_t i = 0; i < 3 && !rc; i++)
        rc = put(w, member(w, b, names[i]), role, WIRE_TEXT);
    if (!rc)
        rc = put(w, member(w, b, "thinking"), role, WIRE_THINKING);
    if (!rc)
        rc = put_args(w, member(w, b, "input"));
    if (!rc)
        rc = put_source(w, member(w, b, "source"), role, depth);
    return rc ? rc : put_content(w, member(w, b, "content"), role, depth);
}

/* A string, or a list of blocks. */
static int put_content(const struct walk *w, uint32_t node,
                       enum wire_role role, int depth)
{
    int rc = put(w, node, role, WIRE_TEXT);

    if (node == JSON_NONE || w->j->nodes[node].type != JSON_T_ARRAY ||
        depth == DEPTH_MAX)
        return rc;
    for (uint32_t c = json_first(w->j, node); c != JSON_NONE && !rc;
         c = json_sibling(w->j, node, c))
        rc = put_block(w, c, role, depth + 1);
    return rc;
}

static enum wire_role role_of(const struct walk *w, uint32_t message)
{
    struct str raw = json_raw(w->j, member(w, message, "role"));

    if (str_is(raw, "\"assistant\""))
        return WIRE_ROLE_ASSISTANT;
    return str_is(raw, "\"system\"") ? WIRE_ROLE_SYSTEM : WIRE_ROLE_USER;
}

int anthropic_texts(enum dialect d, const struct json *body,
                    wire_text_fn *fn, void *ud)
{
    struct walk w = { body, fn, ud };
    uint32_t list = member(&w, 0, "messages");
    int rc = put_content(&w, member(&w, 0, "system"), WIRE_ROLE_SYSTEM, 0);

    (void)d;
    for (uint32_t m = json_first(body, list); m != JSON_NONE && !rc;
         m = json_sibling(body, list, m))
        rc = put_content(&w, member(&w, m, "content"), role_of(&w, m), 0);
    return rc;
}
