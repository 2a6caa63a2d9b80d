/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* A test's tables as JSON: the policy's conf, bodies of answers. */
#include "policy/test_case.h"

#include <lauxlib.h>

enum { MAX_DEPTH = 16 };

static void put(lua_State *L, struct buf *b, const char *what, int depth);

/* Half a text would be taken for one that is broken. */
static void fits(lua_State *L, int rc, const char *what)
{
    if (rc)
        luaL_error(L, "%s: more than %d bytes", what, TEST_JSON_MAX);
}

static void put_table(lua_State *L, struct buf *b, const char *what, int depth)
{
    bool list = lua_rawlen(L, -1) > 0, first = true;

    fits(L, buf_putc(b, list ? '[' : '{'), what);
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        struct str key;

        if (!first)
            fits(L, buf_putc(b, ','), what);
        first = false;
        if (!list) {
            if (lua_type(L, -2) != LUA_TSTRING)
                luaL_error(L, "%s: names and places cannot be mixed", what);
            key.p = lua_tolstring(L, -2, &key.n);
            fits(L, buf_json_str(b, key), what);
            fits(L, buf_putc(b, ':'), what);
        }
        put(L, b, what, depth + 1);
    }
    fits(L, buf_putc(b, list ? ']' : '}'), what);
}

/* The value on top; it stays there. */
static void put(lua_State *L, struct buf *b, const char *what, int depth)
{
    struct str s;

    if (depth > MAX_DEPTH || !lua_checkstack(L, 8))
        luaL_error(L, "%s is nested too deeply", what);
    switch (lua_type(L, -1)) {
    case LUA_TTABLE: put_table(L, b, what, depth); return;
    case LUA_TSTRING:
        s.p = lua_tolstring(L, -1, &s.n);
        fits(L, buf_json_str(b, s), what);
        return;
    case LUA_TBOOLEAN:
        fits(L, buf_puts(b, lua_toboolean(L, -1) ? "true" : "false"), what);
        return;
    case LUA_TNUMBER:
        if (lua_isinteger(L, -1))
            fits(L, buf_printf(b, "%lld", (long long)lua_tointeger(L, -1)),
                 what);
        else
            fits(L, buf_printf(b, "%.17g", lua_tonumber(L, -1)), what);
        return;
    case LUA_TLIGHTUSERDATA: /* ps.null */
        fits(L, buf_puts(b, "null"), what);
        return;
    default: luaL_error(L, "%s: a %s is no data", what, luaL_typename(L, -1));
    }
}

void test_put_json(lua_State *L, struct buf *b, const char *what)
{
    put(L, b, what, 0);
}
