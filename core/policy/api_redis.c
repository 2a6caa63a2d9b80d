/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * ps.redis(name): commands as methods, looking synchronous. What may fail (a
 * timeout, an error reply) is nil and a text; what is wrong whatever Redis
 * says (an unknown name, a table as an argument, a command that the shared
 * connection cannot bear) raises.
 */
#include "policy/api.h"
#include "policy/redis_commands.h"

#include <math.h>
#include <stdio.h>

#define REDIS_CLASS "redis"

enum {
    MAX_ARGS = 1024,
    MAX_BYTES = 1 << 20, /* of a command */
    MAX_NAME = 32,
    MAX_METHODS = 256, /* kept; more are made again each time */
    SHOWN = 80,
};

static const struct conf_redis *redis_at(lua_State *L)
{
    return *(const struct conf_redis **)luaL_checkudata(L, 1, REDIS_CLASS);
}

/* ---- replies ---------------------------------------------------------- */

/* In a list nil would be a hole, and false is what Redis's own scripts see. */
static void push_element(lua_State *L, const struct resp *r)
{
    luaL_checkstack(L, 4, "reply");
    switch (r->type) {
    case RESP_NIL: lua_pushboolean(L, 0); break;
    case RESP_INT: lua_pushinteger(L, r->i); break;
    case RESP_STRING:
    case RESP_STATUS: lua_pushlstring(L, r->text, r->n); break;
    case RESP_ERROR:
        lua_createtable(L, 0, 1);
        lua_pushlstring(L, r->text, r->n);
        lua_setfield(L, -2, "err");
        break;
    case RESP_LIST:
        lua_createtable(L, (int)r->n, 0);
        for (size_t i = 0; i < r->n; i++) {
            push_element(L, &r->list[i]);
            lua_rawseti(L, -2, (lua_Integer)i + 1);
        }
        break;
    }
}

static int command_done(lua_State *L, int status, lua_KContext ctx)
{
    const struct conf_redis *redis = (const void *)ctx;
    const struct outcome *o = policy_outcome(L);
    int results = 1;

    (void)status;
    if (!policy_state_of(L)->env->quiet)
        outcome_count(o, "redis", redis->name);
    if (!o)
        return luaL_error(L, "not enough memory");
    if (o->err[0]) {
        lua_pushnil(L);
        lua_pushstring(L, o->err);
        results = 2;
    } else if (o->reply->type == RESP_ERROR) {
        lua_pushnil(L);
        lua_pushlstring(L, o->reply->text, o->reply->n);
        results = 2;
    } else if (o->reply->type == RESP_NIL) {
        lua_pushnil(L);
    } else {
        push_element(L, o->reply);
    }
    policy_outcome_drop(L);
    return results;
}

/* ---- commands --------------------------------------------------------- */

/* A whole number is written as one, whatever its type: "1.7e+12" is nothing
 * that Redis takes for an expiry. Replaces the value. */
static void number_to_text(lua_State *L, int i)
{
    char text[40];
    int exact;
    lua_Integer n = lua_tointegerx(L, i, &exact);

    if (exact)
        snprintf(text, sizeof text, "%lld", (long long)n);
    else
        snprintf(text, sizeof text, "%.17g", lua_tonumber(L, i));
    lua_pushstring(L, text);
    lua_replace(L, i);
}

/* The arguments from stack place 2 on; args[0] is the command. The strings
 * stay on the stack. */
static const struct str *read_args(lua_State *L, struct str name, int first,
                                   size_t *count)
{
    int top = lua_gettop(L), n = top - first + 1;
    struct str *args;
    size_t sum = name.n;

    if (n >= MAX_ARGS)
        luaL_error(L, "a command is limited to %d arguments", MAX_ARGS);
    args = lua_newuserdatauv(L, (size_t)(n + 1) * sizeof *args, 0);
    args[0] = name;
    for (int i = 0; i < n; i++) {
        if (lua_type(L, first + i) == LUA_TNUMBER)
            number_to_text(L, first + i);
        if (lua_type(L, first + i) != LUA_TSTRING)
            luaL_error(L, "%s: argument %d is a %s; strings and numbers are "
                          "what Redis takes", name.p, i + 1,
                       luaL_typename(L, first + i));
        args[i + 1].p = lua_tolstring(L, first + i, &args[i + 1].n);
        sum += args[i + 1].n;
    }
    if (sum > MAX_BYTES)
        luaL_error(L, "%s: a command is limited to 1 MiB", name.p);
    *count = (size_t)n + 1;
    return args;
}

/* mode = "observe": what would have been done. */
static int would(lua_State *L, const struct policy_call *c,
                 const struct conf_redis *r, const struct str *args, size_t n)
{
    struct str key = n > 1 ? args[1] : STR_NULL;
    char text[MAX_NAME + SHOWN + 128];

    if (key.n > SHOWN)
        key.n = SHOWN;
    snprintf(text, sizeof text, "would %s \"" STR_FMT "\" in redis %.64s",
             args[0].p, STR_ARG(key), r->name.p);
    api_record((struct policy_call *)c, str_of(text));
    lua_pushnil(L);
    lua_pushliteral(L, "observe");
    return 2;
}

/* `name` is NUL-terminated and on the stack or an upvalue. */
static int command(lua_State *L, struct str name, int first)
{
    struct policy_call *c = api_call(L);
    const struct outside *o = &c->st->env->outside;
    struct outside_redis q = { .redis = redis_at(L) };
    struct outcome *now = NULL;
    struct redis_rule rule;
    uint64_t wait, op;

    q.args = read_args(L, name, first, &q.n_args);
    rule = redis_rule(q.args, q.n_args);
    if (rule.never)
        return luaL_error(L, "%s cannot be used here: %s", name.p,
                          rule.never);
    if (policy_call_observes(c) && !rule.read)
        return would(L, c, q.redis, q.args, q.n_args);
    if (!o->redis)
        return luaL_error(L, "ps.redis: there is no Redis here");
    wait = policy_wait_begin(L);
    op = o->redis(o->ud, wait, &q, &now);
    lua_settop(L, 0); /* a call that waits holds no more than it must */
    return op ? policy_wait(L, "redis", op, (lua_KContext)q.redis,
                            command_done)
              : policy_wait_not(L, now, (lua_KContext)q.redis, command_done);
}

/* A command's name in upper case, pushed. */
static struct str push_name(lua_State *L, struct str s)
{
    char upper[MAX_NAME];

    if (s.n == 0 || s.n >= MAX_NAME)
        luaL_error(L, "'%s' is no command of Redis", s.p);
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];

        if (c >= 'a' && c <= 'z')
            c = (char)(c - 32);
        if (!(c >= 'A' && c <= 'Z') && c != '_' && c != '.' && c != '-')
            luaL_error(L, "'%s' is no command of Redis", s.p);
        upper[i] = c;
    }
    s.p = lua_pushlstring(L, upper, s.n);
    return s;
}

/* r:call("SET", key, value) */
static int method_call(lua_State *L)
{
    struct str name;

    redis_at(L);
    name.p = luaL_checklstring(L, 2, &name.n);
    name = push_name(L, name);
    lua_replace(L, 2);
    return command(L, name, 3);
}

/* r:set(key, value); upvalue 1: "SET" */
static int method(lua_State *L)
{
    struct str name;

    name.p = lua_tolstring(L, lua_upvalueindex(1), &name.n);
    redis_at(L);
    return command(L, name, 2);
}

/* The method of that name; upvalue 1: those that were made, [0]: how many. */
static int redis_index(lua_State *L)
{
    struct str name;
    lua_Integer n;

    name.p = luaL_checklstring(L, 2, &name.n);
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL)
        return 1;
    name = push_name(L, name);
    lua_pushcclosure(L, method, 1);
    lua_rawgeti(L, lua_upvalueindex(1), 0);
    n = lua_tointeger(L, -1);
    lua_pop(L, 1);
    if (n < MAX_METHODS) {
        lua_pushvalue(L, 2);
        lua_pushvalue(L, -2);
        lua_rawset(L, lua_upvalueindex(1));
        lua_pushinteger(L, n + 1);
        lua_rawseti(L, lua_upvalueindex(1), 0);
    }
    return 1;
}

/* ps.redis(name) */
static int fn_redis(lua_State *L)
{
    const struct config *c = policy_state_of(L)->env->config;
    struct str name;

    name.p = luaL_checklstring(L, 1, &name.n);
    for (size_t i = 0; c && i < c->n_redis; i++) {
        const struct conf_redis **u;

        if (!str_eq(c->redis[i].name, name))
            continue;
        u = lua_newuserdatauv(L, sizeof *u, 0);
        *u = &c->redis[i];
        luaL_setmetatable(L, REDIS_CLASS);
        return 1;
    }
    return luaL_error(L, "ps.redis: no redis \"%s\" is configured", name.p);
}

void api_redis_open(lua_State *L)
{
    luaL_newmetatable(L, REDIS_CLASS);
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_newtable(L);
    lua_pushcfunction(L, method_call);
    lua_setfield(L, -2, "call");
    lua_pushcclosure(L, redis_index, 1);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
    lua_pushcfunction(L, fn_redis);
    lua_setfield(L, -2, "redis");
}
