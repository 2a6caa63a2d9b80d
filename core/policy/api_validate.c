/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * ps.validate: the request against limits of the policy's own, counted by the
 * core in the client's dialect. What the dialect itself asks for was checked
 * before any policy ran.
 */
#include "policy/api.h"

#include "policy/edit.h"
#include "policy/sandbox.h"
#include "wire/validate.h"

static const char *const names[] = { "messages", "tools", "images",
                                     "max_tokens", NULL };

static int64_t limit_of(lua_State *L, const char *name)
{
    lua_Integer v;
    int ok;

    v = lua_tointegerx(L, -1, &ok);
    if (!ok || v < 1 || v > UINT32_MAX)
        luaL_error(L, "ps.validate: %s is a whole number from 1", name);
    return v;
}

/* The table at arg 1; a misspelt name would be a limit that never holds. */
static void read_limits(lua_State *L, struct valid_limits *out)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1)) {
        const char *name = lua_type(L, -2) == LUA_TSTRING
                               ? lua_tostring(L, -2) : "?";
        int i = 0;

        while (names[i] && strcmp(names[i], name) != 0)
            i++;
        switch (i) {
        case 0: out->messages = (uint32_t)limit_of(L, name); break;
        case 1: out->tools = (uint32_t)limit_of(L, name); break;
        case 2: out->images = (uint32_t)limit_of(L, name); break;
        case 3: out->max_tokens = limit_of(L, name); break;
        default: luaL_error(L, "ps.validate has no limit '%s'", name);
        }
    }
}

/* ps.validate{ messages =, tools =, images =, max_tokens = } */
static int fn_validate(lua_State *L)
{
    struct policy_call *c = api_call(L);
    struct valid_limits limits = { .nothing_else = true };
    struct call_edit *e;
    struct err err = { 0 };

    read_limits(L, &limits);
    e = edit_read(L, c, "ps.validate");
    edit_settle(L, e);
    if (validate_body(c->run->dialect, e->base, &limits, c->run->arena,
                      &err) == 0)
        return 0;
    lua_settop(L, 0);
    lua_pushcfunction(L, decision_deny);
    lua_pushliteral(L, "invalid_request");
    lua_pushstring(L, err.msg);
    lua_call(L, 2, 1);
    return 1;
}

void api_validate_open(lua_State *L)
{
    lua_pushcfunction(L, fn_validate);
    lua_setfield(L, -2, "validate");
}
