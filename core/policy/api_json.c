/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * ps.json.decode(text): through the span scanner of the data path, so that
 * what is JSON here is what is JSON there. Whole numbers stay exact, null is
 * ps.null, arrays carry a mark (an empty one stays an array when it is
 * encoded again). What is wrong with a text is nil and the reason.
 */
#include "policy/api.h"

#include "base/json.h"
#include "base/json_name.h"
#include "policy/api_json.h"
#include "policy/sandbox.h"

static const char array_key; /* registry: the mark of arrays */
static const char index_key; /* registry: the scanner's index, used again */

enum { KEEP_NODES = 2048 };

/* ---- null and arrays ------------------------------------------------ */

static int null_text(lua_State *L)
{
    lua_pushliteral(L, "null");
    return 1;
}

/* One light userdata: no other reaches scripts, so it may own the type's
 * metatable. */
void api_push_null(lua_State *L)
{
    lua_pushlightuserdata(L, NULL);
}

bool api_is_null(lua_State *L, int idx)
{
    return lua_type(L, idx) == LUA_TLIGHTUSERDATA;
}

static void null_open(lua_State *L)
{
    api_push_null(L);
    lua_createtable(L, 0, 3);
    lua_pushcfunction(L, null_text);
    lua_setfield(L, -2, "__tostring");
    lua_pushliteral(L, "ps.null");
    lua_setfield(L, -2, "__name");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, -2);
    lua_setfield(L, -2, "null");
}

bool api_is_array(lua_State *L, int idx)
{
    bool yes;

    if (!lua_getmetatable(L, idx))
        return false;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &array_key);
    yes = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    return yes;
}

static void mark_array(lua_State *L)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &array_key);
    lua_setmetatable(L, -2);
}

/* ps.json.array(t): t itself, marked */
static int json_array_fn(lua_State *L)
{
    lua_settop(L, 1);
    if (lua_isnil(L, 1)) {
        lua_newtable(L);
        lua_replace(L, 1);
    }
    luaL_checktype(L, 1, LUA_TTABLE);
    if (lua_getmetatable(L, 1))
        return luaL_error(L, "ps.json.array: the table has a metatable");
    mark_array(L);
    return 1;
}

/* ---- decoding ------------------------------------------------------- */

struct decoder {
    lua_State *L;
    struct json *j;
    uint32_t seen;
    uint32_t bad; /* a number that cannot be had exactly */
};

static int index_gc(lua_State *L)
{
    json_clear(lua_touserdata(L, 1));
    return 0;
}

static struct json *index_of(lua_State *L)
{
    struct json *j;

    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &index_key) == LUA_TNIL) {
        j = lua_newuserdatauv(L, sizeof *j, 0);
        memset(j, 0, sizeof *j);
        lua_createtable(L, 0, 1);
        lua_pushcfunction(L, index_gc);
        lua_setfield(L, -2, "__gc");
        lua_setmetatable(L, -2);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &index_key);
    } else {
        j = lua_touserdata(L, -1);
    }
    lua_pop(L, 1);
    return j;
}

static void push_chars(lua_State *L, struct json_chars c)
{
    luaL_Buffer b;
    char *out;

    if (!c.s.n || !memchr(c.s.p, '\\', c.s.n)) {
        lua_pushlstring(L, c.s.p, c.s.n);
        return;
    }
    out = luaL_buffinitsize(L, &b, c.s.n);
    luaL_pushresultsize(&b, json_chars_put(c, out));
}

static void push_number(struct decoder *d, uint32_t node)
{
    struct str raw = json_raw(d->j, node);
    int64_t i;
    double x;

    if (json_int(d->j, node, &i)) {
        lua_pushinteger(d->L, i);
        return;
    }
    for (size_t k = 0; k < raw.n; k++) {
        if (strchr(".eE", raw.p[k]) && json_double(d->j, node, &x)) {
            lua_pushnumber(d->L, x);
            return;
        }
    }
    if (d->bad == JSON_NONE)
        d->bad = node;
    lua_pushnil(d->L);
}

static void push_node(struct decoder *d, uint32_t node);

static void push_array(struct decoder *d, uint32_t node)
{
    uint32_t c = json_first(d->j, node);

    lua_newtable(d->L);
    for (lua_Integer i = 1; c != JSON_NONE; i++) {
        push_node(d, c);
        lua_rawseti(d->L, -2, i);
        c = json_sibling(d->j, node, c);
    }
    mark_array(d->L);
}

static void push_object(struct decoder *d, uint32_t node)
{
    uint32_t c = json_first(d->j, node);

    lua_newtable(d->L);
    while (c != JSON_NONE) {
        push_chars(d->L, json_name_chars(d->j, c));
        push_node(d, c);
        lua_rawset(d->L, -3);
        c = json_sibling(d->j, node, c);
    }
}

static void push_node(struct decoder *d, uint32_t node)
{
    struct str raw = json_raw(d->j, node);

    if (++d->seen % 1024 == 0)
        budget_check(d->L);
    luaL_checkstack(d->L, 4, "the text is nested too deeply");
    switch ((enum json_type)d->j->nodes[node].type) {
    case JSON_T_NULL: api_push_null(d->L); break;
    case JSON_T_FALSE: lua_pushboolean(d->L, 0); break;
    case JSON_T_TRUE: lua_pushboolean(d->L, 1); break;
    case JSON_T_NUMBER: push_number(d, node); break;
    case JSON_T_STRING:
        push_chars(d->L, (struct json_chars){ { raw.p + 1, raw.n - 2 },
                                              JSON_SPELL_STRING });
        break;
    case JSON_T_ARRAY: push_array(d, node); break;
    case JSON_T_OBJECT: push_object(d, node); break;
    }
}

static int refused(lua_State *L, const char *at, const char *msg)
{
    lua_pushnil(L);
    lua_pushfstring(L, "%s%s%s", at, *at ? ": " : "", msg);
    return 2;
}

/* ps.json.decode(text): the value, or nil and why not */
static int json_decode_fn(lua_State *L)
{
    static const struct json_limits limits = { .max_depth = API_JSON_DEPTH,
                                               .max_nodes = API_JSON_VALUES,
                                               .dup_everywhere = true };
    struct decoder d = { .L = L, .j = index_of(L), .bad = JSON_NONE };
    struct err err = { 0 };
    struct str s;

    s.p = luaL_checklstring(L, 1, &s.n);
    if (s.n > API_JSON_BYTES)
        return refused(L, "", "a text of more than 1 MiB");
    if (json_scan(d.j, s, &limits, &err) != 0)
        return refused(L, err.at, err.msg);
    push_node(&d, 0);
    if (d.bad != JSON_NONE) {
        struct str raw = json_raw(d.j, d.bad);

        lua_pushlstring(L, raw.p, raw.n < 40 ? raw.n : 40);
        return refused(L, lua_tostring(L, -1), "a number out of range");
    }
    if (d.j->cap > KEEP_NODES)
        json_clear(d.j);
    return 1;
}

void api_json_open(lua_State *L)
{
    static const luaL_Reg json[] = { { "decode", json_decode_fn },
                                     { "encode", api_json_encode },
                                     { "array", json_array_fn },
                                     { NULL, NULL } };

    lua_createtable(L, 0, 2);
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pushliteral(L, "array");
    lua_setfield(L, -2, "__name");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &array_key);
    null_open(L);
    api_group(L, "json", json);
}
