/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* ps.kv in a test: what is there before, and what must be there after. */
#include "policy/test_case.h"

#include "engine/kv.h"

#include <lauxlib.h>
#include <math.h>

/* The value on top; ps.null is none. */
static struct kv_value value_of(lua_State *L)
{
    struct kv_value v = { .type = KV_NONE };

    switch (lua_type(L, -1)) {
    case LUA_TSTRING:
        v.type = KV_TEXT;
        v.text.p = lua_tolstring(L, -1, &v.text.n);
        break;
    case LUA_TNUMBER:
        v.type = lua_isinteger(L, -1) ? KV_INT : KV_REAL;
        v.i = lua_tointeger(L, -1);
        v.d = lua_tonumber(L, -1);
        break;
    case LUA_TBOOLEAN:
        v.type = KV_BOOL;
        v.i = lua_toboolean(L, -1);
        break;
    case LUA_TLIGHTUSERDATA: break;
    default:
        luaL_error(L, "kv: strings, numbers, booleans or ps.null are needed, "
                      "not a %s", luaL_typename(L, -1));
    }
    return v;
}

/* Each { space = { key = value } } of the table on top. */
static void each(lua_State *L, struct test_case *t,
                 void (*fn)(lua_State *, struct test_case *,
                            const struct kv_at *, const struct kv_value *))
{
    struct kv_at at = { .now_ms = t->mono_ms };

    luaL_checktype(L, -1, LUA_TTABLE);
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING || !lua_istable(L, -1))
            luaL_error(L, "kv: { name = { key = value } } is needed");
        at.space.p = lua_tolstring(L, -2, &at.space.n);
        for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
            struct kv_value v = value_of(L);

            if (lua_type(L, -2) != LUA_TSTRING)
                luaL_error(L, "kv: keys are strings");
            at.key.p = lua_tolstring(L, -2, &at.key.n);
            fn(L, t, &at, &v);
        }
    }
}

static void put(lua_State *L, struct test_case *t, const struct kv_at *at,
                const struct kv_value *v)
{
    if (v->type != KV_NONE && kv_set(t->kv, at, v, KV_FOREVER) != 0)
        luaL_error(L, "kv: '%s' cannot be set: too long", at->key.p);
}

void test_kv_fill(lua_State *L, struct test_case *t)
{
    if (lua_getfield(L, TEST_TABLE, "kv") != LUA_TNIL)
        each(L, t, put);
    lua_pop(L, 1);
}

static struct str shown(struct test_case *t, const struct kv_value *v)
{
    switch (v->type) {
    case KV_TEXT:
        return arena_fmt(t->arena, "\"" STR_FMT "\"", STR_ARG(v->text));
    case KV_INT: return arena_fmt(t->arena, "%lld", (long long)v->i);
    case KV_REAL: return arena_fmt(t->arena, "%.14g", v->d);
    case KV_BOOL: return v->i ? STR("true") : STR("false");
    case KV_NONE: break;
    }
    return STR("(none)");
}

static void compare(lua_State *L, struct test_case *t, const struct kv_at *at,
                    const struct kv_value *want)
{
    struct kv_found *found = test_need(L, arena_alloc(t->arena,
                                                      sizeof *found));
    struct str key = arena_fmt(t->arena, "kv " STR_FMT " " STR_FMT,
                               STR_ARG(at->space), STR_ARG(at->key));

    if (kv_get(t->kv, at, found) != 0)
        found->value = (struct kv_value){ .type = KV_NONE };
    test_need(L, (void *)(uintptr_t)key.p);
    test_item(t, key.p, shown(t, want), shown(t, &found->value));
}

void test_kv_compare(lua_State *L, struct test_case *t)
{
    if (lua_getfield(L, -1, "kv") != LUA_TNIL)
        each(L, t, compare);
    lua_pop(L, 1);
}
