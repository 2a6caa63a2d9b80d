/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What a policy waits for, in a test: functions and replies of the test file.
 * They run in its state, below lua_pcall, while the policy's coroutine waits
 * for us in C. What they do wrong fails the test, never the policy.
 */
#include "policy/state.h"
#include "policy/test_case.h"

#include <lauxlib.h>
#include <string.h>

enum { MAX_HEADERS = 64, MAX_DEPTH = 8, MAX_LIST = 10000 };

static const char asked_key; /* registry: a list of replies -> how many went */

struct ask {
    struct test_case *t;
    const struct outside_http *http;
    const struct outside_redis *redis;
    struct outcome *outcome;
    struct resp *reply; /* being built */
    struct http_header headers[MAX_HEADERS];
    size_t n_headers;
};

/* ---- finding the reply ------------------------------------------------ */

/* The next one of the list on top takes its place. */
static void next_of_list(lua_State *L, const char *name)
{
    lua_Integer n;

    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &asked_key) == LUA_TNIL) {
        lua_pop(L, 1);
        lua_newtable(L);
        lua_pushvalue(L, -1);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &asked_key);
    }
    lua_pushvalue(L, -2);
    lua_rawget(L, -2);
    n = lua_tointeger(L, -1) + 1;
    lua_pop(L, 1);
    lua_pushvalue(L, -2);
    lua_pushinteger(L, n);
    lua_rawset(L, -3);
    lua_pop(L, 1);
    if (lua_rawgeti(L, -1, n) == LUA_TNIL)
        luaL_error(L, "%s: asked %d times; the test has %d replies", name,
                   (int)n, (int)n - 1);
    lua_replace(L, -2);
}

/* The fake of that name in the group ("http"), from the call's table at 2. */
static int push_fake(lua_State *L, const char *group, struct str name)
{
    lua_getfield(L, 2, group);
    if (!lua_istable(L, -1))
        return luaL_error(L, "this call has no %s", group);
    lua_pushlstring(L, name.p, name.n);
    lua_rawget(L, -2);
    lua_replace(L, -2);
    if (lua_isnil(L, -1))
        return luaL_error(L, "this call has no %s.%s", group, name.p);
    return lua_type(L, -1);
}

/* ---- http ------------------------------------------------------------- */

static void set_text(lua_State *L, const char *name, struct str s)
{
    lua_pushlstring(L, s.p ? s.p : "", s.n);
    lua_setfield(L, -2, name);
}

static void push_request(lua_State *L, const struct outside_http *q)
{
    lua_newtable(L);
    set_text(L, "method", q->method);
    set_text(L, "path", q->path);
    set_text(L, "body", q->body);
    lua_pushinteger(L, q->timeout_ms);
    lua_setfield(L, -2, "timeout_ms");
    lua_newtable(L);
    for (size_t i = 0; i < q->n_headers; i++) {
        lua_pushlstring(L, q->headers[i].name.p, q->headers[i].name.n);
        lua_pushlstring(L, q->headers[i].value.p, q->headers[i].value.n);
        lua_rawset(L, -3);
    }
    lua_setfield(L, -2, "headers");
}

static void read_headers(lua_State *L, struct ask *a)
{
    luaL_checktype(L, -1, LUA_TTABLE);
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        struct http_header *h = &a->headers[a->n_headers];

        if (a->n_headers == MAX_HEADERS || lua_type(L, -2) != LUA_TSTRING ||
            lua_type(L, -1) != LUA_TSTRING)
            luaL_error(L, "headers: at most %d names and strings",
                       MAX_HEADERS);
        h->name.p = lua_tolstring(L, -2, &h->name.n);
        h->value.p = lua_tolstring(L, -1, &h->value.n);
        a->n_headers++;
    }
}

/* Time that the answer takes; true when that is too long. */
static bool is_late(lua_State *L, struct ask *a)
{
    uint32_t limit = a->http->timeout_ms;
    lua_Number ms = luaL_checknumber(L, -1);
    uint64_t passed = ms > limit ? limit : (uint64_t)ms;

    luaL_argcheck(L, ms >= 0, 1, "after_ms is milliseconds");
    a->t->wall_ms += passed;
    a->t->mono_ms += passed;
    if (ms > limit)
        a->outcome = outcome_error("timeout");
    return ms > limit;
}

/* The answer's table on top of the stack. */
static void read_answer(lua_State *L, struct ask *a)
{
    static const char *const names[] = { "status", "headers", "body", "json",
                                         "after_ms", NULL };
    struct str body = STR("");
    lua_Integer status;

    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        lua_pushvalue(L, -2);
        luaL_checkoption(L, -1, NULL, names);
        lua_pop(L, 1);
    }
    if (lua_getfield(L, -1, "after_ms") != LUA_TNIL && is_late(L, a))
        return;
    if (lua_getfield(L, -2, "headers") != LUA_TNIL)
        read_headers(L, a);
    if (lua_getfield(L, -3, "json") != LUA_TNIL) {
        buf_reset(&a->t->scratch);
        test_put_json(L, &a->t->scratch, "json");
        body = buf_str(&a->t->scratch);
    } else if (lua_getfield(L, -4, "body") != LUA_TNIL) {
        body.p = luaL_checklstring(L, -1, &body.n);
    }
    lua_getfield(L, 3, "status");
    status = luaL_optinteger(L, -1, 200);
    a->outcome = outcome_http((int)status, a->headers, a->n_headers, body);
}

/* What a function returned, or a table: nil and a text are an error. Leaves
 * the reply at 3, alone. False: it was an error. */
static bool take_reply(lua_State *L, struct ask *a, const char *what)
{
    if (lua_isnil(L, 3) && lua_type(L, 4) == LUA_TSTRING) {
        a->outcome = outcome_error("%s", lua_tostring(L, 4));
        return false;
    }
    lua_settop(L, 3);
    if (a->http && !lua_istable(L, 3))
        luaL_error(L, "%s gave a %s; a table is needed, or nil and the error",
                   what, luaL_typename(L, 3));
    return true;
}

/* 1: the ask, 2: the call's table; below lua_pcall */
static int do_http(lua_State *L)
{
    struct ask *a = lua_touserdata(L, 1);
    const char *name = a->http->service->name.p;

    if (push_fake(L, "http", a->http->service->name) == LUA_TFUNCTION) {
        push_request(L, a->http);
        lua_call(L, 1, 2);
    } else if (lua_rawlen(L, -1) > 0) {
        next_of_list(L, name);
    }
    if (take_reply(L, a, name))
        read_answer(L, a);
    return 0;
}

/* ---- redis ------------------------------------------------------------ */

static void read_resp(lua_State *L, struct resp *r, int depth);

static void read_resp_table(lua_State *L, struct resp *r, int depth)
{
    static const struct {
        const char *name;
        enum resp_type type;
    } named[] = { { "ok", RESP_STATUS }, { "err", RESP_ERROR } };
    size_t n = (size_t)lua_rawlen(L, -1);

    for (size_t i = 0; i < 2; i++) {
        struct str s;
        bool there;

        lua_pushstring(L, named[i].name);
        there = lua_rawget(L, -2) == LUA_TSTRING;
        s.p = there ? lua_tolstring(L, -1, &s.n) : NULL;
        if (there && !resp_set_text(r, named[i].type, s))
            luaL_error(L, "no memory");
        lua_pop(L, 1);
        if (there)
            return;
    }
    if (n > MAX_LIST || !resp_set_list(r, n))
        luaL_error(L, "redis: a list of at most %d is needed", MAX_LIST);
    for (size_t i = 0; i < n; i++) {
        lua_rawgeti(L, -1, (lua_Integer)i + 1);
        read_resp(L, &r->list[i], depth + 1);
        lua_pop(L, 1);
    }
}

/* The value on top: nil, false and ps.null are Redis's nil; { ok = } is a
 * status, { err = } an error reply. */
static void read_resp(lua_State *L, struct resp *r, int depth)
{
    struct str s;

    if (depth > MAX_DEPTH || !lua_checkstack(L, 4))
        luaL_error(L, "redis: the reply is nested too deeply");
    switch (lua_type(L, -1)) {
    case LUA_TTABLE: read_resp_table(L, r, depth); return;
    case LUA_TNUMBER:
        if (!lua_isinteger(L, -1))
            luaL_error(L, "redis: replies have whole numbers only");
        resp_set_int(r, lua_tointeger(L, -1));
        return;
    case LUA_TSTRING:
        s.p = lua_tolstring(L, -1, &s.n);
        if (!resp_set_text(r, RESP_STRING, s))
            luaL_error(L, "no memory");
        return;
    case LUA_TNIL:
    case LUA_TLIGHTUSERDATA: return;
    case LUA_TBOOLEAN:
        if (!lua_toboolean(L, -1))
            return;
        /* fall through */
    default:
        luaL_error(L, "redis: a %s is no reply", luaL_typename(L, -1));
    }
}

/* The command's name in capitals, whatever the policy wrote. */
static void add_name(luaL_Buffer *b, struct str name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];

        luaL_addchar(b, c >= 'a' && c <= 'z' ? (char)(c - 32) : c);
    }
}

static void push_name(lua_State *L, struct str name)
{
    luaL_Buffer b;

    luaL_buffinit(L, &b);
    add_name(&b, name);
    luaL_pushresult(&b);
}

static void push_args(lua_State *L, const struct outside_redis *q)
{
    luaL_checkstack(L, (int)q->n_args + 4, "redis");
    push_name(L, q->args[0]);
    for (size_t i = 1; i < q->n_args; i++)
        lua_pushlstring(L, q->args[i].p, q->args[i].n);
}

/* In the table on top: the reply to "GET key", else that to "GET". */
static void reply_by_name(lua_State *L, const struct outside_redis *q)
{
    luaL_Buffer b;

    luaL_buffinit(L, &b);
    add_name(&b, q->args[0]);
    for (size_t i = 1; i < q->n_args; i++) {
        luaL_addchar(&b, ' ');
        luaL_addlstring(&b, q->args[i].p, q->args[i].n);
    }
    luaL_pushresult(&b);
    lua_pushvalue(L, -1);
    if (lua_rawget(L, -3) == LUA_TNIL) {
        lua_pop(L, 1);
        push_name(L, q->args[0]);
        if (lua_rawget(L, -3) == LUA_TNIL)
            luaL_error(L, "redis: the test has no reply to '%s'",
                       lua_tostring(L, -2));
    }
    lua_replace(L, 3);
    lua_settop(L, 3);
}

static int do_redis(lua_State *L)
{
    struct ask *a = lua_touserdata(L, 1);
    const char *name = a->redis->redis->name.p;

    if (push_fake(L, "redis", a->redis->redis->name) == LUA_TFUNCTION) {
        push_args(L, a->redis);
        lua_call(L, (int)a->redis->n_args, 2);
    } else if (lua_rawlen(L, -1) > 0) {
        next_of_list(L, name);
    } else {
        reply_by_name(L, a->redis);
    }
    if (!take_reply(L, a, name))
        return 0;
    read_resp(L, a->reply, 0);
    return 0;
}

/* ---- the table -------------------------------------------------------- */

/* What a fake did wrong is the test's fault: it fails, whatever follows. */
static void ask(struct ask *a, lua_CFunction fn)
{
    lua_State *L = a->t->L;
    int top = lua_gettop(L);

    if (!lua_checkstack(L, 8)) {
        a->outcome = outcome_error("no memory");
        return;
    }
    lua_pushcfunction(L, fn);
    lua_pushlightuserdata(L, a);
    lua_pushvalue(L, CALL_TABLE);
    if (lua_pcall(L, 2, 0, 0) != LUA_OK) {
        outcome_free(a->outcome);
        a->outcome = outcome_error("the test's fake failed");
        a->t->broken = arena_dup(a->t->arena, policy_error_text(L));
    }
    lua_settop(L, top);
}

static uint64_t fake_http(void *ud, uint64_t wait,
                          const struct outside_http *q, struct outcome **now)
{
    struct ask a = { .t = ud, .http = q };

    (void)wait;
    ask(&a, do_http);
    *now = a.outcome;
    return 0;
}

static uint64_t fake_redis(void *ud, uint64_t wait,
                           const struct outside_redis *q, struct outcome **now)
{
    struct ask a = { .t = ud, .redis = q, .reply = resp_new() };

    (void)wait;
    if (a.reply)
        ask(&a, do_redis);
    if (a.outcome)
        resp_free(a.reply);
    else if (a.reply)
        a.outcome = outcome_redis(a.reply);
    *now = a.outcome;
    return 0;
}

static void fake_cancel(void *ud, uint64_t number)
{
    (void)ud;
    (void)number;
}

static bool fake_sleep(void *ud, uint64_t ms)
{
    struct test_case *t = ud;

    t->wall_ms += ms;
    t->mono_ms += ms;
    return true;
}

uint64_t test_mono_ms(void *ud)
{
    return ((struct test_case *)ud)->mono_ms;
}

uint64_t test_wall_ms(void *ud)
{
    return ((struct test_case *)ud)->wall_ms;
}

struct outside test_outside(struct test_case *t)
{
    return (struct outside){ .http = fake_http,
                             .redis = fake_redis,
                             .jwt = test_jwt,
                             .cancel = fake_cancel,
                             .sleep = fake_sleep,
                             .ud = t };
}
