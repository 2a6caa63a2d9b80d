/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * OpenAI chat requests: messages. What a tool answered becomes a block of a
 * user's turn, reasoning the first blocks of an assistant's.
 */
#include "wire/codec_chat.h"

#define BLOCKS_LOOKED_AT 64 /* for the call of a result without an id */

enum {
    M_ROLE,
    M_CONTENT,
    M_NAME,
    M_REFUSAL,
    M_TOOL_CALLS,
    M_TOOL_CALL_ID,
    M_FUNCTION_CALL,
    M_REASONING_CONTENT,
    M_REASONING,
    M_DETAILS,
    M_BLOCKS,
    M_CACHE,
    M_PREFIX,
    M_COUNT,
};

static const struct rd_field message_fields[] = {
    [M_ROLE] = RD_FIELD("role", RD_STRING),
    [M_CONTENT] = RD_FIELD("content", RD_STRING | RD_ARRAY),
    [M_NAME] = RD_FIELD("name", RD_STRING),
    [M_REFUSAL] = RD_FIELD("refusal", RD_STRING),
    [M_TOOL_CALLS] = RD_FIELD("tool_calls", RD_ARRAY),
    [M_TOOL_CALL_ID] = RD_FIELD("tool_call_id", RD_STRING),
    [M_FUNCTION_CALL] = RD_FIELD("function_call", RD_OBJECT),
    [M_REASONING_CONTENT] = RD_FIELD("reasoning_content", RD_STRING),
    [M_REASONING] = RD_FIELD("reasoning", RD_STRING),
    [M_DETAILS] = RD_FIELD("reasoning_details", RD_ARRAY),
    [M_BLOCKS] = RD_FIELD("thinking_blocks", RD_ARRAY),
    [M_CACHE] = RD_FIELD("cache_control", RD_OBJECT),
    [M_PREFIX] = RD_FIELD("prefix", RD_BOOL), /* where it stands says it */
};

static int add_text(struct rd *rd, struct neutral_message *m,
                    enum neutral_kind kind, struct jstr text,
                    const struct neutral_cache *cache)
{
    struct neutral_block *b = rd_block(rd, m, kind);

    if (!b)
        return -rd->err->code;
    b->text = text;
    if (cache)
        b->cache = *cache;
    return 0;
}

enum { C_ID, C_TYPE, C_FUNCTION, C_CUSTOM, C_INDEX, C_EXTRA, C_CACHE,
       C_COUNT };

static const struct rd_field call_fields[] = {
    [C_ID] = RD_FIELD("id", RD_STRING),
    [C_TYPE] = RD_FIELD("type", RD_STRING),
    [C_FUNCTION] = RD_FIELD("function", RD_OBJECT),
    [C_CUSTOM] = RD_FIELD("custom", RD_OBJECT),
    [C_INDEX] = RD_FIELD("index", RD_NUMBER),
    [C_EXTRA] = RD_FIELD("extra_content", RD_OBJECT),
    [C_CACHE] = RD_FIELD("cache_control", RD_OBJECT),
};

/* {name, arguments} of a function, {name, input} of a custom tool. */
static int read_named_args(struct rd *rd, uint32_t node,
                           struct neutral_call *call)
{
    enum { NAME, ARGUMENTS, INPUT, COUNT };
    static const struct rd_field fields[] = {
        [NAME] = RD_FIELD("name", RD_STRING),
        [ARGUMENTS] = RD_FIELD("arguments", RD_STRING | RD_OBJECT),
        [INPUT] = RD_FIELD("input", RD_STRING),
    };
    uint32_t at[COUNT], args;
    int rc = rd_object(rd, node, fields, COUNT,
                       "messages[].tool_calls[].function", at);

    if (rc)
        return rc;
    if (at[NAME] == JSON_NONE)
        return rd_fault(rd, node, "an object with a name");
    args = call->custom ? at[INPUT] : at[ARGUMENTS];
    rc = rd_text(rd, at[NAME], &call->name);
    if (rc || args == JSON_NONE)
        return rc;
    if (rd->j->nodes[args].type == JSON_T_OBJECT)
        call->args = json_raw(rd->j, args); /* some send it so */
    else
        rc = rd_text(rd, args, &call->args);
    return rc;
}

/* Some send calls without one, and the old form has none. */
static int make_id(struct rd *rd, struct neutral_call *call)
{
    if (!call->id.p)
        call->id = codec_id_made("call_", call->name, rd->r->n_blocks, rd->a);
    return call->id.p ? 0 : rd_nomem(rd);
}

static int read_call(struct rd *rd, struct neutral_message *m, uint32_t node)
{
    struct neutral_block *b = rd_block(rd, m, BLOCK_TOOL_CALL);
    uint32_t at[C_COUNT], sign;
    int rc;

    if (!b)
        return -rd->err->code;
    rc = rd_object(rd, node, call_fields, C_COUNT, "messages[].tool_calls[]",
                   at);
    if (rc)
        return rc;
    if (at[C_FUNCTION] == JSON_NONE && at[C_CUSTOM] == JSON_NONE)
        return rd_fault(rd, node, "a call of a function");
    b->call.custom = at[C_FUNCTION] == JSON_NONE;
    rc = rd_text(rd, at[C_ID], &b->call.id);
    if (!rc)
        rc = read_named_args(rd, b->call.custom ? at[C_CUSTOM]
                                                : at[C_FUNCTION], &b->call);
    if (!rc)
        rc = make_id(rd, &b->call);
    if (!rc)
        rc = rd_cache(rd, at[C_CACHE], &b->cache);
    sign = json_member(rd->j, json_member(rd->j, at[C_EXTRA], STR("google")),
                       STR("thought_signature"));
    b->call.signature = rd_jstr(rd, sign);
    return rc;
}

static int read_calls(struct rd *rd, struct neutral_message *m,
                      const uint32_t *at)
{
    uint32_t array = at[M_TOOL_CALLS];
    struct neutral_block *b;

    for (uint32_t c = json_first(rd->j, array); c != JSON_NONE;
         c = json_sibling(rd->j, array, c)) {
        int rc = read_call(rd, m, c);

        if (rc)
            return rc;
    }
    if (at[M_FUNCTION_CALL] == JSON_NONE || array != JSON_NONE)
        return 0;
    b = rd_block(rd, m, BLOCK_TOOL_CALL);
    if (!b || read_named_args(rd, at[M_FUNCTION_CALL], &b->call))
        return -rd->err->code;
    return make_id(rd, &b->call);
}

static int read_assistant(struct rd *rd, const uint32_t *at)
{
    struct neutral_message *m = rd_message(rd, ROLE_ASSISTANT);
    uint32_t plain = at[M_REASONING_CONTENT] != JSON_NONE
                         ? at[M_REASONING_CONTENT]
                         : at[M_REASONING];
    int rc;

    if (!m)
        return -rd->err->code;
    rd->asked = m;
    m->name = rd_jstr(rd, at[M_NAME]);
    rc = chat_read_reasoning(rd, m, at[M_BLOCKS], at[M_DETAILS], plain);
    if (!rc)
        rc = chat_read_content(rd, m, at[M_CONTENT]);
    if (!rc && at[M_REFUSAL] != JSON_NONE)
        rc = add_text(rd, m, BLOCK_REFUSAL, rd_jstr(rd, at[M_REFUSAL]), NULL);
    if (!rc)
        rc = read_calls(rd, m, at);
    return rc;
}

/* Results without an id are the last call's, of that name where it is said:
 * an old form, of one call, or a careless client's, of few. */
static struct str id_by_name(const struct rd *rd, struct str name)
{
    const struct neutral_block *b = rd->asked ? rd->asked->first : NULL;
    struct str id = STR_NULL;

    for (int n = 0; b && n < BLOCKS_LOOKED_AT; b = b->next, n++) {
        if (b->kind == BLOCK_TOOL_CALL &&
            (!name.p || str_eq(b->call.name, name)))
            id = b->call.id;
    }
    return id;
}

static int read_tool_result(struct rd *rd, uint32_t node, const uint32_t *at)
{
    struct neutral_message *m = rd_message(rd, ROLE_USER), inside = { 0 };
    struct neutral_block *b = m ? rd_block(rd, m, BLOCK_TOOL_RESULT) : NULL;
    struct str name;
    int rc;

    if (!b)
        return -rd->err->code;
    rc = rd_text(rd, at[M_TOOL_CALL_ID], &b->result.id);
    if (!rc && at[M_TOOL_CALL_ID] == JSON_NONE) {
        rc = rd_text(rd, at[M_NAME], &name);
        if (!rc)
            b->result.id = id_by_name(rd, name);
        if (!rc && !b->result.id.p)
            rc = rd_fault(rd, node, "a message with a tool_call_id");
    }
    if (!rc)
        rc = chat_read_content(rd, &inside, at[M_CONTENT]);
    b->result.blocks = inside.first;
    return rc;
}

/* A mark on a message stands on its last block. */
static int mark_last(struct rd *rd, uint32_t cache)
{
    struct neutral_message *m = rd->r->last;

    if (cache == JSON_NONE || !m || !m->last)
        return 0;
    return rd_cache(rd, cache, &m->last->cache);
}

/* SYSTEM, DEVELOPER, USER; -1: another */
static int plain_role(struct str role)
{
    static const struct {
        const char *name;
        enum neutral_role role;
    } roles[] = { { "user", ROLE_USER },
                  { "system", ROLE_SYSTEM },
                  { "developer", ROLE_DEVELOPER } };

    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
        if (str_is(role, roles[i].name))
            return (int)roles[i].role;
    }
    return -1;
}

static int read_plain(struct rd *rd, int role, const uint32_t *at)
{
    struct neutral_message *m = rd_message(rd, (enum neutral_role)role);

    if (!m)
        return -rd->err->code;
    m->name = rd_jstr(rd, at[M_NAME]);
    return chat_read_content(rd, m, at[M_CONTENT]);
}

static int read_message(struct rd *rd, uint32_t node)
{
    uint32_t at[M_COUNT];
    struct str role;
    int plain, rc;

    rc = rd_object(rd, node, message_fields, M_COUNT, "messages[]", at);
    if (!rc)
        rc = rd_text(rd, at[M_ROLE], &role);
    if (rc)
        return rc;
    plain = plain_role(role);
    if (plain >= 0)
        rc = read_plain(rd, plain, at);
    else if (str_is(role, "assistant"))
        rc = read_assistant(rd, at);
    else if (str_is(role, "tool") || str_is(role, "function"))
        rc = read_tool_result(rd, node, at);
    else
        rc = rd_fault(rd, at[M_ROLE] == JSON_NONE ? node : at[M_ROLE],
                      "a message with a role that is known");
    return rc ? rc : mark_last(rd, at[M_CACHE]);
}

int chat_read_messages(struct rd *rd, uint32_t array)
{
    for (uint32_t c = json_first(rd->j, array); c != JSON_NONE;
         c = json_sibling(rd->j, array, c)) {
        int rc = read_message(rd, c);

        if (rc)
            return rc;
    }
    return 0;
}
