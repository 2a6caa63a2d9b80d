/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Reading a test's table. Each level is a table of rows {name, reader}, so
 * that a misspelt name is a fault: a test that checks nothing is worse than
 * none.
 */
#include "policy/test_case.h"

#include "base/sha256.h"
#include "policy/api.h"

#include <stddef.h>

enum { MAX_DEPTH = 16 };

struct row {
    const char *name;
    void (*read)(lua_State *L, struct test_case *t, void *into);
    size_t offset; /* of what `into` shall be */
};

static void *need(lua_State *L, void *p)
{
    if (!p)
        luaL_error(L, "no memory");
    return p;
}

/* Give each member of the table on top to its row, value on top. */
static void members(lua_State *L, struct test_case *t, const char *what,
                    const struct row *rows, void *into)
{
    if (!lua_istable(L, -1))
        luaL_error(L, "%s: a table is needed", what);
    luaL_checkstack(L, 8, what);
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        const char *name = lua_type(L, -2) == LUA_TSTRING
                               ? lua_tostring(L, -2) : "(number)";
        const struct row *r = rows;

        while (r->name && strcmp(r->name, name) != 0)
            r++;
        if (!r->name)
            luaL_error(L, "%s has no '%s'", what, name);
        r->read(L, t, (char *)into + r->offset);
    }
}

/* ---- values ------------------------------------------------------------ */

static void read_str(lua_State *L, struct test_case *t, void *into)
{
    struct str s;

    if (lua_type(L, -1) != LUA_TSTRING)
        luaL_error(L, "a string is needed, not a %s", luaL_typename(L, -1));
    s.p = lua_tolstring(L, -1, &s.n);
    s = arena_dup(t->arena, s);
    need(L, (void *)s.p);
    *(struct str *)into = s;
}

static size_t read_pairs(lua_State *L, struct test_case *t,
                         struct conf_pair **into)
{
    size_t n = 0;

    if (!lua_istable(L, -1))
        luaL_error(L, "a table of names and strings is needed");
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1))
        n++;
    *into = need(L, arena_alloc(t->arena, (n + 1) * sizeof **into));
    n = 0;
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        read_str(L, t, &(*into)[n].value);
        lua_pushvalue(L, -2);
        read_str(L, t, &(*into)[n++].key);
        lua_pop(L, 1);
    }
    return n;
}

static size_t list_length(lua_State *L, const char *what, size_t max)
{
    if (!lua_istable(L, -1) || lua_rawlen(L, -1) > max)
        luaL_error(L, "%s: a list of at most %d is needed", what, (int)max);
    return (size_t)lua_rawlen(L, -1);
}

/* ---- req --------------------------------------------------------------- */

static void read_header(lua_State *L, struct test_case *t, void *into)
{
    (void)into;
    t->n_headers = read_pairs(L, t, &t->headers);
}

static void read_principal(lua_State *L, struct test_case *t, void *into)
{
    if (!lua_istable(L, -1))
        luaL_error(L, "req.principal: a table is needed");
    *(struct principal **)into = principal_read(L, t->arena, lua_gettop(L));
}

static void read_field(lua_State *L, struct test_case *t, void *into)
{
    struct policy_value *v = into;

    if (lua_isboolean(L, -1)) {
        v->type = VALUE_BOOL;
        v->i = lua_toboolean(L, -1);
    } else if (lua_isinteger(L, -1)) {
        v->type = VALUE_INT;
        v->i = lua_tointeger(L, -1);
    } else {
        v->type = VALUE_STRING;
        read_str(L, t, &v->s);
    }
}

static void read_req(lua_State *L, struct test_case *t, void *into)
{
    struct row rows[FIELD_COUNT + 3];

    for (int f = 0; f < FIELD_COUNT; f++)
        rows[f] = (struct row){ api_req_name(f), read_field,
                                offsetof(struct test_case, fields) +
                                    (size_t)f * sizeof t->fields[0] };
    rows[FIELD_COUNT] = (struct row){ "header", read_header, 0 };
    rows[FIELD_COUNT + 1] = (struct row){
        "principal", read_principal, offsetof(struct test_case, principal) };
    rows[FIELD_COUNT + 2] = (struct row){ NULL, NULL, 0 };
    members(L, t, "req", rows, into);
}

/* ---- keys -------------------------------------------------------------- */

static void read_key_text(lua_State *L, struct test_case *t, void *into)
{
    struct str s = STR_NULL;

    read_str(L, t, &s);
    sha256(s, into);
}

static void read_disabled(lua_State *L, struct test_case *t, void *into)
{
    (void)t;
    *(bool *)into = lua_toboolean(L, -1);
}

static void read_key_tags(lua_State *L, struct test_case *t, void *into)
{
    struct conf_key *k = into;

    k->n_tags = read_pairs(L, t, &k->tags);
}

static const struct row key_rows[] = {
    { "name", read_str, offsetof(struct conf_key, name) },
    { "key", read_key_text, offsetof(struct conf_key, sha256) },
    { "team", read_str, offsetof(struct conf_key, team) },
    { "user", read_str, offsetof(struct conf_key, user) },
    { "disabled", read_disabled, offsetof(struct conf_key, disabled) },
    { "tags", read_key_tags, 0 },
    { NULL, NULL, 0 } };

static void read_keys(lua_State *L, struct test_case *t, void *into)
{
    size_t n = list_length(L, "keys", TEST_KEYS);

    (void)into;
    for (size_t i = 0; i < n; i++) {
        lua_rawgeti(L, -1, (lua_Integer)i + 1);
        members(L, t, "a key", key_rows, &t->keys[i]);
        lua_pop(L, 1);
        if (!t->keys[i].name.n)
            luaL_error(L, "a key needs a name");
    }
    t->config.keys = t->keys;
    t->config.n_keys = n;
}

/* ---- targets ----------------------------------------------------------- */

struct test_target {
    struct conf_provider conf;
    struct provider provider;
    struct target target;
};

static void read_weight(lua_State *L, struct test_case *t, void *into)
{
    (void)t;
    *(uint32_t *)into = (uint32_t)luaL_checkinteger(L, -1);
}

static void read_target_tags(lua_State *L, struct test_case *t, void *into)
{
    struct test_target *x = into;

    x->conf.n_tags = read_pairs(L, t, &x->conf.tags);
}

static const struct row target_rows[] = {
    { "name", read_str, offsetof(struct test_target, target.name) },
    { "provider", read_str, offsetof(struct test_target, conf.name) },
    { "model", read_str, offsetof(struct test_target, target.model) },
    { "weight", read_weight, offsetof(struct test_target, target.weight) },
    { "tags", read_target_tags, 0 },
    { NULL, NULL, 0 } };

/* "gpu/llama" alone says provider and model too. */
static void read_targets(lua_State *L, struct test_case *t, void *into)
{
    size_t n = list_length(L, "targets", TEST_TARGETS);

    (void)into;
    for (size_t i = 0; i < n; i++) {
        struct test_target *x = need(L, arena_alloc(t->arena, sizeof *x));
        struct str rest;

        lua_rawgeti(L, -1, (lua_Integer)i + 1);
        x->target.weight = 1;
        members(L, t, "a target", target_rows, x);
        lua_pop(L, 1);
        rest = x->target.name;
        if (!rest.n)
            luaL_error(L, "a target needs a name");
        if (!x->conf.name.n)
            x->conf.name = str_split(&rest, '/');
        if (!x->target.model.n)
            x->target.model = rest.p ? rest : x->target.name;
        x->provider.conf = &x->conf;
        x->target.provider = &x->provider;
        t->list[i].target = &x->target;
    }
    t->plan = (struct plan){ t->list, n, STR("test") };
}

/* ---- expect ------------------------------------------------------------ */

static void read_number(lua_State *L, struct test_case *t, void *into)
{
    (void)t;
    *(double *)into = luaL_checknumber(L, -1);
}

/* { "a", "b" } as "a b" */
static void read_order(lua_State *L, struct test_case *t, void *into)
{
    size_t n = list_length(L, "expect.targets", TEST_TARGETS);
    struct str all = STR(""), one = STR_NULL;

    for (size_t i = 0; i < n; i++) {
        lua_rawgeti(L, -1, (lua_Integer)i + 1);
        read_str(L, t, &one);
        lua_pop(L, 1);
        all = arena_fmt(t->arena, STR_FMT "%s" STR_FMT, STR_ARG(all),
                        i ? " " : "", STR_ARG(one));
        need(L, (void *)all.p);
    }
    *(struct str *)into = all;
    t->expect.has_targets = true;
}

static const struct row expect_rows[] = {
    { "principal", read_str, offsetof(struct test_expect, principal) },
    { "deny", read_str, offsetof(struct test_expect, deny) },
    { "message", read_str, offsetof(struct test_expect, message) },
    { "status", read_number, offsetof(struct test_expect, status) },
    { "retry_after", read_number, offsetof(struct test_expect, retry_after) },
    { "fails", read_str, offsetof(struct test_expect, fails) },
    { "note", read_str, offsetof(struct test_expect, note) },
    { "targets", read_order, offsetof(struct test_expect, targets) },
    { NULL, NULL, 0 } };

static void read_expect(lua_State *L, struct test_case *t, void *into)
{
    members(L, t, "expect", expect_rows, into);
}

/* ---- conf -------------------------------------------------------------- */

static void put_json(lua_State *L, struct buf *b, int depth);

static void put_table(lua_State *L, struct buf *b, int depth)
{
    bool list = lua_rawlen(L, -1) > 0, first = true;

    buf_putc(b, list ? '[' : '{');
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        struct str key;

        if (!first)
            buf_putc(b, ',');
        first = false;
        if (!list) {
            if (lua_type(L, -2) != LUA_TSTRING)
                luaL_error(L, "conf: names and places cannot be mixed");
            key.p = lua_tolstring(L, -2, &key.n);
            buf_json_str(b, key);
            buf_putc(b, ':');
        }
        put_json(L, b, depth + 1);
    }
    buf_putc(b, list ? ']' : '}');
}

/* The value on top; it stays there. */
static void put_json(lua_State *L, struct buf *b, int depth)
{
    struct str s;

    if (depth > MAX_DEPTH || !lua_checkstack(L, 8))
        luaL_error(L, "conf is nested too deeply");
    switch (lua_type(L, -1)) {
    case LUA_TTABLE: put_table(L, b, depth); return;
    case LUA_TSTRING:
        s.p = lua_tolstring(L, -1, &s.n);
        buf_json_str(b, s);
        return;
    case LUA_TBOOLEAN:
        buf_puts(b, lua_toboolean(L, -1) ? "true" : "false");
        return;
    case LUA_TNUMBER:
        if (lua_isinteger(L, -1))
            buf_printf(b, "%lld", (long long)lua_tointeger(L, -1));
        else
            buf_printf(b, "%.17g", lua_tonumber(L, -1));
        return;
    default: luaL_error(L, "conf: a %s is no data", luaL_typename(L, -1));
    }
}

static void read_conf(lua_State *L, struct test_case *t, void *into)
{
    struct buf *b = into; /* cleared by the owner of the case, come what may */

    if (!lua_istable(L, -1))
        luaL_error(L, "conf: a table is needed");
    put_json(L, b, 0);
    t->policy.conf = arena_dup(t->arena, buf_str(b));
    need(L, (void *)t->policy.conf.p);
}

static const struct row case_rows[] = {
    { "phase", read_str, offsetof(struct test_case, phase) },
    { "req", read_req, 0 },
    { "keys", read_keys, 0 },
    { "conf", read_conf, offsetof(struct test_case, scratch) },
    { "targets", read_targets, 0 },
    { "expect", read_expect, offsetof(struct test_case, expect) },
    { NULL, NULL, 0 } };

void test_case_read(lua_State *L, struct test_case *t, int idx)
{
    lua_pushvalue(L, idx);
    members(L, t, "ps.test", case_rows, t);
    lua_pop(L, 1);
}
