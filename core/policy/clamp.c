/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Library functions that can run for long inside one call, where no hook can
 * stop them: each is wrapped by a check of the sizes it would work through.
 * The limits keep the longest single call at a few milliseconds.
 */
#include "policy/budget.h"
#include "policy/sandbox.h"

#include <lauxlib.h>

enum {
    MAX_TEXT = 1 << 20,  /* bytes a linear string function works through */
    MAX_REP = 1 << 20,   /* bytes that string.rep makes */
    MAX_SHIFT = 100000,  /* elements moved by insert, remove, move */
    MAX_CONCAT = 200000, /* elements */
    MAX_SORT = 20000,    /* elements */
    MAX_UNPACK = 8000,   /* values */
};

/* Call the wrapped function with the arguments as they stand. */
static int pass(lua_State *L)
{
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
    return lua_gettop(L);
}

static void need(lua_State *L, bool ok, const char *what, int max)
{
    if (!ok)
        luaL_error(L, "%s is limited to %d", what, max);
}

/* lower, upper, reverse, utf8.*: one pass over the first argument */
static int text(lua_State *L)
{
    if (lua_type(L, 1) == LUA_TSTRING)
        need(L, lua_rawlen(L, 1) <= MAX_TEXT, "text here, in bytes,", MAX_TEXT);
    return pass(L);
}

static int rep(lua_State *L)
{
    size_t n, sep;
    lua_Integer times = luaL_checkinteger(L, 2);

    luaL_checklstring(L, 1, &n);
    luaL_optlstring(L, 3, "", &sep);
    if (n + sep == 0) {
        lua_pushliteral(L, "");
        return 1;
    }
    need(L, times <= 0 || (lua_Unsigned)times <= MAX_REP / (n + sep),
         "string.rep's result, in bytes,", MAX_REP);
    return pass(L);
}

static int concat(lua_State *L)
{
    lua_Integer n = sandbox_length(L, 1);
    lua_Integer i = luaL_optinteger(L, 3, 1), j = luaL_optinteger(L, 4, n);

    need(L, j < i || (lua_Unsigned)j - (lua_Unsigned)i < MAX_CONCAT,
         "table.concat, in elements,", MAX_CONCAT);
    return pass(L);
}

static int insert(lua_State *L)
{
    lua_Integer n = sandbox_length(L, 1);

    if (lua_gettop(L) > 2) {
        lua_Integer at = luaL_checkinteger(L, 2);

        need(L, at > n || n - at < MAX_SHIFT,
             "table.insert, in elements moved,", MAX_SHIFT);
    }
    return pass(L);
}

static int removed(lua_State *L)
{
    lua_Integer n = sandbox_length(L, 1), at = luaL_optinteger(L, 2, n);

    need(L, at > n || n - at < MAX_SHIFT, "table.remove, in elements moved,",
         MAX_SHIFT);
    return pass(L);
}

static int move(lua_State *L)
{
    lua_Integer from = luaL_checkinteger(L, 2), to = luaL_checkinteger(L, 3);

    need(L, to < from || (lua_Unsigned)to - (lua_Unsigned)from < MAX_SHIFT,
         "table.move, in elements,", MAX_SHIFT);
    return pass(L);
}

static int unpack(lua_State *L)
{
    lua_Integer n = lua_isnoneornil(L, 3) ? sandbox_length(L, 1)
                                          : luaL_checkinteger(L, 3);
    lua_Integer i = luaL_optinteger(L, 2, 1);

    need(L, n < i || (lua_Unsigned)n - (lua_Unsigned)i < MAX_UNPACK,
         "table.unpack, in values,", MAX_UNPACK);
    return pass(L);
}

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

static int sort(lua_State *L)
{
    need(L, sandbox_length(L, 1) <= MAX_SORT, "table.sort, in elements,",
         MAX_SORT);
    if (lua_isnoneornil(L, 2)) {
        lua_settop(L, 1);
        lua_pushcfunction(L, less);
    } else {
        luaL_checktype(L, 2, LUA_TFUNCTION);
        lua_settop(L, 2);
        if (lua_iscfunction(L, 2))
            lua_pushcclosure(L, less_by, 1);
    }
    return pass(L);
}

/* Replace functions of the table on top by wrappers that hold them. */
static void wrap(lua_State *L, const luaL_Reg *w)
{
    for (; w->name; w++) {
        lua_getfield(L, -1, w->name);
        lua_pushcclosure(L, w->func, 1);
        lua_setfield(L, -2, w->name);
    }
}

void clamp_string(lua_State *L)
{
    static const luaL_Reg w[] = { { "lower", text }, { "upper", text },
                                  { "reverse", text }, { "rep", rep },
                                  { NULL, NULL } };
    wrap(L, w);
}

void clamp_table(lua_State *L)
{
    static const luaL_Reg w[] = { { "concat", concat }, { "insert", insert },
                                  { "remove", removed }, { "move", move },
                                  { "unpack", unpack }, { "sort", sort },
                                  { NULL, NULL } };
    wrap(L, w);
}

void clamp_utf8(lua_State *L)
{
    static const luaL_Reg w[] = { { "codepoint", text }, { "len", text },
                                  { "offset", text }, { NULL, NULL } };
    wrap(L, w);
}
