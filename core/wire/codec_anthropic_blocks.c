/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Anthropic Messages requests: messages and their blocks. A block of a type
 * that is not in the table is kept whole.
 */
#include "wire/codec_anthropic.h"
#include "wire/codec_gemini.h"

enum {
    B_TYPE,
    B_TEXT,
    B_ID,
    B_NAME,
    B_INPUT,
    B_TOOL_USE_ID,
    B_CONTENT,
    B_IS_ERROR,
    B_THINKING,
    B_SIGNATURE,
    B_DATA,
    B_CACHE,
    B_CALLER,
    B_COUNT,
};

static const struct rd_field block_fields[] = {
    [B_TYPE] = RD_FIELD("type", RD_STRING),
    [B_TEXT] = RD_FIELD("text", RD_STRING),
    [B_ID] = RD_FIELD("id", RD_STRING),
    [B_NAME] = RD_FIELD("name", RD_STRING),
    [B_INPUT] = RD_FIELD("input", RD_ANY),
    [B_TOOL_USE_ID] = RD_FIELD("tool_use_id", RD_STRING),
    [B_CONTENT] = RD_FIELD("content", RD_STRING | RD_ARRAY),
    [B_IS_ERROR] = RD_FIELD("is_error", RD_BOOL),
    [B_THINKING] = RD_FIELD("thinking", RD_STRING),
    [B_SIGNATURE] = RD_FIELD("signature", RD_STRING),
    [B_DATA] = RD_FIELD("data", RD_STRING),
    [B_CACHE] = RD_FIELD("cache_control", RD_OBJECT),
    [B_CALLER] = RD_FIELD("caller", RD_OBJECT), /* comes with each answer */
};

static int restored_id(struct rd *rd, uint32_t node, struct str *out)
{
    int rc = rd_text(rd, node, out);

    if (rc || !out->p)
        return rc;
    *out = codec_id_from_anthropic(*out, rd->a);
    return out->p ? 0 : rd_nomem(rd);
}

static int read_text(struct rd *rd, struct neutral_block *b, uint32_t node,
                     const uint32_t *at)
{
    if (at[B_TEXT] == JSON_NONE)
        return rd_fault(rd, node, "a block with its text");
    b->text = rd_jstr(rd, at[B_TEXT]);
    return 0;
}

static int read_call(struct rd *rd, struct neutral_block *b, uint32_t node,
                     const uint32_t *at)
{
    int rc;

    if (at[B_ID] == JSON_NONE || at[B_NAME] == JSON_NONE)
        return rd_fault(rd, node, "a block with id and name");
    rc = restored_id(rd, at[B_ID], &b->call.id);
    if (!rc)
        rc = rd_text(rd, at[B_NAME], &b->call.name);
    b->call.args = at[B_INPUT] == JSON_NONE ? STR("{}")
                                            : rd_raw(rd, at[B_INPUT]);
    b->call.signature = rd->signature;
    rd->signature = JSTR_NULL;
    return rc;
}

static int read_result(struct rd *rd, struct neutral_block *b, uint32_t node,
                       const uint32_t *at)
{
    struct neutral_message inside = { 0 };
    int rc;

    if (at[B_TOOL_USE_ID] == JSON_NONE)
        return rd_fault(rd, node, "a block with its tool_use_id");
    rc = restored_id(rd, at[B_TOOL_USE_ID], &b->result.id);
    if (!rc)
        rc = anthropic_read_content(rd, &inside, at[B_CONTENT]);
    b->result.blocks = inside.first;
    b->result.is_error = rd_bool(rd, at[B_IS_ERROR]) == 1;
    return rc;
}

static int read_thinking(struct rd *rd, struct neutral_block *b,
                         uint32_t node, const uint32_t *at)
{
    struct anthropic_seal seal;

    if (at[B_THINKING] == JSON_NONE)
        return rd_fault(rd, node, "a block with its thinking");
    b->thinking.text = rd_jstr(rd, at[B_THINKING]);
    b->thinking.signature = rd_jstr(rd, at[B_SIGNATURE]);
    if (b->thinking.signature.n == 0) /* of one who signs nothing */
        b->thinking.signature = JSTR_NULL;
    gemini_unseal_thinking(&b->thinking);
    if (!anthropic_is_sealed(b->thinking.signature))
        return 0;
    if (anthropic_open_seal(b->thinking.signature, rd->a, &seal))
        return rd_nomem(rd);
    b->thinking.signature = seal.own;
    b->thinking.detail = seal.empty ? STR_NULL : seal.raw;
    return 0;
}

/* What another dialect's answer had sealed in comes out again. */
static int read_redacted(struct rd *rd, struct neutral_block *b,
                         uint32_t node, const uint32_t *at)
{
    struct jstr data = rd_jstr(rd, at[B_DATA]);
    struct anthropic_seal seal;

    if (!data.p)
        return rd_fault(rd, node, "a block with its data");
    b->thinking.redacted = data;
    if (!anthropic_is_sealed(data))
        return 0;
    if (anthropic_open_seal(data, rd->a, &seal))
        return rd_nomem(rd);
    if (!seal.raw.p)
        return 0;
    rd->signature = seal.call;
    b->kind = BLOCK_UNKNOWN;
    b->unknown = (struct neutral_unknown){
        seal.from, seal.raw,
        seal.from == DIALECT_GEMINI ? STR("server_tool")
        : seal.call.p               ? STR("signature")
                                    : STR("reasoning"),
    };
    return 0;
}

static const struct {
    const char *type;
    enum neutral_kind kind;
    int (*read)(struct rd *rd, struct neutral_block *b, uint32_t node,
                const uint32_t *at);
} kinds[] = {
    { "text", BLOCK_TEXT, read_text },
    { "tool_use", BLOCK_TOOL_CALL, read_call },
    { "tool_result", BLOCK_TOOL_RESULT, read_result },
    { "thinking", BLOCK_THINKING, read_thinking },
    { "redacted_thinking", BLOCK_THINKING, read_redacted },
};

static int read_block(struct rd *rd, struct neutral_message *m, uint32_t node)
{
    uint32_t at[B_COUNT], type = json_member(rd->j, node, STR("type"));
    struct str name = json_text(rd->j, type, rd->a);
    struct neutral_block *b;
    size_t i = 0;
    int rc;

    if (!name.p)
        return rd_fault(rd, node, "an object with a type");
    if (str_is(name, "image") || str_is(name, "document"))
        return anthropic_read_media(rd, m, node, name.p[0] == 'd');
    if (str_is(name, "search_result"))
        return anthropic_read_quoted(rd, m, node);
    while (i < sizeof kinds / sizeof kinds[0] && !str_is(name, kinds[i].type))
        i++;
    if (i == sizeof kinds / sizeof kinds[0])
        return rd_unknown(rd, m, node, name);
    rc = rd_object(rd, node, block_fields, B_COUNT, "messages[].content[]",
                   at);
    if (rc)
        return rc;
    b = rd_block(rd, m, kinds[i].kind);
    if (!b)
        return -rd->err->code;
    rc = kinds[i].read(rd, b, node, at);
    return rc ? rc : rd_cache(rd, at[B_CACHE], &b->cache);
}

int anthropic_read_content(struct rd *rd, struct neutral_message *m,
                           uint32_t content)
{
    struct neutral_block *b;

    if (content == JSON_NONE)
        return 0;
    if (rd->j->nodes[content].type == JSON_T_STRING) {
        b = rd_block(rd, m, BLOCK_TEXT);
        if (!b)
            return -rd->err->code;
        b->text = rd_jstr(rd, content);
        return 0;
    }
    for (uint32_t c = json_first(rd->j, content); c != JSON_NONE;
         c = json_sibling(rd->j, content, c)) {
        int rc = read_block(rd, m, c);

        if (rc)
            return rc;
    }
    return 0;
}

static int read_message(struct rd *rd, uint32_t node)
{
    enum { ROLE, CONTENT, COUNT };
    static const struct rd_field f[] = {
        [ROLE] = RD_FIELD("role", RD_STRING),
        [CONTENT] = RD_FIELD("content", RD_STRING | RD_ARRAY),
    };
    struct neutral_message *m;
    uint32_t at[COUNT];
    struct str role;
    int rc = rd_object(rd, node, f, COUNT, "messages[]", at);

    rd->signature = JSTR_NULL;
    if (!rc)
        rc = rd_text(rd, at[ROLE], &role);
    if (rc)
        return rc;
    if (str_is(role, "user"))
        m = rd_message(rd, ROLE_USER);
    else if (str_is(role, "assistant"))
        m = rd_message(rd, ROLE_ASSISTANT);
    else if (str_is(role, "system"))
        m = rd_message(rd, ROLE_SYSTEM);
    else
        return rd_fault(rd, at[ROLE] == JSON_NONE ? node : at[ROLE],
                        "user, assistant or system");
    return m ? anthropic_read_content(rd, m, at[CONTENT]) : -rd->err->code;
}

int anthropic_read_messages(struct rd *rd, uint32_t array)
{
    for (uint32_t c = json_first(rd->j, array); c != JSON_NONE;
         c = json_sibling(rd->j, array, c)) {
        int rc = read_message(rd, c);

        if (rc)
            return rc;
    }
    return 0;
}
