/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The texts of Google's requests, in the order of the conversation; and what
 * is taken out of them on their way to Google itself: parts that hold what
 * another dialect's answer had sealed in (codec_gemini_seal.c).
 */
#include "wire/gemini_impl.h"

#include "wire/codec_gemini.h"
#include "wire/texts.h"

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

static uint32_t member(const struct json *j, uint32_t object,
                       const char *camel, const char *snake)
{
    uint32_t node = wire_member(j, object, camel);

    return node == JSON_NONE ? wire_member(j, object, snake) : node;
}

/* Names are no nodes: every string below is a value. */
static int put_values(const struct walk *w, uint32_t top, enum wire_role role,
                      enum wire_kind kind)
{
    int rc = 0;

    if (top == JSON_NONE)
        return 0;
    for (uint32_t n = top; n < w->j->nodes[top].next && !rc; n++)
        rc = put(w, n, role, kind);
    return rc;
}

static int put_part(const struct walk *w, uint32_t part, enum wire_role role)
{
    const struct json *j = w->j;
    uint32_t call = member(j, part, "functionCall", "function_call");
    uint32_t gave = member(j, part, "functionResponse", "function_response");
    uint32_t thought = wire_member(j, part, "thought");
    bool is = thought != JSON_NONE && j->nodes[thought].type == JSON_T_TRUE;
    int rc = put(w, wire_member(j, part, "text"), role,
                 is ? WIRE_THINKING : WIRE_TEXT);

    if (!rc)
        rc = put_values(w, wire_member(j, call, "args"),
                        WIRE_ROLE_ASSISTANT, WIRE_TOOL_ARGS);
    return rc ? rc : put_values(w, wire_member(j, gave, "response"),
                                WIRE_ROLE_TOOL, WIRE_TEXT);
}

static int put_content(const struct walk *w, uint32_t content,
                       enum wire_role role)
{
    const struct json *j = w->j;
    uint32_t parts = wire_member(j, content, "parts");
    int rc = 0;

    if (parts == JSON_NONE)
        return 0;
    if (j->nodes[parts].type != JSON_T_ARRAY)
        return put_part(w, parts, role);
    for (uint32_t p = json_first(j, parts); p != JSON_NONE && !rc;
         p = json_sibling(j, parts, p))
        rc = put_part(w, p, role);
    return rc;
}

static enum wire_role role_of(const struct json *j, uint32_t content)
{
    return str_is(json_raw(j, wire_member(j, content, "role")), "\"model\"")
               ? WIRE_ROLE_ASSISTANT
               : WIRE_ROLE_USER;
}

static int put_batch(const struct walk *w)
{
    const struct json *j = w->j;
    uint32_t list = wire_member(j, 0, "requests");
    int rc = 0;

    if (list == JSON_NONE || j->nodes[list].type != JSON_T_ARRAY)
        return 0;
    for (uint32_t c = json_first(j, list); c != JSON_NONE && !rc;
         c = json_sibling(j, list, c))
        rc = put_content(w, wire_member(j, c, "content"), WIRE_ROLE_USER);
    return rc;
}

int gemini_texts(enum dialect d, const struct json *body, wire_text_fn *fn,
                 void *ud)
{
    struct walk w = { body, fn, ud };
    uint32_t system = member(body, 0, "systemInstruction",
                             "system_instruction");
    uint32_t list = wire_member(body, 0, "contents");
    int rc;

    if (d == DIALECT_GEMINI_BATCH)
        return put_batch(&w);
    if (d == DIALECT_GEMINI_EMBED)
        return put_content(&w, wire_member(body, 0, "content"),
                           WIRE_ROLE_USER);
    rc = put(&w, system, WIRE_ROLE_SYSTEM, WIRE_TEXT);
    if (!rc)
        rc = put_content(&w, system, WIRE_ROLE_SYSTEM);
    if (list == JSON_NONE || body->nodes[list].type != JSON_T_ARRAY)
        return rc;
    for (uint32_t c = json_first(body, list); c != JSON_NONE && !rc;
         c = json_sibling(body, list, c))
        rc = put_content(&w, c, role_of(body, c));
    return rc;
}

/* ---- unsealed ----------------------------------------------------------- */

/* A part to be taken out; a list of them, the last one first. */
struct sealed {
    struct sealed *next;
    uint32_t content, part;
    bool all; /* the content has nothing else */
};

static bool is_sealed(const struct json *j, uint32_t part)
{
    uint32_t node = member(j, part, "thoughtSignature", "thought_signature");

    return gemini_is_sealed(jstr_of_node(j, node));
}

static int look_at(const struct json *j, uint32_t content, uint32_t n,
                   struct arena *a, struct sealed **last)
{
    uint32_t parts = wire_member(j, content, "parts"), i = 0, found = 0;
    struct sealed *before = *last;

    if (parts == JSON_NONE || j->nodes[parts].type != JSON_T_ARRAY)
        return 0;
    for (uint32_t p = json_first(j, parts); p != JSON_NONE;
         p = json_sibling(j, parts, p), i++) {
        struct sealed *s;

        if (!is_sealed(j, p))
            continue;
        s = arena_alloc(a, sizeof *s);
        if (!s)
            return -ERR_NOMEM;
        *s = (struct sealed){ *last, n, i, false };
        *last = s;
        found++;
    }
    if (found && found == i) { /* no content may be empty */
        (*last)->all = true;
        (*last)->next = before;
    }
    return 0;
}

static int take_out(struct json_edits *e, const struct sealed *s,
                    struct arena *a)
{
    struct str at = s->all
                        ? arena_fmt(a, "/contents/%u", s->content)
                        : arena_fmt(a, "/contents/%u/parts/%u", s->content,
                                    s->part);

    return at.p ? json_edit_remove(e, at) : -ERR_NOMEM;
}

int gemini_unseal(const struct json *body, struct json_edits *e,
                  struct arena *a, struct err *err)
{
    struct str text = { body->text, body->size };
    struct sealed *last = NULL;
    uint32_t list, n = 0;
    int rc = 0;

    if (str_find(text, STR("\"cGVuc3RvY2su")) < 0)
        return 0;
    list = wire_member(body, 0, "contents");
    if (list == JSON_NONE || body->nodes[list].type != JSON_T_ARRAY)
        return 0;
    for (uint32_t c = json_first(body, list); c != JSON_NONE && !rc;
         c = json_sibling(body, list, c), n++)
        rc = look_at(body, c, n, a, &last);
    /* from the end on: a number counts what is left by then */
    for (; last && !rc; last = last->next)
        rc = take_out(e, last, a);
    return rc == -ERR_NOMEM ? err_set(err, ERR_NOMEM, "out of memory") : rc;
}
