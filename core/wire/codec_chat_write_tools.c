/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* OpenAI chat requests, written: tools, choice, format, cache marks. */
#include "wire/codec_chat.h"
#include "wire/codec_openai_put.h"

/* Marks are spelled as Anthropic does, or as OpenAI does; the caller asks. */
void chat_put_cache(struct cw *c, const struct neutral_cache *cache)
{
    bool control = cw_can(c, CAN_CACHE_CONTROL);

    if (!cache->set)
        return;
    jw_key(&c->w, control ? "cache_control" : "prompt_cache_breakpoint");
    jw_open(&c->w, '{');
    if (control)
        jw_member_text(&c->w, "type", STR("ephemeral"));
    else
        jw_member_text(&c->w, "mode", STR("explicit"));
    if (cache->ttl.p && (control || cw_same(c)))
        jw_member_text(&c->w, "ttl", cache->ttl);
    else if (cache->ttl.p)
        cw_note(c, FATE_MAPPED, FEATURE_CACHE_TTL); /* the vendor's own */
    jw_close(&c->w, '}');
}

static void put_strict(struct cw *c, int strict)
{
    if (strict < 0)
        return;
    if (cw_can(c, CAN_STRICT))
        jw_member_bool(&c->w, "strict", strict == 1);
    else if (strict == 1)
        cw_note(c, FATE_DROPPED, FEATURE_STRICT);
}

/* A tool of free text where there are none: a function of one string. */
static void put_custom_as_function(struct cw *c, const struct neutral_tool *t)
{
    cw_note(c, FATE_MAPPED, FEATURE_CUSTOM_TOOLS);
    if (t->raw_schema.p)
        cw_note(c, FATE_DROPPED, FEATURE_CUSTOM_FORMAT);
    jw_member_text(&c->w, "name", cw_declare_name(c, t->name, NAME_CUSTOM));
    jw_opt_jstr(&c->w, "description", t->description);
    jw_key(&c->w, "parameters");
    jw_raw(&c->w, STR("{\"type\":\"object\",\"properties\":{\"input\":"
                      "{\"type\":\"string\"}},\"required\":[\"input\"]}"));
}

static void put_function(struct cw *c, const struct neutral_tool *t,
                         const char *schema)
{
    jw_member_text(&c->w, "name", cw_declare_name(c, t->name, NAME_RENAMED));
    jw_opt_jstr(&c->w, "description", t->description);
    jw_opt_raw(&c->w, schema, t->raw_schema);
    put_strict(c, t->strict);
}

static void put_tool(struct cw *c, const struct neutral_tool *t)
{
    bool custom = t->custom && cw_can(c, CAN_CUSTOM_TOOLS);
    const char *kind = custom ? "custom" : "function";

    jw_open(&c->w, '{');
    jw_member_text(&c->w, "type", str_of(kind));
    jw_key(&c->w, kind);
    jw_open(&c->w, '{');
    if (t->custom && !custom)
        put_custom_as_function(c, t);
    else
        put_function(c, t, custom ? "format" : "parameters");
    jw_close(&c->w, '}');
    if (t->cache.set && cw_can(c, CAN_CACHE_CONTROL))
        chat_put_cache(c, &t->cache);
    else if (t->cache.set)
        cw_note(c, FATE_DROPPED, FEATURE_CACHE);
    jw_close(&c->w, '}');
}

static void put_named(struct cw *c, struct str name)
{
    const struct neutral_tool *t = cw_tool(c, name);
    bool custom = t && t->custom && cw_can(c, CAN_CUSTOM_TOOLS);
    const char *kind = custom ? "custom" : "function";

    jw_open(&c->w, '{');
    jw_member_text(&c->w, "type", str_of(kind));
    jw_key(&c->w, kind);
    jw_open(&c->w, '{');
    jw_member_text(&c->w, "name", cw_tool_name(c, name));
    jw_close(&c->w, '}');
    jw_close(&c->w, '}');
}

static void put_allowed(struct cw *c, const struct neutral_choice *choice)
{
    jw_open(&c->w, '{');
    jw_member_text(&c->w, "type", STR("allowed_tools"));
    jw_key(&c->w, "allowed_tools");
    jw_open(&c->w, '{');
    jw_member_text(&c->w, "mode", choice->kind == CHOICE_REQUIRED
                                      ? STR("required") : STR("auto"));
    jw_key(&c->w, "tools");
    jw_open(&c->w, '[');
    for (const struct neutral_name *n = choice->allowed; n; n = n->next)
        put_named(c, n->name);
    jw_close(&c->w, ']');
    jw_close(&c->w, '}');
    jw_close(&c->w, '}');
}

static const struct openai_tools spelling = { put_tool, put_named,
                                             put_allowed };

void chat_put_tools(struct cw *c)
{
    openai_put_tools(c, &spelling);
}

void chat_put_choice(struct cw *c)
{
    openai_put_choice(c, &spelling);
}

static void put_schema_format(struct cw *c, const struct neutral_format *f)
{
    jw_member_text(&c->w, "type", STR("json_schema"));
    jw_key(&c->w, "json_schema");
    jw_open(&c->w, '{');
    jw_member_text(&c->w, "name", f->name.p ? f->name : STR("output"));
    jw_opt_jstr(&c->w, "description", f->description);
    jw_opt_raw(&c->w, "schema", f->raw_schema);
    if (f->strict >= 0)
        jw_member_bool(&c->w, "strict", f->strict == 1);
    jw_close(&c->w, '}');
}

void chat_put_format(struct cw *c)
{
    const struct neutral_format *f = &c->r->format;

    if (f->kind == FORMAT_UNSET)
        return;
    jw_key(&c->w, "response_format");
    jw_open(&c->w, '{');
    if (f->kind == FORMAT_TEXT) {
        jw_member_text(&c->w, "type", STR("text"));
    } else if (f->kind == FORMAT_SCHEMA &&
               (cw_can(c, CAN_SCHEMA) || cw_same(c))) {
        put_schema_format(c, f);
    } else {
        if (f->kind == FORMAT_SCHEMA)
            cw_note(c, FATE_DROPPED, FEATURE_FORMAT);
        jw_member_text(&c->w, "type", STR("json_object"));
    }
    jw_close(&c->w, '}');
}
