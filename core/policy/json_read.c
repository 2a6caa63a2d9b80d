/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Reading, through the span scanner of the data path: what is JSON here is
 * what is JSON there. The scanner's index is the state's own, used again and
 * given back when it has grown.
 */
#include "policy/json_text.h"

#include "base/json.h"
#include "base/json_name.h"
#include "policy/budget.h"
#include "policy/sandbox.h"

#include <lauxlib.h>
#include <stdio.h>

static const char list_key;  /* registry: the mark of lists */
static const char index_key; /* registry: the scanner's index */

enum { KEEP_NODES = 2048 };

/* ---- null and lists ------------------------------------------------ */

/* A light userdata, as the references of api_light.h, which has their
 * metatable. */
void json_null_push(lua_State *L)
{
    lua_pushlightuserdata(L, NULL);
}

bool json_null_is(lua_State *L, int idx)
{
    return lua_islightuserdata(L, idx) && !lua_touserdata(L, idx);
}

bool json_list_is(lua_State *L, int idx)
{
    bool yes;

    if (!lua_getmetatable(L, idx))
        return false;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &list_key);
    yes = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    return yes;
}

void json_list_mark(lua_State *L)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &list_key);
    lua_setmetatable(L, -2);
}

/* ---- values --------------------------------------------------------- */

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
    out = sandbox_buffer(L, &b, c.s.n);
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
    json_list_mark(d->L);
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
    case JSON_T_NULL: json_null_push(d->L); break;
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

int json_text_parse(lua_State *L, struct str text, struct err *err)
{
    static const struct json_limits limits = { .max_depth = JSON_TEXT_DEPTH,
                                               .max_nodes = JSON_TEXT_VALUES,
                                               .dup_everywhere = true };
    struct decoder d = { .L = L, .j = index_of(L), .bad = JSON_NONE };
    int top = lua_gettop(L), rc;

    if (text.n > JSON_TEXT_MAX)
        return err_set(err, ERR_LIMIT, "a text of more than 1 MiB");
    rc = json_scan(d.j, text, &limits, err);
    if (rc)
        return rc;
    push_node(&d, 0);
    if (d.bad != JSON_NONE) {
        struct str raw = json_raw(d.j, d.bad);
        char at[32];

        lua_settop(L, top);
        snprintf(at, sizeof at, "byte %u", (unsigned)(raw.p - text.p));
        rc = err_at(err, ERR_SYNTAX, at, "the number %.*s is out of range",
                    (int)(raw.n < 40 ? raw.n : 40), raw.p);
    }
    if (d.j->cap > KEEP_NODES)
        json_clear(d.j);
    return rc;
}

bool json_text_read(lua_State *L, struct str text)
{
    return json_text_parse(L, text, NULL) == 0;
}

void json_text_open(lua_State *L)
{
    lua_createtable(L, 0, 2);
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pushliteral(L, "list");
    lua_setfield(L, -2, "__name");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &list_key);
}
