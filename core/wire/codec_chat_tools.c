/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* OpenAI chat requests: tools, the choice among them, the answer's format. */
#include "wire/codec_chat.h"

enum { F_NAME, F_DESCRIPTION, F_PARAMETERS, F_STRICT, F_FORMAT, F_TYPE,
       F_COUNT };

/* of a function, and of a custom tool */
static const struct rd_field function_fields[] = {
    [F_NAME] = RD_FIELD("name", RD_STRING),
    [F_DESCRIPTION] = RD_FIELD("description", RD_STRING),
    [F_PARAMETERS] = RD_FIELD("parameters", RD_OBJECT),
    [F_STRICT] = RD_FIELD("strict", RD_BOOL),
    [F_FORMAT] = RD_FIELD("format", RD_OBJECT),
    [F_TYPE] = RD_FIELD("type", RD_STRING),
};

static int read_function(struct rd *rd, uint32_t node, struct neutral_tool *t)
{
    uint32_t at[F_COUNT];
    int rc = rd_object(rd, node, function_fields, F_COUNT,
                       "tools[].function", at);

    if (rc)
        return rc;
    if (at[F_NAME] == JSON_NONE)
        return rd_fault(rd, node, "an object with a name");
    rc = rd_text(rd, at[F_NAME], &t->name);
    t->description = rd_jstr(rd, at[F_DESCRIPTION]);
    t->strict = rd_bool(rd, at[F_STRICT]);
    if (t->custom)
        t->raw_schema = rd_raw(rd, at[F_FORMAT]);
    else
        rd_schema(rd, at[F_PARAMETERS], t);
    return rc;
}

static struct neutral_tool *new_tool(struct rd *rd)
{
    struct neutral_tool *t = NULL;

    if (rd->r->n_tools >= RD_TOOLS_MAX) {
        err_at(rd->err, ERR_INVALID_REQUEST, "tools", "More than %d tools.",
               RD_TOOLS_MAX);
        return NULL;
    }
    t = neutral_add_tool(rd->r, rd->a);
    if (!t)
        rd_nomem(rd);
    return t;
}

static int read_tool(struct rd *rd, uint32_t node)
{
    enum { TYPE, FUNCTION, CUSTOM, CACHE, COUNT };
    static const struct rd_field fields[] = {
        [TYPE] = RD_FIELD("type", RD_STRING),
        [FUNCTION] = RD_FIELD("function", RD_OBJECT),
        [CUSTOM] = RD_FIELD("custom", RD_OBJECT),
        [CACHE] = RD_FIELD("cache_control", RD_OBJECT),
    };
    struct neutral_tool *t = new_tool(rd);
    uint32_t at[COUNT];
    int rc;

    if (!t)
        return -rd->err->code;
    if (json_member(rd->j, node, STR("function")) == JSON_NONE &&
        json_member(rd->j, node, STR("custom")) == JSON_NONE) {
        uint32_t type = json_member(rd->j, node, STR("type"));

        if (type == JSON_NONE || rd->j->nodes[type].type != JSON_T_STRING)
            return rd_fault(rd, node, "a function");
        t->raw_unknown = json_raw(rd->j, node);
        return rd_text(rd, type, &t->name);
    }
    rc = rd_object(rd, node, fields, COUNT, "tools[]", at);
    if (rc)
        return rc;
    if (at[FUNCTION] == JSON_NONE && at[CUSTOM] == JSON_NONE)
        return rd_fault(rd, node, "a function");
    t->custom = at[FUNCTION] == JSON_NONE;
    rc = rd_cache(rd, at[CACHE], &t->cache);
    return rc ? rc : read_function(rd, t->custom ? at[CUSTOM] : at[FUNCTION],
                                   t);
}

int chat_read_tools(struct rd *rd, uint32_t array, bool legacy)
{
    if (array == JSON_NONE)
        return 0;
    for (uint32_t c = json_first(rd->j, array); c != JSON_NONE;
         c = json_sibling(rd->j, array, c)) {
        struct neutral_tool *t = legacy ? new_tool(rd) : NULL;
        int rc;

        if (legacy && !t)
            return -rd->err->code;
        rc = legacy ? read_function(rd, c, t) : read_tool(rd, c);
        if (rc)
            return rc;
    }
    return 0;
}

static enum choice_kind choice_word(struct str word)
{
    if (str_is(word, "auto"))
        return CHOICE_AUTO;
    if (str_is(word, "none"))
        return CHOICE_NONE;
    if (str_is(word, "required") || str_is(word, "any"))
        return CHOICE_REQUIRED;
    return CHOICE_UNSET;
}

/* The name in {"name"}, {"function":{"name"}} or {"custom":{"name"}}. */
static uint32_t name_in(const struct json *j, uint32_t node)
{
    static const char *const inside[] = { "function", "custom" };
    uint32_t name = json_member(j, node, STR("name"));

    for (int i = 0; i < 2 && name == JSON_NONE; i++) {
        uint32_t object = json_member(j, node, str_of(inside[i]));

        if (object != JSON_NONE && j->nodes[object].type == JSON_T_OBJECT)
            name = json_member(j, object, STR("name"));
    }
    if (name != JSON_NONE && j->nodes[name].type != JSON_T_STRING)
        return JSON_NONE;
    return name;
}

static int read_allowed(struct rd *rd, uint32_t node)
{
    enum { MODE, TOOLS, COUNT };
    static const struct rd_field fields[] = {
        [MODE] = RD_FIELD("mode", RD_STRING),
        [TOOLS] = RD_FIELD("tools", RD_ARRAY),
    };
    struct neutral_choice *choice = &rd->r->choice;
    struct neutral_name **end = &choice->allowed;
    struct str mode;
    uint32_t at[COUNT];
    int rc = rd_object(rd, node, fields, COUNT, "tool_choice.allowed_tools",
                       at);

    if (!rc)
        rc = rd_text(rd, at[MODE], &mode);
    if (rc)
        return rc;
    choice->kind = str_is(mode, "required") ? CHOICE_REQUIRED : CHOICE_AUTO;
    if (at[TOOLS] == JSON_NONE)
        return 0;
    for (uint32_t c = json_first(rd->j, at[TOOLS]); c != JSON_NONE;
         c = json_sibling(rd->j, at[TOOLS], c)) {
        uint32_t name = name_in(rd->j, c);

        if (name == JSON_NONE)
            return rd_fault(rd, c, "a tool with a name");
        rc = rd_names(rd, name, end);
        if (rc)
            return rc;
        end = &(*end)->next;
    }
    return 0;
}

int chat_read_choice(struct rd *rd, uint32_t node)
{
    struct neutral_choice *choice = &rd->r->choice;
    uint32_t allowed, type, name;
    struct str word;
    int rc;

    if (node == JSON_NONE)
        return 0;
    type = rd->j->nodes[node].type == JSON_T_STRING
               ? node
               : json_member(rd->j, node, STR("type"));
    if (type != JSON_NONE && rd->j->nodes[type].type == JSON_T_STRING) {
        rc = rd_text(rd, type, &word);
        if (rc)
            return rc;
        choice->kind = choice_word(word);
        if (choice->kind != CHOICE_UNSET)
            return 0;
    }
    allowed = json_member(rd->j, node, STR("allowed_tools"));
    if (allowed != JSON_NONE)
        return read_allowed(rd, allowed);
    name = name_in(rd->j, node);
    if (name == JSON_NONE)
        return rd_fault(rd, node, "auto, none, required or a function");
    choice->kind = CHOICE_NAMED;
    return rd_text(rd, name, &choice->name);
}

int chat_read_format(struct rd *rd, uint32_t node)
{
    enum { TYPE, JSON_SCHEMA, SCHEMA, COUNT };
    static const struct rd_field fields[] = {
        [TYPE] = RD_FIELD("type", RD_STRING),
        [JSON_SCHEMA] = RD_FIELD("json_schema", RD_OBJECT),
        [SCHEMA] = RD_FIELD("schema", RD_OBJECT), /* as some have it */
    };
    enum { NAME, DESCRIPTION, INNER, STRICT, INNER_COUNT };
    static const struct rd_field inner[] = {
        [NAME] = RD_FIELD("name", RD_STRING),
        [DESCRIPTION] = RD_FIELD("description", RD_STRING),
        [INNER] = RD_FIELD("schema", RD_OBJECT),
        [STRICT] = RD_FIELD("strict", RD_BOOL),
    };
    struct neutral_format *f = &rd->r->format;
    uint32_t at[COUNT], in[INNER_COUNT];
    struct str type;
    int rc = rd_object(rd, node, fields, COUNT, "response_format", at);

    if (!rc)
        rc = rd_text(rd, at[TYPE], &type);
    if (rc)
        return rc;
    if (at[JSON_SCHEMA] != JSON_NONE) {
        rc = rd_object(rd, at[JSON_SCHEMA], inner, INNER_COUNT,
                       "response_format.json_schema", in);
        if (rc)
            return rc;
        rc = rd_text(rd, in[NAME], &f->name);
        f->description = rd_jstr(rd, in[DESCRIPTION]);
        f->strict = rd_bool(rd, in[STRICT]);
        if (in[INNER] != JSON_NONE)
            at[SCHEMA] = in[INNER];
    }
    f->raw_schema = rd_raw(rd, at[SCHEMA]);
    f->schema_typed = json_member(rd->j, at[SCHEMA], STR("type")) !=
                      JSON_NONE;
    if (f->raw_schema.p)
        f->kind = FORMAT_SCHEMA;
    else if (str_is(type, "json_object") || str_is(type, "json_schema"))
        f->kind = FORMAT_JSON;
    else
        f->kind = FORMAT_TEXT;
    return rc;
}
