/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Both ways run below lua_pcall, because they own memory of C's while they
 * call functions of Lua that may raise.
 */
#include "policy/json_text.h"

#include "base/buf.h"
#include "policy/budget.h"

#include <jansson.h>
#include <lauxlib.h>
#include <math.h>

/* ---- to text ----------------------------------------------------------- */

struct writer {
    lua_State *L;
    struct buf out;
    const char *what;
    int depth;
    unsigned steps;
};

static void put(struct writer *w, int rc)
{
    if (rc)
        luaL_error(w->L, "%s: its JSON is limited to 1 MiB", w->what);
}

static void put_value(struct writer *w);

/* n where the keys of the table on top are 1 to n, else 0. */
static lua_Integer list_length(lua_State *L)
{
    lua_Integer n = (lua_Integer)lua_rawlen(L, -1), seen = 0;

    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        if (!lua_isinteger(L, -2) || lua_tointeger(L, -2) < 1 ||
            lua_tointeger(L, -2) > n) {
            lua_pop(L, 2);
            return 0;
        }
        seen++;
    }
    return seen == n ? n : 0;
}

static void put_list(struct writer *w, lua_Integer n)
{
    put(w, buf_putc(&w->out, '['));
    for (lua_Integer i = 1; i <= n; i++) {
        if (i > 1)
            put(w, buf_putc(&w->out, ','));
        lua_rawgeti(w->L, -1, i);
        put_value(w);
        lua_pop(w->L, 1);
    }
    put(w, buf_putc(&w->out, ']'));
}

static void put_object(struct writer *w)
{
    lua_State *L = w->L;
    bool first = true;

    put(w, buf_putc(&w->out, '{'));
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        struct str key;

        if (lua_type(L, -2) != LUA_TSTRING)
            luaL_error(L, "%s: a table is a list (keys 1 to n) or has names, "
                          "not both", w->what);
        key.p = lua_tolstring(L, -2, &key.n);
        if (!first)
            put(w, buf_putc(&w->out, ','));
        first = false;
        put(w, buf_json_str(&w->out, key));
        put(w, buf_putc(&w->out, ':'));
        put_value(w);
    }
    put(w, buf_putc(&w->out, '}'));
}

static void put_table(struct writer *w)
{
    lua_Integer n = list_length(w->L);

    if (++w->depth > JSON_TEXT_DEPTH)
        luaL_error(w->L, "%s is nested too deeply", w->what);
    luaL_checkstack(w->L, 6, w->what);
    if (n)
        put_list(w, n);
    else
        put_object(w);
    w->depth--;
}

static void put_number(struct writer *w)
{
    lua_State *L = w->L;
    lua_Number n = lua_tonumber(L, -1);

    if (lua_isinteger(L, -1))
        put(w, buf_printf(&w->out, "%lld", (long long)lua_tointeger(L, -1)));
    else if (isfinite(n))
        put(w, buf_printf(&w->out, "%.17g", n));
    else
        luaL_error(L, "%s: JSON has no infinite numbers", w->what);
}

/* The value on top; it stays there. */
static void put_value(struct writer *w)
{
    lua_State *L = w->L;
    struct str s;

    if (w->steps++ % 256 == 0)
        budget_check(L);
    switch (lua_type(L, -1)) {
    case LUA_TTABLE: put_table(w); return;
    case LUA_TNUMBER: put_number(w); return;
    case LUA_TSTRING:
        s.p = lua_tolstring(L, -1, &s.n);
        put(w, buf_json_str(&w->out, s));
        return;
    case LUA_TBOOLEAN:
        put(w, buf_puts(&w->out, lua_toboolean(L, -1) ? "true" : "false"));
        return;
    case LUA_TLIGHTUSERDATA: put(w, buf_puts(&w->out, "null")); return;
    default:
        luaL_error(L, "%s: a %s is no data", w->what, luaL_typename(L, -1));
    }
}

/* 1: the value, 2: the writer */
static int write_it(lua_State *L)
{
    struct writer *w = lua_touserdata(L, 2);

    lua_settop(L, 1);
    put_value(w);
    lua_pushlstring(L, buf_str(&w->out).p, buf_len(&w->out));
    return 1;
}

void json_text_push(lua_State *L, int idx, const char *what)
{
    struct writer w = { .L = L, .out = BUF_INIT(JSON_TEXT_MAX), .what = what };
    int rc;

    lua_pushcfunction(L, write_it);
    lua_pushvalue(L, idx < 0 ? idx - 1 : idx);
    lua_pushlightuserdata(L, &w);
    rc = lua_pcall(L, 2, 1, 0);
    buf_clear(&w.out);
    if (rc != LUA_OK)
        lua_error(L);
}

/* ---- from text --------------------------------------------------------- */

static void push(lua_State *L, const json_t *v, int depth);

static void push_table(lua_State *L, const json_t *v, int depth)
{
    const char *key;
    json_t *item;
    size_t i;

    luaL_checkstack(L, 6, "JSON");
    if (json_is_array(v)) {
        lua_createtable(L, (int)json_array_size(v), 0);
        json_array_foreach(v, i, item) {
            push(L, item, depth);
            lua_rawseti(L, -2, (lua_Integer)i + 1);
        }
        return;
    }
    lua_createtable(L, 0, (int)json_object_size(v));
    json_object_foreach((json_t *)v, key, item) {
        lua_pushstring(L, key);
        push(L, item, depth);
        lua_rawset(L, -3);
    }
}

static void push(lua_State *L, const json_t *v, int depth)
{
    budget_check(L);
    switch (json_typeof(v)) {
    case JSON_OBJECT:
    case JSON_ARRAY:
        if (depth == JSON_TEXT_DEPTH)
            luaL_error(L, "JSON is nested too deeply");
        push_table(L, v, depth + 1);
        break;
    case JSON_STRING:
        lua_pushlstring(L, json_string_value(v), json_string_length(v));
        break;
    case JSON_INTEGER: lua_pushinteger(L, json_integer_value(v)); break;
    case JSON_REAL: lua_pushnumber(L, json_real_value(v)); break;
    case JSON_TRUE: lua_pushboolean(L, 1); break;
    case JSON_FALSE: lua_pushboolean(L, 0); break;
    case JSON_NULL: lua_pushlightuserdata(L, NULL); break;
    }
}

/* 1: the tree */
static int push_it(lua_State *L)
{
    push(L, lua_touserdata(L, 1), 0);
    return 1;
}

bool json_text_read(lua_State *L, struct str text)
{
    json_error_t why;
    json_t *v = json_loadb(text.p, text.n, JSON_DECODE_ANY, &why);
    int rc;

    if (!v)
        return false;
    lua_pushcfunction(L, push_it);
    lua_pushlightuserdata(L, v);
    rc = lua_pcall(L, 1, 1, 0);
    json_decref(v);
    if (rc != LUA_OK)
        lua_error(L);
    return true;
}
