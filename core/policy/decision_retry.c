/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What upstream_error may say of a failed try: again, elsewhere, no more. It
 * is advice: tries, deadline and commit are the flow's. */
#include "policy/decision.h"

enum { MAX_AFTER_MS = 60000, MAX_MODEL = 256 };

/* The options at 1, or an empty table; `name` is the only one there is. */
static void options(lua_State *L, const char *fn, const char *name)
{
    lua_settop(L, 1);
    if (lua_isnil(L, 1)) {
        lua_newtable(L);
        lua_replace(L, 1);
    }
    luaL_checktype(L, 1, LUA_TTABLE);
    for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING ||
            strcmp(lua_tostring(L, -2), name) != 0)
            luaL_error(L, "%s has one option, %s", fn, name);
    }
}

/* A new table with what 1 has of that name. */
static void copy(lua_State *L, const char *name)
{
    lua_createtable(L, 0, 1);
    lua_pushstring(L, name);
    lua_pushvalue(L, -1);
    lua_rawget(L, 1);
    lua_rawset(L, -3);
}

/* ps.again{ after_ms = } */
static int fn_again(lua_State *L)
{
    lua_Number ms;

    options(L, "ps.again", "after_ms");
    copy(L, "after_ms");
    lua_pushliteral(L, "after_ms");
    if (lua_rawget(L, -2) != LUA_TNIL) {
        ms = lua_tonumber(L, -1);
        if (lua_type(L, -1) != LUA_TNUMBER || !(ms >= 0 && ms <= MAX_AFTER_MS))
            luaL_error(L, "ps.again: after_ms is milliseconds, 0 to %d",
                       MAX_AFTER_MS);
    }
    lua_pop(L, 1);
    return decision_mark(L, KIND_AGAIN);
}

/* ps.next{ model = } */
static int fn_next(lua_State *L)
{
    options(L, "ps.next", "model");
    copy(L, "model");
    lua_pushliteral(L, "model");
    if (lua_rawget(L, -2) != LUA_TNIL && lua_type(L, -1) != LUA_TSTRING)
        luaL_error(L, "ps.next: model is a name");
    lua_pop(L, 1);
    return decision_mark(L, KIND_NEXT);
}

/* ps.give_up() */
static int fn_give_up(lua_State *L)
{
    lua_newtable(L);
    return decision_mark(L, KIND_GIVE_UP);
}

void decision_read_again(lua_State *L, struct policy_call *c, int idx)
{
    lua_Number ms = decision_number(L, idx, "after_ms");

    c->out->after_ms = ms > 0 && ms <= MAX_AFTER_MS ? (uint64_t)ms : 0;
    c->out->message = arena_fmt(c->run->arena, "after %u ms",
                                (unsigned)c->out->after_ms);
    c->out->verdict = POLICY_AGAIN;
}

/* The model is looked up here, so that one that is not there is the script's
 * mistake, and told as such. */
void decision_read_next(lua_State *L, struct policy_call *c, int idx)
{
    struct policy_result *out = c->out;
    struct arena *a = c->run->arena;
    struct str model = decision_text(L, a, idx, "model", MAX_MODEL);
    struct err err = { 0 };
    struct plan *p;

    if (model.n && !c->run->view->plan)
        luaL_error(L, "ps.next: there are no models here");
    if (model.n) {
        p = arena_alloc(a, sizeof *p);
        if (!p)
            luaL_error(L, "the request's memory is used up");
        if (c->run->view->plan(c->run->req, model, p, &err))
            luaL_error(L, "ps.next: %s", err.msg);
        out->plan = p;
        out->message = model;
    }
    out->verdict = POLICY_NEXT;
}

void decision_read_give_up(lua_State *L, struct policy_call *c, int idx)
{
    (void)L;
    (void)idx;
    c->out->verdict = POLICY_GIVE_UP;
}

void decision_retry_open(lua_State *L)
{
    static const luaL_Reg ps[] = { { "again", fn_again },
                                   { "next", fn_next },
                                   { "give_up", fn_give_up },
                                   { NULL, NULL } };

    luaL_setfuncs(L, ps, 0);
}
