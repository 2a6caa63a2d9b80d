/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* How a test's request ended: what `log` sees. */
#include "policy/test_rows.h"

#include <lauxlib.h>
#include <stddef.h>

enum { MAX_TRIES = 16 };

static void read_count(lua_State *L, struct test_case *t, void *into)
{
    int ok;
    lua_Integer n = lua_tointegerx(L, -1, &ok);

    (void)t;
    if (!ok || n < 0)
        luaL_error(L, "a whole number from 0 is needed");
    *(int64_t *)into = n;
}

static void read_status(lua_State *L, struct test_case *t, void *into)
{
    int64_t n;

    read_count(L, t, &n);
    if (n > 999)
        luaL_error(L, "a status is needed");
    *(int *)into = (int)n;
}

static void read_cost(lua_State *L, struct test_case *t, void *into)
{
    double usd;

    test_read_number(L, t, &usd);
    if (!(usd >= 0 && usd <= 1e9))
        luaL_error(L, "out.cost: US dollars are needed");
    *(int64_t *)into = (int64_t)(usd * 1e9 + 0.5);
}

static const struct test_row usage_rows[] = {
    { "input", read_count, offsetof(struct usage, input) },
    { "cache_read", read_count, offsetof(struct usage, cache_read) },
    { "cache_write", read_count, offsetof(struct usage, cache_write) },
    { "output", read_count, offsetof(struct usage, output) },
    { "reasoning", read_count, offsetof(struct usage, reasoning) },
    { NULL, NULL, 0 } };

static void read_usage(lua_State *L, struct test_case *t, void *into)
{
    test_members(L, t, "out.usage", usage_rows, into);
}

static const struct test_row try_rows[] = {
    { "target", test_read_str, offsetof(struct policy_out_try, target) },
    { "credential", test_read_str,
      offsetof(struct policy_out_try, credential) },
    { "status", read_status, offsetof(struct policy_out_try, status) },
    { "class", test_read_str, offsetof(struct policy_out_try, cls) },
    { "why", test_read_str, offsetof(struct policy_out_try, why) },
    { "ms", read_count, offsetof(struct policy_out_try, ms) },
    { "first_ms", read_count, offsetof(struct policy_out_try, first_ms) },
    { NULL, NULL, 0 } };

static void read_tries(lua_State *L, struct test_case *t, void *into)
{
    struct policy_out *o = into;
    size_t n = test_list_length(L, "out.attempts", MAX_TRIES);
    struct policy_out_try *list =
        test_need(L, arena_alloc(t->arena, (n + 1) * sizeof *list));

    for (size_t i = 0; i < n; i++) {
        list[i].first_ms = -1;
        lua_rawgeti(L, -1, (lua_Integer)i + 1);
        test_members(L, t, "out.attempts", try_rows, &list[i]);
        lua_pop(L, 1);
    }
    o->tries = list;
    o->n_tries = n;
}

static const struct test_row out_rows[] = {
    { "status", read_status, offsetof(struct policy_out, status) },
    { "ended", test_read_str, offsetof(struct policy_out, ended) },
    { "side", test_read_str, offsetof(struct policy_out, side) },
    { "error", test_read_str, offsetof(struct policy_out, error) },
    { "policy", test_read_str, offsetof(struct policy_out, policy) },
    { "target", test_read_target, offsetof(struct policy_out, target) },
    { "ms", read_count, offsetof(struct policy_out, ms) },
    { "first_ms", read_count, offsetof(struct policy_out, first_ms) },
    { "usage", read_usage, offsetof(struct policy_out, usage) },
    { "cost", read_cost, offsetof(struct policy_out, cost_nusd) },
    { "attempts", read_tries, 0 },
    { NULL, NULL, 0 } };

void test_read_out(lua_State *L, struct test_case *t, void *into)
{
    struct policy_out *o = into;

    test_out_init(o);
    test_members(L, t, "out", out_rows, o);
}

void test_out_init(struct policy_out *o)
{
    *o = (struct policy_out){ .usage = USAGE_NONE, .cost_nusd = -1,
                              .first_ms = -1 };
}

/* Status is told twice, by req and by out: one of them may be given. */
void test_out_fill(struct test_call *c)
{
    struct policy_value *status = &c->fields[FIELD_STATUS];
    struct policy_out *o = &c->out;

    if (status->type == VALUE_INT && !o->status)
        o->status = (int)status->i;
    if (!o->ended.n)
        o->ended = o->error.n || o->status >= 400 ? STR("error")
                                                  : STR("complete");
    if (!o->status) /* one that the client did not wait for has none */
        o->status = str_is(o->ended, "error")      ? 500
                    : str_is(o->ended, "complete") ? 200
                    : str_is(o->ended, "answered") ? 200 : 0;
    if (status->type == VALUE_NIL && o->status) {
        status->type = VALUE_INT;
        status->i = o->status;
    }
    if (!o->target && !o->n_tries)
        o->target = c->try.target;
}

int64_t test_out_cost(void *req)
{
    return ((struct test_case *)req)->call->out.cost_nusd;
}
