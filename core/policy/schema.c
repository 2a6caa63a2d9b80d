/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A policy's `conf`, from JSON to a read-only table, each key checked against
 * the type that the file's `schema` names. A key that is declared and not
 * given is nil; one that is not declared is a fault on either side.
 */
#include "policy/state.h"

#include "policy/api.h"
#include "policy/sandbox.h"

#include <stdio.h>

enum { MAX_DEPTH = 16 };

static bool is_number(const json_t *v)
{
    return json_is_number(v);
}

static bool is_string(const json_t *v)
{
    return json_is_string(v);
}

static bool is_int(const json_t *v)
{
    return json_is_integer(v);
}

static bool is_bool(const json_t *v)
{
    return json_is_boolean(v);
}

/* The configuration's reader cannot tell {} the list from {} the map. */
static bool is_list(const json_t *v)
{
    return json_is_array(v) || (json_is_object(v) && json_object_size(v) == 0);
}

static bool is_map(const json_t *v)
{
    return (json_is_object(v) && !secret_is_ref(v)) ||
           (json_is_array(v) && json_array_size(v) == 0);
}

static bool is_name(const json_t *v)
{
    return json_is_string(v) && json_string_length(v) > 0;
}

static bool is_url(const json_t *v)
{
    struct str s = { json_string_value(v), json_string_length(v) };

    return json_is_string(v) &&
           (str_starts(s, STR("https://")) || str_starts(s, STR("http://")));
}

static const struct schema_type {
    const char *name;
    bool (*is)(const json_t *v);
    const char *what;
} types[] = {
    { "string", is_string, "a string" },
    { "int", is_int, "a whole number" },
    { "number", is_number, "a number" },
    { "bool", is_bool, "true or false" },
    { "list", is_list, "a list" },
    { "map", is_map, "a table with names" },
    { "model", is_name, "the name of a model" },
    { "url", is_url, "a URL with http:// or https://" },
    { "secret", secret_is_ref, "env \"NAME\" or file \"/path\"" },
    { "cidrs", is_list, "a list of networks, { \"10.0.0.0/8\" }," },
    { "patterns", is_list, "a list of regular expressions" },
};

static const struct schema_type *type_of(const char *name)
{
    for (size_t i = 0; name && i < sizeof types / sizeof types[0]; i++) {
        if (strcmp(types[i].name, name) == 0)
            return &types[i];
    }
    return NULL;
}

static void push_json(lua_State *L, const json_t *v, int depth);

static void push_members(lua_State *L, const json_t *v, int depth)
{
    const char *key;
    json_t *member;

    lua_newtable(L);
    json_object_foreach((json_t *)v, key, member) {
        push_json(L, member, depth);
        lua_setfield(L, -2, key);
    }
}

static void push_elements(lua_State *L, const json_t *v, int depth)
{
    lua_newtable(L);
    for (size_t i = 0; i < json_array_size(v); i++) {
        push_json(L, json_array_get(v, i), depth);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
}

static void push_json(lua_State *L, const json_t *v, int depth)
{
    luaL_checkstack(L, 8, "conf is nested too deeply");
    if (depth > MAX_DEPTH)
        luaL_error(L, "conf is nested too deeply");
    switch (json_typeof(v)) {
    case JSON_OBJECT: push_members(L, v, depth + 1); break;
    case JSON_ARRAY: push_elements(L, v, depth + 1); break;
    case JSON_STRING:
        lua_pushlstring(L, json_string_value(v), json_string_length(v));
        return;
    case JSON_INTEGER: lua_pushinteger(L, json_integer_value(v)); return;
    case JSON_REAL: lua_pushnumber(L, json_real_value(v)); return;
    case JSON_TRUE: lua_pushboolean(L, 1); return;
    case JSON_FALSE: lua_pushboolean(L, 0); return;
    case JSON_NULL: lua_pushnil(L); return;
    }
    sandbox_freeze(L, "conf", 1);
}

/* Every entry of the schema names a type that exists. */
static void check_schema(lua_State *L, int schema)
{
    for (lua_pushnil(L); lua_next(L, schema); lua_pop(L, 1)) {
        const char *key, *type;

        if (lua_type(L, -2) != LUA_TSTRING)
            luaL_error(L, "schema: names are needed, as in "
                          "{ region = \"string\" }");
        key = lua_tostring(L, -2);
        type = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
        if (!type_of(type))
            luaL_error(L, "schema.%s: '%s' is none of string, int, number, "
                          "bool, list, map, model, url, secret, cidrs, "
                          "patterns",
                       key, type ? type : luaL_typename(L, -1));
    }
}

/* conf[key] for a key that was not given: nil where the schema knows it. */
static int conf_missing(lua_State *L)
{
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) == LUA_TNIL)
        return luaL_error(L, "conf.%s is not in the schema",
                          sandbox_tolstring(L, 2, NULL));
    return 0;
}

/* Those of the configuration, or of a test; into the table on top. */
static void set_secrets(lua_State *L, const struct conf_policy *p, int schema)
{
    for (size_t i = 0; i < p->n_secrets; i++) {
        const struct conf_secret *s = &p->secrets[i];

        lua_pushlstring(L, s->name.p, s->name.n);
        lua_pushvalue(L, -1);
        lua_rawget(L, schema);
        if (lua_type(L, -1) != LUA_TSTRING ||
            strcmp(lua_tostring(L, -1), "secret") != 0)
            luaL_error(L, "conf.%s: the schema does not say \"secret\"",
                       lua_tostring(L, -2));
        lua_pop(L, 1);
        api_push_secret(L, &s->secret);
        lua_rawset(L, -3);
    }
}

void policy_schema_conf(struct policy_state *st, lua_State *L, int schema)
{
    const char *key;
    json_t *v;

    check_schema(L, schema);
    lua_newtable(L);
    json_object_foreach(st->conf_tree, key, v) {
        const struct schema_type *t;

        lua_pushstring(L, key);
        lua_rawget(L, schema);
        t = type_of(lua_tostring(L, -1));
        lua_pop(L, 1);
        if (!t)
            luaL_error(L, "conf.%s: the policy's schema has no such key", key);
        if (!t->is(v))
            luaL_error(L, "conf.%s: %s is needed", key, t->what);
        if (secret_is_ref(v))
            continue;
        push_json(L, v, 0);
        if (strcmp(t->name, "cidrs") == 0)
            api_cidr_conf(L, key);
        else if (strcmp(t->name, "patterns") == 0)
            api_re_conf(L, v, key);
        lua_setfield(L, -2, key);
    }
    set_secrets(L, st->conf, schema);
    lua_createtable(L, 0, 1);
    lua_pushvalue(L, schema);
    lua_pushcclosure(L, conf_missing, 1);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, -2);
    sandbox_freeze(L, "conf", 1);
}
