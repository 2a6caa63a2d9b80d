/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Tries and answers in a test: what `attempt` and `response` see, and the
 * fields of heads that they set. */
#include "policy/test_rows.h"

#include <lauxlib.h>
#include <stddef.h>

enum { MAX_FIELDS = 64, MAX_TRIED = 16 };

static void read_u32(lua_State *L, struct test_case *t, void *into)
{
    lua_Integer n = luaL_checkinteger(L, -1);

    (void)t;
    if (n < 0 || n > UINT32_MAX)
        luaL_error(L, "a whole number from 0 is needed");
    *(uint32_t *)into = (uint32_t)n;
}

static void read_u64(lua_State *L, struct test_case *t, void *into)
{
    uint32_t n;

    read_u32(L, t, &n);
    *(uint64_t *)into = n;
}

static void read_status(lua_State *L, struct test_case *t, void *into)
{
    uint32_t n;

    read_u32(L, t, &n);
    *(int *)into = (int)n;
}

/* ---- attempt ---------------------------------------------------------- */

static const struct test_row tried_rows[] = {
    { "target", test_read_str, offsetof(struct policy_tried, target) },
    { "class", test_read_str, offsetof(struct policy_tried, cls) },
    { "status", read_status, offsetof(struct policy_tried, status) },
    { NULL, NULL, 0 } };

static void read_tried(lua_State *L, struct test_case *t, void *into)
{
    struct policy_try *try = into;
    size_t n = test_list_length(L, "try.tried", MAX_TRIED);
    struct policy_tried *list =
        test_need(L, arena_alloc(t->arena, (n + 1) * sizeof *list));

    for (size_t i = 0; i < n; i++) {
        lua_rawgeti(L, -1, (lua_Integer)i + 1);
        test_members(L, t, "try.tried", tried_rows, &list[i]);
        lua_pop(L, 1);
    }
    try->tried = list;
    try->n_tried = n;
}

static const struct test_row try_rows[] = {
    { "n", read_u32, offsetof(struct policy_try, n) },
    { "target", test_read_target, offsetof(struct policy_try, target) },
    { "credential", test_read_str, offsetof(struct policy_try, credential) },
    { "elapsed_ms", read_u64, offsetof(struct policy_try, elapsed_ms) },
    { "tried", read_tried, 0 },
    { NULL, NULL, 0 } };

void test_read_try(lua_State *L, struct test_case *t, void *into)
{
    struct policy_try *try = into;

    test_members(L, t, "try", try_rows, try);
    if (try->n_tried && !try->n)
        try->n = (uint32_t)try->n_tried + 1;
}

/* ---- upstream_error ---------------------------------------------------- */

static void read_seconds(lua_State *L, struct test_case *t, void *into)
{
    double s;

    test_read_number(L, t, &s);
    if (!(s >= 0 && s <= 86400))
        luaL_error(L, "retry_after: seconds, up to a day");
    *(uint64_t *)into = (uint64_t)(s * 1000);
}

static const struct test_row err_rows[] = {
    { "class", test_read_str, offsetof(struct policy_failed, cls) },
    { "scope", test_read_str, offsetof(struct policy_failed, scope) },
    { "status", read_status, offsetof(struct policy_failed, status) },
    { "message", test_read_str, offsetof(struct policy_failed, message) },
    { "target", test_read_target, offsetof(struct policy_failed, target) },
    { "attempt", read_u32, offsetof(struct policy_failed, attempt) },
    { "retry_after", read_seconds,
      offsetof(struct policy_failed, retry_after_ms) },
    { "ms", read_u64, offsetof(struct policy_failed, ms) },
    { "elapsed_ms", read_u64, offsetof(struct policy_failed, elapsed_ms) },
    { NULL, NULL, 0 } };

void test_read_err(lua_State *L, struct test_case *t, void *into)
{
    test_members(L, t, "err", err_rows, into);
}

/* expect.again: true, or its after_ms; next: true, or a model; give_up: true.
 * Into the text that is told of it. */

void test_read_again(lua_State *L, struct test_case *t, void *into)
{
    uint32_t ms = 0;

    if (!lua_isboolean(L, -1) || !lua_toboolean(L, -1))
        read_u32(L, t, &ms);
    *(struct str *)into = arena_fmt(t->arena, "again after %u ms", ms);
}

void test_read_next(lua_State *L, struct test_case *t, void *into)
{
    struct str model;

    *(struct str *)into = STR("next");
    if (lua_isboolean(L, -1) && lua_toboolean(L, -1))
        return;
    test_read_str(L, t, &model);
    *(struct str *)into = arena_fmt(t->arena, "next " STR_FMT,
                                    STR_ARG(model));
}

void test_read_give_up(lua_State *L, struct test_case *t, void *into)
{
    (void)t;
    if (!lua_isboolean(L, -1) || !lua_toboolean(L, -1))
        luaL_error(L, "expect.give_up: it is true or left out");
    *(struct str *)into = STR("give_up");
}

/* ---- response --------------------------------------------------------- */

static void read_fields(lua_State *L, struct test_case *t, void *into)
{
    struct policy_resp *resp = into;
    struct conf_pair *pairs;
    size_t n = test_read_pairs(L, t, &pairs);
    struct http_header *h =
        test_need(L, arena_alloc(t->arena, (n + 1) * sizeof *h));

    if (n > MAX_FIELDS)
        luaL_error(L, "resp.header: at most %d", MAX_FIELDS);
    for (size_t i = 0; i < n; i++)
        h[i] = (struct http_header){ pairs[i].key, pairs[i].value };
    resp->fields = h;
    resp->n_fields = n;
}

static const struct test_row resp_rows[] = {
    { "status", read_status, offsetof(struct policy_resp, status) },
    { "attempt", read_u32, offsetof(struct policy_resp, attempt) },
    { "target", test_read_target, offsetof(struct policy_resp, target) },
    { "ms", read_u64, offsetof(struct policy_resp, ms) },
    { "header", read_fields, 0 },
    { NULL, NULL, 0 } };

void test_read_resp(lua_State *L, struct test_case *t, void *into)
{
    test_members(L, t, "resp", resp_rows, into);
}

/* Somebody's first try. */
void test_try_fill(struct test_case *t)
{
    static const struct conf_provider conf = { .name = STR("test") };
    static const struct provider provider = { .conf = &conf };
    static const struct target target = {
        .name = STR("test/model"),
        .provider = (struct provider *)(uintptr_t)&provider,
        .model = STR("model"), .weight = 1 };
    struct test_call *c = t->call;

    if (!c->try.n)
        c->try.n = 1;
    if (!c->try.target)
        c->try.target = &target;
    if (!c->try.credential.p)
        c->try.credential = STR("test#main");
    if (!c->err.attempt)
        c->err.attempt = 1;
    if (!c->err.target)
        c->err.target = &target;
    if (!c->err.cls.p)
        c->err.cls = STR("transient");
    if (!c->err.scope.p)
        c->err.scope = STR("target");
    if (!c->resp.status)
        c->resp.status = 200;
    if (!c->resp.attempt)
        c->resp.attempt = 1;
    if (!c->resp.target)
        c->resp.target = &target;
}

/* ---- heads ------------------------------------------------------------ */

/* expect.header: texts, or ps.null for a field that must be taken out. */
void test_read_head(lua_State *L, struct test_case *t, void *into)
{
    struct test_expect *e = into;
    size_t n = 0;

    luaL_checktype(L, -1, LUA_TTABLE);
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1))
        n++;
    e->head = test_need(L, arena_alloc(t->arena, (n + 1) * sizeof *e->head));
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        struct conf_pair *p = &e->head[e->n_head++];

        if (lua_type(L, -1) != LUA_TLIGHTUSERDATA)
            test_read_str(L, t, &p->value);
        lua_pushvalue(L, -2);
        test_read_str(L, t, &p->key);
        lua_pop(L, 1);
    }
}

static struct str found(const struct policy_headers *set, struct str name)
{
    for (size_t i = 0; i < set->n; i++) {
        if (str_ieq(set->at[i].name, name))
            return set->at[i].value.p ? set->at[i].value
                                      : STR("(taken out)");
    }
    return STR("(not set)");
}

void test_head_compare(struct test_case *t, enum policy_phase phase)
{
    const struct test_call *c = t->call;
    const struct policy_headers *set =
        phase == PHASE_RESPONSE ? &c->resp.set : &c->try.set;

    for (size_t i = 0; i < c->expect.n_head; i++) {
        const struct conf_pair *p = &c->expect.head[i];

        test_item(t, p->key.p, p->value.p ? p->value : STR("(taken out)"),
                  found(set, p->key));
    }
}
