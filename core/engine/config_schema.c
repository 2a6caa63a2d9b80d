/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * JSON Schema of the canonical form, for editors of penstock.json and for
 * tools that write it.
 */
#include "engine/config_help.h"

#include <string.h>

static const char *const patterns[CONF_TYPE_COUNT] = {
    [CONF_NAME] = "^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}$",
    [CONF_PATTERN] = "^[^*]*\\*?[^*]*$",
    [CONF_DURATION] = "^[0-9]+(ms|s|m|h|d)$",
    [CONF_SIZE] = "^[0-9]+(B|KiB|MiB|GiB)$",
    [CONF_RATE] = "^[0-9]+[kM]?/(s|min|h|day)$",
    [CONF_PERCENT] = "^[0-9]+%$",
    [CONF_PATH] = "^/.",
    [CONF_LOGTO] = "^(stderr$|/.)",
    [CONF_ADDRESS] = "^(unix:/.+|.+:[0-9]{1,5})$",
    [CONF_URL] = "^https?://[^/]",
    [CONF_PROXY] = "^(https?|socks5h)://[^/]+:[0-9]+/?$",
    [CONF_REDIS] = "^(rediss?://[^/]|unix:///.)",
    [CONF_DATE] = "^[0-9]{4}-[0-9]{2}-[0-9]{2}"
                  "(T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)?$",
    [CONF_SHA256] = "^[0-9A-Fa-f]{64}$",
    [CONF_TARGET] = "^[^/]+/.+$",
};

static json_t *schema_ref(const char *scope)
{
    return json_pack("{s:s++}", "$ref", "#/$defs/", scope, "");
}

static json_t *choices(struct str words)
{
    json_t *list = json_array();

    while (words.p) {
        struct str part = str_split(&words, '|');

        json_array_append_new(list, json_stringn(part.p, part.n));
    }
    return json_pack("{s:o}", "enum", list);
}

static json_t *integer(struct str range)
{
    ptrdiff_t dots = str_find(range, STR(".."));
    uint64_t low = 0, high = 0;

    if (dots < 0 || !str_u64((struct str){range.p, (size_t)dots}, &low) ||
        !str_u64((struct str){range.p + dots + 2,
                              range.n - (size_t)dots - 2}, &high))
        return json_pack("{s:s}", "type", "integer");
    return json_pack("{s:s, s:I, s:I}", "type", "integer", "minimum",
                     (json_int_t)low, "maximum", (json_int_t)high);
}

/* One value, without lists and words. */
static json_t *plain(const struct conf_row *row)
{
    struct str rest;

    conf_row_word(row, &rest);
    switch (row->type) {
    case CONF_BOOL:
        return json_pack("{s:s}", "type", "boolean");
    case CONF_INT:
        return integer(rest);
    case CONF_ENUM:
        return choices(rest);
    case CONF_OBJECT:
        return schema_ref(conf_scopes[conf_row_scope(row)].name);
    case CONF_ANY:
        return json_pack("{s:s}", "type", "object");
    case CONF_SECRET:
        return schema_ref("reference");
    default:
        break;
    }
    if (patterns[row->type])
        return json_pack("{s:s, s:s}", "type", "string", "pattern",
                         patterns[row->type]);
    return json_pack("{s:s}", "type", "string");
}

static json_t *one_of(json_t *a, json_t *b)
{
    return json_pack("{s:[o,o]}", "anyOf", a, b);
}

static json_t *names(enum conf_scope_id scope)
{
    const struct conf_scope *s = &conf_scopes[scope];

    if (s->name_type == CONF_ENUM)
        return choices(str_of(s->name_unit));
    if (patterns[s->name_type])
        return json_pack("{s:s}", "pattern", patterns[s->name_type]);
    return json_pack("{s:i}", "minLength", 1);
}

static json_t *schema_of(const struct conf_row *row)
{
    struct str word = conf_row_word(row, NULL);
    json_t *v = plain(row);

    if (row->form == CONF_LIST)
        v = one_of(json_pack("{s:s, s:O}", "type", "array", "items", v), v);
    else if (row->form == CONF_MAP)
        v = json_pack("{s:s, s:o}", "type", "object", "additionalProperties",
                      v);
    else if (row->form == CONF_NAMED)
        v = json_pack("{s:s, s:o, s:o}", "type", "object", "propertyNames",
                      names(conf_row_scope(row)), "additionalProperties", v);
    else if (row->type != CONF_OBJECT && row->type != CONF_SECRET &&
             row->type != CONF_ANY)
        v = one_of(v, schema_ref("reference"));
    if (word.p && row->type != CONF_LOGTO)
        v = one_of(json_pack("{s:s%}", "const", word.p, word.n), v);
    json_object_set_new(v, "description", json_string(row->help));
    if (row->def && *row->def && row->form == CONF_ONE &&
        row->def != conf_required && row->def != conf_inherit)
        json_object_set_new(v, "x-default", json_string(row->def));
    json_object_set_new(v, "x-applies",
                        json_string(conf_applies_name(row->applies)));
    return v;
}

static json_t *scope_schema(enum conf_scope_id scope)
{
    json_t *keys = json_object(), *required = json_array(), *v;

    for (size_t i = 0; i < conf_row_count; i++) {
        const struct conf_row *row = &conf_rows[i];

        if (row->scope != scope)
            continue;
        json_object_set_new(keys, row->key, schema_of(row));
        if (row->def == conf_required)
            json_array_append_new(required, json_string(row->key));
    }
    v = json_pack("{s:s, s:s, s:o, s:b}", "type", "object", "description",
                  conf_scopes[scope].help, "properties", keys,
                  "additionalProperties", 0);
    if (json_array_size(required))
        json_object_set(v, "required", required);
    json_decref(required);
    return v;
}

static json_t *reference_schema(void)
{
    return json_pack("{s:s, s:s, s:[{s:[s]},{s:[s]},{s:[s]}],"
                     " s:{s:{s:s}, s:{s:s}, s:{s:s, s:s}, s:{s:s}}, s:b}",
                     "type", "object", "description",
                     "A value that stands elsewhere", "oneOf", "required",
                     "$env", "required", "$file", "required", "$credential",
                     "properties", "$env", "type", "string", "default", "type",
                     "string", "$file", "type", "string", "pattern", "^/",
                     "$credential", "type", "string", "additionalProperties",
                     0);
}

json_t *config_schema(void)
{
    json_t *defs = json_object(), *v = scope_schema(SCOPE_top);

    for (int i = 0; i < SCOPE_COUNT; i++) {
        if (i != SCOPE_top)
            json_object_set_new(defs, conf_scopes[i].name,
                                scope_schema((enum conf_scope_id)i));
    }
    json_object_set_new(defs, "reference", reference_schema());
    json_object_set_new(v, "$defs", defs);
    json_object_set_new(v, "title", json_string("penstock.json"));
    json_object_set_new(
        v, "$schema",
        json_string("https://json-schema.org/draft/2020-12/schema"));
    return v;
}
