/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Responses requests, written: tools, the choice among them, the format. */
#include "wire/codec_openai_put.h"
#include "wire/codec_responses.h"

/* Without a word a function's arguments are held to its schema here, with
 * nobody else: so it is said. */
static void put_strict(struct cw *c, int strict)
{
    if (strict < 0 && cw_same(c))
        return;
    if (strict == 1 && !cw_can(c, CAN_STRICT))
        cw_note(c, FATE_DROPPED, FEATURE_STRICT);
    jw_member_bool(&c->w, "strict", strict == 1 && cw_can(c, CAN_STRICT));
}

/* A tool of free text where there are none: a function of one string. */
static void put_custom_as_function(struct cw *c, const struct neutral_tool *t)
{
    cw_note(c, FATE_MAPPED, FEATURE_CUSTOM_TOOLS);
    if (t->raw_schema.p)
        cw_note(c, FATE_DROPPED, FEATURE_CUSTOM_FORMAT);
    jw_member_text(&c->w, "type", STR("function"));
    jw_member_text(&c->w, "name", cw_declare_name(c, t->name, NAME_CUSTOM));
    jw_opt_jstr(&c->w, "description", t->description);
    jw_key(&c->w, "parameters");
    jw_raw(&c->w, STR("{\"type\":\"object\",\"properties\":{\"input\":"
                      "{\"type\":\"string\"}},\"required\":[\"input\"]}"));
    jw_member_bool(&c->w, "strict", false);
}

/* Chat's {type, grammar{syntax, definition}} without the inner object. */
static void put_grammar(struct cw *c, const struct neutral_tool *t)
{
    struct json j = { 0 };
    uint32_t inner;

    if (!t->raw_schema.p)
        return;
    jw_key(&c->w, "format");
    inner = json_scan(&j, t->raw_schema, NULL, NULL)
                ? JSON_NONE : json_member(&j, 0, STR("grammar"));
    if (inner == JSON_NONE || j.nodes[inner].type != JSON_T_OBJECT) {
        jw_raw(&c->w, t->raw_schema);
    } else {
        struct str raw = json_raw(&j, inner);

        jw_open(&c->w, '{');
        jw_member_text(&c->w, "type", STR("grammar"));
        if (json_first(&j, inner) != JSON_NONE)
            jw_raw(&c->w, (struct str){ raw.p + 1, raw.n - 2 });
        jw_close(&c->w, '}');
    }
    json_clear(&j);
}

static void put_function(struct cw *c, const struct neutral_tool *t)
{
    jw_member_text(&c->w, "type", STR("function"));
    jw_member_text(&c->w, "name", cw_declare_name(c, t->name, NAME_RENAMED));
    jw_opt_jstr(&c->w, "description", t->description);
    if (t->raw_schema.p)
        jw_member_raw(&c->w, "parameters", t->raw_schema);
    else if (!cw_same(c))
        jw_member_raw(&c->w, "parameters",
                      STR("{\"type\":\"object\",\"properties\":{}}"));
    put_strict(c, t->strict);
}

static void put_tool(struct cw *c, const struct neutral_tool *t)
{
    jw_open(&c->w, '{');
    if (!t->custom) {
        put_function(c, t);
    } else if (!cw_can(c, CAN_CUSTOM_TOOLS)) {
        put_custom_as_function(c, t);
    } else {
        jw_member_text(&c->w, "type", STR("custom"));
        jw_member_text(&c->w, "name",
                       cw_declare_name(c, t->name, NAME_RENAMED));
        jw_opt_jstr(&c->w, "description", t->description);
        put_grammar(c, t);
    }
    if (t->cache.set)
        cw_note(c, FATE_DROPPED, FEATURE_CACHE);
    jw_close(&c->w, '}');
}

static void put_named(struct cw *c, struct str name)
{
    const struct neutral_tool *t = cw_tool(c, name);
    bool custom = t && t->custom && cw_can(c, CAN_CUSTOM_TOOLS);

    jw_open(&c->w, '{');
    jw_member_text(&c->w, "type", custom ? STR("custom") : STR("function"));
    jw_member_text(&c->w, "name", cw_tool_name(c, name));
    jw_close(&c->w, '}');
}

static void put_allowed(struct cw *c, const struct neutral_choice *choice)
{
    jw_open(&c->w, '{');
    jw_member_text(&c->w, "type", STR("allowed_tools"));
    jw_member_text(&c->w, "mode", choice->kind == CHOICE_REQUIRED
                                      ? STR("required") : STR("auto"));
    jw_key(&c->w, "tools");
    jw_open(&c->w, '[');
    for (const struct neutral_name *n = choice->allowed; n; n = n->next)
        put_named(c, n->name);
    jw_close(&c->w, ']');
    jw_close(&c->w, '}');
}

static const struct openai_tools spelling = { put_tool, put_named,
                                             put_allowed };

void responses_put_tools(struct cw *c)
{
    openai_put_tools(c, &spelling);
}

void responses_put_choice(struct cw *c)
{
    openai_put_choice(c, &spelling);
}

void responses_put_format(struct cw *c)
{
    const struct neutral_format *f = &c->r->format;
    bool schema = f->kind == FORMAT_SCHEMA &&
                  (cw_can(c, CAN_SCHEMA) || cw_same(c));

    if (f->kind == FORMAT_UNSET)
        return;
    if (f->kind == FORMAT_SCHEMA && !schema)
        cw_note(c, FATE_DROPPED, FEATURE_FORMAT);
    jw_key(&c->w, "text");
    jw_open(&c->w, '{');
    jw_key(&c->w, "format");
    jw_open(&c->w, '{');
    jw_member_text(&c->w, "type", str_of(schema ? "json_schema"
                                         : f->kind == FORMAT_TEXT
                                             ? "text"
                                             : "json_object"));
    if (schema) {
        jw_member_text(&c->w, "name", f->name.p ? f->name : STR("output"));
        jw_opt_jstr(&c->w, "description", f->description);
        jw_member_raw(&c->w, "schema", f->raw_schema);
        if (f->strict >= 0 || !cw_same(c))
            jw_member_bool(&c->w, "strict", f->strict == 1);
    }
    jw_close(&c->w, '}');
    jw_close(&c->w, '}');
}
