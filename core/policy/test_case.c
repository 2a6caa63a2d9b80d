/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Reading a test's table. Each level is a table of rows {name, reader}, so
 * that a misspelt name is a fault.
 */
#include "policy/test_rows.h"

#include "base/sha256.h"

#include <lauxlib.h>
#include <stddef.h>
#include <string.h>

void *test_need(lua_State *L, void *p)
{
    if (!p)
        luaL_error(L, "no memory");
    return p;
}

void test_members(lua_State *L, struct test_case *t, const char *what,
                  const struct test_row *rows, void *into)
{
    if (!lua_istable(L, -1))
        luaL_error(L, "%s: a table is needed", what);
    luaL_checkstack(L, 8, what);
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        const char *name = lua_type(L, -2) == LUA_TSTRING
                               ? lua_tostring(L, -2) : "(number)";
        const struct test_row *r = rows;

        while (r->name && strcmp(r->name, name) != 0)
            r++;
        if (!r->name)
            luaL_error(L, "%s has no '%s'", what, name);
        if (r->read)
            r->read(L, t, (char *)into + r->offset);
    }
}

/* ---- values ----------------------------------------------------------- */

void test_read_str(lua_State *L, struct test_case *t, void *into)
{
    struct str s;

    if (lua_type(L, -1) != LUA_TSTRING)
        luaL_error(L, "a string is needed, not a %s", luaL_typename(L, -1));
    s.p = lua_tolstring(L, -1, &s.n);
    s = arena_dup(t->arena, s);
    test_need(L, (void *)s.p);
    *(struct str *)into = s;
}

void test_read_number(lua_State *L, struct test_case *t, void *into)
{
    (void)t;
    *(double *)into = luaL_checknumber(L, -1);
}

size_t test_read_pairs(lua_State *L, struct test_case *t,
                       struct conf_pair **into)
{
    size_t n = 0;

    if (!lua_istable(L, -1))
        luaL_error(L, "a table of names and strings is needed");
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1))
        n++;
    *into = test_need(L, arena_alloc(t->arena, (n + 1) * sizeof **into));
    n = 0;
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        test_read_str(L, t, &(*into)[n].value);
        lua_pushvalue(L, -2);
        test_read_str(L, t, &(*into)[n++].key);
        lua_pop(L, 1);
    }
    return n;
}

size_t test_list_length(lua_State *L, const char *what, size_t max)
{
    if (!lua_istable(L, -1) || lua_rawlen(L, -1) > max)
        luaL_error(L, "%s: a list of at most %d is needed", what, (int)max);
    return (size_t)lua_rawlen(L, -1);
}

/* ---- keys ------------------------------------------------------------- */

static void read_key_text(lua_State *L, struct test_case *t, void *into)
{
    struct str s = STR_NULL;

    test_read_str(L, t, &s);
    sha256(s, into);
}

static void read_flag(lua_State *L, struct test_case *t, void *into)
{
    (void)t;
    luaL_checktype(L, -1, LUA_TBOOLEAN);
    *(bool *)into = lua_toboolean(L, -1);
}

static void read_key_tags(lua_State *L, struct test_case *t, void *into)
{
    struct conf_key *k = into;

    k->n_tags = test_read_pairs(L, t, &k->tags);
}

static const struct test_row key_rows[] = {
    { "name", test_read_str, offsetof(struct conf_key, name) },
    { "key", read_key_text, offsetof(struct conf_key, sha256) },
    { "team", test_read_str, offsetof(struct conf_key, team) },
    { "user", test_read_str, offsetof(struct conf_key, user) },
    { "disabled", read_flag, offsetof(struct conf_key, disabled) },
    { "tags", read_key_tags, 0 },
    { NULL, NULL, 0 } };

static void read_keys(lua_State *L, struct test_case *t, void *into)
{
    size_t n = test_list_length(L, "keys", TEST_KEYS);

    (void)into;
    for (size_t i = 0; i < n; i++) {
        lua_rawgeti(L, -1, (lua_Integer)i + 1);
        test_members(L, t, "a key", key_rows, &t->keys[i]);
        lua_pop(L, 1);
        if (!t->keys[i].name.n)
            luaL_error(L, "a key needs a name");
    }
    t->config.keys = t->keys;
    t->config.n_keys = n;
}

/* ---- the policy's place in the configuration -------------------------- */

static void read_conf(lua_State *L, struct test_case *t, void *into)
{
    struct buf *b = into; /* cleared by the owner of the case, come what may */

    if (!lua_istable(L, -1))
        luaL_error(L, "conf: a table is needed");
    buf_reset(b);
    test_put_json(L, b, "conf");
    t->policy.conf = arena_dup(t->arena, buf_str(b));
    test_need(L, (void *)t->policy.conf.p);
}

static void read_mode(lua_State *L, struct test_case *t, void *into)
{
    struct str s = STR_NULL;

    (void)into;
    test_read_str(L, t, &s);
    if (!str_is(s, "observe") && !str_is(s, "enforce"))
        luaL_error(L, "mode: \"enforce\" or \"observe\" is needed");
    t->policy.observe = str_is(s, "observe");
}

/* ---- the clock -------------------------------------------------------- */

static void read_ms(lua_State *L, struct test_case *t, void *into)
{
    lua_Number n = luaL_checknumber(L, -1);

    (void)t;
    if (!(n >= 0 && n <= 1e15))
        luaL_error(L, "clock: a time since the beginning is needed");
    *(uint64_t *)into = (uint64_t)n;
}

static void read_now(lua_State *L, struct test_case *t, void *into)
{
    lua_Number n = luaL_checknumber(L, -1);

    (void)t;
    if (!(n >= 0 && n <= 1e12))
        luaL_error(L, "clock.now: seconds since 1970 are needed");
    *(uint64_t *)into = (uint64_t)(n * 1000);
}

static const struct test_row clock_rows[] = {
    { "now", read_now, offsetof(struct test_case, wall_ms) },
    { "mono_ms", read_ms, offsetof(struct test_case, mono_ms) },
    { NULL, NULL, 0 } };

static void read_clock(lua_State *L, struct test_case *t, void *into)
{
    test_members(L, t, "clock", clock_rows, into);
}

/* ---- what is outside -------------------------------------------------- */

static bool is_new(struct test_case *t, struct str name, bool http)
{
    for (size_t i = 0; http && i < t->config.n_services; i++) {
        if (str_eq(t->services[i].name, name))
            return false;
    }
    for (size_t i = 0; !http && i < t->config.n_redis; i++) {
        if (str_eq(t->redis[i].name, name))
            return false;
    }
    return true;
}

static void declare(lua_State *L, struct test_case *t, struct str name,
                    bool http)
{
    size_t *n = http ? &t->config.n_services : &t->config.n_redis;

    if (!is_new(t, name, http))
        return;
    if (*n == TEST_OUTSIDE)
        luaL_error(L, "at most %d services", TEST_OUTSIDE);
    if (http)
        t->services[(*n)++] =
            (struct conf_service){ .name = name,
                                   .url = STR("http://service.test"),
                                   .timeout_ms = 1000,
                                   .max_body = 1 << 20 };
    else
        t->redis[(*n)++] = (struct conf_redis){ .name = name,
                                                .host = STR("redis.test"),
                                                .port = 6379,
                                                .timeout_ms = 100,
                                                .connect_timeout_ms = 100 };
}

/* Whoever has a fake is declared, as in a configuration. */
static void read_outside(lua_State *L, struct test_case *t, const char *what)
{
    struct str name = STR_NULL;

    if (lua_getfield(L, -1, what) == LUA_TTABLE) {
        for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
            int type = lua_type(L, -1);

            if (type != LUA_TFUNCTION && type != LUA_TTABLE)
                luaL_error(L, "%s: functions or tables of replies are needed",
                           what);
            lua_pushvalue(L, -2);
            test_read_str(L, t, &name);
            lua_pop(L, 1);
            declare(L, t, name, strcmp(what, "http") == 0);
        }
    } else if (!lua_isnil(L, -1)) {
        luaL_error(L, "%s: a table is needed", what);
    }
    lua_pop(L, 1);
}

/* Of the test, and of each of its calls. */
static void read_all_outside(lua_State *L, struct test_case *t)
{
    read_outside(L, t, "http");
    read_outside(L, t, "redis");
    if (lua_getfield(L, -1, "calls") == LUA_TTABLE) {
        for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
            if (!lua_istable(L, -1))
                continue; /* test_call_push says what is wrong */
            read_outside(L, t, "http");
            read_outside(L, t, "redis");
        }
    }
    lua_pop(L, 1);
    t->config.services = t->services;
    t->config.redis = t->redis;
}

/* ---- all of it -------------------------------------------------------- */

static void read_calls(lua_State *L, struct test_case *t, void *into)
{
    (void)t;
    (void)into;
    if (test_list_length(L, "calls", TEST_CALLS) == 0)
        luaL_error(L, "calls: at least one is needed");
}

/* secrets = { token = "..." }: what the configuration would have fetched */
static void read_secrets(lua_State *L, struct test_case *t, void *into)
{
    struct conf_pair *pairs;
    size_t n = test_read_pairs(L, t, &pairs);
    struct conf_secret *list =
        test_need(L, arena_alloc(t->arena, (n + 1) * sizeof *list));

    (void)into;
    for (size_t i = 0; i < n; i++)
        list[i] = (struct conf_secret){ pairs[i].key,
                                        { STR("test"), pairs[i].value } };
    t->policy.secrets = list;
    t->policy.n_secrets = n;
}

const struct test_row test_case_rows[] = {
    { "keys", read_keys, 0 },
    { "conf", read_conf, offsetof(struct test_case, scratch) },
    { "secrets", read_secrets, 0 },
    { "mode", read_mode, 0 },
    { "fail", test_read_str, offsetof(struct test_case, policy.fail) },
    { "clock", read_clock, 0 },
    { "kv", NULL, 0 }, /* test_kv_fill */
    { "jwt", test_jwt_read, 0 },
    { "calls", read_calls, 0 },
    { NULL, NULL, 0 } };

void test_case_read(lua_State *L, struct test_case *t)
{
    lua_pushvalue(L, TEST_TABLE);
    lua_newtable(L); /* the members that are not those of calls */
    for (lua_pushnil(L); lua_next(L, -3); lua_pop(L, 1)) {
        if (lua_type(L, -2) == LUA_TSTRING &&
            test_call_has(lua_tostring(L, -2)))
            continue;
        lua_pushvalue(L, -2);
        lua_pushvalue(L, -2);
        lua_rawset(L, -5);
    }
    test_members(L, t, "ps.test", test_case_rows, t);
    lua_pop(L, 1);
    read_all_outside(L, t);
    lua_pop(L, 1);
}
