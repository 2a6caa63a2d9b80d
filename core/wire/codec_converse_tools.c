/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Converse requests, written: tools, and the choice among them. */
#include "wire/codec_converse.h"

static bool is_allowed(const struct cw *c, const struct neutral_tool *t)
{
    const struct neutral_name *n = c->r->choice.allowed;

    if (!n)
        return true;
    while (n && !str_eq(n->name, t->name))
        n = n->next;
    return n != NULL;
}

/* An object schema that says so. */
static void put_schema(struct cw *c, const struct neutral_tool *t)
{
    struct str raw = t->raw_schema;
    size_t at = 1;

    if (!raw.p || t->custom) {
        jw_raw(&c->w, t->custom ? STR("{\"type\":\"object\",\"properties\":{"
                                      "\"input\":{\"type\":\"string\"}},"
                                      "\"required\":[\"input\"]}")
                                : STR("{\"type\":\"object\","
                                      "\"properties\":{}}"));
        return;
    }
    if (t->strict == 1 && t->schema_typed && cw_can(c, CAN_STRICT)) {
        cw_schema(c, raw);
        return;
    }
    if (t->schema_typed) {
        jw_raw(&c->w, raw);
        return;
    }
    while (at < raw.n && strchr(" \t\r\n", raw.p[at]))
        at++;
    jw_raw(&c->w, raw.p[at] == '}' ? STR("{\"type\":\"object\"")
                                   : STR("{\"type\":\"object\","));
    jw_bytes(&c->w, (struct str){ raw.p + at, raw.n - at });
}

static void put_spec(struct converse_out *w, const struct neutral_tool *t)
{
    struct cw *c = &w->aw.c;
    struct jw *j = &c->w;

    jw_open(j, '{');
    jw_key(j, "toolSpec");
    jw_open(j, '{');
    jw_member_text(j, "name",
                   cw_declare_name(c, t->name, t->custom ? NAME_CUSTOM
                                                         : NAME_RENAMED));
    if (t->description.p && !jstr_blank(t->description))
        jw_member_jstr(j, "description", t->description);
    jw_key(j, "inputSchema");
    jw_open(j, '{');
    jw_key(j, "json");
    put_schema(c, t);
    jw_close(j, '}');
    if (t->strict >= 0 && !t->custom && cw_can(c, CAN_STRICT))
        jw_member_bool(j, "strict", t->strict == 1);
    else if (t->strict == 1)
        cw_note(c, FATE_DROPPED, FEATURE_STRICT);
    jw_close(j, '}');
    jw_close(j, '}');
    if (t->custom)
        cw_note(c, FATE_MAPPED, FEATURE_CUSTOM_TOOLS);
    if (t->custom && t->raw_schema.p)
        cw_note(c, FATE_DROPPED, FEATURE_CUSTOM_FORMAT);
    converse_put_mark(w, &t->cache);
}

/* The answer's format as a tool, where the model knows no other way. */
static void put_json_tool(struct converse_out *w)
{
    struct cw *c = &w->aw.c;
    const struct neutral_format *f = &c->r->format;
    struct neutral_tool t = {
        .name = str_of(w->aw.json_tool),
        .raw_schema = f->raw_schema,
        .description = f->description.p ? f->description
                                        : JSTR("Give the answer."),
        .strict = -1,
        .schema_typed = f->schema_typed,
    };

    cw_note(c, FATE_MAPPED, FEATURE_FORMAT);
    cw_fail(c, codec_names_add(c->names, c->a, NAME_FORMAT, t.name, t.name));
    put_spec(w, &t);
}

/* Are there calls or results in the history? Then tools must be declared. */
static bool has_calls(const struct neutral_request *r)
{
    for (const struct neutral_message *m = r->first; m; m = m->next) {
        for (const struct neutral_block *b = m->first; b; b = b->next) {
            if (b->kind == BLOCK_TOOL_CALL || b->kind == BLOCK_TOOL_RESULT)
                return true;
        }
    }
    return false;
}

static void put_choice(struct converse_out *w)
{
    struct cw *c = &w->aw.c;
    const struct neutral_choice *choice = &c->r->choice;
    enum choice_kind kind = choice->kind;
    struct str name = choice->name;
    bool forced = kind == CHOICE_REQUIRED || kind == CHOICE_NAMED;

    if (w->aw.json_tool) { /* with other tools, one of them or the answer */
        name = str_of(w->aw.json_tool);
        kind = c->r->tools && kind != CHOICE_NONE ? CHOICE_REQUIRED
                                                  : CHOICE_NAMED;
        forced = true;
    }
    if (forced && !cw_can(c, CAN_FORCE_TOOL)) {
        cw_note(c, FATE_DROPPED, FEATURE_TOOL_CHOICE);
        kind = CHOICE_AUTO;
    }
    if (kind == CHOICE_UNSET || kind == CHOICE_NONE)
        return;
    jw_key(&c->w, "toolChoice");
    jw_open(&c->w, '{');
    jw_key(&c->w, kind == CHOICE_AUTO       ? "auto"
                  : kind == CHOICE_REQUIRED ? "any"
                                            : "tool");
    jw_open(&c->w, '{');
    if (kind == CHOICE_NAMED)
        jw_member_text(&c->w, "name", cw_tool_name(c, name));
    jw_close(&c->w, '}');
    jw_close(&c->w, '}');
}

static bool goes(struct converse_out *w, const struct neutral_tool *t)
{
    struct cw *c = &w->aw.c;

    if (!is_allowed(c, t)) {
        cw_note(c, FATE_MAPPED, FEATURE_ALLOWED_TOOLS);
        return false;
    }
    if (t->raw_unknown.p && !t->raw_schema.p) {
        cw_note(c, FATE_DROPPED, FEATURE_SERVER_TOOLS);
        return false;
    }
    return true;
}

static void open_list(struct jw *j, bool *any)
{
    if (*any)
        return;
    jw_key(j, "toolConfig");
    jw_open(j, '{');
    jw_key(j, "tools");
    jw_open(j, '[');
    *any = true;
}

void converse_put_tools(struct converse_out *w)
{
    static const struct neutral_tool nothing = {
        .name = { "unavailable", 11 },
        .description = { "Not to be called.", 17 },
        .strict = -1,
    };
    struct cw *c = &w->aw.c;
    bool none = c->r->choice.kind == CHOICE_NONE, calls = has_calls(c->r);
    bool any = false;

    for (const struct neutral_tool *t = c->r->tools;
         t && (!none || calls); t = t->next) {
        if (!goes(w, t)) {
            w->aw.skip_marks -= t->cache.set && w->aw.skip_marks;
            continue;
        }
        open_list(&c->w, &any);
        put_spec(w, t);
    }
    if (w->aw.json_tool) {
        open_list(&c->w, &any);
        put_json_tool(w);
    }
    if (!any && calls) { /* Converse refuses a history of tools without any */
        open_list(&c->w, &any);
        put_spec(w, &nothing);
    } else if (any && none && !w->aw.json_tool) {
        cw_note(c, FATE_DROPPED, FEATURE_TOOL_CHOICE);
    }
    if (!any)
        return;
    jw_close(&c->w, ']');
    if (c->r->tools || w->aw.json_tool)
        put_choice(w);
    jw_close(&c->w, '}');
}
