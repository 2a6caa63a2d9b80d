/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* out: what became of a request, for the log phase. */
#include "policy/api.h"
#include "policy/out.h"

#include "policy/sandbox.h"

static const char *const names[] = { "status", "ended",    "side", "error",
                                     "policy", "target",   "ms",   "first_ms",
                                     "usage",  "attempts", "cost", NULL };
enum { O_STATUS, O_ENDED, O_SIDE, O_ERROR, O_POLICY, O_TARGET, O_MS,
       O_FIRST_MS, O_USAGE, O_ATTEMPTS, O_COST };

/* nil below `least` */
static void push_count(lua_State *L, int64_t n, int64_t least)
{
    if (n >= least)
        lua_pushinteger(L, n);
    else
        lua_pushnil(L);
}

/* The two setters: what is nil is not set. */
static void set_count(lua_State *L, const char *name, int64_t n, int64_t least)
{
    push_count(L, n, least);
    lua_setfield(L, -2, name);
}

static void set_text(lua_State *L, const char *name, struct str s)
{
    api_push_str(L, s);
    lua_setfield(L, -2, name);
}

static void push_usage(lua_State *L, const struct usage *u)
{
    lua_createtable(L, 0, 5);
    set_count(L, "input", u->input, 0);
    set_count(L, "cache_read", u->cache_read, 0);
    set_count(L, "cache_write", u->cache_write, 0);
    set_count(L, "output", u->output, 0);
    set_count(L, "reasoning", u->reasoning, 0);
}

static void push_try(lua_State *L, const struct policy_out_try *t)
{
    lua_createtable(L, 0, 7);
    set_text(L, "target", t->target);
    set_text(L, "credential", t->credential);
    set_count(L, "status", t->status, 1);
    set_text(L, "class", t->cls);
    set_text(L, "why", t->why);
    set_count(L, "ms", t->ms, 0);
    set_count(L, "first_ms", t->first_ms, 0);
}

static void push_tries(lua_State *L, const struct policy_out *o)
{
    lua_createtable(L, (int)o->n_tries, 0);
    for (size_t i = 0; i < o->n_tries; i++) {
        push_try(L, &o->tries[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
}

static int out_index(lua_State *L)
{
    struct policy_call *c = api_self(L, API_OUT)->call;
    const struct policy_out *o = c->run->ended;

    switch (api_which(L)) {
    case O_STATUS: push_count(L, o->status, 1); return 1;
    case O_ENDED: api_push_str(L, o->ended); return 1;
    case O_SIDE: api_push_str(L, o->side); return 1;
    case O_ERROR: api_push_str(L, o->error); return 1;
    case O_POLICY: api_push_str(L, o->policy); return 1;
    case O_TARGET:
        if (!o->target)
            return 0;
        api_push(L, c, API_TARGET, o->target, 0);
        return 1;
    case O_MS: push_count(L, o->ms, 0); return 1;
    case O_FIRST_MS: push_count(L, o->first_ms, 0); return 1;
    case O_USAGE: push_usage(L, &o->usage); return 1;
    case O_ATTEMPTS: push_tries(L, o); return 1;
    case O_COST:
        if (o->cost_nusd < 0)
            return 0;
        lua_pushnumber(L, (lua_Number)o->cost_nusd / 1e9);
        return 1;
    }
    return luaL_error(L, "out.%s does not exist",
                      sandbox_tolstring(L, 2, NULL));
}

static int cannot_change(lua_State *L)
{
    return luaL_error(L, "out.%s cannot be changed: the request is over",
                      sandbox_tolstring(L, 2, NULL));
}

void api_out_open(lua_State *L)
{
    lua_newtable(L);
    api_names(L, names, out_index);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, cannot_change);
    lua_setfield(L, -2, "__newindex");
    api_metatable(L, API_OUT, "out");
}
