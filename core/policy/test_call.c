/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Reading one request of a test, and what is expected of it. */
#include "policy/api.h"
#include "policy/test_rows.h"

#include <stddef.h>

/* ---- req -------------------------------------------------------------- */

static void read_header(lua_State *L, struct test_case *t, void *into)
{
    struct test_call *c = into;

    c->n_headers = test_read_pairs(L, t, &c->headers);
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
    } else if (lua_type(L, -1) == LUA_TNUMBER) {
        v->s = arena_fmt(t->arena, "%.17g", lua_tonumber(L, -1));
        v->type = VALUE_NUMBER;
    } else {
        test_read_str(L, t, &v->s);
        v->type = VALUE_STRING;
    }
}

static void read_tags(lua_State *L, struct test_case *t, void *into)
{
    struct test_call *c = into;

    c->n_tags = test_read_pairs(L, t, &c->tags);
}

static void read_req(lua_State *L, struct test_case *t, void *into)
{
    struct test_row rows[FIELD_COUNT + 6];

    for (int f = 0; f < FIELD_COUNT; f++)
        rows[f] = (struct test_row){ api_req_name(f), read_field,
                                     offsetof(struct test_call, fields) +
                                         (size_t)f *
                                             sizeof(struct policy_value) };
    rows[FIELD_COUNT] = (struct test_row){ "header", read_header, 0 };
    rows[FIELD_COUNT + 1] = (struct test_row){
        "principal", read_principal, offsetof(struct test_call, principal) };
    rows[FIELD_COUNT + 2] = (struct test_row){ "tags", read_tags, 0 };
    rows[FIELD_COUNT + 3] = (struct test_row){ "body", test_read_body, 0 };
    rows[FIELD_COUNT + 4] = (struct test_row){
        "client_cert", test_read_cert,
        offsetof(struct test_call, client_cert) };
    rows[FIELD_COUNT + 5] = (struct test_row){ NULL, NULL, 0 };
    test_members(L, t, "req", rows, into);
}

/* ---- targets ---------------------------------------------------------- */

static size_t read_list(lua_State *L, struct test_case *t,
                        struct candidate *list)
{
    size_t n = test_list_length(L, "targets", TEST_TARGETS);

    for (size_t i = 0; i < n; i++) {
        lua_rawgeti(L, -1, (lua_Integer)i + 1);
        test_read_target(L, t, &list[i].target);
        lua_pop(L, 1);
    }
    return n;
}

static void read_targets(lua_State *L, struct test_case *t, void *into)
{
    struct test_call *c = into;

    c->plan = (struct plan){ .list = c->list,
                              .n = read_list(L, t, c->list),
                              .model = STR("test") };
    c->plan.n_first = c->plan.n;
}

/* { fast = { targets } }, for plan:use */
static void read_models(lua_State *L, struct test_case *t, void *into)
{
    struct test_call *c = into;

    luaL_checktype(L, -1, LUA_TTABLE);
    c->models = test_need(L, arena_alloc(t->arena, TEST_MODELS *
                                                       sizeof *c->models));
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        struct test_model *m = &c->models[c->n_models];

        if (c->n_models++ == TEST_MODELS)
            luaL_error(L, "models: at most %d", TEST_MODELS);
        m->n = read_list(L, t, m->list);
        lua_pushvalue(L, -2);
        test_read_str(L, t, &m->name);
        lua_pop(L, 1);
    }
}

/* ---- expect ----------------------------------------------------------- */

/* A text, or a list of them. */
static void read_texts(lua_State *L, struct test_case *t, void *into)
{
    struct test_texts *x = into;

    x->given = true;
    if (lua_type(L, -1) == LUA_TSTRING) {
        x->n = 1;
        x->list = test_need(L, arena_alloc(t->arena, sizeof *x->list));
        test_read_str(L, t, x->list);
        return;
    }
    x->n = test_list_length(L, "a text or a list of them", TEST_TARGETS);
    x->list = test_need(L, arena_alloc(t->arena,
                                       (x->n + 1) * sizeof *x->list));
    for (size_t i = 0; i < x->n; i++) {
        lua_rawgeti(L, -1, (lua_Integer)i + 1);
        test_read_str(L, t, &x->list[i]);
        lua_pop(L, 1);
    }
}

/* Fields as a policy leaves them. */
static void read_fields(lua_State *L, struct test_case *t, void *into)
{
    static const enum policy_field own[] = { FIELD_MODEL, FIELD_STREAM,
                                             FIELD_MAX_TOKENS,
                                             FIELD_TEMPERATURE, FIELD_USER };
    enum { N = sizeof own / sizeof own[0] };
    struct test_row rows[N + 1] = { { NULL, NULL, 0 } };

    for (size_t i = 0; i < N; i++)
        rows[i] = (struct test_row){ api_req_name((int)own[i]), read_field,
                                     own[i] * sizeof(struct policy_value) };
    test_members(L, t, "expect.req", rows, into);
}

const struct test_row test_expect_rows[] = {
    { "principal", test_read_str, offsetof(struct test_expect, principal) },
    { "deny", test_read_str, offsetof(struct test_expect, deny) },
    { "message", test_read_str, offsetof(struct test_expect, message) },
    { "status", test_read_number, offsetof(struct test_expect, status) },
    { "retry_after", test_read_number,
      offsetof(struct test_expect, retry_after) },
    { "fails", test_read_str, offsetof(struct test_expect, fails) },
    { "skip", test_read_str, offsetof(struct test_expect, skip) },
    { "again", test_read_again, offsetof(struct test_expect, retry) },
    { "next", test_read_next, offsetof(struct test_expect, retry) },
    { "give_up", test_read_give_up, offsetof(struct test_expect, retry) },
    { "answer", test_read_str, offsetof(struct test_expect, answer) },
    { "finish", test_read_str, offsetof(struct test_expect, finish) },
    { "req", read_fields, offsetof(struct test_expect, fields) },
    { "body", test_read_body_wanted, 0 },
    { "header", test_read_head, 0 },
    { "text", test_read_str, offsetof(struct test_expect, text) },
    { "stop", test_read_str, offsetof(struct test_expect, stop) },
    { "note", read_texts, offsetof(struct test_expect, notes) },
    { "targets", read_texts, offsetof(struct test_expect, targets) },
    { "ctx", test_read_ctx, offsetof(struct test_expect, ctx) },
    { "kv", NULL, 0 }, /* test_kv_compare */
    { "waited_ms", test_read_number, offsetof(struct test_expect, waited_ms) },
    { NULL, NULL, 0 } };

static void read_expect(lua_State *L, struct test_case *t, void *into)
{
    test_members(L, t, "expect", test_expect_rows, into);
}

/* ---- a call ----------------------------------------------------------- */

/* http and redis are read where they are asked (test_fake.c). */
const struct test_row test_call_rows[] = {
    { "phase", test_read_str, offsetof(struct test_call, phase) },
    { "req", read_req, 0 },
    { "targets", read_targets, 0 },
    { "models", read_models, 0 },
    { "try", test_read_try, offsetof(struct test_call, try) },
    { "err", test_read_err, offsetof(struct test_call, err) },
    { "resp", test_read_resp, offsetof(struct test_call, resp) },
    { "out", test_read_out, offsetof(struct test_call, out) },
    { "window", test_window_read, offsetof(struct test_call, window) },
    { "chunks", test_chunks_read, 0 },
    { "ctx", test_read_ctx, offsetof(struct test_call, ctx) },
    { "http", NULL, 0 },
    { "redis", NULL, 0 },
    { "running", test_read_running, offsetof(struct test_call, running) },
    { "tokens", test_read_tokens, offsetof(struct test_call, tokens) },
    { "after_ms", test_read_number, offsetof(struct test_call, after_ms) },
    { "expect", read_expect, offsetof(struct test_call, expect) },
    { NULL, NULL, 0 } };

bool test_call_has(const char *name)
{
    const struct test_row *r = test_call_rows;

    while (r->name && strcmp(r->name, name) != 0)
        r++;
    return r->name != NULL;
}

/* Members of the table at `from` that calls have, into the one on top. */
static void take_over(lua_State *L, int from)
{
    for (lua_pushnil(L); lua_next(L, from); lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING ||
            !test_call_has(lua_tostring(L, -2)))
            continue;
        lua_pushvalue(L, -2);
        lua_pushvalue(L, -2);
        lua_rawset(L, -5);
    }
}

bool test_call_push(lua_State *L, int i)
{
    if (lua_getfield(L, TEST_TABLE, "calls") == LUA_TNIL) {
        lua_pop(L, 1);
        lua_newtable(L);
        take_over(L, TEST_TABLE);
        return i == 0;
    }
    if (lua_rawgeti(L, -1, i + 1) == LUA_TNIL)
        return false;
    if (!lua_istable(L, -1))
        luaL_error(L, "calls: tables are needed");
    lua_newtable(L);
    take_over(L, TEST_TABLE);
    for (lua_pushnil(L); lua_next(L, -3);) {
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, -4);
    }
    return true;
}

void test_call_read(lua_State *L, struct test_case *t, struct test_call *c)
{
    test_members(L, t, "a call", test_call_rows, c);
    if (!(c->after_ms >= 0 && c->after_ms <= 1e12))
        luaL_error(L, "after_ms: milliseconds that pass before it are needed");
}
