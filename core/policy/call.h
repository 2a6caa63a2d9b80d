/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * One call of one phase of one policy: a coroutine from the state's pool, its
 * budgets, and what it waits for. A call carries a generation number: things
 * that a script kept from an earlier call (req, plan, a target) name a number
 * that is gone, and raise.
 */
#ifndef PENSTOCK_POLICY_CALL_H
#define PENSTOCK_POLICY_CALL_H

#include "net/loop.h"
#include "policy/state.h"

enum call_phase { CALL_IDLE, CALL_RUNNING, CALL_WAITING, CALL_WOKEN };

enum { CALL_NOTES = 32, CALL_NOTE_BYTES = 512 };

/** Payload of what scripts get of a call's things, see api.h. */
struct api_ref {
    struct policy_call *call;
    uint64_t gen;
    const void *thing; /* belongs to the call */
    size_t n;          /* elements, where thing is a list */
};

enum { CALL_LIGHTS = 6 }; /* api_light.c */

struct policy_call {
    struct policy_state *st;
    lua_State *co;
    int co_ref;   /* registry */
    uint64_t gen; /* changes when the call is over */
    uint64_t number; /* of all calls of its state; never the same again */
    const struct principal *found; /* the first that a look-up gave */
    struct api_ref lights[CALL_LIGHTS];
    enum call_phase phase_of_life;
    enum policy_phase phase;
    struct policy_run *run;
    struct policy_result *out; /* while running */
    struct budget budget;
    const char *waiting_on; /* "sleep", "redis main" */
    const char *stopped;    /* why it was ended from outside, or NULL */
    uint64_t wall_ms;       /* loop time at which it has waited enough; 0 */
    uint64_t asked_ms;      /* by a clock of a test's own: when a wait began */
    struct loop_timer timer; /* a sleep's end, or the wall budget's */
    uint64_t wait; /* in env->waits, while something outside is waited for */
    uint64_t op;   /* its number there, for cancel */
    struct outcome *outcome; /* what came; until the next wait or the end */
    struct plan *plan_before; /* copy made at the first edit */
    struct policy_headers *headers_before; /* the same */
    struct call_edit *edit; /* of the body, see edit.h; NULL while none */
    unsigned notes;
    struct policy_call *next_idle, *next_all;
};

enum call_result { CALL_DONE, CALL_WAITS, CALL_ERROR };

/** mode = "observe": what it decides and changes is noted, not applied. */
static inline bool policy_call_observes(const struct policy_call *c)
{
    return c->st->conf->observe;
}

/**
 * Begin, or go on with, a phase of st for a run. On CALL_DONE *out holds the
 * decision; on CALL_ERROR *why is the reason, in the run's arena.
 */
enum call_result policy_call_begin(struct policy_state *st,
                                   enum policy_phase phase,
                                   struct policy_run *run,
                                   struct policy_result *out, struct str *why);
enum call_result policy_call_resume(struct policy_call *c,
                                    struct policy_result *out,
                                    struct str *why);

/** End a call that waits; what it waited for finds nothing. */
void policy_call_cancel(struct policy_call *c);

/** At the end of a state; what still waits is forgotten. */
void policy_calls_free(struct policy_state *st);

/*
 * For waiting functions. A wait has an id (slot and generation); what comes
 * for it is handed to policy_wake by that id, never by a pointer, so that a
 * reply to a call that was cancelled or is over finds nothing. The wall
 * budget holds over all of a call's waits together:
 *
 *     uint64_t wait = policy_wait_begin(L);          (raises)
 *     uint64_t op = outside->redis(ud, wait, &q, &now);
 *     return op ? policy_wait(L, "redis", op, ctx, k)
 *               : policy_wait_not(L, now, ctx, k);
 *
 * In k, and not after it returned, policy_outcome() is what came: NULL where
 * memory was out. Nothing that may raise stands between begin and the end.
 */

/** A new wait of the call that runs. Raises where waiting is impossible:
 * below gsub, sort and the like, and in phases that cannot. */
uint64_t policy_wait_begin(lua_State *L);
/** Leave the coroutine; k goes on. `what` must last (a literal). */
int policy_wait(lua_State *L, const char *what, uint64_t op, lua_KContext ctx,
                lua_KFunction k);
/** Nothing is waited for: `now` (taken) is there. Calls k. */
int policy_wait_not(lua_State *L, struct outcome *now, lua_KContext ctx,
                    lua_KFunction k);
const struct outcome *policy_outcome(lua_State *L);
void policy_outcome_drop(lua_State *L); /* read; else with the next wait */

/**
 * Wait `ms`, then go on in `k`. Raises where waiting is impossible.
 * Use: return policy_call_sleep(L, ms, k).
 */
int policy_call_sleep(lua_State *L, uint64_t ms, lua_KFunction k);

#endif
