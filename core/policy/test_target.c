/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Targets of a test: what the configuration would say of them, and how they
 * are just now, which stands where production has it: in cells of a table. */
#include "policy/test_rows.h"

#include "engine/health.h"

#include <lauxlib.h>
#include <stddef.h>

enum { MAX_CALLS = 100000, MAX_MS = 3600000, LONG_AGO_MS = 400000 };

struct test_target {
    struct conf_provider conf;
    struct provider provider;
    struct target target;
    struct str state;
    uint32_t rest_ms, in_flight, latency_ms;
    bool disabled, live; /* live: one of these was said */
};

static uint32_t number(lua_State *L, const char *what, lua_Integer most)
{
    lua_Integer n = luaL_checkinteger(L, -1);

    if (n < 0 || n > most)
        luaL_error(L, "a target's %s is a whole number from 0 to %d", what,
                   (int)(most < INT32_MAX ? most : INT32_MAX));
    return (uint32_t)n;
}

static void read_weight(lua_State *L, struct test_case *t, void *into)
{
    (void)t;
    ((struct test_target *)into)->target.weight =
        number(L, "weight", INT32_MAX);
}

static void read_tags(lua_State *L, struct test_case *t, void *into)
{
    struct test_target *x = into;

    x->conf.n_tags = test_read_pairs(L, t, &x->conf.tags);
}

static void read_state(lua_State *L, struct test_case *t, void *into)
{
    struct test_target *x = into;

    test_read_str(L, t, &x->state);
    if (!str_is(x->state, "closed") && !str_is(x->state, "open") &&
        !str_is(x->state, "half_open"))
        luaL_error(L, "a target's state is closed, open or half_open");
    x->live = true;
}

static void read_rest(lua_State *L, struct test_case *t, void *into)
{
    struct test_target *x = into;

    (void)t;
    x->rest_ms = number(L, "rest_ms", MAX_MS);
    x->live = true;
}

static void read_calls(lua_State *L, struct test_case *t, void *into)
{
    struct test_target *x = into;

    (void)t;
    x->in_flight = number(L, "in_flight", MAX_CALLS);
    x->live = true;
}

static void read_latency(lua_State *L, struct test_case *t, void *into)
{
    struct test_target *x = into;

    (void)t;
    x->latency_ms = number(L, "latency_ms", SPEED_MAX_MS);
    x->live = true;
}

static void read_disabled(lua_State *L, struct test_case *t, void *into)
{
    struct test_target *x = into;

    (void)t;
    luaL_checktype(L, -1, LUA_TBOOLEAN);
    x->disabled = lua_toboolean(L, -1);
    x->live = true;
}

static const struct test_row target_rows[] = {
    { "name", test_read_str, offsetof(struct test_target, target.name) },
    { "provider", test_read_str, offsetof(struct test_target, conf.name) },
    { "model", test_read_str, offsetof(struct test_target, target.model) },
    { "weight", read_weight, 0 },
    { "tags", read_tags, 0 },
    { "state", read_state, 0 },
    { "rest_ms", read_rest, 0 },
    { "in_flight", read_calls, 0 },
    { "latency_ms", read_latency, 0 },
    { "disabled", read_disabled, 0 },
    { NULL, NULL, 0 } };

/* "gpu/llama" alone says provider and model too. */
static void finish_target(lua_State *L, struct test_target *x)
{
    struct str rest = x->target.name;

    if (!rest.n)
        luaL_error(L, "a target needs a name");
    if (!x->conf.name.n)
        x->conf.name = str_split(&rest, '/');
    if (!x->target.model.n)
        x->target.model = rest.p ? rest : x->target.name;
    x->provider.conf = &x->conf;
    x->target.provider = &x->provider;
}

/* Five hard failures: just now, or so long ago that it may be tried. */
static void break_it(struct breaker *b, uint64_t now_ms)
{
    for (int i = 0; i < BREAKER_ROW; i++)
        breaker_judge(b, now_ms, 0, BREAKER_BAD, 0, 0);
}

/* A cell is the name's in all calls of the test: what was there goes. */
static void put_live(lua_State *L, struct test_case *t, struct test_target *x)
{
    struct err err = { 0 };
    struct health_cell *h;

    if (!t->health)
        t->health = health_new(1, &err);
    h = t->health ? health_find(t->health, x->target.name, 1) : NULL;
    if (!h)
        luaL_error(L, "the test takes too much memory");
    while (health_inflight(t->health, h))
        health_give(t->health, h, 0);
    for (uint32_t i = 0; i < x->in_flight; i++)
        health_take(t->health, h, 0, 0);
    h->breaker = (struct breaker){ 0 };
    h->speed = (struct speed){ 0 };
    if (str_is(x->state, "open"))
        break_it(&h->breaker, t->mono_ms);
    else if (str_is(x->state, "half_open"))
        break_it(&h->breaker, t->mono_ms - LONG_AGO_MS);
    if (x->latency_ms)
        speed_heard(&h->speed, t->mono_ms, x->latency_ms);
    h->rest.until_ms = x->rest_ms ? t->mono_ms + x->rest_ms : 0;
    h->off = x->disabled ? TARGET_DISABLED : TARGET_ON;
    x->provider.health = t->health;
    x->target.cell = h;
}

void test_read_target(lua_State *L, struct test_case *t, void *into)
{
    struct test_target *x = test_need(L, arena_alloc(t->arena, sizeof *x));

    x->target.weight = 1;
    if (lua_type(L, -1) == LUA_TSTRING)
        test_read_str(L, t, &x->target.name);
    else
        test_members(L, t, "a target", target_rows, x);
    finish_target(L, x);
    if (x->live)
        put_live(L, t, x);
    *(const struct target **)into = &x->target;
}
