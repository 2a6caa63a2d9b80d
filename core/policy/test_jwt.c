/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Issuers of a test: jwt = { corp = { claims = { id = "sub" }, tokens = {
 * ["a.b.c"] = { sub = "ann" } } } }. A token's value is its claims, or why it
 * is refused.
 */
#include "policy/state.h"
#include "policy/test_rows.h"

#include <lauxlib.h>

/* The block on top of the stack. */
static void read_block(lua_State *L, struct test_case *t, struct conf_jwt *c)
{
    static const char *const names[] = { "claims", "tokens", NULL };

    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        lua_pushvalue(L, -2);
        luaL_checkoption(L, -1, NULL, names);
        lua_pop(L, 1);
    }
    if (lua_getfield(L, -1, "claims") == LUA_TTABLE)
        c->n_claims = test_read_pairs(L, t, &c->claims);
    lua_pop(L, 1);
}

void test_jwt_read(lua_State *L, struct test_case *t, void *into)
{
    (void)into;
    if (!lua_istable(L, -1))
        luaL_error(L, "jwt: a table of issuers is needed");
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        struct conf_jwt *c = &t->jwts[t->config.n_jwts];

        if (t->config.n_jwts == TEST_OUTSIDE)
            luaL_error(L, "at most %d issuers", TEST_OUTSIDE);
        if (!lua_istable(L, -1))
            luaL_error(L, "jwt: tables are needed");
        read_block(L, t, c);
        lua_pushvalue(L, -2);
        test_read_str(L, t, &c->name);
        lua_pop(L, 1);
        t->config.n_jwts++;
    }
    t->config.jwts = t->jwts;
}

struct jwt_ask {
    struct test_case *t;
    const struct outside_jwt *q;
    struct outcome *outcome;
};

/* 1: the ask; 2: jwt of the test. The token's value of one block. */
static bool push_value(lua_State *L, const struct jwt_ask *a, struct str name)
{
    lua_settop(L, 2);
    lua_pushlstring(L, name.p, name.n);
    if (lua_rawget(L, 2) != LUA_TTABLE ||
        lua_getfield(L, -1, "tokens") != LUA_TTABLE)
        return false;
    lua_pushlstring(L, a->q->token.p, a->q->token.n);
    return lua_rawget(L, -2) != LUA_TNIL;
}

static int answer(lua_State *L)
{
    struct jwt_ask *a = lua_touserdata(L, 1);
    struct http_header who = { STR("jwt"), STR_NULL };
    size_t i = 0;

    for (; i < a->t->config.n_jwts; i++) {
        who.value = a->t->jwts[i].name;
        if ((!a->q->name.p || str_eq(a->q->name, who.value)) &&
            push_value(L, a, who.value))
            break;
    }
    if (i == a->t->config.n_jwts) {
        a->outcome = outcome_error("The token is from no issuer known here.");
    } else if (lua_type(L, -1) == LUA_TSTRING) {
        a->outcome = outcome_error("%s", lua_tostring(L, -1));
    } else {
        buf_reset(&a->t->scratch);
        test_put_json(L, &a->t->scratch, "jwt");
        a->outcome = outcome_http(200, &who, 1, buf_str(&a->t->scratch));
    }
    return 0;
}

uint64_t test_jwt(void *ud, uint64_t wait, const struct outside_jwt *q,
                  struct outcome **now)
{
    struct jwt_ask a = { .t = ud, .q = q };
    lua_State *L = a.t->L;
    int top = lua_gettop(L);

    (void)wait;
    lua_pushcfunction(L, answer);
    lua_pushlightuserdata(L, &a);
    lua_getfield(L, TEST_TABLE, "jwt");
    if (lua_pcall(L, 2, 0, 0) != LUA_OK) {
        outcome_free(a.outcome);
        a.outcome = outcome_error("the test's fake failed");
        a.t->broken = arena_dup(a.t->arena, policy_error_text(L));
    }
    lua_settop(L, top);
    *now = a.outcome;
    return 0;
}
