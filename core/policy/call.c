/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Driving coroutines. A call's whole work, from pushing its arguments to
 * reading its decision, happens inside the coroutine, so that every error of
 * Lua ends in lua_resume's status. A coroutine that came to its end is used
 * again; one that was stopped or failed is dropped unclosed: its <close>
 * variables are the script's code, and it had its time.
 */
#include "policy/call.h"

#include "policy/api.h"

#include <stdlib.h>

static const char *const no_memory = "not enough memory";

/* ---- the pool ------------------------------------------------------- */

static int new_thread(lua_State *L)
{
    struct policy_call *c = lua_touserdata(L, 1);

    c->co = lua_newthread(L);
    c->co_ref = luaL_ref(L, LUA_REGISTRYINDEX);
    return 0;
}

static int drop_thread(lua_State *L)
{
    struct policy_call *c = lua_touserdata(L, 1);

    luaL_unref(L, LUA_REGISTRYINDEX, c->co_ref);
    return 0;
}

static int protected_call(struct policy_call *c, lua_CFunction fn)
{
    lua_State *L = c->st->L;
    int rc;

    lua_pushcfunction(L, fn);
    lua_pushlightuserdata(L, c);
    rc = lua_pcall(L, 1, 0, 0);
    lua_settop(L, 0);
    return rc;
}

static struct policy_call *call_take(struct policy_state *st)
{
    struct policy_call *c = st->idle;

    if (c) {
        st->idle = c->next_idle;
    } else if (st->n_calls < POLICY_CALLS) {
        c = calloc(1, sizeof *c);
        if (!c)
            return NULL;
        c->st = st;
        c->gen = 1;
        c->next_all = st->all;
        st->all = c;
        st->n_calls++;
    } else {
        return NULL;
    }
    if (!c->co && protected_call(c, new_thread) != LUA_OK) {
        c->co = NULL;
        c->next_idle = st->idle;
        st->idle = c;
        return NULL;
    }
    return c;
}

/* The call is over: whatever names its generation finds nothing from now. */
static void call_give(struct policy_call *c, bool keep_thread)
{
    c->gen++;
    c->phase_of_life = CALL_IDLE;
    c->run = NULL;
    if (!keep_thread) {
        protected_call(c, drop_thread);
        c->co = NULL;
    }
    c->next_idle = c->st->idle;
    c->st->idle = c;
}

void policy_calls_free(struct policy_state *st)
{
    while (st->all) {
        struct policy_call *c = st->all;

        st->all = c->next_all;
        if (c->phase_of_life == CALL_WAITING)
            loop_timer_stop(&c->timer);
        free(c);
    }
    st->idle = NULL;
    st->n_calls = 0;
}

/* ---- running -------------------------------------------------------- */

static int call_done(lua_State *L, int status, lua_KContext ctx)
{
    struct policy_call *c = (struct policy_call *)ctx;

    (void)status;
    decision_read(L, c, lua_gettop(L));
    return 0;
}

/* The coroutine's body. */
static int call_body(lua_State *L)
{
    struct policy_call *c = lua_touserdata(L, 1);
    int args = 2;

    lua_rawgeti(L, LUA_REGISTRYINDEX, c->st->fn[c->phase]);
    api_push(L, c, API_REQ, NULL, 0);
    lua_rawgeti(L, LUA_REGISTRYINDEX, c->st->conf_ref);
    if (c->phase == PHASE_ROUTE && c->run->plan) {
        api_push(L, c, API_PLAN, NULL, 0);
        args = 3;
    }
    lua_callk(L, args, 1, (lua_KContext)c, call_done);
    return call_done(L, LUA_OK, (lua_KContext)c);
}

static struct str copied(struct policy_call *c, struct str s)
{
    struct str d = arena_dup(c->run->arena, s);

    return d.p ? d : str_of(no_memory);
}

/* Why a coroutine that did not come to its end was left. */
static struct str reason(struct policy_call *c, int rc)
{
    if (c->budget.expired)
        return STR("CPU budget of 50 ms used up");
    if (c->stopped)
        return str_of(c->stopped);
    if (rc == LUA_ERRMEM)
        return STR("memory budget of 8 MiB used up");
    if (rc == LUA_YIELD)
        return STR("it yielded to nobody");
    return copied(c, policy_error_text(c->co));
}

static enum call_result drive(struct policy_call *c, int args,
                              struct policy_result *out, struct str *why)
{
    int results = 0, rc;

    c->out = out;
    c->phase_of_life = CALL_RUNNING;
    c->waiting_on = NULL;
    c->st->running = c;
    budget_enter(&c->budget);
    rc = lua_resume(c->co, c->st->L, args, &results);
    budget_leave(&c->budget);
    c->st->running = NULL;
    c->out = NULL;
    if (rc == LUA_OK) {
        lua_settop(c->co, 0);
        if (c->st->conf->observe)
            api_plan_restore(c);
        call_give(c, true);
        return CALL_DONE;
    }
    if (rc == LUA_YIELD && c->waiting_on && !c->budget.expired) {
        c->phase_of_life = CALL_WAITING;
        return CALL_WAITS;
    }
    if (c->waiting_on)
        loop_timer_stop(&c->timer);
    *why = reason(c, rc);
    *out = (struct policy_result){ .verdict = POLICY_NONE };
    api_plan_restore(c);
    call_give(c, false);
    return CALL_ERROR;
}

enum call_result policy_call_begin(struct policy_state *st,
                                   enum policy_phase phase,
                                   struct policy_run *run,
                                   struct policy_result *out, struct str *why)
{
    struct policy_call *c;

    policy_state_tidy(st);
    c = call_take(st);
    if (!c) {
        *why = str_of(st->n_calls < POLICY_CALLS ? no_memory
                                                 : "too many calls that wait");
        return CALL_ERROR;
    }
    c->phase = phase;
    c->run = run;
    c->stopped = NULL;
    c->wall_ms = 0;
    c->plan_before = NULL;
    c->notes = 0;
    run->call = c;
    budget_init(&c->budget, c->co, POLICY_CPU_MS);
    lua_pushcfunction(c->co, call_body);
    lua_pushlightuserdata(c->co, c);
    return drive(c, 1, out, why);
}

enum call_result policy_call_resume(struct policy_call *c,
                                    struct policy_result *out, struct str *why)
{
    if (c->phase_of_life != CALL_WOKEN)
        return CALL_WAITS;
    if (c->stopped) {
        *why = reason(c, LUA_YIELD);
        api_plan_restore(c);
        call_give(c, false);
        return CALL_ERROR;
    }
    return drive(c, 0, out, why);
}

void policy_call_cancel(struct policy_call *c)
{
    if (c->waiting_on)
        loop_timer_stop(&c->timer);
    call_give(c, false);
}

/* ---- waiting -------------------------------------------------------- */

static void on_timer(void *ud)
{
    struct policy_call *c = ud;

    c->phase_of_life = CALL_WOKEN;
    c->run->wake(c->run->req);
}

int policy_call_sleep(lua_State *L, uint64_t ms, lua_KFunction k)
{
    struct policy_call *c = api_call(L);
    struct loop *loop = c->st->env->loop;
    uint64_t now;

    if (!lua_isyieldable(L))
        return luaL_error(L, "cannot wait inside a callback of gsub, sort, "
                             "plan or a metamethod");
    if (!loop || !c->run->wake)
        return luaL_error(L, "%s cannot wait", policy_phase_name(c->phase));
    now = loop_now_ms(loop);
    if (!c->wall_ms)
        c->wall_ms = now + POLICY_WALL_MS;
    if (now + ms > c->wall_ms) {
        c->stopped = "wall budget of 2 s used up";
        ms = c->wall_ms > now ? c->wall_ms - now : 0;
    }
    c->waiting_on = "sleep";
    loop_timer_init(&c->timer, loop, on_timer, c);
    loop_timer_set(&c->timer, ms);
    return lua_yieldk(L, 0, 0, k);
}
