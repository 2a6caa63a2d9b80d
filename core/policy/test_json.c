/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* A test's tables as JSON: the policy's conf, bodies of answers. */
#include "policy/test_case.h"

#include <lauxlib.h>

enum { MAX_DEPTH = 16 };

static void put(lua_State *L, struct buf *b, const char *what, int depth);

static void put_table(lua_State *L, struct buf *b, const char *what, int depth)
{
    bool list = lua_rawlen(L, -1) > 0, first = true;

    buf_putc(b, list ? '[' : '{');
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        struct str key;

        if (!first)
            buf_putc(b, ',');
        first = false;
        if (!list) {
            if (lua_type(L, -2) != LUA_TSTRING)
                luaL_error(L, "%s: names and places cannot be mixed", what);
            key.p = lua_tolstring(L, -2, &key.n);
            buf_json_str(b, key);
            buf_putc(b, ':');
        }
        put(L, b, what, depth + 1);
    }
    buf_putc(b, list ? ']' : '}');
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
        buf_json_str(b, s);
        return;
    case LUA_TBOOLEAN:
        buf_puts(b, lua_toboolean(L, -1) ? "true" : "false");
        return;
    case LUA_TNUMBER:
        if (lua_isinteger(L, -1))
            buf_printf(b, "%lld", (long long)lua_tointeger(L, -1));
        else
            buf_printf(b, "%.17g", lua_tonumber(L, -1));
        return;
    case LUA_TLIGHTUSERDATA: /* ps.null */
        buf_puts(b, "null");
        return;
    default: luaL_error(L, "%s: a %s is no data", what, luaL_typename(L, -1));
    }
}

void test_put_json(lua_State *L, struct buf *b, const char *what)
{
    put(L, b, what, 0);
}
