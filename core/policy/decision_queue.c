/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* ps.queue{ max_wait_ms = }: what a ps.take of this call was refused is waited
 * for, by the core; the decision says how long. */
#include "policy/api.h"

enum { MAX_WAIT_MS = 3600000 };

static lua_Number wait_of(lua_State *L, int idx)
{
    lua_Number n;

    lua_pushliteral(L, "max_wait_ms");
    lua_rawget(L, idx);
    n = lua_tonumber(L, -1);
    lua_pop(L, 1);
    return n;
}

static bool is_wait(lua_Number n)
{
    return n >= 1 && n <= MAX_WAIT_MS;
}

/* What ps.take of this policy was refused, or NULL. */
static const struct limit_wanted *wanted(const struct policy_call *c)
{
    const struct limit_claim *claim = c->run->claim;

    return claim && claim->wanted && claim->wanted->by == c->st
               ? claim->wanted : NULL;
}

void decision_queue_new(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING ||
            strcmp(lua_tostring(L, -2), "max_wait_ms") != 0)
            luaL_error(L, "ps.queue takes { max_wait_ms = } alone");
    }
    if (!is_wait(wait_of(L, 1)))
        luaL_error(L, "ps.queue: max_wait_ms is from 1 to %d", MAX_WAIT_MS);
    if (!wanted(api_call(L)))
        luaL_error(L, "ps.queue: no ps.take of this policy was refused, so "
                      "there is nothing to wait for");
    lua_createtable(L, 0, 1);
    lua_pushnumber(L, wait_of(L, 1));
    lua_setfield(L, -2, "max_wait_ms");
}

void decision_queue_read(lua_State *L, struct policy_call *c, int idx)
{
    lua_Number n = wait_of(L, idx);

    if (!is_wait(n) || !wanted(c))
        luaL_error(L, "a wait without a known end");
    c->out->max_wait_ms = (uint64_t)n;
    c->out->code = STR("queue");
    c->out->message = arena_fmt(c->run->arena, "up to %lld ms: %s",
                                (long long)n, wanted(c)->why.text);
    c->out->verdict = POLICY_QUEUE;
}
