/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* generateContent requests: tools, and the choice among them; read and
 * written. */
#include "wire/codec_gemini.h"

/* ---- read --------------------------------------------------------------- */

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

static int read_function(struct rd *rd, uint32_t node)
{
    enum { NAME, DESCRIPTION, SCHEMA, JSON_SCHEMA, COUNT };
    static const struct rd_field f[] = {
        GEMINI_FIELD(NAME, "name", "name", RD_STRING),
        GEMINI_FIELD(DESCRIPTION, "description", "description", RD_STRING),
        GEMINI_FIELD(SCHEMA, "parameters", "parameters", RD_OBJECT),
        GEMINI_FIELD(JSON_SCHEMA, "parametersJsonSchema",
                     "parameters_json_schema", RD_OBJECT),
    };
    struct neutral_tool *t = new_tool(rd);
    uint32_t at[COUNT];
    int rc;

    if (!t)
        return -rd->err->code;
    rc = gemini_object(rd, node, f, COUNT, "tools[].functionDeclarations[]",
                       at);
    if (rc)
        return rc;
    if (at[NAME] == JSON_NONE)
        return rd_fault(rd, node, "a function with a name");
    rc = rd_text(rd, at[NAME], &t->name);
    t->description = rd_jstr(rd, at[DESCRIPTION]);
    rd_schema(rd, at[JSON_SCHEMA], t);
    if (rc || at[JSON_SCHEMA] != JSON_NONE || at[SCHEMA] == JSON_NONE)
        return rc;
    rd_schema(rd, at[SCHEMA], t);
    t->raw_schema = gemini_schema_read(rd->j, at[SCHEMA], rd->a);
    return t->raw_schema.p ? 0 : rd_nomem(rd);
}

/* A tool that Google runs: {"googleSearch": {}} */
static int read_server_tool(struct rd *rd, uint32_t node, struct str name)
{
    struct neutral_tool *t = new_tool(rd);

    if (!t)
        return -rd->err->code;
    t->name = name;
    t->raw_unknown = arena_fmt(rd->a, "{\"" STR_FMT "\":" STR_FMT "}",
                               STR_ARG(name),
                               STR_ARG(json_raw(rd->j, node)));
    return t->raw_unknown.p ? 0 : rd_nomem(rd);
}

static bool is_plain(struct str name)
{
    for (size_t i = 0; i < name.n; i++) {
        if (name.p[i] < ' ' || name.p[i] == '"' || name.p[i] == '\\')
            return false;
    }
    return true;
}

static int read_tool(struct rd *rd, uint32_t node)
{
    const struct json *j = rd->j;
    int rc = 0;

    if (j->nodes[node].type != JSON_T_OBJECT)
        return rd_fault(rd, node, "an object");
    for (uint32_t m = json_first(j, node); m != JSON_NONE && !rc;
         m = json_sibling(j, node, m)) {
        struct str name = json_name(j, m, rd->a);

        if (!name.p)
            return rd_nomem(rd);
        if (!str_is(name, "functionDeclarations") &&
            !str_is(name, "function_declarations")) {
            rc = is_plain(name) ? read_server_tool(rd, m, name)
                                : rd_fault(rd, m, "a tool that is known");
            continue;
        }
        if (j->nodes[m].type != JSON_T_ARRAY)
            return rd_fault(rd, m, "an array");
        for (uint32_t f = json_first(j, m); f != JSON_NONE && !rc;
             f = json_sibling(j, m, f))
            rc = read_function(rd, f);
    }
    return rc;
}

int gemini_read_tools(struct rd *rd, uint32_t array)
{
    int rc = 0;

    if (array == JSON_NONE)
        return 0;
    for (uint32_t c = json_first(rd->j, array); c != JSON_NONE && !rc;
         c = json_sibling(rd->j, array, c))
        rc = read_tool(rd, c);
    return rc;
}

static int read_calling(struct rd *rd, uint32_t node)
{
    enum { MODE, ALLOWED, COUNT };
    static const struct rd_field f[] = {
        GEMINI_FIELD(MODE, "mode", "mode", RD_STRING),
        GEMINI_FIELD(ALLOWED, "allowedFunctionNames",
                     "allowed_function_names", RD_ARRAY),
    };
    struct neutral_choice *choice = &rd->r->choice;
    uint32_t at[COUNT];
    struct str mode;
    int rc = gemini_object(rd, node, f, COUNT,
                           "toolConfig.functionCallingConfig", at);

    if (!rc)
        rc = rd_text(rd, at[MODE], &mode);
    if (!rc)
        rc = rd_names(rd, at[ALLOWED], &choice->allowed);
    if (rc)
        return rc;
    choice->kind = str_ieq(mode, STR("NONE"))  ? CHOICE_NONE
                   : str_ieq(mode, STR("ANY")) ? CHOICE_REQUIRED
                                               : CHOICE_AUTO;
    if (choice->kind != CHOICE_REQUIRED || !choice->allowed ||
        choice->allowed->next)
        return 0;
    choice->kind = CHOICE_NAMED; /* of one, that one */
    choice->name = choice->allowed->name;
    choice->allowed = NULL;
    return 0;
}

int gemini_read_choice(struct rd *rd, uint32_t node)
{
    static const struct rd_field f[] = {
        GEMINI_FIELD(0, "functionCallingConfig", "function_calling_config",
                     RD_OBJECT),
    };
    uint32_t at[1];
    int rc;

    if (node == JSON_NONE)
        return 0;
    rc = gemini_object(rd, node, f, 1, "toolConfig", at);
    return rc || at[0] == JSON_NONE ? rc : read_calling(rd, at[0]);
}

/* ---- written ------------------------------------------------------------ */

static void put_custom(struct gw *w, const struct neutral_tool *t)
{
    struct jw *j = &w->c.w;

    cw_note(&w->c, FATE_MAPPED, FEATURE_CUSTOM_TOOLS);
    if (t->raw_schema.p)
        cw_note(&w->c, FATE_DROPPED, FEATURE_CUSTOM_FORMAT);
    jw_member_text(j, "name", cw_declare_name(&w->c, t->name, NAME_CUSTOM));
    jw_opt_jstr(j, "description", t->description);
    jw_member_raw(j, "parameters",
                  STR("{\"type\":\"object\",\"properties\":{\"input\":"
                      "{\"type\":\"string\"}},\"required\":[\"input\"]}"));
}

static void put_function(struct gw *w, const struct neutral_tool *t)
{
    struct jw *j = &w->c.w;

    jw_open(j, '{');
    if (t->custom) {
        put_custom(w, t);
    } else {
        jw_member_text(j, "name",
                       cw_declare_name(&w->c, t->name, NAME_RENAMED));
        jw_opt_jstr(j, "description", t->description);
        if (t->raw_schema.p)
            gemini_put_schema(&w->c, "parametersJsonSchema", "parameters",
                              t->raw_schema);
        if (t->strict == 1)
            cw_note(&w->c, FATE_DROPPED, FEATURE_STRICT);
    }
    if (t->cache.set)
        cw_note(&w->c, FATE_DROPPED, FEATURE_CACHE);
    jw_close(j, '}');
}

static void put_functions(struct gw *w)
{
    struct jw *j = &w->c.w;
    bool any = false;

    for (const struct neutral_tool *t = w->c.r->tools; t; t = t->next) {
        if (t->raw_unknown.p && !t->raw_schema.p)
            continue;
        if (!any) {
            jw_open(j, '{');
            jw_key(j, "functionDeclarations");
            jw_open(j, '[');
            any = true;
        }
        put_function(w, t);
    }
    if (!any)
        return;
    jw_close(j, ']');
    jw_close(j, '}');
}

static const char *mode_of(const struct neutral_choice *c)
{
    switch (c->kind) {
    case CHOICE_NONE:
        return "NONE";
    case CHOICE_REQUIRED:
    case CHOICE_NAMED:
        return "ANY";
    case CHOICE_AUTO:
        return c->allowed ? "VALIDATED" : "AUTO"; /* only with these two may
                                                   * names be listed */
    default:
        return NULL;
    }
}

static void put_choice(struct gw *w)
{
    const struct neutral_choice *choice = &w->c.r->choice;
    const char *mode = mode_of(choice);
    struct jw *j = &w->c.w;

    if (w->c.r->parallel == 0)
        cw_note(&w->c, FATE_DROPPED, FEATURE_PARALLEL);
    if (!mode)
        return;
    jw_key(j, "toolConfig");
    jw_open(j, '{');
    jw_key(j, "functionCallingConfig");
    jw_open(j, '{');
    jw_member_text(j, "mode", str_of(mode));
    if (choice->kind == CHOICE_NAMED || choice->allowed) {
        jw_key(j, "allowedFunctionNames");
        jw_open(j, '[');
        if (choice->kind == CHOICE_NAMED)
            jw_text(j, cw_tool_name(&w->c, choice->name));
        else
            for (const struct neutral_name *n = choice->allowed; n;
                 n = n->next)
                jw_text(j, cw_tool_name(&w->c, n->name));
        jw_close(j, ']');
    }
    jw_close(j, '}');
    jw_close(j, '}');
}

void gemini_put_tools(struct gw *w)
{
    bool any = false, functions = false;
    struct jw *j = &w->c.w;

    for (const struct neutral_tool *t = w->c.r->tools; t; t = t->next) {
        bool server = t->raw_unknown.p && !t->raw_schema.p;

        if (server && !cw_same(&w->c))
            cw_note(&w->c, FATE_DROPPED, FEATURE_SERVER_TOOLS);
        else
            any = true;
        functions = functions || !server;
    }
    if (!any)
        return;
    jw_key(j, "tools");
    jw_open(j, '[');
    put_functions(w);
    for (const struct neutral_tool *t = w->c.r->tools; t; t = t->next) {
        if (t->raw_unknown.p && !t->raw_schema.p && cw_same(&w->c))
            jw_raw(j, t->raw_unknown);
    }
    jw_close(j, ']');
    if (functions)
        put_choice(w);
}
