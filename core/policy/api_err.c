/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* err: the try that has failed, for upstream_error. */
#include "policy/api.h"

static const char *const names[] = { "class",   "scope",       "status",
                                     "message", "target",      "provider",
                                     "model",   "attempt",     "retry_after",
                                     "ms",      "elapsed_ms",  NULL };
enum {
    E_CLASS, E_SCOPE, E_STATUS, E_MESSAGE, E_TARGET, E_PROVIDER, E_MODEL,
    E_ATTEMPT, E_RETRY_AFTER, E_MS, E_ELAPSED
};

static void push_positive(lua_State *L, int n)
{
    if (n)
        lua_pushinteger(L, n);
    else
        lua_pushnil(L);
}

static void push_seconds(lua_State *L, uint64_t ms)
{
    if (ms)
        lua_pushnumber(L, (lua_Number)ms / 1000);
    else
        lua_pushnil(L);
}

static int err_index(lua_State *L)
{
    struct policy_call *c = api_self(L, API_ERR)->call;
    const struct policy_failed *f = c->run->failed;

    switch (api_which(L)) {
    case E_CLASS: api_push_str(L, f->cls); return 1;
    case E_SCOPE: api_push_str(L, f->scope); return 1;
    case E_STATUS: push_positive(L, f->status); return 1;
    case E_MESSAGE: api_push_str(L, f->message); return 1;
    case E_TARGET: api_push(L, c, API_TARGET, f->target, 0); return 1;
    case E_PROVIDER: api_push_str(L, f->target->provider->conf->name); return 1;
    case E_MODEL: api_push_str(L, f->target->model); return 1;
    case E_ATTEMPT: lua_pushinteger(L, f->attempt); return 1;
    case E_RETRY_AFTER: push_seconds(L, f->retry_after_ms); return 1;
    case E_MS: lua_pushinteger(L, (lua_Integer)f->ms); return 1;
    case E_ELAPSED: lua_pushinteger(L, (lua_Integer)f->elapsed_ms); return 1;
    }
    return luaL_error(L, "err.%s does not exist",
                      sandbox_tolstring(L, 2, NULL));
}

static int cannot_change(lua_State *L)
{
    return luaL_error(L, "err.%s cannot be changed",
                      sandbox_tolstring(L, 2, NULL));
}

void api_err_open(lua_State *L)
{
    lua_newtable(L);
    api_names(L, names, err_index);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, cannot_change);
    lua_setfield(L, -2, "__newindex");
    api_metatable(L, API_ERR, "err");
}
