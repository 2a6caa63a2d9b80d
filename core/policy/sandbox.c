/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The environment is two tables: an empty one that chunks see, whose __index
 * is the table of names. Reads take Lua's fast path; a write always finds the
 * name absent and meets __newindex. Libraries are frozen the same way.
 */
#include "policy/sandbox.h"

#include "base/str.h"
#include "policy/pattern_lib.h"

#include <lauxlib.h>
#include <lualib.h>

static const char env_key, names_key, frozen_key;

static const char *const base_names[] = {
    "assert", "error",  "ipairs", "next",     "pairs", "rawequal",
    "rawget", "rawlen", "select", "tonumber", "type",  "_VERSION",
    NULL };
static const char *const string_names[] = {
    "byte", "char", "format", "len", "lower", "rep", "reverse", "sub", "upper",
    NULL };
static const char *const table_names[] = {
    "concat", "insert", "move", "pack", "remove", "sort", "unpack", NULL };
static const char *const utf8_names[] = {
    "char", "charpattern", "codepoint", "codes", "len", "offset", NULL };
static const char *const math_names[] = {
    "abs",  "ceil", "cos",  "deg", "exp",    "floor",     "fmod",
    "huge", "log",  "max",  "min", "modf",   "pi",        "rad",
    "sin",  "sqrt", "tan",  "ult", "random", "tointeger", "maxinteger",
    "type", "acos", "asin", "atan", "mininteger", NULL };
static const char *const os_names[] = { "clock", "time", NULL };

/* ---- read-only views ------------------------------------------------ */

static const char *key_name(lua_State *L, int idx)
{
    if (lua_type(L, idx) == LUA_TSTRING)
        return lua_tostring(L, idx);
    return lua_pushfstring(L, "[%s]", sandbox_tolstring(L, idx, NULL));
}

/* What those look for who know Lua from elsewhere. */
static const char *hint(const char *name)
{
    static const char *const hints[][2] = {
        { "require", "; a policy is one file" },
        { "print", "; ps.log and ps.note say something" },
        { "io", "; ps.http, ps.redis and ps.kv reach what is outside" },
        { "coroutine", "; functions that wait look like any other" },
        { "req", "; it is the first argument of a phase" },
        { "conf", "; it is the second argument of a phase" },
    };

    for (size_t i = 0; i < sizeof hints / sizeof hints[0]; i++) {
        if (strcmp(name, hints[i][0]) == 0)
            return hints[i][1];
    }
    return "";
}

static int no_such_name(lua_State *L)
{
    const char *of = lua_tostring(L, lua_upvalueindex(1)), *name;

    if (*of)
        return luaL_error(L, "%s.%s does not exist", of, key_name(L, 2));
    name = key_name(L, 2);
    return luaL_error(L, "unknown variable '%s'%s", name, hint(name));
}

static int no_write(lua_State *L)
{
    const char *of = lua_tostring(L, lua_upvalueindex(1));

    if (*of)
        return luaL_error(L, "%s cannot be changed (%s)", of, key_name(L, 2));
    return luaL_error(L, "global '%s' cannot be made: write 'local %s'",
                      key_name(L, 2), key_name(L, 2));
}

static int view_next(lua_State *L)
{
    lua_settop(L, 2);
    lua_remove(L, 1);
    return lua_next(L, lua_upvalueindex(1)) ? 2 : 0;
}

static int view_pairs(lua_State *L)
{
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_pushcclosure(L, view_next, 1);
    lua_pushnil(L);
    lua_pushnil(L);
    return 3;
}

static int view_len(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)lua_rawlen(L, lua_upvalueindex(1)));
    return 1;
}

/* metatable on top: field = C closure over the value at idx */
static void set_hook(lua_State *L, const char *field, lua_CFunction fn, int idx)
{
    lua_pushvalue(L, idx);
    lua_pushcclosure(L, fn, 1);
    lua_setfield(L, -2, field);
}

void sandbox_freeze(lua_State *L, const char *name, int lenient)
{
    int real = lua_gettop(L), label = real + 1;

    lua_pushstring(L, name);
    if (!lenient) {
        lua_createtable(L, 0, 1);
        set_hook(L, "__index", no_such_name, label);
        lua_setmetatable(L, real);
    }
    lua_newtable(L);
    lua_createtable(L, 0, 6);
    lua_pushvalue(L, real);
    lua_setfield(L, -2, "__index");
    set_hook(L, "__newindex", no_write, label);
    set_hook(L, "__pairs", view_pairs, real);
    set_hook(L, "__len", view_len, real);
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pushboolean(L, 1);
    lua_rawsetp(L, -2, &frozen_key);
    lua_setmetatable(L, -2);
    lua_replace(L, real);
    lua_settop(L, real);
}

bool sandbox_is_frozen(lua_State *L, int arg)
{
    bool yes;

    if (!lua_getmetatable(L, arg))
        return false;
    yes = lua_rawgetp(L, -1, &frozen_key) == LUA_TBOOLEAN;
    lua_pop(L, 2);
    return yes;
}

void sandbox_below(lua_State *L)
{
    if (!sandbox_is_frozen(L, lua_gettop(L)))
        return;
    luaL_getmetafield(L, -1, "__index");
    lua_replace(L, -2);
}

void sandbox_check_table(lua_State *L, int arg)
{
    if (lua_type(L, arg) != LUA_TUSERDATA)
        luaL_checktype(L, arg, LUA_TTABLE);
}

lua_Integer sandbox_length(lua_State *L, int arg)
{
    sandbox_check_table(L, arg);
    if (lua_type(L, arg) == LUA_TUSERDATA || sandbox_is_frozen(L, arg))
        return luaL_len(L, arg);
    if (luaL_getmetafield(L, arg, "__len") != LUA_TNIL)
        return luaL_argerror(L, arg, "a table with its own __len");
    return (lua_Integer)lua_rawlen(L, arg);
}

/* ---- building ------------------------------------------------------- */

/* Copy the allowed names from the table on top into a new one, which takes
 * its place. */
static void pick(lua_State *L, const char *const *names)
{
    lua_newtable(L);
    for (; *names; names++) {
        lua_getfield(L, -2, *names);
        lua_setfield(L, -2, *names);
    }
    lua_replace(L, -2);
}

/* Open a library without leaving it where a script could find it. */
static void library(lua_State *L, lua_CFunction open, const char *name,
                    const char *const *names)
{
    luaL_requiref(L, name, open, 0);
    pick(L, names);
}

/* The metatable that all strings share reaches our functions, not Lua's. */
static void string_methods(lua_State *L)
{
    lua_pushliteral(L, "");
    lua_getmetatable(L, -1);
    lua_pushvalue(L, -3);
    lua_setfield(L, -2, "__index");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 2);
}

void sandbox_open(lua_State *L)
{
    luaL_requiref(L, LUA_GNAME, luaopen_base, 0);
    pick(L, base_names);
    base_lib(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &names_key);

    library(L, luaopen_string, LUA_STRLIBNAME, string_names);
    clamp_string(L);
    pattern_lib(L);
    string_methods(L);
    sandbox_add(L, "string");
    library(L, luaopen_table, LUA_TABLIBNAME, table_names);
    table_lib(L);
    sandbox_add(L, "table");
    library(L, luaopen_utf8, LUA_UTF8LIBNAME, utf8_names);
    clamp_utf8(L);
    sandbox_add(L, "utf8");
    library(L, luaopen_math, LUA_MATHLIBNAME, math_names);
    sandbox_add(L, "math");
    library(L, luaopen_os, LUA_OSLIBNAME, os_names);
    sandbox_add(L, "os");

    /* what the libraries left behind is out of reach, and now garbage */
    lua_pushnil(L);
    lua_setfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_newtable(L);
    lua_rawseti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
}

void sandbox_add(lua_State *L, const char *name)
{
    sandbox_freeze(L, name, 0);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &names_key);
    lua_insert(L, -2);
    lua_setfield(L, -2, name);
    lua_pop(L, 1);
}

void sandbox_close(lua_State *L)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &names_key);
    sandbox_freeze(L, "", 0);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &env_key);
    lua_pushnil(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &names_key);
}

void sandbox_push_env(lua_State *L)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &env_key);
}
