/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* ps.jwt(name, token): the claims of a token that a configured issuer made. */
#include "policy/api.h"

#include "policy/json_text.h"
#include "policy/sandbox.h"

static const struct conf_jwt *block(const struct config *c, struct str name)
{
    for (size_t i = 0; c && i < c->n_jwts; i++) {
        if (str_eq(c->jwts[i].name, name))
            return &c->jwts[i];
    }
    return NULL;
}

/* { name =, claims = { id = "sub", ... } } */
static void push_block(lua_State *L, const struct conf_jwt *c)
{
    lua_createtable(L, 0, 2);
    lua_pushlstring(L, c->name.p, c->name.n);
    lua_setfield(L, -2, "name");
    lua_createtable(L, 0, (int)c->n_claims + 1);
    if (c->n_claims == 0) {
        lua_pushliteral(L, "sub");
        lua_setfield(L, -2, "id");
    }
    for (size_t i = 0; i < c->n_claims; i++) {
        lua_pushlstring(L, c->claims[i].key.p, c->claims[i].key.n);
        lua_pushlstring(L, c->claims[i].value.p, c->claims[i].value.n);
        lua_rawset(L, -3);
    }
    lua_setfield(L, -2, "claims");
}

static int done(lua_State *L, int status, lua_KContext ctx)
{
    const struct outcome *o = policy_outcome(L);
    const struct conf_jwt *c = NULL;

    (void)status;
    (void)ctx;
    if (!o)
        return luaL_error(L, "not enough memory");
    if (o->err[0]) {
        lua_pushnil(L);
        lua_pushstring(L, o->err);
        policy_outcome_drop(L);
        return 2;
    }
    if (o->n_headers == 1)
        c = block(policy_state_of(L)->env->config, o->headers[0].value);
    if (!c || !json_text_read(L, o->body)) {
        policy_outcome_drop(L);
        lua_pushnil(L);
        lua_pushliteral(L, "The token is none: its claims cannot be read");
        return 2;
    }
    policy_outcome_drop(L);
    push_block(L, c);
    return 2;
}

static int fn_jwt(lua_State *L)
{
    struct policy_call *pc = api_call(L);
    const struct outside *o = &pc->st->env->outside;
    struct outside_jwt q = { .name = STR_NULL };
    struct outcome *now = NULL;
    uint64_t wait, op;

    if (!lua_isnil(L, 1)) {
        q.name.p = luaL_checklstring(L, 1, &q.name.n);
        if (!block(pc->st->env->config, q.name))
            return luaL_error(L, "ps.jwt: no jwt \"%s\" is configured",
                              q.name.p);
    }
    q.token.p = luaL_checklstring(L, 2, &q.token.n);
    if (!o->jwt)
        return luaL_error(L, "ps.jwt: there are no issuers here");
    wait = policy_wait_begin(L);
    op = o->jwt(o->ud, wait, &q, &now);
    return op ? policy_wait(L, "jwt", op, 0, done)
              : policy_wait_not(L, now, 0, done);
}

void api_jwt_open(lua_State *L)
{
    lua_pushcfunction(L, fn_jwt);
    lua_setfield(L, -2, "jwt");
}
