/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * ps.take and ps.peek: limits, taken for the request and settled by the core
 * when it ends. A policy that only observes peeks. And what a principal
 * carries of limits: principal.limits.
 */
#include "policy/api_limit.h"

#include "engine/config_unit.h"

#define NS_PER_MS 1000000u

/* ---- ps.take, ps.peek --------------------------------------------------- */

static struct policy_call *caller(lua_State *L, const char *what)
{
    struct policy_call *c = api_call(L);

    if (c->phase != PHASE_ADMIT && c->phase != PHASE_ROUTE &&
        c->phase != PHASE_ATTEMPT)
        luaL_error(L, "%s is for admit, route and attempt", what);
    if (!c->run->claim || !c->run->claim->limiter)
        luaL_error(L, "%s: there is no memory of limits here", what);
    lua_settop(L, 1);
    return c;
}

/* A call that has not waited takes as of its begin: the clock is not asked
 * again. */
static uint64_t taken_at(const struct policy_call *c)
{
    const struct policy_env *env = c->st->env;

    return env->clock.mono_ms || c->run->ran.waits
               ? policy_mono_ms(env)
               : c->run->began_ns / NS_PER_MS;
}

/* ps.take{ rows }: nil, or a finished denial */
static int fn_take(lua_State *L)
{
    struct policy_call *c = caller(L, "ps.take");
    struct limit_refusal why;
    struct limit_rows rows;
    uint64_t now_ms = taken_at(c);
    int rc;

    limit_rows_read(L, c, &rows);
    if (policy_call_observes(c))
        rc = limit_claim_peek(c->run->claim, rows.at, rows.n, now_ms, NULL,
                              &why);
    else
        rc = limit_claim_take(c->run->claim, rows.at, rows.finish, rows.n,
                              now_ms, &why);
    if (rc == -ERR_RATE_LIMITED && c->phase == PHASE_ADMIT &&
        limit_claim_later(c->run->claim, rows.at, rows.finish, rows.n, &why,
                          c->st))
        rc = -ERR_NOMEM;
    if (rc == -ERR_NOMEM)
        return luaL_error(L, "ps.take: %s", why.text);
    if (rc)
        decision_push_refusal(L, &why);
    else
        lua_pushnil(L);
    return 1;
}

static void push_number(lua_State *L, const char *name, lua_Number n)
{
    if (n == (lua_Number)(lua_Integer)n)
        lua_pushinteger(L, (lua_Integer)n);
    else
        lua_pushnumber(L, n);
    lua_setfield(L, -2, name);
}

static void push_state(lua_State *L, const struct limit_row *row,
                       const struct limit_state *s)
{
    lua_createtable(L, 0, 4);
    push_number(L, "limit", (lua_Number)row->limit);
    push_number(L, "remaining", (lua_Number)s->remaining);
    push_number(L, "reset", (lua_Number)s->reset_ms / 1000);
    lua_pushboolean(L, s->denied);
    lua_setfield(L, -2, "denied");
}

/* ps.peek{ rows }: what take would return, and how each row stands */
static int fn_peek(lua_State *L)
{
    struct policy_call *c = caller(L, "ps.peek");
    struct limit_state states[LIMIT_ROWS] = { { .denied = false } };
    struct limit_refusal why;
    struct limit_rows rows;
    int rc;

    limit_rows_read(L, c, &rows);
    rc = limit_claim_peek(c->run->claim, rows.at, rows.n,
                          policy_mono_ms(c->st->env), states, &why);
    if (rc == -ERR_NOMEM)
        return luaL_error(L, "ps.peek: %s", why.text);
    if (rc)
        decision_push_refusal(L, &why);
    else
        lua_pushnil(L);
    lua_createtable(L, rows.given, 0);
    for (int i = 1; i <= rows.given; i++) {
        lua_pushboolean(L, 0);
        lua_rawseti(L, -2, i);
    }
    for (size_t i = 0; i < rows.n; i++) {
        push_state(L, &rows.at[i], &states[i]);
        lua_rawseti(L, -2, rows.from[i]);
    }
    return 2;
}

/* ---- principal.limits --------------------------------------------------- */

enum part { REQUESTS, TOKENS, CONCURRENT };

static const char *const names[] = { "requests", "tokens", "concurrent",
                                     NULL };

static int limits_index(lua_State *L)
{
    const struct conf_limits *l = api_self(L, API_LIMITS)->thing;

    switch (api_which(L)) {
    case REQUESTS: api_push_str(L, l->requests); return 1;
    case TOKENS: api_push_str(L, l->tokens); return 1;
    case CONCURRENT:
        if (!l->concurrent)
            return 0;
        lua_pushinteger(L, l->concurrent);
        return 1;
    }
    return luaL_error(L, "limits.%s does not exist",
                      luaL_tolstring(L, 2, NULL));
}

static struct str rate_at(lua_State *L, struct arena *a, const char *name)
{
    uint64_t count, period_ms;
    struct str s = STR_NULL;

    if (lua_type(L, -1) == LUA_TSTRING)
        s.p = lua_tolstring(L, -1, &s.n);
    if (!s.p || !conf_rate(s, &count, &period_ms))
        luaL_error(L, "principal.limits.%s: a rate is needed, \"600/min\"",
                   name);
    s = arena_dup(a, s);
    if (!s.p)
        luaL_error(L, "the request's memory is used up");
    return s;
}

struct conf_limits api_limits_read(lua_State *L, struct arena *a)
{
    struct conf_limits l = { .concurrent = 0 };

    if (!lua_istable(L, -1))
        luaL_error(L, "principal.limits: a table is needed");
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        const char *name =
            lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "?";
        lua_Integer n = lua_tointeger(L, -1);

        if (strcmp(name, "requests") == 0)
            l.requests = rate_at(L, a, name);
        else if (strcmp(name, "tokens") == 0)
            l.tokens = rate_at(L, a, name);
        else if (strcmp(name, "concurrent") != 0)
            luaL_error(L, "principal.limits has no '%s'", name);
        else if (n < 1 || n > 1000000)
            luaL_error(L, "principal.limits.concurrent: 1 to 1000000");
        else
            l.concurrent = (uint32_t)n;
    }
    return l;
}

void api_limit_open(lua_State *L)
{
    static const luaL_Reg ps[] = { { "take", fn_take },
                                   { "peek", fn_peek },
                                   { NULL, NULL } };

    luaL_setfuncs(L, ps, 0);
    limit_rows_open(L);
    lua_newtable(L);
    api_names(L, names, limits_index);
    lua_setfield(L, -2, "__index");
    api_metatable(L, API_LIMITS, "limits");
}
