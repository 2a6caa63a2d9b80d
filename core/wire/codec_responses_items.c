/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Responses requests: the items of the input. Reasoning, messages and calls
 * of the assistant that stand one behind the other are one turn; what a tool
 * answered is a block of a user's turn.
 */
#include "wire/codec_responses.h"

enum {
    I_TYPE,
    I_ROLE,
    I_CONTENT,
    I_ID,
    I_STATUS,
    I_CALL_ID,
    I_NAME,
    I_ARGUMENTS,
    I_INPUT,
    I_OUTPUT,
    I_SUMMARY,
    I_ENCRYPTED,
    I_COUNT,
};

static const struct rd_field item_fields[] = {
    [I_TYPE] = RD_FIELD("type", RD_STRING),
    [I_ROLE] = RD_FIELD("role", RD_STRING),
    [I_CONTENT] = RD_FIELD("content", RD_STRING | RD_ARRAY),
    [I_ID] = RD_FIELD("id", RD_STRING),
    [I_STATUS] = RD_FIELD("status", RD_STRING),
    [I_CALL_ID] = RD_FIELD("call_id", RD_STRING),
    [I_NAME] = RD_FIELD("name", RD_STRING),
    [I_ARGUMENTS] = RD_FIELD("arguments", RD_STRING),
    [I_INPUT] = RD_FIELD("input", RD_STRING),
    [I_OUTPUT] = RD_FIELD("output", RD_STRING | RD_ARRAY),
    [I_SUMMARY] = RD_FIELD("summary", RD_ARRAY),
    [I_ENCRYPTED] = RD_FIELD("encrypted_content", RD_STRING),
};

/* The assistant's turn that is open, or a new one. */
static struct neutral_message *assistant(struct rd *rd)
{
    struct neutral_message *m = rd->r->last;

    if (!m || m->role != ROLE_ASSISTANT)
        m = rd_message(rd, ROLE_ASSISTANT);
    rd->asked = m;
    return m;
}

static int read_message(struct rd *rd, uint32_t node, const uint32_t *at)
{
    static const struct {
        const char *name;
        enum neutral_role role;
    } roles[] = { { "user", ROLE_USER },
                  { "system", ROLE_SYSTEM },
                  { "developer", ROLE_DEVELOPER } };
    struct neutral_message *m = NULL;
    struct str role;
    int rc = rd_text(rd, at[I_ROLE], &role);

    if (rc)
        return rc;
    if (str_is(role, "assistant")) {
        m = assistant(rd);
        return m ? responses_read_content(rd, m, at[I_CONTENT])
                 : -rd->err->code;
    }
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
        if (!str_is(role, roles[i].name))
            continue;
        m = rd_message(rd, roles[i].role);
        return m ? responses_read_content(rd, m, at[I_CONTENT])
                 : -rd->err->code;
    }
    return rd_fault(rd, at[I_ROLE] == JSON_NONE ? node : at[I_ROLE],
                    "a message with a role that is known");
}

static int read_call(struct rd *rd, uint32_t node, const uint32_t *at,
                     bool custom)
{
    struct neutral_message *m = assistant(rd);
    struct neutral_block *b = m ? rd_block(rd, m, BLOCK_TOOL_CALL) : NULL;
    int rc;

    if (!b)
        return -rd->err->code;
    if (at[I_CALL_ID] == JSON_NONE || at[I_NAME] == JSON_NONE)
        return rd_fault(rd, node, "a call with call_id and name");
    b->call.custom = custom;
    b->call.signature = rd->signature;
    rd->signature = JSTR_NULL;
    rc = rd_text(rd, at[I_CALL_ID], &b->call.id);
    if (!rc)
        rc = rd_text(rd, at[I_NAME], &b->call.name);
    return rc ? rc : rd_text(rd, at[custom ? I_INPUT : I_ARGUMENTS],
                             &b->call.args);
}

static int read_function(struct rd *rd, uint32_t node, const uint32_t *at)
{
    return read_call(rd, node, at, false);
}

static int read_custom(struct rd *rd, uint32_t node, const uint32_t *at)
{
    return read_call(rd, node, at, true);
}

static int read_output(struct rd *rd, uint32_t node, const uint32_t *at)
{
    struct neutral_message *m = rd_message(rd, ROLE_USER), inside = { 0 };
    struct neutral_block *b = m ? rd_block(rd, m, BLOCK_TOOL_RESULT) : NULL;
    int rc;

    if (!b)
        return -rd->err->code;
    if (at[I_CALL_ID] == JSON_NONE)
        return rd_fault(rd, node, "an output with its call_id");
    rc = rd_text(rd, at[I_CALL_ID], &b->result.id);
    if (!rc)
        rc = responses_read_content(rd, &inside, at[I_OUTPUT]);
    b->result.blocks = inside.first;
    return rc;
}

static struct jstr in_object(const struct json *j, uint32_t node,
                             struct str name)
{
    if (j->nodes[node].type != JSON_T_OBJECT)
        return JSTR_NULL;
    return jstr_of_node(j, json_member(j, node, name));
}

/* The texts of a list, an empty line between them; absent: there is none. */
static int joined(struct rd *rd, uint32_t list, struct jstr *out)
{
    const struct json *j = rd->j;
    struct str between = STR("\\n\\n");
    size_t n = 0;
    char *to;

    *out = JSTR_NULL;
    if (list == JSON_NONE || j->nodes[list].type != JSON_T_ARRAY)
        return 0;
    for (uint32_t c = json_first(j, list); c != JSON_NONE;
         c = json_sibling(j, list, c))
        n += json_raw(j, c).n + between.n;
    to = n ? arena_alloc(rd->a, n) : NULL;
    if (!to)
        return n ? rd_nomem(rd) : 0;
    *out = (struct jstr){ to, 0 };
    for (uint32_t c = json_first(j, list); c != JSON_NONE;
         c = json_sibling(j, list, c)) {
        struct jstr s = in_object(j, c, STR("text"));

        if (s.n && out->n) {
            memcpy(to + out->n, between.p, between.n);
            out->n += between.n;
        }
        if (s.n)
            memcpy(to + out->n, s.p, s.n);
        out->n += s.n;
    }
    return 0;
}

/* What may be read stands in the summary, or (open weights) the content. */
static int read_reasoning(struct rd *rd, uint32_t node, const uint32_t *at)
{
    struct neutral_message *m = assistant(rd);
    struct jstr text;
    int rc;

    (void)node;
    if (!m)
        return -rd->err->code;
    rc = joined(rd, at[I_SUMMARY], &text);
    if (!rc && !text.n)
        rc = joined(rd, at[I_CONTENT], &text);
    return rc ? rc
              : responses_open_seal(rd, m, rd_jstr(rd, at[I_ENCRYPTED]),
                                    rd_jstr(rd, at[I_ID]), text);
}

static const struct {
    const char *type;
    int (*read)(struct rd *rd, uint32_t node, const uint32_t *at);
} kinds[] = {
    { "message", read_message },
    { "function_call", read_function },
    { "function_call_output", read_output },
    { "custom_tool_call", read_custom },
    { "custom_tool_call_output", read_output },
    { "reasoning", read_reasoning },
};

/* An item that only this dialect has: whole, in the turn of whose it is. */
static int read_other(struct rd *rd, uint32_t node, struct str type)
{
    struct str call = STR("_call");
    bool said = type.n > call.n &&
                str_eq((struct str){ type.p + type.n - call.n, call.n },
                       call);
    struct neutral_message *m = said ? assistant(rd)
                                     : rd_message(rd, ROLE_USER);

    return m ? rd_unknown(rd, m, node, type) : -rd->err->code;
}

static int read_item(struct rd *rd, uint32_t node)
{
    uint32_t at[I_COUNT], kind;
    struct str type;
    int rc;

    if (rd->j->nodes[node].type != JSON_T_OBJECT)
        return rd_fault(rd, node, "an item, an object");
    kind = json_member(rd->j, node, STR("type"));
    if (kind != JSON_NONE && rd->j->nodes[kind].type != JSON_T_STRING)
        kind = JSON_NONE;
    rc = rd_text(rd, kind, &type);
    if (rc)
        return rc;
    if (!type.p)
        type = json_member(rd->j, node, STR("role")) == JSON_NONE
                   ? STR("item_reference") : STR("message");
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (!str_is(type, kinds[i].type))
            continue;
        rc = rd_object(rd, node, item_fields, I_COUNT, "input[]", at);
        return rc ? rc : kinds[i].read(rd, node, at);
    }
    return read_other(rd, node, type);
}

int responses_read_input(struct rd *rd, uint32_t node)
{
    struct neutral_message *m;
    int rc = 0;

    if (node == JSON_NONE)
        return 0;
    if (rd->j->nodes[node].type == JSON_T_STRING) {
        m = rd_message(rd, ROLE_USER);
        return m ? responses_read_content(rd, m, node) : -rd->err->code;
    }
    for (uint32_t c = json_first(rd->j, node); c != JSON_NONE && !rc;
         c = json_sibling(rd->j, node, c))
        rc = read_item(rd, c);
    return rc;
}
