/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * table.concat, insert, move, remove and unpack as the manual has them
 * (section 6.6), and sort through a comparison of ours. An element may cost
 * far more than itself: its table may have an __index, of C or in a chain of
 * two thousand tables. So each loop looks at the budget with each element.
 */
#include "policy/sandbox.h"

#include "policy/budget.h"

#include <lauxlib.h>

enum {
    MAX_SHIFT = 100000,  /* elements moved by insert, remove, move */
    MAX_CONCAT = 200000, /* elements */
    MAX_SORT = 20000,    /* elements */
    MAX_UNPACK = 8000,   /* values */
};

/* Elements from `from` to `to`, at most max. */
static void need(lua_State *L, lua_Integer from, lua_Integer to,
                 const char *what, int max)
{
    if (to >= from && (lua_Unsigned)to - (lua_Unsigned)from >= (unsigned)max)
        luaL_error(L, "%s is limited to %d", what, max);
}

static void get(lua_State *L, int arg, lua_Integer i)
{
    budget_check(L);
    lua_geti(L, arg, i);
}

/* ---- concat --------------------------------------------------------- */

static void add_element(lua_State *L, luaL_Buffer *b, lua_Integer i)
{
    get(L, 1, i);
    if (!lua_isstring(L, -1))
        luaL_error(L, "invalid value (%s) at index %I in table for 'concat'",
                   luaL_typename(L, -1), i);
    sandbox_append_value(L, b);
}

static int concat(lua_State *L)
{
    lua_Integer n = sandbox_length(L, 1);
    lua_Integer i = luaL_optinteger(L, 3, 1), j = luaL_optinteger(L, 4, n);
    size_t sep_n;
    const char *sep = luaL_optlstring(L, 2, "", &sep_n);
    luaL_Buffer b;

    need(L, i, j, "table.concat, in elements,", MAX_CONCAT);
    luaL_buffinit(L, &b);
    for (bool first = true; i <= j; i++, first = false) {
        if (!first)
            sandbox_append(L, &b, sep, sep_n);
        add_element(L, &b, i);
        if (i == LUA_MAXINTEGER)
            break;
    }
    luaL_pushresult(&b);
    return 1;
}

/* ---- insert, remove, move, unpack ----------------------------------- */

static int insert(lua_State *L)
{
    lua_Integer end = sandbox_length(L, 1) + 1, at = end;

    if (lua_gettop(L) != 2 && lua_gettop(L) != 3)
        return luaL_error(L, "wrong number of arguments to 'insert'");
    if (lua_gettop(L) == 3) {
        at = luaL_checkinteger(L, 2);
        luaL_argcheck(L, at >= 1 && at <= end, 2, "position out of bounds");
        need(L, at, end - 1, "table.insert, in elements moved,", MAX_SHIFT);
    }
    for (lua_Integer i = end; i > at; i--) {
        get(L, 1, i - 1);
        lua_seti(L, 1, i);
    }
    lua_seti(L, 1, at);
    return 0;
}

static int removed(lua_State *L)
{
    lua_Integer n = sandbox_length(L, 1), at = luaL_optinteger(L, 2, n);

    if (lua_gettop(L) > 1 && at != n)
        luaL_argcheck(L, at >= 1 && at <= n + 1, 2, "position out of bounds");
    need(L, at, n, "table.remove, in elements moved,", MAX_SHIFT);
    get(L, 1, at);
    for (; at < n; at++) {
        get(L, 1, at + 1);
        lua_seti(L, 1, at);
    }
    lua_pushnil(L);
    lua_seti(L, 1, at);
    return 1;
}

/* One element; the range's end is checked, so that nothing wraps. */
static void move_one(lua_State *L, lua_Integer from, int to_arg, lua_Integer to)
{
    get(L, 1, from);
    lua_seti(L, to_arg, to);
}

static int move(lua_State *L)
{
    lua_Integer from = luaL_checkinteger(L, 2), end = luaL_checkinteger(L, 3);
    lua_Integer to = luaL_checkinteger(L, 4), n;
    int arg = lua_isnoneornil(L, 5) ? 1 : 5;

    sandbox_check_table(L, 1);
    sandbox_check_table(L, arg);
    need(L, from, end, "table.move, in elements,", MAX_SHIFT);
    n = end < from ? 0 : end - from + 1;
    luaL_argcheck(L, to <= LUA_MAXINTEGER - n + (n > 0), 4,
                  "destination wrap around");
    if (to > end || to <= from || (arg != 1 && !lua_rawequal(L, 1, arg))) {
        for (lua_Integer i = 0; i < n; i++)
            move_one(L, from + i, arg, to + i);
    } else {
        for (lua_Integer i = n; i-- > 0;)
            move_one(L, from + i, arg, to + i);
    }
    lua_pushvalue(L, arg);
    return 1;
}

static int unpack(lua_State *L)
{
    lua_Integer i = luaL_optinteger(L, 2, 1);
    lua_Integer j = lua_isnoneornil(L, 3) ? sandbox_length(L, 1)
                                          : luaL_checkinteger(L, 3);
    int n = 0;

    if (j < i)
        return 0;
    need(L, i, j, "table.unpack, in values,", MAX_UNPACK);
    luaL_checkstack(L, (int)(j - i) + 2, "too many results to unpack");
    for (;; i++) {
        get(L, 1, i);
        n++;
        if (i == j)
            return n;
    }
}

/* ---- sort ----------------------------------------------------------- */

/* a < b, as sort has it, but looking at the budget: long strings with a long
 * common start make each comparison slow */
static int less(lua_State *L)
{
    budget_check(L);
    lua_pushboolean(L, lua_compare(L, 1, 2, LUA_OPLT));
    return 1;
}

/* the script's own comparison; its upvalue may be a function of C */
static int less_by(lua_State *L)
{
    budget_check(L);
    lua_settop(L, 2);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, 2, 1);
    return 1;
}

/* Upvalue: Lua's own. */
static int sort(lua_State *L)
{
    need(L, 1, sandbox_length(L, 1), "table.sort, in elements,", MAX_SORT);
    if (lua_isnoneornil(L, 2)) {
        lua_settop(L, 1);
        lua_pushcfunction(L, less);
    } else {
        luaL_checktype(L, 2, LUA_TFUNCTION);
        lua_settop(L, 2);
        if (lua_iscfunction(L, 2))
            lua_pushcclosure(L, less_by, 1);
    }
    return lua_tocfunction(L, lua_upvalueindex(1))(L);
}

void table_lib(lua_State *L)
{
    static const luaL_Reg own[] = { { "concat", concat }, { "insert", insert },
                                    { "remove", removed }, { "move", move },
                                    { "unpack", unpack }, { NULL, NULL } };
    luaL_setfuncs(L, own, 0);
    lua_getfield(L, -1, "sort");
    lua_pushcclosure(L, sort, 1);
    lua_setfield(L, -2, "sort");
}
