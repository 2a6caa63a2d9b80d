/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* ps: what a policy can do besides deciding. */
#include "policy/api.h"

#include "base/log.h"
#include "base/sha256.h"
#include "engine/key_table.h"
#include "net/hash.h"

enum { MAX_LOG = 1024 };

/* ps.now(): seconds since 1970 */
static int fn_now(lua_State *L)
{
    lua_pushnumber(L, (lua_Number)policy_wall_ms(
                           policy_state_of(L)->env) / 1000);
    return 1;
}

static int fn_mono_ms(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)policy_mono_ms(policy_state_of(L)->env));
    return 1;
}

/* ps.note(text): into this request's access line and explain */
static int fn_note(lua_State *L)
{
    struct policy_call *c = api_call(L);
    struct str s;

    s.p = luaL_checklstring(L, 1, &s.n);
    if (c->phase == PHASE_TICK)
        return luaL_error(L, "ps.note: there is no request in tick; ps.log");
    api_note(c, s);
    return 0;
}

/* ps.log(text): one line in the log */
static int fn_log(lua_State *L)
{
    struct policy_call *c = api_call(L);
    struct policy_value id = { .type = VALUE_NIL };
    struct str s;

    s.p = luaL_checklstring(L, 1, &s.n);
    if (c->notes++ >= CALL_NOTES || c->st->env->quiet)
        return 0;
    c->run->view->field(c->run->req, FIELD_ID, &id);
    log_event(EV_policy_note, LOG_S("policy", c->st->conf->name),
              LOG_S("request", id.s),
              LOG_S("text", api_hide(c->st->conf, c->run->arena, s, MAX_LOG)));
    return 0;
}

/* ps.cost(req): US dollars, or nil where a price is not known */
static int fn_cost(lua_State *L)
{
    struct policy_call *c = api_call(L);
    int64_t nusd = -1;

    if (!api_is(L, 1, API_REQ))
        luaL_checktype(L, 1, LUA_TUSERDATA);
    if (c->phase != PHASE_LOG)
        return luaL_error(L, "ps.cost: what a request cost is known in log");
    if (c->run->view->cost)
        nusd = c->run->view->cost(c->run->req);
    if (nusd < 0)
        lua_pushnil(L);
    else
        lua_pushnumber(L, (lua_Number)nusd / 1e9);
    return 1;
}

/* ps.sleep(ms) */
static int slept(lua_State *L, int status, lua_KContext ctx)
{
    (void)L;
    (void)status;
    (void)ctx;
    return 0;
}

static int fn_sleep(lua_State *L)
{
    lua_Number ms = luaL_checknumber(L, 1);

    luaL_argcheck(L, ms >= 0 && ms <= 86400000, 1, "milliseconds, 0 or more");
    return policy_call_sleep(L, (uint64_t)ms, slept);
}

/* A key of the configuration, which wins, else one of the store. */
static int find_key(struct policy_call *c, const unsigned char sum[32],
                    struct principal **out)
{
    const struct policy_env *env = c->st->env;
    const struct conf_key *k = config_key_find(env->config, sum);

    *out = NULL;
    if (!k && env->config->admin.keys_store)
        return key_table_principal(env->keys, env->config, sum,
                                   c->run->arena, out);
    if (!k)
        return 0;
    *out = principal_of_key(c->run->arena, env->config, k);
    return *out ? 0 : -ERR_NOMEM;
}

/* The key of a digest as a principal, or nil; nil and a word where the
 * store's keys are not known. */
static int push_key(lua_State *L, struct policy_call *c,
                    const unsigned char sum[32])
{
    struct principal *p;
    int rc = find_key(c, sum, &p);

    if (rc == -ERR_NOMEM)
        return luaL_error(L, "the request's memory is used up");
    if (!p) {
        lua_pushnil(L);
        lua_pushstring(L, rc ? "auth_unavailable" : NULL);
        return 2;
    }
    api_push(L, c, API_PRINCIPAL, p, 0);
    return 1;
}

/* ps.keys.get(sha256): 64 hex digits, or the 32 bytes themselves */
static int keys_get(lua_State *L)
{
    struct policy_call *c = api_call(L);
    unsigned char sum[SHA256_BYTES];
    struct str s;

    s.p = luaL_checklstring(L, 1, &s.n);
    if (s.n == sizeof sum)
        memcpy(sum, s.p, s.n);
    else if (!hex_decode(s, sum, sizeof sum))
        return luaL_argerror(L, 1, "a SHA-256 is needed (ps.sha256)");
    return push_key(L, c, sum);
}

/* ps.keys.presented(): the key that was sent with the request. Neither it nor
 * its digest becomes a text of Lua's. */
static int keys_presented(lua_State *L)
{
    struct policy_call *c = api_call(L);
    struct policy_value v = { .type = VALUE_NIL };
    unsigned char sum[SHA256_BYTES];

    c->run->view->field(c->run->req, FIELD_CREDENTIAL, &v);
    if (v.type == VALUE_NOT_YET)
        return luaL_error(L, "ps.keys.presented: the credential is not known "
                             "in %s", policy_phase_name(c->phase));
    if (v.type != VALUE_STRING) {
        lua_pushnil(L);
        return 1;
    }
    if (hash_sha256(c->st->env->hash, v.s.p, v.s.n, sum))
        return luaL_error(L, "hashing failed");
    return push_key(L, c, sum);
}

void api_ps_open(lua_State *L)
{
    static const luaL_Reg ps[] = {
        { "now", fn_now }, { "mono_ms", fn_mono_ms }, { "note", fn_note },
        { "log", fn_log }, { "sleep", fn_sleep },     { "cost", fn_cost },
        { NULL, NULL } };
    static const luaL_Reg keys[] = { { "get", keys_get },
                                     { "presented", keys_presented },
                                     { NULL, NULL } };

    luaL_setfuncs(L, ps, 0);
    api_group(L, "keys", keys);
    api_json_open(L);
    api_cidr_open(L);
    api_kv_open(L);
    api_limit_open(L);
    api_metric_open(L);
    api_re_open(L);
    api_secret_open(L);
    api_target_open(L);
    api_text_open(L);
    api_validate_open(L);
    api_http_open(L);
    api_redis_open(L);
    api_jwt_open(L);
}
