/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A plugin's settings against its schema: the part of JSON Schema that fits
 * in a table. What the schema holds beyond it is refused with the plugin, not
 * ignored with the settings. Unlike JSON Schema, names that `properties` does
 * not list are always refused: a misspelt setting must not do nothing.
 */
#include "engine/plugin_host.h"

#include <jansson.h>

#define DEPTH_MAX 8
#define N_OF(a) (sizeof(a) / sizeof((a)[0]))

/* A value at its place; the place is a JSON Pointer, cut when too long. */
struct spot {
    const json_t *schema, *value;
    const char *at;
    struct err *err;
};

static const struct {
    const char *name;
    json_type type;
} types[] = {
    { "object", JSON_OBJECT },   { "array", JSON_ARRAY },
    { "string", JSON_STRING },   { "integer", JSON_INTEGER },
    { "number", JSON_REAL },     { "boolean", JSON_TRUE },
    { "null", JSON_NULL },
};

static int no(const struct spot *s, const char *what, const char *want)
{
    return err_at(s->err, ERR_CONFIG, s->at, "settings%s: %s %s", s->at, what,
                  want);
}

static bool is_type(const json_t *v, const char *name)
{
    for (size_t i = 0; i < N_OF(types); i++) {
        if (strcmp(types[i].name, name))
            continue;
        if (types[i].type == JSON_TRUE)
            return json_is_boolean(v);
        if (types[i].type == JSON_REAL)
            return json_is_number(v);
        return json_typeof(v) == types[i].type;
    }
    return false;
}

static int rule_type(const struct spot *s, const json_t *rule)
{
    const char *name = json_string_value(rule);

    return is_type(s->value, name) ? 0 : no(s, "must be of type", name);
}

static int rule_enum(const struct spot *s, const json_t *rule)
{
    char *list;
    json_t *one;
    size_t i;
    int rc;

    json_array_foreach(rule, i, one) {
        if (json_equal(one, s->value))
            return 0;
    }
    list = json_dumps(rule, JSON_COMPACT | JSON_ENCODE_ANY);
    rc = no(s, "must be one of", list ? list : "its enum");
    free(list);
    return rc;
}

static int bound(const struct spot *s, const json_t *rule, bool low)
{
    double v = json_number_value(s->value), b = json_number_value(rule);
    char want[40];

    if (!json_is_number(s->value) || (low ? v >= b : v <= b))
        return 0;
    snprintf(want, sizeof want, "%.15g", b);
    return no(s, low ? "must be at least" : "must be at most", want);
}

static int rule_minimum(const struct spot *s, const json_t *rule)
{
    return bound(s, rule, true);
}

static int rule_maximum(const struct spot *s, const json_t *rule)
{
    return bound(s, rule, false);
}

static int length(const struct spot *s, const json_t *rule, bool low)
{
    json_int_t n = (json_int_t)json_string_length(s->value);
    json_int_t b = json_integer_value(rule);
    char want[40];

    if (!json_is_string(s->value) || (low ? n >= b : n <= b))
        return 0;
    snprintf(want, sizeof want, "%" JSON_INTEGER_FORMAT " bytes", b);
    return no(s, low ? "must have at least" : "must have at most", want);
}

static int rule_min_length(const struct spot *s, const json_t *rule)
{
    return length(s, rule, true);
}

static int rule_max_length(const struct spot *s, const json_t *rule)
{
    return length(s, rule, false);
}

static int rule_required(const struct spot *s, const json_t *rule)
{
    json_t *one;
    size_t i;

    if (!json_is_object(s->value))
        return 0;
    json_array_foreach(rule, i, one) {
        if (!json_object_get(s->value, json_string_value(one)))
            return no(s, "needs", json_string_value(one));
    }
    return 0;
}

static int rule_none(const struct spot *s, const json_t *rule)
{
    (void)s, (void)rule;
    return 0;
}

static bool names_a_type(const json_t *v)
{
    for (size_t i = 0; json_is_string(v) && i < N_OF(types); i++) {
        if (!strcmp(types[i].name, json_string_value(v)))
            return true;
    }
    return false;
}

static bool strings(const json_t *v)
{
    json_t *one;
    size_t i;

    json_array_foreach(v, i, one) {
        if (!json_is_string(one))
            return false;
    }
    return json_is_array(v);
}

static bool whole(const json_t *v)
{
    return json_is_integer(v) && json_integer_value(v) >= 0;
}

static bool any(const json_t *v)
{
    return v != NULL;
}

static bool object(const json_t *v)
{
    return json_is_object(v);
}

static bool array(const json_t *v)
{
    return json_is_array(v);
}

static bool number(const json_t *v)
{
    return json_is_number(v);
}

/* A keyword, what its own value must be, and the check that it stands for.
 * `properties` and `items` are walked by walk(). */
static const struct {
    const char *keyword;
    bool (*well_formed)(const json_t *);
    int (*check)(const struct spot *, const json_t *rule);
} rules[] = {
    { "type", names_a_type, rule_type },
    { "enum", array, rule_enum },
    { "minimum", number, rule_minimum },
    { "maximum", number, rule_maximum },
    { "minLength", whole, rule_min_length },
    { "maxLength", whole, rule_max_length },
    { "required", strings, rule_required },
    { "properties", object, rule_none },
    { "items", object, rule_none },
    { "description", any, rule_none },
    { "default", any, rule_none },
};

static int walk(const struct spot *s, int depth);

static int step(const struct spot *s, const json_t *schema,
                const json_t *value, const char *name, int depth)
{
    struct spot below = { .schema = schema, .value = value, .err = s->err };
    char at[sizeof s->err->at];

    snprintf(at, sizeof at, "%s/%s", s->at, name);
    below.at = at;
    if (!schema)
        return no(&below, "is", "unknown here");
    return walk(&below, depth + 1);
}

static int walk(const struct spot *s, int depth)
{
    json_t *properties = json_object_get(s->schema, "properties");
    json_t *items = json_object_get(s->schema, "items");
    char number_text[24];
    const char *name;
    json_t *rule, *v;
    int rc = depth > DEPTH_MAX ? no(s, "is nested", "too deep") : 0;
    size_t i;

    for (i = 0; i < N_OF(rules) && rc == 0; i++) {
        rule = json_object_get(s->schema, rules[i].keyword);
        if (rule)
            rc = rules[i].check(s, rule);
    }
    json_object_foreach((json_t *)(properties ? s->value : NULL), name, v) {
        if (rc == 0)
            rc = step(s, json_object_get(properties, name), v, name, depth);
    }
    json_array_foreach((json_t *)(items ? s->value : NULL), i, v) {
        snprintf(number_text, sizeof number_text, "%zu", i);
        if (rc == 0)
            rc = step(s, items, v, number_text, depth);
    }
    return rc;
}

static json_t *load(struct str text, const char *what, struct err *err)
{
    json_error_t e;
    json_t *v = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, &e);

    if (v && !json_is_object(v)) {
        json_decref(v);
        v = NULL;
        snprintf(e.text, sizeof e.text, "not an object");
    }
    if (!v)
        err_set(err, ERR_CONFIG, "%s: %s", what, e.text);
    return v;
}

int plugin_settings_check(const char *schema, struct str settings,
                          struct err *err)
{
    struct err local = { 0 };
    struct spot top = { .at = "", .err = err ? err : &local };
    json_t *s = load(str_of(schema ? schema : "{\"properties\":{}}"),
                     "settings schema", top.err);
    json_t *v = s ? load(settings, "settings", top.err) : NULL;
    int rc = -ERR_CONFIG;

    if (v) {
        top.schema = s;
        top.value = v;
        rc = walk(&top, 0);
    }
    json_decref(s);
    json_decref(v);
    return rc;
}

static int schema_walk(const json_t *schema, int depth, struct err *err)
{
    const char *name;
    json_t *v;
    size_t i;
    int rc = 0;

    if (!json_is_object(schema) || depth > DEPTH_MAX)
        return err_set(err, ERR_CONFIG,
                       "ops.settings: not an object, or nested too deep");
    json_object_foreach((json_t *)schema, name, v) {
        for (i = 0; i < N_OF(rules) && strcmp(rules[i].keyword, name); i++)
            ;
        if (i == N_OF(rules) || !rules[i].well_formed(v))
            return err_set(err, ERR_CONFIG,
                           "ops.settings: '%s' is outside of the subset of "
                           "JSON Schema that Penstock reads",
                           name);
    }
    json_object_foreach(json_object_get(schema, "properties"), name, v) {
        if (rc == 0)
            rc = schema_walk(v, depth + 1, err);
    }
    v = json_object_get(schema, "items");
    return rc == 0 && v ? schema_walk(v, depth + 1, err) : rc;
}

int plugin_schema_check(const char *schema, struct err *err)
{
    json_t *s = load(str_of(schema), "ops.settings", err);
    int rc = s ? schema_walk(s, 0, err) : -ERR_CONFIG;

    json_decref(s);
    return rc;
}
