/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* JSON to Lua and back. Depth is bounded both ways, so recursion is, too. */
#include "policy/value.h"

#include "base/json_name.h"
#include "policy/budget.h"

#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { CHECK_EVERY = 1024 }; /* items between looks at the CPU budget */

static const char list_key; /* registry: the metatable of lists */

struct work {
    lua_State *L;
    const struct json *j;
    struct buf *out;
    unsigned items;
    int depth;
};

static void count(struct work *w)
{
    if (++w->items > VALUE_ITEMS)
        luaL_error(w->L, "a value of more than %d items", VALUE_ITEMS);
    if (w->items % CHECK_EVERY == 0)
        budget_check(w->L);
}

static void enter(struct work *w)
{
    if (++w->depth > VALUE_DEPTH)
        luaL_error(w->L, "a value nested deeper than %d", VALUE_DEPTH);
    luaL_checkstack(w->L, 8, "a value");
}

/* ---- to Lua ------------------------------------------------------------- */

static void push_chars(lua_State *L, struct json_chars c)
{
    luaL_Buffer b;
    char *p;

    if (c.spelling == JSON_SPELL_PLAIN) {
        lua_pushlstring(L, c.s.p, c.s.n);
        return;
    }
    p = luaL_buffinitsize(L, &b, c.s.n + 1);
    luaL_pushresultsize(&b, json_chars_put(c, p));
}

static void push_text(struct work *w, uint32_t node)
{
    struct str raw = json_raw(w->j, node);
    struct json_chars c = { { raw.p + 1, raw.n - 2 }, JSON_SPELL_PLAIN };

    if (w->j->nodes[node].flags & JSON_F_ESCAPED)
        c.spelling = JSON_SPELL_STRING;
    push_chars(w->L, c);
}

/* What a double cannot hold is infinite for all who read the text. */
static void push_number(struct work *w, uint32_t node)
{
    int64_t i;
    double d;

    if (json_int(w->j, node, &i))
        lua_pushinteger(w->L, i);
    else if (json_double(w->j, node, &d))
        lua_pushnumber(w->L, d);
    else
        lua_pushnumber(w->L, json_raw(w->j, node).p[0] == '-' ? -HUGE_VAL
                                                              : HUGE_VAL);
}

static void push_node(struct work *w, uint32_t node);

static void push_children(struct work *w, uint32_t node, bool list)
{
    lua_State *L = w->L;
    lua_Integer n = 0;

    enter(w);
    lua_newtable(L);
    if (list)
        value_mark_list(L);
    for (uint32_t c = json_first(w->j, node); c != JSON_NONE;
         c = json_sibling(w->j, node, c)) {
        if (!list)
            push_chars(L, json_name_chars(w->j, c));
        push_node(w, c);
        if (list)
            lua_rawseti(L, -2, ++n);
        else
            lua_rawset(L, -3);
    }
    w->depth--;
}

static void push_node(struct work *w, uint32_t node)
{
    count(w);
    switch (w->j->nodes[node].type) {
    case JSON_T_STRING: push_text(w, node); break;
    case JSON_T_NUMBER: push_number(w, node); break;
    case JSON_T_TRUE: lua_pushboolean(w->L, 1); break;
    case JSON_T_FALSE: lua_pushboolean(w->L, 0); break;
    case JSON_T_ARRAY: push_children(w, node, true); break;
    case JSON_T_OBJECT: push_children(w, node, false); break;
    default: lua_pushlightuserdata(w->L, NULL); break;
    }
}

void value_push(lua_State *L, const struct json *j, uint32_t node)
{
    struct work w = { .L = L, .j = j };

    push_node(&w, node);
}

/* ---- to JSON ------------------------------------------------------------ */

static void check(struct work *w, int rc)
{
    if (rc == -ERR_LIMIT)
        luaL_error(w->L, "a value of more than %d bytes", (int)w->out->max);
    if (rc)
        luaL_error(w->L, "not enough memory");
}

static void put(struct work *w, const char *z)
{
    check(w, buf_puts(w->out, z));
}

bool value_number_text(double v, char to[32])
{
    if (!isfinite(v))
        return false;
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(to, 32, "%.*g", digits, v);
        if (strtod(to, NULL) == v)
            break;
    }
    return true;
}

static void put_number(struct work *w, int idx)
{
    char text[32];

    if (lua_isinteger(w->L, idx))
        snprintf(text, sizeof text, "%lld",
                 (long long)lua_tointeger(w->L, idx));
    else if (!value_number_text(lua_tonumber(w->L, idx), text))
        luaL_error(w->L, "JSON has no words for NaN and infinite numbers");
    put(w, text);
}

static struct str text_at(lua_State *L, int idx)
{
    struct str s;

    s.p = lua_tolstring(L, idx, &s.n); /* a string already: stays one */
    return s;
}

/* A view of the core's (conf and what is in it) leads to its table; a list of
 * ours is one; a script's own metatable could mean anything. At idx, in
 * place. Returns: is it marked as a list? */
static bool resolve(struct work *w, int idx)
{
    lua_State *L = w->L;
    bool list;

    if (!lua_getmetatable(L, idx))
        return false;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &list_key);
    list = lua_rawequal(L, -1, -2);
    lua_pop(L, 1);
    if (list) {
        lua_pop(L, 1);
        return true;
    }
    lua_pushliteral(L, "__metatable");
    if (lua_rawget(L, -2) == LUA_TBOOLEAN) {
        lua_pushliteral(L, "__index");
        if (lua_rawget(L, -3) == LUA_TTABLE)
            lua_replace(L, idx);
        else
            luaL_error(L, "a table with a metatable is no data");
        lua_pop(L, 2);
        return false;
    }
    luaL_error(L, "a table with a metatable is no data");
    return false;
}

static int by_text(const void *a, const void *b)
{
    const struct str *x = a, *y = b;
    size_t n = x->n < y->n ? x->n : y->n;
    int c = n ? memcmp(x->p, y->p, n) : 0;

    return c ? c : (x->n > y->n) - (x->n < y->n);
}

static void put_value(struct work *w, int idx);

static void put_list(struct work *w, int idx, lua_Integer n)
{
    put(w, "[");
    for (lua_Integer i = 1; i <= n; i++) {
        if (i > 1)
            put(w, ",");
        lua_rawgeti(w->L, idx, i);
        put_value(w, lua_gettop(w->L));
        lua_pop(w->L, 1);
    }
    put(w, "]");
}

/* The names lie in the table, so they outlive the array of them. */
static struct str *sorted_names(struct work *w, int idx, size_t n)
{
    lua_State *L = w->L;
    struct str *names = lua_newuserdatauv(L, n * sizeof *names + 1, 0);
    size_t i = 0;

    for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING)
            luaL_error(L, "names and places in one table");
        names[i++] = text_at(L, -2);
    }
    qsort(names, n, sizeof *names, by_text);
    return names;
}

static void put_object(struct work *w, int idx, size_t n)
{
    lua_State *L = w->L;
    struct str *names = sorted_names(w, idx, n);

    put(w, "{");
    for (size_t i = 0; i < n; i++) {
        if (i)
            put(w, ",");
        check(w, buf_json_str(w->out, names[i]));
        put(w, ":");
        lua_pushlstring(L, names[i].p, names[i].n);
        lua_rawget(L, idx);
        put_value(w, lua_gettop(L));
        lua_pop(L, 1);
    }
    put(w, "}");
    lua_pop(L, 1);
}

static void put_table(struct work *w, int idx)
{
    lua_State *L = w->L;
    bool list;
    size_t n = 0;
    lua_Integer len;

    enter(w);
    list = resolve(w, idx);
    for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1)) {
        count(w);
        n++;
    }
    len = (lua_Integer)lua_rawlen(L, idx);
    if ((list || len) && (size_t)len != n)
        luaL_error(L, "names and places in one table, or a list with holes");
    if (list || len)
        put_list(w, idx, len);
    else
        put_object(w, idx, n);
    w->depth--;
}

static void put_value(struct work *w, int idx)
{
    lua_State *L = w->L;

    switch (lua_type(L, idx)) {
    case LUA_TSTRING:
        check(w, buf_json_str(w->out, text_at(L, idx)));
        return;
    case LUA_TNUMBER: put_number(w, idx); return;
    case LUA_TBOOLEAN:
        put(w, lua_toboolean(L, idx) ? "true" : "false");
        return;
    case LUA_TTABLE: put_table(w, idx); return;
    case LUA_TLIGHTUSERDATA:
        if (!lua_touserdata(L, idx)) {
            put(w, "null");
            return;
        }
        break;
    default: break;
    }
    luaL_error(L, "a %s is no data", luaL_typename(L, idx));
}

void value_put(lua_State *L, int idx, struct buf *out)
{
    struct work w = { .L = L, .out = out };

    luaL_checkstack(L, 8, "a value");
    lua_pushvalue(L, idx); /* a view is resolved in place */
    put_value(&w, lua_gettop(L));
    lua_pop(L, 1);
}

/* ---- lists -------------------------------------------------------------- */

void value_mark_list(lua_State *L)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &list_key);
    lua_setmetatable(L, -2);
}

void value_open(lua_State *L)
{
    lua_createtable(L, 0, 2);
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pushliteral(L, "list");
    lua_setfield(L, -2, "__name");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &list_key);
}
