/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Functions of the base library that differ from Lua's: metatables that stay
 * hidden, pcall and xpcall that a used-up budget passes through, tostring
 * without addresses. `load` is in chunk.c.
 */
#include "policy/sandbox.h"

#include "policy/budget.h"

#include <lauxlib.h>

/* ---- metatables ----------------------------------------------------- */

/* Names that Lua looks for when an object dies or is marked, with hooks off
 * or inside one step of the collector. */
static void refuse_field(lua_State *L, const char *name)
{
    lua_pushstring(L, name);
    if (lua_rawget(L, 2) != LUA_TNIL)
        luaL_error(L, "a metatable with %s is not allowed", name);
    lua_pop(L, 1);
}

static int base_setmetatable(lua_State *L)
{
    int t = lua_type(L, 2);

    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_argexpected(L, t == LUA_TNIL || t == LUA_TTABLE, 2, "nil or table");
    if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL)
        return luaL_error(L, "cannot change a protected metatable");
    if (t == LUA_TTABLE) {
        refuse_field(L, "__gc");
        refuse_field(L, "__mode");
    }
    lua_settop(L, 2);
    lua_setmetatable(L, 1);
    return 1;
}

static int base_getmetatable(lua_State *L)
{
    luaL_checkany(L, 1);
    if (!lua_getmetatable(L, 1)) {
        lua_pushnil(L);
        return 1;
    }
    luaL_getmetafield(L, 1, "__metatable");
    return 1;
}

static int base_rawset(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_checkany(L, 2);
    luaL_checkany(L, 3);
    if (sandbox_is_frozen(L, 1))
        return luaL_error(L, "this table cannot be changed");
    lua_settop(L, 3);
    lua_rawset(L, 1);
    return 1;
}

/* ---- protected calls ------------------------------------------------ */

/* An error that is a budget's end goes on up; the message is on top. */
static void pass_on(lua_State *L, int status)
{
    if (status == LUA_ERRMEM || budget_expired())
        lua_error(L);
}

static bool succeeded(int status)
{
    return status == LUA_OK || status == LUA_YIELD;
}

/* Slot 1 holds true, for the answer. */
static int pcall_done(lua_State *L, int status, lua_KContext ctx)
{
    (void)ctx;
    if (succeeded(status))
        return lua_gettop(L);
    pass_on(L, status);
    lua_pushboolean(L, 0);
    lua_insert(L, -2);
    return 2;
}

static int base_pcall(lua_State *L)
{
    luaL_checkany(L, 1);
    lua_pushboolean(L, 1);
    lua_insert(L, 1);
    return pcall_done(L,
                      lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 0, 0,
                                 pcall_done),
                      0);
}

/* The library's xpcall runs the handler where the error happened, and with
 * hooks off when a hook raised it: a handler that loops could not be stopped.
 * This one runs it after the stack is unwound. Slot 1 holds the handler. */
static int xpcall_handled(lua_State *L, int status, lua_KContext ctx)
{
    (void)status;
    (void)ctx;
    lua_pushboolean(L, 0);
    lua_replace(L, 1);
    return lua_gettop(L);
}

static int xpcall_done(lua_State *L, int status, lua_KContext ctx)
{
    (void)ctx;
    if (succeeded(status)) {
        lua_pushboolean(L, 1);
        lua_replace(L, 1);
        return lua_gettop(L);
    }
    pass_on(L, status);
    lua_pushvalue(L, 1);
    lua_insert(L, 2);
    lua_callk(L, 1, LUA_MULTRET, 0, xpcall_handled);
    return xpcall_handled(L, LUA_OK, 0);
}

static int base_xpcall(lua_State *L)
{
    luaL_checkany(L, 2);
    lua_pushvalue(L, 2);
    lua_remove(L, 2);
    lua_insert(L, 1);
    return xpcall_done(L,
                       lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 0, 0,
                                  xpcall_done),
                       0);
}

static int base_tostring(lua_State *L)
{
    luaL_checkany(L, 1);
    sandbox_tolstring(L, 1, NULL);
    return 1;
}

void base_lib(lua_State *L)
{
    static const luaL_Reg own[] = { { "getmetatable", base_getmetatable },
                                    { "setmetatable", base_setmetatable },
                                    { "rawset", base_rawset },
                                    { "pcall", base_pcall },
                                    { "xpcall", base_xpcall },
                                    { "tostring", base_tostring },
                                    { "load", chunk_load },
                                    { NULL, NULL } };
    luaL_setfuncs(L, own, 0);
}
