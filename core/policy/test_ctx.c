/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* req.ctx in a test: what is there before, and what must be there after. */
#include "policy/ctx.h"
#include "policy/test_rows.h"

#include <lauxlib.h>

/* Texts by name; ps.null: nothing. */
void test_read_ctx(lua_State *L, struct test_case *t, void *into)
{
    struct test_pairs *x = into;
    size_t n = 0;

    if (!lua_istable(L, -1))
        luaL_error(L, "ctx: a table of names and texts is needed");
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1))
        n++;
    x->list = test_need(L, arena_alloc(t->arena, (n + 1) * sizeof *x->list));
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        struct conf_pair *p = &x->list[x->n++];

        if (lua_type(L, -1) != LUA_TLIGHTUSERDATA)
            test_read_str(L, t, &p->value);
        lua_pushvalue(L, -2);
        test_read_str(L, t, &p->key);
        lua_pop(L, 1);
    }
}

bool test_ctx_fill(struct test_case *t, struct policy_run *run,
                   const struct policy_state *owner)
{
    const struct test_pairs *x = &t->call->ctx;

    for (size_t i = 0; i < x->n; i++) {
        if (ctx_set(run, owner, x->list[i].key, x->list[i].value) == 0)
            continue;
        test_line(t, '!', "ctx: too much for a request");
        return false;
    }
    return true;
}

void test_ctx_compare(struct test_case *t, const struct policy_run *run,
                      const struct policy_state *owner)
{
    const struct test_pairs *x = &t->call->expect.ctx;

    for (size_t i = 0; i < x->n; i++) {
        struct str want = x->list[i].value;
        struct str got = ctx_get(run, owner, x->list[i].key);
        struct str key = arena_fmt(t->arena, "ctx " STR_FMT,
                                   STR_ARG(x->list[i].key));

        test_item(t, key.p ? key.p : "ctx", want.p ? want : STR("(none)"),
                  got.p ? got : STR("(none)"));
    }
}
