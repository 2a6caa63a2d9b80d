/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * JSON schemas for Anthropic's structured output: every object says
 * additionalProperties: false, and what bounds numbers, lengths and patterns
 * is refused there, so it goes to the model as words of the description. A
 * copy in the schema's own order; what is data (enum, const) stays raw.
 *
 * Source: https://platform.claude.com/docs/en/build-with-claude/
 * structured-outputs, "JSON Schema limitations" (read 2026-10).
 */
#include "wire/codec_put.h"

/* What a member of a schema holds. */
enum place {
    PLACE_SCHEMA, /* a schema, or an array of them */
    PLACE_MAP,    /* an object whose members are schemas */
    PLACE_DATA,
};

static const char *const maps[] = { "properties", "$defs", "definitions" };
static const char *const schemas[] = { "items", "anyOf", "allOf", "oneOf",
                                       "prefixItems" };
static const char *const refused[] = {
    "minimum",       "maximum",       "exclusiveMinimum",
    "multipleOf",    "minLength",     "exclusiveMaximum",
    "maxLength",     "pattern",       "maxItems",
    "uniqueItems",   "minProperties", "maxProperties",
    "patternProperties",
};

#define LENGTH(a) (sizeof(a) / sizeof(a)[0])

static bool is_in(struct str name, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (str_is(name, list[i]))
            return true;
    }
    return false;
}

static enum place place_of(struct str name)
{
    if (is_in(name, maps, LENGTH(maps)))
        return PLACE_MAP;
    return is_in(name, schemas, LENGTH(schemas)) ? PLACE_SCHEMA : PLACE_DATA;
}

static bool is_refused(const struct json *j, uint32_t node, struct str name)
{
    int64_t v;

    if (str_is(name, "minItems")) /* 0 and 1 are known */
        return !json_int(j, node, &v) || v < 0 || v > 1;
    return is_in(name, refused, LENGTH(refused));
}

static void put_key(struct cw *c, const struct json *j, uint32_t node)
{
    const struct json_node *n = &j->nodes[node];

    jw_sep(&c->w);
    jw_bytes(&c->w, (struct str){ j->text + n->key, n->key_end - n->key });
    jw_bytes(&c->w, STR(":"));
    c->w.comma = false;
}

static void put_place(struct cw *c, const struct json *j, uint32_t node,
                      enum place place);

static bool is_object_schema(const struct json *j, uint32_t node)
{
    struct jstr type = jstr_of_node(j, json_member(j, node, STR("type")));

    return str_is((struct str){ type.p, type.n }, "object") ||
           json_member(j, node, STR("properties")) != JSON_NONE;
}

/* The description, and behind it what could not stay a keyword. */
static void put_description(struct cw *c, const struct json *j,
                            uint32_t node)
{
    struct jstr text = jstr_of_node(j, json_member(j, node,
                                                   STR("description")));
    bool any = false;

    jw_key(&c->w, "description");
    jw_bytes(&c->w, STR("\""));
    jw_bytes(&c->w, (struct str){ text.p, text.n });
    for (uint32_t m = json_first(j, node); m != JSON_NONE;
         m = json_sibling(j, node, m)) {
        struct str name = json_name(j, m, c->a);

        if (!name.p)
            cw_fail(c, -ERR_NOMEM);
        if (!name.p || !is_refused(j, m, name))
            continue;
        jw_bytes(&c->w, any ? STR(", ") : text.n ? STR(" (") : STR("("));
        jw_bytes(&c->w, name);
        jw_bytes(&c->w, STR(": "));
        if (!c->w.rc)
            c->w.rc = jstr_put_escaped(c->w.b, json_raw(j, m));
        any = true;
    }
    jw_raw(&c->w, any ? STR(")\"") : STR("\""));
}

static void put_schema(struct cw *c, const struct json *j, uint32_t node)
{
    bool object = is_object_schema(j, node);
    bool moved = false, closed = false, described = false;

    jw_open(&c->w, '{');
    for (uint32_t m = json_first(j, node); m != JSON_NONE && !c->w.rc;
         m = json_sibling(j, node, m)) {
        struct str name = json_name(j, m, c->a);

        if (!name.p) {
            cw_fail(c, -ERR_NOMEM);
        } else if (is_refused(j, m, name)) {
            moved = true;
        } else if (str_is(name, "additionalProperties") && object) {
            closed = true;
            if (j->nodes[m].type != JSON_T_FALSE)
                cw_note(c, FATE_MAPPED, FEATURE_SCHEMA);
            jw_member_bool(&c->w, "additionalProperties", false);
        } else if (str_is(name, "description")) {
            put_description(c, j, node);
            described = true;
        } else {
            put_key(c, j, m);
            put_place(c, j, m, place_of(name));
        }
    }
    if (object && !closed)
        jw_member_bool(&c->w, "additionalProperties", false);
    if (moved)
        cw_note(c, FATE_MAPPED, FEATURE_SCHEMA);
    if (moved && !described)
        put_description(c, j, node);
    jw_close(&c->w, '}');
}

static void put_place(struct cw *c, const struct json *j, uint32_t node,
                      enum place place)
{
    enum json_type type = (enum json_type)j->nodes[node].type;
    bool array = type == JSON_T_ARRAY;

    if (place == PLACE_DATA || (type != JSON_T_OBJECT && !array)) {
        jw_raw(&c->w, json_raw(j, node));
        return;
    }
    if (place == PLACE_SCHEMA && !array) {
        put_schema(c, j, node);
        return;
    }
    jw_open(&c->w, array ? '[' : '{');
    for (uint32_t m = json_first(j, node); m != JSON_NONE && !c->w.rc;
         m = json_sibling(j, node, m)) {
        if (!array)
            put_key(c, j, m);
        put_place(c, j, m, PLACE_SCHEMA);
    }
    jw_close(&c->w, array ? ']' : '}');
}

void cw_schema(struct cw *c, struct str raw)
{
    struct json_limits lim = { .dup_nowhere = true };
    struct json j = { 0 };
    int rc = 0;

    if (cw_same(c)) { /* the client knows what its dialect takes */
        jw_raw(&c->w, raw);
        return;
    }
    rc = json_scan(&j, raw, &lim, NULL);
    if (rc)
        cw_fail(c, rc);
    else
        put_place(c, &j, 0, PLACE_SCHEMA);
    json_clear(&j);
}
