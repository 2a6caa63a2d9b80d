/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Decisions: ps.deny makes a table that carries a mark no script can forge;
 * what a phase returns is nil, such a table, or (authenticate) a principal.
 * Anything else is the script's mistake, never "truthy".
 */
#include "policy/api.h"

#include <math.h>

enum { MAX_MESSAGE = 1024, MAX_CODE = 64, MAX_RETRY_S = 86400 };

static const char deny_key; /* registry: the mark, a metatable */

static bool own_code(struct str code)
{
    if (!str_starts(code, STR("x_")) || code.n < 3 || code.n > MAX_CODE)
        return false;
    for (size_t i = 0; i < code.n; i++) {
        if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789_", code.p[i]))
            return false;
    }
    return true;
}

/* Options of ps.deny: every name must be known, so that a typo shows. */
static void check_options(lua_State *L, int idx, bool own)
{
    bool status = false;

    for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1)) {
        const char *name = lua_type(L, -2) == LUA_TSTRING
                               ? lua_tostring(L, -2) : "?";
        lua_Number n = lua_tonumber(L, -1);

        if (strcmp(name, "retry_after") == 0) {
            if (!(n >= 0 && n <= MAX_RETRY_S))
                luaL_error(L, "ps.deny: retry_after is seconds, 0 to %d",
                           MAX_RETRY_S);
        } else if (strcmp(name, "status") == 0 && own) {
            if (!lua_isinteger(L, -1) || n < 400 || n > 599)
                luaL_error(L, "ps.deny: status is a number from 400 to 599");
            status = true;
        } else if (strcmp(name, "status") == 0) {
            luaL_error(L, "ps.deny: status is for codes of your own (x_...)");
        } else {
            luaL_error(L, "ps.deny has no option '%s'", name);
        }
    }
    if (own && !status)
        luaL_error(L, "ps.deny: a code of your own needs { status = }");
}

/* ps.deny(code, message, { retry_after =, status = }) */
static int fn_deny(lua_State *L)
{
    struct str code;
    bool own;

    code.p = luaL_checklstring(L, 1, &code.n);
    own = own_code(code);
    if (!own && err_by_name(code) == ERR_NONE)
        return luaL_error(L, "ps.deny: unknown code '%s'; codes of your own "
                             "start with x_", code.p);
    if (!lua_isnoneornil(L, 2))
        luaL_checktype(L, 2, LUA_TSTRING);
    lua_settop(L, 3);
    if (lua_isnil(L, 3)) {
        lua_newtable(L);
        lua_replace(L, 3);
    }
    luaL_checktype(L, 3, LUA_TTABLE);
    check_options(L, 3, own);
    lua_createtable(L, 0, 4);
    lua_pushvalue(L, 1);
    lua_setfield(L, -2, "code");
    lua_pushvalue(L, 2);
    lua_setfield(L, -2, "message");
    lua_pushliteral(L, "retry_after");
    lua_pushliteral(L, "retry_after");
    lua_rawget(L, 3);
    lua_rawset(L, -3);
    lua_pushliteral(L, "status");
    lua_pushliteral(L, "status");
    lua_rawget(L, 3);
    lua_rawset(L, -3);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &deny_key);
    lua_setmetatable(L, -2);
    return 1;
}

static bool is_deny(lua_State *L, int idx)
{
    bool yes;

    if (lua_type(L, idx) != LUA_TTABLE || !lua_getmetatable(L, idx))
        return false;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &deny_key);
    yes = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    return yes;
}

/* Member as a string in the arena; p NULL when it is none. */
static struct str text(lua_State *L, struct arena *a, int idx, const char *name,
                       size_t max)
{
    struct str s = STR_NULL;

    lua_pushstring(L, name);
    if (lua_rawget(L, idx) == LUA_TSTRING) {
        s.p = lua_tolstring(L, -1, &s.n);
        s.n = s.n < max ? s.n : max;
        s = arena_dup(a, s);
    }
    lua_pop(L, 1);
    return s;
}

static lua_Number number(lua_State *L, int idx, const char *name)
{
    lua_Number n;

    lua_pushstring(L, name);
    lua_rawget(L, idx);
    n = lua_tonumber(L, -1);
    lua_pop(L, 1);
    return n;
}

/* The table may have been changed since it was made: nothing is trusted. */
static void read_deny(lua_State *L, struct policy_call *c, int idx)
{
    struct policy_result *out = c->out;
    struct arena *a = c->run->arena;
    lua_Number after = number(L, idx, "retry_after");
    lua_Number status = number(L, idx, "status");

    out->code = text(L, a, idx, "code", MAX_CODE);
    out->err_code = err_by_name(out->code);
    out->message = text(L, a, idx, "message", MAX_MESSAGE);
    if (out->err_code == ERR_NONE) {
        if (!own_code(out->code) || !(status >= 400 && status <= 599))
            luaL_error(L, "a denial without a known code");
        out->status = (int)status;
    }
    if (!out->message.p)
        out->message = str_of(out->err_code ? err_info(out->err_code)->text
                                            : "Refused by a policy.");
    if (after > 0 && after <= MAX_RETRY_S)
        out->retry_after_ms = (uint64_t)ceil(after * 1000);
    out->verdict = POLICY_DENY;
}

static void read_principal(lua_State *L, struct policy_call *c, int idx)
{
    if (lua_type(L, idx) == LUA_TTABLE)
        c->out->principal = principal_read(L, c->run->arena, idx);
    else /* made by ps.keys.get in this run's arena */
        c->out->principal =
            (struct principal *)api_check(L, idx, API_PRINCIPAL)->thing;
    c->out->verdict = POLICY_PRINCIPAL;
}

void decision_read(lua_State *L, struct policy_call *c, int idx)
{
    if (lua_isnil(L, idx))
        return;
    if (c->phase != PHASE_LOG && is_deny(L, idx)) {
        read_deny(L, c, idx);
        return;
    }
    if (api_stop_read(L, c, idx))
        return;
    if (c->phase == PHASE_AUTHENTICATE &&
        (lua_type(L, idx) == LUA_TTABLE || api_is(L, idx, API_PRINCIPAL))) {
        read_principal(L, c, idx);
        return;
    }
    luaL_error(L, "%s returned a %s; it may return nil%s",
               policy_phase_name(c->phase), luaL_typename(L, idx),
               c->phase == PHASE_LOG            ? " only"
               : c->phase == PHASE_AUTHENTICATE ? ", a principal or ps.deny()"
               : c->phase == PHASE_OUTPUT       ? ", ps.stop() or ps.deny()"
                                                : " or ps.deny()");
}

void decision_open(lua_State *L)
{
    lua_createtable(L, 0, 1);
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &deny_key);
    lua_pushcfunction(L, fn_deny);
    lua_setfield(L, -2, "deny");
}
