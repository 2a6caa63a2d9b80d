/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* ps.json and ps.null. What is wrong with a text or a value is nil and the
 * reason: both may come from outside. */
#include "policy/api.h"

#include "policy/json_text.h"

#include <stdio.h>

static int refused(lua_State *L, const char *why)
{
    lua_pushnil(L);
    lua_pushstring(L, why);
    return 2;
}

/* ps.json.decode(text) */
static int json_decode(lua_State *L)
{
    char why[sizeof(struct err)];
    struct err err = { 0 };
    struct str s;

    s.p = luaL_checklstring(L, 1, &s.n);
    if (json_text_parse(L, s, &err) == 0)
        return 1;
    snprintf(why, sizeof why, "%s%s%s", err.at, *err.at ? ": " : "", err.msg);
    return refused(L, why);
}

/* ps.json.encode(value) */
static int json_encode(lua_State *L)
{
    const char *why = NULL;

    luaL_checkany(L, 1);
    return json_text_make(L, 1, &why) ? 1 : refused(L, why);
}

/* ps.json.array(t): t itself, or a new table, marked as a list */
static int json_array_mark(lua_State *L)
{
    lua_settop(L, 1);
    if (lua_isnil(L, 1)) {
        lua_newtable(L);
        lua_replace(L, 1);
    }
    luaL_checktype(L, 1, LUA_TTABLE);
    if (lua_getmetatable(L, 1))
        return luaL_error(L, "ps.json.array: the table has a metatable");
    json_list_mark(L);
    return 1;
}

void api_json_open(lua_State *L)
{
    static const luaL_Reg json[] = { { "decode", json_decode },
                                     { "encode", json_encode },
                                     { "array", json_array_mark },
                                     { NULL, NULL } };

    json_text_open(L);
    json_null_push(L);
    lua_setfield(L, -2, "null");
    api_group(L, "json", json);
}
