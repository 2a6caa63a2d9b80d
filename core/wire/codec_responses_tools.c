/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Responses requests: tools, the choice among them, the answer's format. */
#include "wire/codec_responses.h"

enum { F_TYPE, F_NAME, F_DESCRIPTION, F_PARAMETERS, F_STRICT, F_FORMAT,
       F_COUNT };

static const struct rd_field tool_fields[] = {
    [F_TYPE] = RD_FIELD("type", RD_STRING),
    [F_NAME] = RD_FIELD("name", RD_STRING),
    [F_DESCRIPTION] = RD_FIELD("description", RD_STRING),
    [F_PARAMETERS] = RD_FIELD("parameters", RD_OBJECT),
    [F_STRICT] = RD_FIELD("strict", RD_BOOL),
    [F_FORMAT] = RD_FIELD("format", RD_OBJECT),
};

static uint32_t string_in(const struct json *j, uint32_t object,
                          struct str name)
{
    uint32_t node = json_member(j, object, name);

    return node != JSON_NONE && j->nodes[node].type == JSON_T_STRING
               ? node : JSON_NONE;
}

/* {type, syntax, definition}: chat has the last two in an object `grammar`,
 * and that is the neutral form. */
static int read_grammar(struct rd *rd, uint32_t node, struct neutral_tool *t)
{
    uint32_t syntax, text;

    t->raw_schema = rd_raw(rd, node);
    if (node == JSON_NONE)
        return 0;
    syntax = string_in(rd->j, node, STR("syntax"));
    text = string_in(rd->j, node, STR("definition"));
    if (syntax == JSON_NONE || text == JSON_NONE)
        return 0;
    t->raw_schema = arena_fmt(
        rd->a, "{\"type\":\"grammar\",\"grammar\":{\"syntax\":" STR_FMT
               ",\"definition\":" STR_FMT "}}",
        STR_ARG(json_raw(rd->j, syntax)), STR_ARG(json_raw(rd->j, text)));
    return t->raw_schema.p ? 0 : rd_nomem(rd);
}

static int read_function(struct rd *rd, uint32_t node, struct neutral_tool *t)
{
    uint32_t at[F_COUNT];
    int rc = rd_object(rd, node, tool_fields, F_COUNT, "tools[]", at);

    if (rc)
        return rc;
    if (at[F_NAME] == JSON_NONE)
        return rd_fault(rd, node, "a tool with a name");
    rc = rd_text(rd, at[F_NAME], &t->name);
    t->description = rd_jstr(rd, at[F_DESCRIPTION]);
    t->strict = rd_bool(rd, at[F_STRICT]);
    if (rc)
        return rc;
    if (t->custom)
        return read_grammar(rd, at[F_FORMAT], t);
    rd_schema(rd, at[F_PARAMETERS], t);
    return 0;
}

static int read_tool(struct rd *rd, uint32_t node)
{
    struct neutral_tool *t;
    struct str type;
    uint32_t kind;

    if (rd->r->n_tools >= RD_TOOLS_MAX)
        return err_at(rd->err, ERR_INVALID_REQUEST, "tools",
                      "More than %d tools.", RD_TOOLS_MAX);
    if (rd->j->nodes[node].type != JSON_T_OBJECT)
        return rd_fault(rd, node, "a tool, an object");
    t = neutral_add_tool(rd->r, rd->a);
    if (!t)
        return rd_nomem(rd);
    kind = string_in(rd->j, node, STR("type"));
    if (kind == JSON_NONE)
        return rd_fault(rd, node, "a tool with its type");
    if (rd_text(rd, kind, &type))
        return -rd->err->code;
    t->custom = str_is(type, "custom");
    if (t->custom || str_is(type, "function"))
        return read_function(rd, node, t);
    t->raw_unknown = json_raw(rd->j, node);
    t->name = type;
    return 0;
}

int responses_read_tools(struct rd *rd, uint32_t array)
{
    int rc = 0;

    if (array == JSON_NONE)
        return 0;
    for (uint32_t c = json_first(rd->j, array); c != JSON_NONE && !rc;
         c = json_sibling(rd->j, array, c))
        rc = read_tool(rd, c);
    return rc;
}

/* ---- the choice --------------------------------------------------------- */

static enum choice_kind word(struct str s)
{
    if (str_is(s, "auto"))
        return CHOICE_AUTO;
    if (str_is(s, "none"))
        return CHOICE_NONE;
    return str_is(s, "required") ? CHOICE_REQUIRED : CHOICE_UNSET;
}

static int read_allowed(struct rd *rd, uint32_t node)
{
    struct neutral_choice *choice = &rd->r->choice;
    struct neutral_name **end = &choice->allowed;
    uint32_t list = json_member(rd->j, node, STR("tools"));
    struct str mode;
    int rc = rd_text(rd, string_in(rd->j, node, STR("mode")), &mode);

    choice->kind = str_is(mode, "required") ? CHOICE_REQUIRED : CHOICE_AUTO;
    if (list == JSON_NONE || rd->j->nodes[list].type != JSON_T_ARRAY)
        return rc;
    for (uint32_t c = json_first(rd->j, list); c != JSON_NONE && !rc;
         c = json_sibling(rd->j, list, c)) {
        uint32_t name = rd->j->nodes[c].type == JSON_T_OBJECT
                            ? string_in(rd->j, c, STR("name")) : JSON_NONE;

        if (name == JSON_NONE) /* a tool of the provider's */
            continue;
        rc = rd_names(rd, name, end);
        if (!rc)
            end = &(*end)->next;
    }
    return rc;
}

/* A tool of the provider's that is to be used stays this dialect's. */
int responses_read_choice(struct rd *rd, uint32_t node)
{
    struct neutral_choice *choice = &rd->r->choice;
    bool object;
    struct str type;
    uint32_t name;
    int rc;

    if (node == JSON_NONE)
        return 0;
    object = rd->j->nodes[node].type == JSON_T_OBJECT;
    rc = rd_text(rd, object ? string_in(rd->j, node, STR("type")) : node,
                 &type);
    if (rc)
        return rc;
    choice->kind = word(type);
    if (choice->kind != CHOICE_UNSET)
        return 0;
    if (!object)
        return rd_fault(rd, node, "auto, none, required or a tool");
    if (str_is(type, "allowed_tools"))
        return read_allowed(rd, node);
    name = string_in(rd->j, node, STR("name"));
    if (name == JSON_NONE ||
        !(str_is(type, "function") || str_is(type, "custom")))
        return rd_extra(rd, node, STR("tool_choice"));
    choice->kind = CHOICE_NAMED;
    return rd_text(rd, name, &choice->name);
}

/* ---- the format --------------------------------------------------------- */

int responses_read_format(struct rd *rd, uint32_t node)
{
    enum { TYPE, NAME, DESCRIPTION, SCHEMA, STRICT, COUNT };
    static const struct rd_field fields[] = {
        [TYPE] = RD_FIELD("type", RD_STRING),
        [NAME] = RD_FIELD("name", RD_STRING),
        [DESCRIPTION] = RD_FIELD("description", RD_STRING),
        [SCHEMA] = RD_FIELD("schema", RD_OBJECT),
        [STRICT] = RD_FIELD("strict", RD_BOOL),
    };
    struct neutral_format *f = &rd->r->format;
    uint32_t at[COUNT];
    struct str type;
    int rc = rd_object(rd, node, fields, COUNT, "text.format", at);

    if (!rc)
        rc = rd_text(rd, at[TYPE], &type);
    if (!rc)
        rc = rd_text(rd, at[NAME], &f->name);
    if (rc)
        return rc;
    f->description = rd_jstr(rd, at[DESCRIPTION]);
    f->strict = rd_bool(rd, at[STRICT]);
    f->raw_schema = rd_raw(rd, at[SCHEMA]);
    if (f->raw_schema.p) {
        f->kind = FORMAT_SCHEMA;
        f->schema_typed = json_member(rd->j, at[SCHEMA], STR("type")) !=
                          JSON_NONE;
    } else if (str_is(type, "json_object") || str_is(type, "json_schema")) {
        f->kind = FORMAT_JSON;
    } else {
        f->kind = FORMAT_TEXT;
    }
    return 0;
}
