/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Google's Schema, a part of OpenAPI's, to and from JSON schemas. Types are
 * in capitals there, "nullable" is a member, counts may be strings. Models
 * up to 2.0 take nothing else; later ones take a JSON schema as well.
 *
 * Source: https://ai.google.dev/api/caching#Schema (read 2026-11).
 */
#include "wire/codec_gemini.h"

#define REFS_MAX 16 /* of a definition within itself: then it is any object */

struct schema {
    const struct json *j;
    struct jw *w;
    struct arena *a;
    uint32_t root;
    uint32_t refs;  /* definitions that we are in */
    bool lost;      /* a keyword was left out */
};

static uint32_t member(const struct schema *s, uint32_t node,
                       const char *name)
{
    return json_member(s->j, node, str_of(name));
}

static void put_key(struct schema *s, uint32_t node)
{
    const struct json_node *n = &s->j->nodes[node];

    jw_sep(s->w);
    jw_bytes(s->w, (struct str){ s->j->text + n->key, n->key_end - n->key });
    jw_bytes(s->w, STR(":"));
    s->w->comma = false;
}

static struct str name_of(struct schema *s, uint32_t node)
{
    struct str name = json_name(s->j, node, s->a);

    if (!name.p && !s->w->rc)
        s->w->rc = -ERR_NOMEM;
    return name.p ? name : STR("");
}

typedef void put_fn(struct schema *s, uint32_t node);

/* An object of schemas, an array of them, or one. */
static void put_each(struct schema *s, uint32_t node, put_fn *put, bool map)
{
    bool array = s->j->nodes[node].type == JSON_T_ARRAY;

    if (!array && !map) {
        put(s, node);
        return;
    }
    jw_open(s->w, array ? '[' : '{');
    for (uint32_t m = json_first(s->j, node); m != JSON_NONE && !s->w->rc;
         m = json_sibling(s->j, node, m)) {
        if (!array)
            put_key(s, m);
        put(s, m);
    }
    jw_close(s->w, array ? ']' : '}');
}

static bool is_one_of(struct str name, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (str_is(name, list[i]))
            return true;
    }
    return false;
}

#define LENGTH(a) (sizeof(a) / sizeof(a)[0])

/* ---- Google's into JSON's ----------------------------------------------- */

static const char *const counts[] = { "maxItems",  "minItems",
                                      "maxLength", "minLength",
                                      "maxProperties", "minProperties" };

static void put_lower(struct schema *s, uint32_t node)
{
    struct str type = json_text(s->j, node, s->a);
    char word[16];
    size_t n = type.n < sizeof word ? type.n : 0;

    for (size_t i = 0; i < n; i++)
        word[i] = type.p[i] >= 'A' && type.p[i] <= 'Z'
                      ? (char)(type.p[i] + 32) : type.p[i];
    jw_text(s->w, (struct str){ word, n });
}

/* Protobuf's JSON takes an enum by its number too, and clients in Go that
 * ask for enum-encoding=int write it so. */
static const char *numbered(const struct schema *s, uint32_t node)
{
    static const char *const types[] = { NULL,      "string", "number",
                                         "integer", "boolean", "array",
                                         "object",  "null" };
    int64_t n;

    if (s->j->nodes[node].type != JSON_T_NUMBER || !json_int(s->j, node, &n))
        return NULL;
    return n > 0 && n < (int64_t)LENGTH(types) ? types[n] : NULL;
}

static void put_type(struct schema *s, uint32_t type, bool nullable)
{
    const char *word = numbered(s, type);

    jw_key(s->w, "type");
    if (s->j->nodes[type].type != JSON_T_STRING && !word) {
        jw_raw(s->w, json_raw(s->j, type));
        return;
    }
    if (nullable)
        jw_open(s->w, '[');
    if (word)
        jw_text(s->w, str_of(word));
    else
        put_lower(s, type);
    if (!nullable)
        return;
    jw_text(s->w, STR("null"));
    jw_close(s->w, ']');
}

static void read_schema(struct schema *s, uint32_t node);

static void read_member(struct schema *s, uint32_t m, struct str name,
                        bool nullable)
{
    enum json_type type = (enum json_type)s->j->nodes[m].type;
    uint64_t count;

    if (str_is(name, "type")) {
        put_type(s, m, nullable);
        return;
    }
    if (str_is(name, "nullable") || str_is(name, "propertyOrdering") ||
        str_is(name, "property_ordering"))
        return;
    put_key(s, m);
    if (str_is(name, "properties") && type == JSON_T_OBJECT)
        put_each(s, m, read_schema, true);
    else if (str_is(name, "items") || str_is(name, "anyOf"))
        put_each(s, m, read_schema, false);
    else if (type == JSON_T_STRING &&
             is_one_of(name, counts, LENGTH(counts)) &&
             str_u64(json_text(s->j, m, s->a), &count) && count <= INT64_MAX)
        jw_int(s->w, (int64_t)count); /* "3" */
    else
        jw_raw(s->w, json_raw(s->j, m));
}

static void read_schema(struct schema *s, uint32_t node)
{
    uint32_t n;
    bool nullable;

    if (s->j->nodes[node].type != JSON_T_OBJECT) {
        jw_raw(s->w, json_raw(s->j, node));
        return;
    }
    n = member(s, node, "nullable");
    nullable = n != JSON_NONE && s->j->nodes[n].type == JSON_T_TRUE;
    jw_open(s->w, '{');
    for (uint32_t m = json_first(s->j, node); m != JSON_NONE && !s->w->rc;
         m = json_sibling(s->j, node, m))
        read_member(s, m, name_of(s, m), nullable);
    jw_close(s->w, '}');
}

struct str gemini_schema_read(const struct json *j, uint32_t node,
                              struct arena *a)
{
    struct buf b = BUF_INIT(json_raw(j, node).n * 2 + 64);
    struct jw w = { .b = &b };
    struct schema s = { .j = j, .w = &w, .a = a, .root = node };
    struct str out = STR_NULL;

    read_schema(&s, node);
    if (!w.rc)
        out = arena_dup(a, buf_str(&b));
    buf_clear(&b);
    return out;
}

/* ---- JSON's into Google's ----------------------------------------------- */

static const char *const taken[] = {
    "title",    "description", "enum",     "maxItems",  "minItems",
    "required", "minimum",     "maximum",  "maxLength", "minLength",
    "pattern",  "default",     "nullable", "minProperties",
    "maxProperties", "propertyOrdering", "example",
};
static const char *const formats[] = { "date-time", "enum",   "int32",
                                       "int64",     "float",  "double" };

static void write_schema(struct schema *s, uint32_t node);

/* "#/$defs/Name", in a table of the root. */
static uint32_t find_ref(struct schema *s, uint32_t ref)
{
    struct str at = json_text(s->j, ref, s->a), name;

    if (!str_starts(at, STR("#/")))
        return JSON_NONE;
    at = (struct str){ at.p + 2, at.n - 2 };
    name = str_split(&at, '/');
    return json_member(s->j, json_member(s->j, s->root, name), at);
}

static void write_ref(struct schema *s, uint32_t ref)
{
    uint32_t to = find_ref(s, ref);

    if (to == JSON_NONE || s->refs >= REFS_MAX) {
        s->lost = true;
        jw_raw(s->w, STR("{\"type\":\"object\"}"));
        return;
    }
    s->refs++;
    write_schema(s, to);
    s->refs--;
}

/* ["string", "null"] */
static void write_types(struct schema *s, uint32_t types)
{
    uint32_t kept = JSON_NONE, n = 0;

    for (uint32_t t = json_first(s->j, types); t != JSON_NONE;
         t = json_sibling(s->j, types, t)) {
        if (str_is(json_text(s->j, t, s->a), "null")) {
            jw_member_bool(s->w, "nullable", true);
            continue;
        }
        kept = kept == JSON_NONE ? t : kept;
        n++;
    }
    s->lost = s->lost || n > 1;
    if (kept != JSON_NONE)
        jw_member_raw(s->w, "type", json_raw(s->j, kept));
}

/* An enum is of words alone there; a number lies between itself and itself. */
static void write_const(struct schema *s, uint32_t m)
{
    uint8_t type = s->j->nodes[m].type;

    if (type == JSON_T_STRING) {
        jw_key(s->w, "enum");
        jw_open(s->w, '[');
        jw_raw(s->w, json_raw(s->j, m));
        jw_close(s->w, ']');
    } else if (type == JSON_T_NUMBER) {
        jw_member_raw(s->w, "minimum", json_raw(s->j, m));
        jw_member_raw(s->w, "maximum", json_raw(s->j, m));
    } else {
        s->lost = true;
    }
}

/* What JSON Schema may leave unsaid and Google's older form may not: a type
 * beside a const, items of an array. */
static void write_unsaid(struct schema *s, uint32_t node)
{
    uint32_t type = member(s, node, "type"), value = member(s, node, "const");
    int64_t n;

    if (type == JSON_NONE && value != JSON_NONE) {
        uint8_t kind = s->j->nodes[value].type;
        const char *word = kind == JSON_T_STRING           ? "string"
                           : kind != JSON_T_NUMBER         ? "boolean"
                           : json_int(s->j, value, &n)     ? "integer"
                                                           : "number";

        if (kind != JSON_T_OBJECT && kind != JSON_T_ARRAY &&
            kind != JSON_T_NULL)
            jw_member_text(s->w, "type", str_of(word));
    }
    if (type != JSON_NONE && str_is(json_raw(s->j, type), "\"array\"") &&
        member(s, node, "items") == JSON_NONE) {
        s->lost = true;
        jw_key(s->w, "items");
        jw_raw(s->w, STR("{\"type\":\"object\"}"));
    }
}

static void write_member(struct schema *s, uint32_t m, struct str name)
{
    bool one = str_is(name, "oneOf");

    if (str_is(name, "type")) {
        if (s->j->nodes[m].type == JSON_T_ARRAY)
            write_types(s, m);
        else
            jw_member_raw(s->w, "type", json_raw(s->j, m));
    } else if (str_is(name, "properties")) {
        put_key(s, m);
        put_each(s, m, write_schema, true);
    } else if (str_is(name, "items") || str_is(name, "anyOf")) {
        put_key(s, m);
        put_each(s, m, write_schema, false);
    } else if (one) {
        jw_key(s->w, "anyOf");
        put_each(s, m, write_schema, false);
    } else if (str_is(name, "const")) {
        write_const(s, m);
    } else if (str_is(name, "format")
                   ? is_one_of(json_text(s->j, m, s->a), formats,
                               LENGTH(formats))
                   : is_one_of(name, taken, LENGTH(taken))) {
        put_key(s, m);
        jw_raw(s->w, json_raw(s->j, m));
    } else { /* definitions are put where they are named */
        s->lost = s->lost || (!str_is(name, "$defs") &&
                              !str_is(name, "definitions") &&
                              !str_is(name, "$schema") &&
                              !str_is(name, "additionalProperties"));
    }
}

static void write_schema(struct schema *s, uint32_t node)
{
    uint32_t ref = member(s, node, "$ref");

    if (s->j->nodes[node].type != JSON_T_OBJECT) { /* true, false */
        s->lost = true;
        jw_raw(s->w, STR("{}"));
        return;
    }
    if (ref != JSON_NONE && s->j->nodes[ref].type == JSON_T_STRING) {
        write_ref(s, ref);
        return;
    }
    jw_open(s->w, '{');
    for (uint32_t m = json_first(s->j, node); m != JSON_NONE && !s->w->rc;
         m = json_sibling(s->j, node, m))
        write_member(s, m, name_of(s, m));
    write_unsaid(s, node);
    jw_close(s->w, '}');
}

void gemini_schema_write(struct cw *c, struct str raw)
{
    struct json_limits lim = { .dup_nowhere = true };
    struct json j = { 0 };
    struct schema s = { .j = &j, .w = &c->w, .a = c->a };
    int rc = json_scan(&j, raw, &lim, NULL);

    if (rc)
        cw_fail(c, rc);
    else
        write_schema(&s, 0);
    if (s.lost)
        cw_note(c, FATE_DROPPED, FEATURE_SCHEMA);
    json_clear(&j);
}

void gemini_put_schema(struct cw *c, const char *json_name,
                       const char *old_name, struct str raw)
{
    if (cw_can(c, CAN_STRICT)) { /* takes JSON's */
        jw_member_raw(&c->w, json_name, raw);
        return;
    }
    jw_key(&c->w, old_name);
    gemini_schema_write(c, raw);
}
