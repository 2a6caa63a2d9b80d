/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * generateContent requests, read: contents and their parts. A part has one
 * payload; thoughtSignature stands beside it. Calls without an id get one
 * from their place, answers without one are those of the next call of that
 * name.
 */
#include "wire/codec_gemini.h"

enum {
    P_TEXT,
    P_THOUGHT,
    P_SIGNATURE,
    P_CALL,
    P_RESPONSE,
    P_INLINE,
    P_FILE,
    P_COUNT,
};

static const struct rd_field part_fields[] = {
    GEMINI_FIELD(P_TEXT, "text", "text", RD_STRING),
    GEMINI_FIELD(P_THOUGHT, "thought", "thought", RD_BOOL),
    GEMINI_FIELD(P_SIGNATURE, "thoughtSignature", "thought_signature",
                 RD_STRING),
    GEMINI_FIELD(P_CALL, "functionCall", "function_call", RD_OBJECT),
    GEMINI_FIELD(P_RESPONSE, "functionResponse", "function_response",
                 RD_OBJECT),
    GEMINI_FIELD(P_INLINE, "inlineData", "inline_data", RD_OBJECT),
    GEMINI_FIELD(P_FILE, "fileData", "file_data", RD_OBJECT),
};

/* ---- media -------------------------------------------------------------- */

static bool media_kind(struct str mime, enum media_kind *out)
{
    if (str_starts(mime, STR("image/")))
        *out = MEDIA_IMAGE;
    else if (str_starts(mime, STR("audio/")))
        *out = MEDIA_AUDIO;
    else if (str_is(mime, "application/pdf") ||
             str_starts(mime, STR("text/")))
        *out = MEDIA_DOCUMENT;
    else
        return false;
    return true;
}

static int read_media(struct rd *rd, struct neutral_message *m,
                      uint32_t node, bool file)
{
    enum { MIME, DATA, URI, NAME, COUNT };
    static const struct rd_field f[] = {
        GEMINI_FIELD(MIME, "mimeType", "mime_type", RD_STRING),
        GEMINI_FIELD(DATA, "data", "data", RD_STRING),
        GEMINI_FIELD(URI, "fileUri", "file_uri", RD_STRING),
        GEMINI_FIELD(NAME, "displayName", "display_name", RD_STRING),
    };
    struct neutral_block *b;
    enum media_kind kind;
    struct jstr data;
    struct str mime, guess;
    uint32_t at[COUNT];
    int rc = gemini_object(rd, node, f, COUNT, "contents[].parts[]", at);

    if (!rc)
        rc = rd_text(rd, at[MIME], &mime);
    if (rc)
        return rc;
    data = rd_jstr(rd, at[file ? URI : DATA]);
    if (!data.p)
        return rd_fault(rd, node, file ? "an object with its fileUri"
                                       : "an object with its data");
    guess = mime.p ? mime : gemini_mime_by_address(data);
    if (!media_kind(guess.p ? guess : STR("image/"), &kind))
        return rd_unknown(rd, m, node, STR("media")); /* video, say */
    b = rd_block(rd, m, BLOCK_MEDIA);
    if (!b)
        return -rd->err->code;
    b->media = (struct neutral_media){
        .kind = kind,
        .source = !file ? MEDIA_BASE64 : MEDIA_URL,
        .data = data,
        .mime = mime,
        .name = rd_jstr(rd, at[NAME]),
    };
    if (file && str_find((struct str){ data.p, data.n },
                         STR("googleapis.com/")) >= 0)
        b->media.source = MEDIA_FILE_ID; /* of the Files API */
    return 0;
}

/* ---- thinking ----------------------------------------------------------- */

/* JSON out of a seal stands in a body as it is: it must be some. */
static bool is_json_object(struct str s)
{
    struct json_limits lim = { .dup_nowhere = true };
    struct json j = { 0 };
    bool is = json_scan(&j, s, &lim, NULL) == 0 &&
              j.nodes[0].type == JSON_T_OBJECT;

    json_clear(&j);
    return is;
}

static int read_unknown(struct rd *rd, struct neutral_message *m,
                        enum dialect d, struct str raw)
{
    struct neutral_block *b = rd_block(rd, m, BLOCK_UNKNOWN);

    if (!b)
        return -rd->err->code;
    b->unknown = (struct neutral_unknown){
        d, raw, d == DIALECT_OPENAI_CHAT ? STR("reasoning")
                                         : STR("server_tool"),
    };
    return 0;
}

/* What we had sealed into a signature, for the dialect that it is of. */
static int read_sealed(struct rd *rd, struct neutral_message *m,
                       struct jstr text, struct jstr signature)
{
    struct str kind, inner;
    struct neutral_block *b;

    if (gemini_open_sealed(signature, rd->a, &kind, &inner))
        return rd_nomem(rd);
    if (str_starts(kind, STR("raw-"))) {
        kind = (struct str){ kind.p + 4, kind.n - 4 };
        return is_json_object(inner)
                   ? read_unknown(rd, m, dialect_by_name(kind), inner)
                   : 0;
    }
    b = rd_block(rd, m, BLOCK_THINKING);
    if (!b)
        return -rd->err->code;
    b->thinking.text = text.p ? text : JSTR("");
    if (str_is(kind, "signature"))
        b->thinking.signature = jstr_escape(inner, rd->a);
    else if (str_is(kind, "redacted"))
        b->thinking.redacted = jstr_escape(inner, rd->a);
    else if (str_is(kind, "detail") && is_json_object(inner))
        b->thinking.detail = inner;
    if (b->thinking.redacted.p)
        b->thinking.text = JSTR_NULL;
    return 0;
}

static int read_thinking(struct rd *rd, struct neutral_message *m,
                         struct jstr text, struct jstr signature)
{
    struct neutral_block *b;

    if (gemini_is_sealed(signature))
        return read_sealed(rd, m, text, signature);
    b = rd_block(rd, m, BLOCK_THINKING);
    if (!b)
        return -rd->err->code;
    b->thinking.text = text.p ? text : JSTR("");
    if (signature.n)
        b->thinking.thought = signature;
    return 0;
}

static bool is_thought(struct rd *rd, uint32_t part)
{
    uint32_t node = json_member(rd->j, part, STR("thought"));

    return node != JSON_NONE && rd->j->nodes[node].type == JSON_T_TRUE;
}

static struct jstr signature_of(struct rd *rd, uint32_t part)
{
    uint32_t node = json_member(rd->j, part, STR("thoughtSignature"));

    if (node == JSON_NONE)
        node = json_member(rd->j, part, STR("thought_signature"));
    return jstr_of_node(rd->j, node);
}

/*
 * Thoughts came in pieces, and clients send the pieces back: they are one
 * block up to the signature. *part is left on the last piece.
 */
static int read_thoughts(struct rd *rd, struct neutral_message *m,
                         uint32_t parts, uint32_t *part)
{
    const struct json *j = rd->j;
    struct jstr sign = JSTR_NULL;
    uint32_t first = *part, p = first, last = first;
    size_t size = 0, n = 0;
    char *text;

    for (; p != JSON_NONE && is_thought(rd, p) && !sign.p;
         last = p, p = json_sibling(j, parts, p)) {
        size += jstr_of_node(j, json_member(j, p, STR("text"))).n;
        sign = signature_of(rd, p);
    }
    text = arena_alloc(rd->a, size + 1);
    if (!text)
        return rd_nomem(rd);
    for (p = first;; p = json_sibling(j, parts, p)) {
        struct jstr s = jstr_of_node(j, json_member(j, p, STR("text")));

        if (s.n)
            memcpy(text + n, s.p, s.n);
        n += s.n;
        if (p == last)
            break;
    }
    *part = last;
    return read_thinking(rd, m, (struct jstr){ text, n }, sign);
}

/* ---- calls and what they gave ------------------------------------------- */

static int read_call(struct rd *rd, struct neutral_message *m, uint32_t node,
                     struct jstr signature)
{
    enum { ID, NAME, ARGS, COUNT };
    static const struct rd_field f[] = {
        GEMINI_FIELD(ID, "id", "id", RD_STRING),
        GEMINI_FIELD(NAME, "name", "name", RD_STRING),
        GEMINI_FIELD(ARGS, "args", "args", RD_OBJECT),
    };
    struct neutral_block *b = rd_block(rd, m, BLOCK_TOOL_CALL);
    uint32_t at[COUNT];
    int rc;

    if (!b)
        return -rd->err->code;
    rc = gemini_object(rd, node, f, COUNT,
                       "contents[].parts[].functionCall", at);
    if (rc)
        return rc;
    if (at[NAME] == JSON_NONE)
        return rd_fault(rd, node, "a call with its name");
    rc = rd_text(rd, at[NAME], &b->call.name);
    if (!rc)
        rc = rd_text(rd, at[ID], &b->call.id);
    if (rc)
        return rc;
    if (!b->call.id.n)
        b->call.id = arena_fmt(rd->a, "call_%u_%u", rd->r->n_messages,
                               rd->r->n_blocks);
    b->call.args = at[ARGS] == JSON_NONE ? STR("{}") : rd_raw(rd, at[ARGS]);
    if (!gemini_is_sealed(signature) && signature.n)
        b->call.signature = signature;
    return b->call.id.p ? 0 : rd_nomem(rd);
}

/* The next call of that name that nobody has answered. A turn of more calls
 * than any model makes is not looked through for each. */
static struct str id_of(struct rd *rd, struct str name)
{
    uint32_t seen = 0;

    for (struct neutral_block *b = rd->asked ? rd->asked->first : NULL;
         b && seen < CALLS_A_TURN_MAX; b = b->next, seen++) {
        if (b->kind != BLOCK_TOOL_CALL || b->call.answered ||
            !str_eq(b->call.name, name))
            continue;
        b->call.answered = true;
        return b->call.id;
    }
    return arena_fmt(rd->a, "call_%u_%u", rd->r->n_messages,
                     rd->r->n_blocks);
}

static int add_text(struct rd *rd, struct neutral_message *m,
                    struct jstr text)
{
    struct neutral_block *b = rd_block(rd, m, BLOCK_TEXT);

    if (!b)
        return -rd->err->code;
    b->text = text;
    return 0;
}

/* {"output": "text"} and {"error": "text"} are how a text is said; anything
 * else is the JSON that it is. */
static int read_response(struct rd *rd, struct neutral_message *inside,
                         uint32_t node, bool *is_error)
{
    static const char *const names[] = { "error", "output", "result" };
    const struct json *j = rd->j;
    uint32_t only = json_first(j, node);
    struct jstr text;

    for (size_t i = 0; only != JSON_NONE && i < 3; i++) {
        uint32_t member = json_member(j, node, str_of(names[i]));

        if (member != only || json_sibling(j, node, only) != JSON_NONE)
            continue;
        *is_error = i == 0;
        text = jstr_of_node(j, member);
        if (text.p)
            return add_text(rd, inside, text);
    }
    text = jstr_escape(json_raw(j, node), rd->a);
    return text.p ? add_text(rd, inside, text) : rd_nomem(rd);
}

static int read_result_parts(struct rd *rd, struct neutral_message *inside,
                             uint32_t array)
{
    int rc = 0;

    for (uint32_t p = json_first(rd->j, array); p != JSON_NONE && !rc;
         p = json_sibling(rd->j, array, p)) {
        uint32_t data = json_member(rd->j, p, STR("inlineData"));

        if (data == JSON_NONE)
            data = json_member(rd->j, p, STR("inline_data"));
        rc = data == JSON_NONE
                 ? rd_unknown(rd, inside, p, STR("media"))
                 : read_media(rd, inside, data, false);
    }
    return rc;
}

static int read_result(struct rd *rd, struct neutral_message *m,
                       uint32_t node)
{
    enum { ID, NAME, RESPONSE, PARTS, COUNT };
    static const struct rd_field f[] = {
        GEMINI_FIELD(ID, "id", "id", RD_STRING),
        GEMINI_FIELD(NAME, "name", "name", RD_STRING),
        GEMINI_FIELD(RESPONSE, "response", "response", RD_OBJECT),
        GEMINI_FIELD(PARTS, "parts", "parts", RD_ARRAY),
    };
    struct neutral_message inside = { 0 };
    struct str id, name;
    struct neutral_block *b;
    bool is_error = false;
    uint32_t at[COUNT];
    int rc = gemini_object(rd, node, f, COUNT,
                           "contents[].parts[].functionResponse", at);

    if (!rc && at[NAME] == JSON_NONE)
        rc = rd_fault(rd, node, "a response with its name");
    if (!rc)
        rc = rd_text(rd, at[ID], &id);
    if (!rc)
        rc = rd_text(rd, at[NAME], &name);
    if (!rc && !id.n) {
        id = id_of(rd, name);
        rc = id.p ? 0 : rd_nomem(rd);
    }
    if (!rc && at[RESPONSE] != JSON_NONE)
        rc = read_response(rd, &inside, at[RESPONSE], &is_error);
    if (!rc && at[PARTS] != JSON_NONE)
        rc = read_result_parts(rd, &inside, at[PARTS]);
    if (rc)
        return rc;
    b = rd_block(rd, m, BLOCK_TOOL_RESULT);
    if (!b)
        return -rd->err->code;
    b->result = (struct neutral_result){ id, is_error, inside.first };
    return 0;
}

/* ---- parts, contents ---------------------------------------------------- */

static int read_text(struct rd *rd, struct neutral_message *m,
                     struct jstr text, struct jstr signature)
{
    int rc = 0;

    if (text.n || !signature.n)
        rc = add_text(rd, m, text);
    return rc || !signature.n ? rc
                              : read_thinking(rd, m, JSTR_NULL, signature);
}

/* Code that Google ran, and what is new there. */
static int read_other(struct rd *rd, struct neutral_message *m, uint32_t node)
{
    static const char *const known[] = { "executableCode", "toolCall",
                                         "codeExecutionResult",
                                         "toolResponse" };

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (json_member(rd->j, node, str_of(known[i])) != JSON_NONE)
            return rd_unknown(rd, m, node, STR("server_tool"));
    }
    return rd_unknown(rd, m, node, STR("part"));
}

static int read_part(struct rd *rd, struct neutral_message *m, uint32_t node)
{
    struct jstr signature;
    uint32_t at[P_COUNT];
    int rc = gemini_object(rd, node, part_fields, P_COUNT,
                           "contents[].parts[]", at);

    if (rc)
        return rc;
    signature = rd_jstr(rd, at[P_SIGNATURE]);
    if (at[P_CALL] != JSON_NONE)
        return read_call(rd, m, at[P_CALL], signature);
    if (at[P_RESPONSE] != JSON_NONE)
        return read_result(rd, m, at[P_RESPONSE]);
    if (at[P_INLINE] != JSON_NONE)
        return read_media(rd, m, at[P_INLINE], false);
    if (at[P_FILE] != JSON_NONE)
        return read_media(rd, m, at[P_FILE], true);
    if (at[P_TEXT] != JSON_NONE || signature.p)
        return read_text(rd, m, rd_jstr(rd, at[P_TEXT]), signature);
    return read_other(rd, m, node);
}

static int read_parts(struct rd *rd, struct neutral_message *m,
                      uint32_t parts)
{
    int rc = 0;

    for (uint32_t p = json_first(rd->j, parts); p != JSON_NONE && !rc;
         p = json_sibling(rd->j, parts, p)) {
        if (rd->j->nodes[p].type != JSON_T_OBJECT)
            rc = rd_fault(rd, p, "an object");
        else if (m->role == ROLE_ASSISTANT && is_thought(rd, p))
            rc = read_thoughts(rd, m, parts, &p);
        else
            rc = read_part(rd, m, p);
    }
    return rc;
}

static int read_content(struct rd *rd, uint32_t node)
{
    enum { ROLE, PARTS, COUNT };
    static const struct rd_field f[] = {
        GEMINI_FIELD(ROLE, "role", "role", RD_STRING),
        GEMINI_FIELD(PARTS, "parts", "parts", RD_ARRAY),
    };
    struct neutral_message *m;
    uint32_t at[COUNT];
    struct str role;
    int rc = gemini_object(rd, node, f, COUNT, "contents[]", at);

    if (!rc)
        rc = rd_text(rd, at[ROLE], &role);
    if (rc)
        return rc;
    if (role.n && !str_is(role, "user") && !str_is(role, "model") &&
        !str_is(role, "function") && !str_is(role, "tool"))
        return rd_fault(rd, at[ROLE], "user or model");
    m = rd_message(rd, str_is(role, "model") ? ROLE_ASSISTANT : ROLE_USER);
    if (!m)
        return -rd->err->code;
    rc = at[PARTS] == JSON_NONE ? 0 : read_parts(rd, m, at[PARTS]);
    if (m->role == ROLE_ASSISTANT)
        rd->asked = m;
    return rc;
}

int gemini_read_contents(struct rd *rd, uint32_t array)
{
    int rc = 0;

    for (uint32_t c = json_first(rd->j, array); c != JSON_NONE && !rc;
         c = json_sibling(rd->j, array, c))
        rc = read_content(rd, c);
    return rc;
}

int gemini_read_system(struct rd *rd, uint32_t node)
{
    static const struct rd_field f[] = {
        GEMINI_FIELD(0, "parts", "parts", RD_ARRAY | RD_OBJECT),
        GEMINI_FIELD(1, "role", "role", RD_STRING),
    };
    struct neutral_message *m;
    uint32_t at[2];
    int rc;

    if (node == JSON_NONE)
        return 0;
    m = rd_message(rd, ROLE_SYSTEM);
    if (!m)
        return -rd->err->code;
    if (rd->j->nodes[node].type == JSON_T_STRING)
        return add_text(rd, m, rd_jstr(rd, node));
    rc = gemini_object(rd, node, f, 2, "systemInstruction", at);
    if (rc || at[0] == JSON_NONE)
        return rc;
    return rd->j->nodes[at[0]].type == JSON_T_ARRAY
               ? read_parts(rd, m, at[0])
               : read_part(rd, m, at[0]);
}
