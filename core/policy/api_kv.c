/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * ps.kv(name): values that all workers share. What cannot be done raises (a
 * key that is too long, a memory that nobody answers for), so that the
 * policy's fail mode decides: a limit that reads nil for "broken" is none. A
 * policy that only observes looks, and its writes are noted, not made.
 */
#include "policy/api.h"

#include "engine/kv.h"

#include <math.h>
#include <stdio.h>

#define KV_CLASS "kv"

enum { MAX_TTL_S = 10 * 366 * 86400, SHOWN = 80 };

/* What ps.kv returns. */
struct space {
    size_t n;
    char name[KV_SPACE_MAX];
};

/* One call of a method. */
struct use {
    struct policy_call *call;
    struct kv *kv;
    struct kv_at at;
    bool observe;
};

static struct use use_of(lua_State *L)
{
    const struct space *s = luaL_checkudata(L, 1, KV_CLASS);
    struct policy_call *c = api_call(L);
    const struct policy_env *env = c->st->env;
    struct use u = { .call = c, .kv = env->kv,
                     .observe = c->st->conf->observe };

    if (!env->kv)
        luaL_error(L, "ps.kv: there is no shared memory here");
    u.at.space = (struct str){ s->name, s->n };
    u.at.key.p = luaL_checklstring(L, 2, &u.at.key.n);
    u.at.now_ms = policy_mono_ms(env);
    luaL_argcheck(L, u.at.key.n <= KV_KEY_MAX, 2,
                  "a key is limited to 512 bytes (ps.sha256 shortens)");
    return u;
}

/* ---- values and options --------------------------------------------- */

static struct kv_value value_at(lua_State *L, int arg)
{
    struct kv_value v = { .type = KV_NONE };

    switch (lua_type(L, arg)) {
    case LUA_TSTRING:
        v.type = KV_TEXT;
        v.text.p = lua_tolstring(L, arg, &v.text.n);
        luaL_argcheck(L, v.text.n <= KV_TEXT_MAX, arg,
                      "a value is limited to 4096 bytes");
        break;
    case LUA_TNUMBER:
        v.type = lua_isinteger(L, arg) ? KV_INT : KV_REAL;
        v.i = lua_tointeger(L, arg);
        v.d = lua_tonumber(L, arg);
        break;
    case LUA_TBOOLEAN:
        v.type = KV_BOOL;
        v.i = lua_toboolean(L, arg);
        break;
    case LUA_TNIL: break;
    default: luaL_argerror(L, arg, "a string, number or boolean is needed");
    }
    return v;
}

static struct kv_value some_value_at(lua_State *L, int arg)
{
    struct kv_value v;

    luaL_checkany(L, arg);
    v = value_at(L, arg);
    luaL_argcheck(L, v.type != KV_NONE, arg, "nil is no value; use :delete");
    return v;
}

/* { ttl = seconds } as milliseconds; `none` where there is none. */
static uint64_t ttl_at(lua_State *L, int arg, uint64_t none)
{
    lua_Number s;

    if (lua_isnoneornil(L, arg))
        return none;
    luaL_checktype(L, arg, LUA_TTABLE);
    for (lua_pushnil(L); lua_next(L, arg); lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING ||
            strcmp(lua_tostring(L, -2), "ttl") != 0)
            luaL_argerror(L, arg, "the one option is ttl, in seconds");
    }
    lua_pushliteral(L, "ttl");
    lua_rawget(L, arg);
    if (lua_isnil(L, -1))
        return none;
    s = lua_tonumber(L, -1);
    luaL_argcheck(L, s > 0 && s <= MAX_TTL_S, arg,
                  "ttl is a number of seconds above 0");
    return (uint64_t)ceil(s * 1000);
}

static int push_value(lua_State *L, const struct kv_value *v)
{
    switch (v->type) {
    case KV_TEXT: lua_pushlstring(L, v->text.p, v->text.n); break;
    case KV_INT: lua_pushinteger(L, v->i); break;
    case KV_REAL: lua_pushnumber(L, v->d); break;
    case KV_BOOL: lua_pushboolean(L, v->i != 0); break;
    case KV_NONE: lua_pushnil(L); break;
    }
    return 1;
}

static int checked(lua_State *L, int rc)
{
    if (rc == -ERR_BUSY)
        luaL_error(L, "ps.kv: a process that does not run holds the memory");
    return rc;
}

static int look(lua_State *L, const struct use *u, struct kv_found *f)
{
    return checked(L, kv_get(u->kv, &u->at, f));
}

/* mode = "observe": what would have been written. */
static void would(const struct use *u, const char *what)
{
    struct str key = u->at.key;
    char text[KV_SPACE_MAX + SHOWN + 64];

    if (key.n > SHOWN)
        key.n = SHOWN;
    snprintf(text, sizeof text, "would %s kv " STR_FMT " \"" STR_FMT "\"", what,
             STR_ARG(u->at.space), STR_ARG(key));
    api_record(u->call, str_of(text));
}

/* ---- methods -------------------------------------------------------- */

/* kv:get(key): the value or nil */
static int kv_m_get(lua_State *L)
{
    struct use u = use_of(L);
    struct kv_found f;

    look(L, &u, &f);
    return push_value(L, &f.value);
}

/* kv:ttl(key): seconds left, math.huge without an end, nil without a value */
static int kv_m_ttl(lua_State *L)
{
    struct use u = use_of(L);
    struct kv_found f;

    if (look(L, &u, &f) != 0)
        return push_value(L, &f.value);
    lua_pushnumber(L, f.ttl_ms == KV_FOREVER ? (lua_Number)HUGE_VAL
                                             : (lua_Number)f.ttl_ms / 1000);
    return 1;
}

/* kv:set(key, value, { ttl = }) */
static int kv_m_set(lua_State *L)
{
    struct use u = use_of(L);
    struct kv_value v = some_value_at(L, 3);
    uint64_t ttl = ttl_at(L, 4, KV_FOREVER);

    if (u.observe)
        would(&u, "set");
    else
        checked(L, kv_set(u.kv, &u.at, &v, ttl));
    return 0;
}

/* kv:add(key, value, { ttl = }): false where there is a value */
static int kv_m_add(lua_State *L)
{
    struct use u = use_of(L);
    struct kv_value v = some_value_at(L, 3);
    uint64_t ttl = ttl_at(L, 4, KV_FOREVER);
    struct kv_found f;
    bool done;

    if (u.observe) {
        done = look(L, &u, &f) != 0;
        if (done)
            would(&u, "add");
    } else {
        done = checked(L, kv_add(u.kv, &u.at, &v, ttl)) == 0;
    }
    lua_pushboolean(L, done);
    return 1;
}

/* What kv_incr would have said. */
static int peek_incr(lua_State *L, const struct use *u, int64_t by,
                     int64_t *sum)
{
    struct kv_found f;

    *sum = by;
    if (look(L, u, &f) == 0) {
        if (f.value.type != KV_INT)
            return -ERR_EXISTS;
        if (__builtin_add_overflow(f.value.i, by, sum))
            return -ERR_LIMIT;
    }
    would(u, "add to");
    return 0;
}

/* kv:incr(key, by, { ttl = }): the new number */
static int kv_m_incr(lua_State *L)
{
    struct use u = use_of(L);
    lua_Integer by = luaL_optinteger(L, 3, 1);
    uint64_t ttl = ttl_at(L, 4, KV_FOREVER);
    int64_t sum = 0;
    int rc = u.observe ? peek_incr(L, &u, by, &sum)
                       : checked(L, kv_incr(u.kv, &u.at, by, ttl, &sum));

    if (rc == -ERR_EXISTS)
        return luaL_error(L, "kv:incr: what is there is no integer");
    if (rc)
        return luaL_error(L, "kv:incr: the number is too large");
    lua_pushinteger(L, sum);
    return 1;
}

/* kv:cas(key, old, new, { ttl = }): true where old was there */
static int kv_m_cas(lua_State *L)
{
    struct use u = use_of(L);
    struct kv_value from, to;
    uint64_t ttl = ttl_at(L, 5, 0);
    struct kv_found f;
    bool done;

    luaL_checkany(L, 4);
    from = value_at(L, 3);
    to = value_at(L, 4);
    if (u.observe) {
        look(L, &u, &f);
        done = kv_same(&f.value, &from);
        if (done)
            would(&u, "swap");
    } else {
        done = checked(L, kv_cas(u.kv, &u.at, &from, &to, ttl)) == 0;
    }
    lua_pushboolean(L, done);
    return 1;
}

/* kv:delete(key): was there a value? */
static int kv_m_delete(lua_State *L)
{
    struct use u = use_of(L);
    struct kv_found f;
    bool was;

    if (u.observe) {
        was = look(L, &u, &f) == 0;
        if (was)
            would(&u, "delete");
    } else {
        was = checked(L, kv_delete(u.kv, &u.at)) == 0;
    }
    lua_pushboolean(L, was);
    return 1;
}

/* ---- ps.kv ---------------------------------------------------------- */

/* ps.kv(name): letters, digits, '_', '-', '.' */
static int fn_kv(lua_State *L)
{
    struct str name;
    struct space *s;

    name.p = luaL_checklstring(L, 1, &name.n);
    luaL_argcheck(L, name.n > 0 && name.n <= KV_SPACE_MAX, 1,
                  "a name of 1 to 64 characters is needed");
    s = lua_newuserdatauv(L, sizeof *s, 0);
    s->n = name.n;
    memcpy(s->name, name.p, name.n);
    luaL_setmetatable(L, KV_CLASS);
    return 1;
}

void api_kv_open(lua_State *L)
{
    static const luaL_Reg methods[] = {
        { "get", kv_m_get },   { "set", kv_m_set },  { "add", kv_m_add },
        { "incr", kv_m_incr }, { "cas", kv_m_cas },  { "delete", kv_m_delete },
        { "ttl", kv_m_ttl },   { NULL, NULL } };

    api_class(L, KV_CLASS, methods);
    lua_pushcfunction(L, fn_kv);
    lua_setfield(L, -2, "kv");
}
