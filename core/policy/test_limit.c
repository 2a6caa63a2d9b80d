/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Limits in a test: memory of the test's own, driven by its clock. A call's
 * request is over when the call is, with the tokens that it says (or those
 * that were reserved), unless it is running.
 */
#include "policy/test_rows.h"

#include <lauxlib.h>

enum { LIMIT_BYTES = 256 << 10, HOLDS = 1024 };

struct limiter *test_limits_new(void)
{
    struct err err = { 0 };
    struct limiter *l = limiter_new(LIMIT_BYTES, 1, HOLDS, false, &err);

    if (l && limiter_enter(l, 0) == 0)
        return l;
    limiter_free(l);
    return NULL;
}

void test_read_running(lua_State *L, struct test_case *t, void *into)
{
    (void)t;
    luaL_checktype(L, -1, LUA_TBOOLEAN);
    *(bool *)into = lua_toboolean(L, -1);
}

void test_read_tokens(lua_State *L, struct test_case *t, void *into)
{
    lua_Integer n = luaL_checkinteger(L, -1);

    (void)t;
    luaL_argcheck(L, n >= 0, 1, "tokens: a number of tokens is needed");
    *(int64_t *)into = n;
}

struct limit_claim *test_limits_open(struct test_case *t)
{
    t->call->claim = (struct limit_claim){ .limiter = t->limiter,
                                           .arena = t->arena };
    return &t->call->claim;
}

void test_limits_close(struct test_case *t, bool admitted)
{
    struct test_call *c = t->call;
    const struct limit_taken *tokens = limit_claim_tokens(&c->claim);
    uint64_t used = 0;

    if (!c->claim.limiter || (c->running && admitted))
        return;
    if (admitted && c->tokens >= 0)
        used = (uint64_t)c->tokens;
    else if (admitted && tokens)
        used = tokens->reserved;
    limit_claim_settle(&c->claim, used, admitted, t->mono_ms);
}

static void pass(struct test_case *t, uint64_t ms)
{
    t->mono_ms += ms;
    t->wall_ms += ms;
}

void test_limits_wait(struct test_case *t, struct policy_result *r)
{
    struct limit_claim *c = &t->call->claim;
    struct limit_refusal *why = &c->wanted->why;
    uint64_t end = t->mono_ms + r->max_wait_ms;
    bool known = why->row && why->row->kind != LIMIT_CONCURRENT;
    int rc = -ERR_RATE_LIMITED;

    while (rc == -ERR_RATE_LIMITED && t->mono_ms + why->retry_ms <= end) {
        pass(t, why->retry_ms ? why->retry_ms : 1);
        rc = limit_claim_again(c, t->mono_ms, why);
    }
    if (rc == 0) {
        *r = (struct policy_result){ .verdict = POLICY_NONE };
        return;
    }
    if (!known && t->mono_ms < end)
        pass(t, end - t->mono_ms);
    *r = (struct policy_result){
        .verdict = POLICY_DENY,
        .policy = r->policy,
        .err_code = why->code,
        .code = str_of(err_info(why->code)->name),
        .message = arena_dup(t->arena, str_of(why->text)),
        .retry_after_ms = why->retry_ms,
    };
}
