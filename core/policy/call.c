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

#include "base/slots.h"
#include "policy/api.h"
#include "policy/edit.h"

#include <stdlib.h>

static const char *const no_memory = "not enough memory";
static const char *const wall_used_up = "wall budget of 2 s used up";

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

static void drop_outcome(struct policy_call *c)
{
    outcome_free(c->outcome);
    c->outcome = NULL;
}

/* What it waits for will find nothing. */
static void unwait(struct policy_call *c)
{
    struct policy_env *env = c->st->env;

    if (c->waiting_on && env->loop)
        loop_timer_stop(&c->timer);
    if (c->op)
        env->outside.cancel(env->outside.ud, c->op);
    if (c->wait)
        slots_del(env->waits, c->wait);
    c->waiting_on = NULL;
    c->op = c->wait = 0;
}

/* The call is over: whatever names its generation finds nothing from now. */
static void call_give(struct policy_call *c, bool keep_thread)
{
    unwait(c);
    drop_outcome(c);
    edit_drop(c);
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
        unwait(c);
        drop_outcome(c);
        edit_drop(c);
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
    if (c->edit)
        edit_commit(L, c);
    return 0;
}

/* The coroutine's body. */
static int call_body(lua_State *L)
{
    struct policy_call *c = lua_touserdata(L, 1);
    int args = 2;

    lua_rawgeti(L, LUA_REGISTRYINDEX, c->st->fn[c->phase]);
    if (c->phase == PHASE_TICK)
        lua_pushnil(L); /* there is no request */
    else
        api_push(L, c, API_REQ, NULL, 0);
    lua_rawgeti(L, LUA_REGISTRYINDEX, c->st->conf_ref);
    args += api_push_thing(L, c);
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
        if (policy_call_observes(c))
            api_undo(c);
        call_give(c, true);
        return CALL_DONE;
    }
    if (rc == LUA_YIELD && c->waiting_on && !c->budget.expired) {
        c->phase_of_life = CALL_WAITING;
        return CALL_WAITS;
    }
    *why = reason(c, rc);
    *out = (struct policy_result){ .verdict = POLICY_NONE };
    api_undo(c);
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
    c->number = ++st->begun;
    c->found = NULL;
    c->run = run;
    c->stopped = NULL;
    c->wall_ms = 0;
    c->plan_before = NULL;
    c->headers_before = NULL;
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
        api_undo(c);
        call_give(c, false);
        return CALL_ERROR;
    }
    return drive(c, 0, out, why);
}

void policy_call_cancel(struct policy_call *c)
{
    if (c->phase_of_life != CALL_IDLE)
        call_give(c, false);
}

/* ---- waiting -------------------------------------------------------- */

static void wake(struct policy_call *c)
{
    unwait(c);
    c->phase_of_life = CALL_WOKEN;
    c->run->wake(c->run->req); /* the call may be gone after this */
}

/* A sleep's end; or the wall budget's, whatever is waited for. */
static void on_timer(void *ud)
{
    struct policy_call *c = ud;

    if (c->op)
        c->stopped = wall_used_up;
    wake(c);
}

void policy_wake(struct policy_env *env, uint64_t wait, struct outcome *o)
{
    struct policy_call *c = env->waits ? slots_get(env->waits, wait) : NULL;

    if (!c || !c->op) {
        outcome_free(o);
        return;
    }
    c->op = 0;
    c->outcome = o;
    wake(c);
}

/* The call that runs, if it may be left here. */
static struct policy_call *can_wait(lua_State *L)
{
    struct policy_call *c = api_call(L);

    if (!lua_isyieldable(L))
        luaL_error(L, "cannot wait inside a callback of gsub, sort, plan or "
                      "a metamethod");
    if (!c->run->wake)
        luaL_error(L, "%s cannot wait", policy_phase_name(c->phase));
    return c;
}

uint64_t policy_wait_begin(lua_State *L)
{
    struct policy_call *c = can_wait(L);
    struct policy_env *env = c->st->env;

    drop_outcome(c);
    if (!env->waits)
        env->waits = slots_new(POLICY_WAITS);
    c->wait = env->waits ? slots_add(env->waits, c) : 0;
    if (!c->wait)
        luaL_error(L, "too many calls that wait");
    if (env->outside.sleep)
        c->asked_ms = policy_mono_ms(env);
    return c->wait;
}

/* Milliseconds left of the wall budget, which begins with the first wait. */
static uint64_t wall_left(struct policy_call *c)
{
    uint64_t now = loop_now_ms(c->st->env->loop);

    if (!c->wall_ms)
        c->wall_ms = now + POLICY_WALL_MS;
    return c->wall_ms > now ? c->wall_ms - now : 0;
}

static void set_timer(struct policy_call *c, uint64_t ms)
{
    loop_timer_init(&c->timer, c->st->env->loop, on_timer, c);
    loop_timer_set(&c->timer, ms);
}

int policy_wait(lua_State *L, const char *what, uint64_t op, lua_KContext ctx,
                lua_KFunction k)
{
    struct policy_call *c = api_call(L);

    c->op = op;
    c->waiting_on = what;
    if (c->st->env->loop)
        set_timer(c, wall_left(c));
    return lua_yieldk(L, 0, ctx, k);
}

/* Without a loop, so much time has passed in a wait; false: that is too much,
 * and the call ends when it yields. */
static bool passed(struct policy_call *c, uint64_t ms)
{
    c->wall_ms += ms;
    if (c->wall_ms <= POLICY_WALL_MS)
        return true;
    c->stopped = wall_used_up;
    return false;
}

int policy_wait_not(lua_State *L, struct outcome *now, lua_KContext ctx,
                    lua_KFunction k)
{
    struct policy_call *c = api_call(L);
    const struct policy_env *env = c->st->env;

    unwait(c);
    c->outcome = now;
    if (env->outside.sleep &&
        !passed(c, policy_mono_ms(env) - c->asked_ms))
        return lua_yieldk(L, 0, ctx, k);
    return k(L, LUA_OK, ctx);
}

const struct outcome *policy_outcome(lua_State *L)
{
    return api_call(L)->outcome;
}

void policy_outcome_drop(lua_State *L)
{
    drop_outcome(api_call(L));
}

int policy_call_sleep(lua_State *L, uint64_t ms, lua_KFunction k)
{
    struct policy_call *c = can_wait(L);
    const struct outside *o = &c->st->env->outside;
    uint64_t left;

    if (o->sleep && o->sleep(o->ud, ms))
        return passed(c, ms) ? k(L, LUA_OK, 0) : lua_yieldk(L, 0, 0, k);
    if (!c->st->env->loop)
        return luaL_error(L, "%s cannot wait", policy_phase_name(c->phase));
    left = wall_left(c);
    if (ms > left) {
        c->stopped = wall_used_up;
        ms = left;
    }
    c->waiting_on = "sleep";
    set_timer(c, ms);
    return lua_yieldk(L, 0, 0, k);
}
