/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* One timer and one run for each policy that has the phase. A tick that waits
 * is woken like a request: its run is run again. */
#include "policy/tick.h"

#include "engine/config_unit.h"
#include "net/loop.h"
#include "policy/state.h"

#include <stdlib.h>

enum { ARENA_BYTES = 1 << 20 };

struct tick {
    struct policy_state *st;
    struct loop_timer timer;
    struct policy_run run;
    struct arena *arena; /* of the one under way; NULL: none is */
    const struct policy_ticker *who;
};

struct policy_ticks {
    struct policy_ticker who;
    size_t n;
    struct tick list[];
};

/* There is no request: nothing is known of it, and nobody reads notes. */
static void no_field(void *req, enum policy_field f, struct policy_value *out)
{
    (void)req;
    (void)f;
    *out = (struct policy_value){ .type = VALUE_NIL };
}

static struct str no_header(void *req, struct str name)
{
    (void)req;
    (void)name;
    return STR_NULL;
}

static const struct policy_view view = { .field = no_field,
                                         .header = no_header };

static void step(struct tick *t)
{
    struct policy_result out;

    if (policy_state_run(t->st, PHASE_TICK, &t->run, &out) == POLICY_WAIT)
        return;
    arena_free(t->arena);
    t->arena = NULL;
}

static void on_wake(void *ud)
{
    step(ud);
}

static void on_timer(void *ud)
{
    struct tick *t = ud;

    loop_timer_set(&t->timer, t->st->every_ms);
    if (t->arena)
        return;
    if (!t->st->every_worker && t->who->leads && !t->who->leads(t->who->ud))
        return;
    t->arena = arena_new(ARENA_BYTES);
    if (!t->arena)
        return; /* the next one may have more luck */
    t->run = (struct policy_run){ .req = t, .view = &view, .arena = t->arena,
                                  .wake = on_wake };
    step(t);
}

/* ---- the file's key ------------------------------------------------- */

void policy_take_every(struct policy_state *st, lua_State *L)
{
    uint64_t ms = 0;

    if (!lua_istable(L, -1))
        luaL_error(L, "every: { interval = \"30s\" } is needed");
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        struct str key = STR("a number"), v = STR_NULL;

        if (lua_type(L, -2) == LUA_TSTRING)
            key.p = lua_tolstring(L, -2, &key.n);
        if (lua_type(L, -1) == LUA_TSTRING)
            v.p = lua_tolstring(L, -1, &v.n);
        if (str_is(key, "interval")) {
            if (!v.p || !conf_duration(v, &ms) || ms < TICK_LEAST_MS ||
                ms > TICK_MOST_MS)
                luaL_error(L, "every.interval: \"100ms\" to \"24h\" is "
                              "needed");
        } else if (!str_is(key, "where")) {
            luaL_error(L, "every has no '%s' (interval, where)", key.p);
        } else if (!v.p || (!str_is(v, "one") && !str_is(v, "each_worker"))) {
            luaL_error(L, "every.where: \"one\" or \"each_worker\" is "
                          "needed");
        } else {
            st->every_worker = str_is(v, "each_worker");
        }
    }
    if (!ms)
        luaL_error(L, "every: interval is needed, as in \"30s\"");
    st->every_ms = (uint32_t)ms;
}

/* ---- starting and stopping ------------------------------------------ */

int policy_ticks_start(struct policy_set *s, const struct policy_ticker *who)
{
    struct policy_env *env = policy_set_env(s);
    struct policy_ticks *all;
    struct policy_state *st;
    size_t n = 0;

    while (policy_set_state(s, PHASE_TICK, n))
        n++;
    if (n == 0 || env->ticks || !env->loop)
        return 0;
    all = calloc(1, sizeof *all + n * sizeof all->list[0]);
    if (!all)
        return -ERR_NOMEM;
    all->who = *who;
    while ((st = policy_set_state(s, PHASE_TICK, all->n)) != NULL) {
        struct tick *t = &all->list[all->n++];

        t->st = st;
        t->who = &all->who;
        loop_timer_init(&t->timer, env->loop, on_timer, t);
        loop_timer_set(&t->timer, st->every_ms < TICK_FIRST_MS
                                      ? st->every_ms : TICK_FIRST_MS);
    }
    env->ticks = all;
    return 0;
}

void policy_ticks_stop(struct policy_set *s)
{
    struct policy_env *env = policy_set_env(s);
    struct policy_ticks *all = env->ticks;

    env->ticks = NULL;
    for (size_t i = 0; all && i < all->n; i++) {
        struct tick *t = &all->list[i];

        loop_timer_stop(&t->timer);
        policy_cancel(&t->run);
        arena_free(t->arena);
    }
    free(all);
}
