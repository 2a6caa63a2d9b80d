/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Anthropic Messages requests, written: tools, and the choice among them. */
#include "wire/codec_anthropic.h"

static bool is_allowed(const struct aw *w, const struct neutral_tool *t)
{
    const struct neutral_name *n = w->c.r->choice.allowed;

    if (!n)
        return true;
    while (n && !str_eq(n->name, t->name))
        n = n->next;
    return n != NULL;
}

/* An object schema that says so; the API wants `type` in it. */
static void put_schema(struct aw *w, const struct neutral_tool *t)
{
    struct str raw = t->raw_schema;
    size_t at = 1;

    if (!raw.p) {
        jw_raw(&w->c.w, STR("{\"type\":\"object\",\"properties\":{}}"));
        return;
    }
    if (t->strict == 1 && t->schema_typed && cw_can(&w->c, CAN_STRICT)) {
        cw_schema(&w->c, raw);
        return;
    }
    if (t->schema_typed) {
        jw_raw(&w->c.w, raw);
        return;
    }
    while (at < raw.n && strchr(" \t\r\n", raw.p[at]))
        at++;
    jw_raw(&w->c.w, raw.p[at] == '}' ? STR("{\"type\":\"object\"")
                                     : STR("{\"type\":\"object\","));
    jw_bytes(&w->c.w, (struct str){ raw.p + at, raw.n - at });
}

static void put_custom(struct aw *w, const struct neutral_tool *t)
{
    struct jw *j = &w->c.w;

    cw_note(&w->c, FATE_MAPPED, FEATURE_CUSTOM_TOOLS);
    if (t->raw_schema.p)
        cw_note(&w->c, FATE_DROPPED, FEATURE_CUSTOM_FORMAT);
    jw_member_text(j, "name", cw_declare_name(&w->c, t->name, NAME_CUSTOM));
    jw_opt_jstr(j, "description", t->description);
    jw_key(j, "input_schema");
    jw_raw(j, STR("{\"type\":\"object\",\"properties\":{\"input\":"
                  "{\"type\":\"string\"}},\"required\":[\"input\"]}"));
}

static void put_tool(struct aw *w, const struct neutral_tool *t)
{
    struct jw *j = &w->c.w;

    jw_open(j, '{');
    if (t->custom) {
        put_custom(w, t);
    } else {
        jw_member_text(j, "name",
                       cw_declare_name(&w->c, t->name, NAME_RENAMED));
        jw_opt_jstr(j, "description", t->description);
        jw_key(j, "input_schema");
        put_schema(w, t);
        if (t->strict >= 0 && cw_can(&w->c, CAN_STRICT))
            jw_member_bool(j, "strict", t->strict == 1);
        else if (t->strict == 1)
            cw_note(&w->c, FATE_DROPPED, FEATURE_STRICT);
    }
    anthropic_put_mark(w, &t->cache);
    jw_close(j, '}');
}

/* The answer's format as a tool, where the model knows no other way. */
static void put_json_tool(struct aw *w)
{
    const struct neutral_format *f = &w->c.r->format;
    struct neutral_tool t = {
        .name = str_of(w->json_tool),
        .raw_schema = f->raw_schema,
        .description = f->description.p ? f->description
                                        : JSTR("Give the answer."),
        .strict = -1,
        .schema_typed = f->schema_typed,
    };

    cw_note(&w->c, FATE_MAPPED, FEATURE_FORMAT);
    cw_fail(&w->c, codec_names_add(w->c.names, w->c.a, NAME_FORMAT, t.name,
                                   t.name));
    put_tool(w, &t);
}

static void open_list(struct aw *w, bool *any)
{
    if (*any)
        return;
    jw_key(&w->c.w, "tools");
    jw_open(&w->c.w, '[');
    *any = true;
}

void anthropic_put_tools(struct aw *w)
{
    bool any = false;

    for (const struct neutral_tool *t = w->c.r->tools; t; t = t->next) {
        if (!is_allowed(w, t)) {
            cw_note(&w->c, FATE_MAPPED, FEATURE_ALLOWED_TOOLS);
            w->skip_marks -= t->cache.set && w->skip_marks;
            continue;
        }
        if (t->raw_unknown.p && !cw_same(&w->c)) {
            cw_note(&w->c, FATE_DROPPED, FEATURE_SERVER_TOOLS);
            continue;
        }
        open_list(w, &any);
        if (t->raw_unknown.p)
            jw_raw(&w->c.w, t->raw_unknown);
        else
            put_tool(w, t);
    }
    if (w->json_tool) {
        open_list(w, &any);
        put_json_tool(w);
    }
    if (any)
        jw_close(&w->c.w, ']');
}

static bool any_tool(const struct aw *w)
{
    for (const struct neutral_tool *t = w->c.r->tools; t; t = t->next) {
        if (is_allowed(w, t) && (!t->raw_unknown.p || cw_same(&w->c)))
            return true;
    }
    return w->json_tool != NULL;
}

/* auto, any, tool or none; NULL: there is nothing to say. */
static const char *choice_of(struct aw *w, struct str *name)
{
    const struct neutral_choice *choice = &w->c.r->choice;
    bool forced = choice->kind == CHOICE_REQUIRED ||
                  choice->kind == CHOICE_NAMED;

    *name = choice->name;
    if (w->json_tool) { /* with other tools, one of them or the answer */
        *name = str_of(w->json_tool);
        return w->c.r->tools && choice->kind != CHOICE_NONE ? "any" : "tool";
    }
    if (forced && !cw_can(&w->c, CAN_FORCE_TOOL)) {
        cw_note(&w->c, FATE_DROPPED, FEATURE_TOOL_CHOICE);
        return "auto";
    }
    switch (choice->kind) {
    case CHOICE_REQUIRED:
        return "any";
    case CHOICE_NAMED:
        return "tool";
    case CHOICE_NONE:
        return "none";
    case CHOICE_AUTO:
        return "auto";
    default:
        return w->c.r->parallel == 0 ? "auto" : NULL;
    }
}

void anthropic_put_choice(struct aw *w)
{
    struct jw *j = &w->c.w;
    const char *type;
    struct str name;

    if (!any_tool(w) && !cw_same(&w->c))
        return;
    type = choice_of(w, &name);
    if (!type)
        return;
    jw_key(j, "tool_choice");
    jw_open(j, '{');
    jw_member_text(j, "type", str_of(type));
    if (strcmp(type, "tool") == 0)
        jw_member_text(j, "name", cw_tool_name(&w->c, name));
    if (w->c.r->parallel >= 0 && strcmp(type, "none") != 0)
        jw_member_bool(j, "disable_parallel_tool_use",
                       w->c.r->parallel == 0);
    jw_close(j, '}');
}
