/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Targets as scripts see them, in plans, tries and ps.targets(): what the
 * configuration says, and what this worker knows of them by now. */
#include "policy/api.h"

#include "policy/sandbox.h"

static const char *const names[] = { "name",       "provider", "model",
                                     "tags",       "weight",   "resting",
                                     "state",      "rest_ms",  "in_flight",
                                     "latency_ms", "disabled", NULL };
enum {
    T_NAME, T_PROVIDER, T_MODEL, T_TAGS, T_WEIGHT, T_RESTING, T_STATE, T_REST,
    T_IN_FLIGHT, T_LATENCY, T_DISABLED
};

/* Can no credential of its provider be used just now? */
static bool rests(const struct policy_call *c, const struct provider *p)
{
    uint64_t now = policy_mono_ms(c->st->env);

    for (size_t i = 0; i < p->n_credentials; i++) {
        if (credential_until_ms(&p->credentials[i]) <= now)
            return false;
    }
    return p->n_credentials != 0;
}

/* What all workers know of it: in its cell, where it has one. */
static void push_latency(lua_State *L, const struct target *t, uint64_t now)
{
    uint32_t v = t->cell ? speed_now(&t->cell->speed, now) : 0;

    if (v)
        lua_pushinteger(L, (v + SPEED_UNITS - 1) / SPEED_UNITS);
    else
        lua_pushnil(L);
}

static void push_rest(lua_State *L, const struct target *t, uint64_t now)
{
    uint64_t until = target_until_ms(t);

    lua_pushinteger(L, until > now ? (lua_Integer)(until - now) : 0);
}

static int live_index(lua_State *L, const struct policy_call *c,
                      const struct target *t)
{
    uint64_t now = policy_mono_ms(c->st->env);

    switch (api_which(L)) {
    case T_STATE:
        lua_pushstring(L, breaker_state_name(
                              t->cell ? breaker_state(&t->cell->breaker, now)
                                      : BREAKER_CLOSED));
        return 1;
    case T_REST: push_rest(L, t, now); return 1;
    case T_IN_FLIGHT: lua_pushinteger(L, target_inflight(t)); return 1;
    case T_LATENCY: push_latency(L, t, now); return 1;
    case T_DISABLED: lua_pushboolean(L, target_is_off(t)); return 1;
    }
    return luaL_error(L, "target.%s does not exist",
                      sandbox_tolstring(L, 2, NULL));
}

static int target_index(lua_State *L)
{
    struct api_ref *r = api_self(L, API_TARGET);
    const struct target *t = r->thing;
    const struct conf_provider *p = t->provider->conf;

    switch (api_which(L)) {
    case T_NAME: api_push_str(L, t->name); return 1;
    case T_PROVIDER: api_push_str(L, p->name); return 1;
    case T_MODEL: api_push_str(L, t->model); return 1;
    case T_TAGS: api_push(L, r->call, API_TAGS, p->tags, p->n_tags); return 1;
    case T_WEIGHT: lua_pushinteger(L, t->weight); return 1;
    case T_RESTING: lua_pushboolean(L, rests(r->call, t->provider)); return 1;
    }
    return live_index(L, r->call, t);
}

/* ps.targets(): a list, valid during the call like all that is passed to it */
static int fn_targets(lua_State *L)
{
    struct policy_call *c = api_call(L);
    const struct policy_env *env = c->st->env;

    lua_createtable(L, (int)env->n_targets, 0);
    for (size_t i = 0; i < env->n_targets; i++) {
        api_push(L, c, API_TARGET, env->targets[i], 0);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

void api_target_open(lua_State *L)
{
    lua_pushcfunction(L, fn_targets);
    lua_setfield(L, -2, "targets");
    lua_newtable(L);
    api_names(L, names, target_index);
    lua_setfield(L, -2, "__index");
    api_metatable(L, API_TARGET, "target");
}
