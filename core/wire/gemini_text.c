/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Where Google's answers hold text. An event has the shape of a whole answer,
 * its parts are what is new: texts and thoughts of a candidate are joined
 * over events, a functionCall is whole. Its arguments are an object; where
 * they come in pieces (partialArgs) each path in them is a block, named by a
 * hash of that path. What is not known is other content.
 *
 * Source: https://ai.google.dev/api/generate-content and, for partialArgs,
 * https://cloud.google.com/vertex-ai/generative-ai/docs/multimodal/
 * function-calling (read 2026-11).
 */
#include "wire/gemini.h"

#include "wire/gemini_impl.h"

/* One candidate under search. */
struct search {
    const struct json *j;
    struct arena *names;
    struct wire_texts *out;
    uint32_t choice;
    uint32_t call;   /* calls seen before in this candidate */
    uint32_t path;   /* the block of the piece of arguments at hand */
    bool thought;    /* the part at hand is a thought */
    bool in_call;    /* and it has a call that is counted */
    int rc;
};

struct member {
    const char *name;
    void (*see)(struct search *s, uint32_t node);
};

#define MEMBERS(table) (table), sizeof(table) / sizeof(table)[0]

static void add(struct search *s, struct wire_item item)
{
    item.choice = s->choice;
    if (!s->rc)
        s->rc = wire_texts_add(s->out, item);
}

static void mark(struct search *s, enum wire_item_type type, uint32_t node)
{
    add(s, (struct wire_item){ .type = (uint8_t)type, .block = WIRE_ALL,
                               .node = node });
}

/* Something that is no text, and that a client would miss. */
static void other(struct search *s, bool content)
{
    s->out->bare = false;
    s->out->content |= content;
}

static void see_nothing(struct search *s, uint32_t node)
{
    (void)s;
    (void)node;
}

static void see_meta(struct search *s, uint32_t node)
{
    if (!wire_is_empty(s->j, node))
        other(s, false);
}

static void see_content_of_other_kind(struct search *s, uint32_t node)
{
    if (!wire_is_empty(s->j, node))
        other(s, true);
}

/* Each member of an object by its row; one without goes to `rest`. */
static void walk(struct search *s, uint32_t object,
                 const struct member *table, size_t n,
                 void (*rest)(struct search *s, uint32_t node))
{
    const struct json *j = s->j;

    if (j->nodes[object].type != JSON_T_OBJECT)
        return;
    for (uint32_t at = json_first(j, object); at != JSON_NONE;
         at = json_sibling(j, object, at)) {
        struct str name = json_name(j, at, s->names);
        size_t i = 0;

        while (i < n && !str_is(name, table[i].name))
            i++;
        (i < n ? table[i].see : rest)(s, at);
    }
}

/* The same for each object of a list, or for the one that stands for it. */
static void walk_list(struct search *s, uint32_t list,
                      void (*see)(struct search *s, uint32_t node))
{
    const struct json *j = s->j;

    if (j->nodes[list].type != JSON_T_ARRAY) {
        see(s, list);
        return;
    }
    for (uint32_t at = json_first(j, list); at != JSON_NONE;
         at = json_sibling(j, list, at))
        see(s, at);
}

/* ---- calls --------------------------------------------------------------- */

/* A value whose JSON is the text: policies see it at once and whole. */
static void raw(struct search *s, uint32_t block, uint32_t node)
{
    add(s, (struct wire_item){ .type = WIRE_ITEM_TEXT, .kind = WIRE_TOOL_ARGS,
                               .part = GEMINI_PART_ARGS, .raw = true,
                               .block = block, .node = node });
}

/* A part may name its call twice (camelCase and not): it is one. */
static void begin_call(struct search *s)
{
    if (s->in_call)
        s->call++;
    s->in_call = true;
    other(s, true);
    add(s, (struct wire_item){ .type = WIRE_ITEM_BEGIN, .block = s->call,
                               .kind = WIRE_TOOL_ARGS, .node = JSON_NONE });
}

static void see_args(struct search *s, uint32_t node)
{
    if (!wire_is_empty(s->j, node))
        raw(s, s->call, node);
}

/* FNV-1a; the highest bit keeps it apart from numbers of calls. */
static uint32_t path_block(struct str path)
{
    uint32_t h = 2166136261u;

    for (size_t i = 0; i < path.n; i++)
        h = (h ^ (unsigned char)path.p[i]) * 16777619u;
    h |= UINT32_C(1) << 31;
    return h == WIRE_ALL ? h - 1 : h;
}

uint32_t gemini_partial_block(const struct json *j, uint32_t partial)
{
    uint32_t path = wire_member(j, partial, "jsonPath");

    return path_block(path == JSON_NONE ? STR("") : json_raw(j, path));
}

static bool goes_on(const struct json *j, uint32_t object)
{
    uint32_t node = wire_member(j, object, "willContinue");

    return node != JSON_NONE && j->nodes[node].type == JSON_T_TRUE;
}

static void see_number(struct search *s, uint32_t node)
{
    if (!wire_is_empty(s->j, node))
        raw(s, s->path, node);
}

static void see_piece(struct search *s, uint32_t node)
{
    if (s->j->nodes[node].type == JSON_T_STRING && !wire_is_empty(s->j, node))
        add(s, (struct wire_item){ .type = WIRE_ITEM_TEXT,
                                   .kind = WIRE_TOOL_ARGS,
                                   .part = GEMINI_PART_PARTIAL,
                                   .block = s->path, .node = node });
}

/* One value, or a piece of a string that may have more. */
static void see_partial(struct search *s, uint32_t node)
{
    static const struct member partial[] = { { "stringValue", see_piece },
                                             { "numberValue", see_number } };

    s->path = gemini_partial_block(s->j, node);
    walk(s, node, MEMBERS(partial), see_nothing);
    if (!goes_on(s->j, node))
        add(s, (struct wire_item){ .type = WIRE_ITEM_END, .block = s->path,
                                   .node = JSON_NONE });
}

static void see_partials(struct search *s, uint32_t node)
{
    walk_list(s, node, see_partial);
}

static void see_call(struct search *s, uint32_t node)
{
    static const struct member call[] = { { "args", see_args },
                                          { "partialArgs", see_partials } };

    begin_call(s);
    walk(s, node, MEMBERS(call), see_nothing);
}

static void see_code(struct search *s, uint32_t node)
{
    uint32_t code = wire_member(s->j, node, "code");

    begin_call(s);
    if (code != JSON_NONE)
        see_args(s, code);
}

/* ---- parts --------------------------------------------------------------- */

static void see_text(struct search *s, uint32_t node)
{
    if (wire_is_empty(s->j, node))
        return;
    if (s->j->nodes[node].type != JSON_T_STRING) {
        other(s, true);
        return;
    }
    add(s, (struct wire_item){
        .type = WIRE_ITEM_TEXT, .block = s->choice, .node = node,
        .kind = s->thought ? WIRE_THINKING : WIRE_TEXT,
        .part = s->thought ? GEMINI_PART_THOUGHT : GEMINI_PART_TEXT });
}

static void see_part(struct search *s, uint32_t node)
{
    static const struct member part[] = {
        { "text", see_text },
        { "thought", see_nothing },
        { "thoughtSignature", see_meta },
        { "functionCall", see_call },
        { "function_call", see_call },
        { "executableCode", see_code },
        { "executable_code", see_code },
        { "partMetadata", see_meta },
    };
    uint32_t thought = wire_member(s->j, node, "thought");

    s->thought = thought != JSON_NONE &&
                 s->j->nodes[thought].type == JSON_T_TRUE;
    walk(s, node, MEMBERS(part), see_content_of_other_kind);
    s->call += s->in_call;
    s->in_call = false;
}

static void see_parts(struct search *s, uint32_t node)
{
    walk_list(s, node, see_part);
}

static void see_content(struct search *s, uint32_t node)
{
    static const struct member content[] = { { "parts", see_parts },
                                             { "role", see_nothing } };

    walk(s, node, MEMBERS(content), see_content_of_other_kind);
}

/* ---- candidates ---------------------------------------------------------- */

static void see_echo(struct search *s, uint32_t node)
{
    if (!wire_is_empty(s->j, node))
        mark(s, WIRE_ITEM_ECHO, node);
}

/* What a source supports is said once more. */
static void see_support(struct search *s, uint32_t node)
{
    uint32_t segment = wire_member(s->j, node, "segment");
    uint32_t text = wire_member(s->j, segment, "text");

    if (text != JSON_NONE)
        see_echo(s, text);
}

static void see_supports(struct search *s, uint32_t node)
{
    walk_list(s, node, see_support);
}

static void see_grounding(struct search *s, uint32_t node)
{
    static const struct member grounding[] = {
        { "groundingSupports", see_supports },
    };

    see_meta(s, node);
    walk(s, node, MEMBERS(grounding), see_nothing);
}

static void see_finish(struct search *s, uint32_t node)
{
    if (wire_is_empty(s->j, node))
        return;
    mark(s, WIRE_ITEM_END, JSON_NONE);
    other(s, false);
}

uint32_t gemini_index(const struct json *j, uint32_t candidate,
                      uint32_t position)
{
    uint32_t node = wire_member(j, candidate, "index");
    int64_t v;

    if (node != JSON_NONE && json_int(j, node, &v) && v >= 0 && v < WIRE_ALL)
        return (uint32_t)v;
    return position;
}

static void see_candidate(struct search *s, uint32_t node)
{
    static const struct member candidate[] = {
        { "content", see_content },
        { "index", see_nothing },
        { "finishReason", see_finish },
        { "logprobsResult", see_echo },
        { "groundingMetadata", see_grounding },
    };

    mark(s, WIRE_ITEM_BEGIN, JSON_NONE);
    walk(s, node, MEMBERS(candidate), see_meta);
}

static void see_candidates(struct search *s, uint32_t list)
{
    const struct json *j = s->j;
    uint32_t i = 0;

    if (j->nodes[list].type != JSON_T_ARRAY)
        return;
    for (uint32_t at = json_first(j, list); at != JSON_NONE;
         at = json_sibling(j, list, at), i++) {
        s->choice = gemini_index(j, at, i);
        s->call = 0;
        see_candidate(s, at);
    }
}

/* Usage counts on and comes again with the last event. */
static void see_answer(struct search *s, uint32_t node)
{
    static const struct member answer[] = {
        { "candidates", see_candidates }, { "usageMetadata", see_nothing },
        { "modelVersion", see_nothing },  { "responseId", see_nothing },
        { "createTime", see_nothing },
    };

    walk(s, node, MEMBERS(answer), see_meta);
}

static int find(enum dialect d, struct str name, const struct json *j,
                struct arena *names, struct wire_texts *out)
{
    struct search s = { .j = j, .names = names, .out = out };

    (void)d;
    (void)name;
    out->n = 0;
    out->bare = true;
    out->content = false;
    out->roles = 0;
    walk_list(&s, 0, see_answer); /* some answer with an array of one */
    return s.rc;
}

const struct wire_text_ops gemini_text_ops = {
    .find = find,
    .carry = gemini_carry,
    .stop_stream = gemini_stop_stream,
    .stop_body = gemini_stop_body,
    .each = true,
};
