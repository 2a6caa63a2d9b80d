/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The CPU budget of Lua code. A timer on this thread's CPU clock ticks every
 * few milliseconds of work, never while the worker is idle, and charges what
 * passed to the budget in force: entering and leaving cost a few stores. A
 * budget that is used up gets a hook before each instruction, and the flag
 * that our own C functions look at.
 *
 * The hook yields to C where it can: nothing in the script can catch that.
 * Elsewhere (below gsub, sort, a metamethod called from C) it raises and stays
 * armed: each further instruction, and each call of a function of C, raises
 * again. What is left to our own functions is to look at the budget in every
 * loop whose turns may be slow (a metamethod, a chain of __index tables).
 */
#ifndef PENSTOCK_POLICY_BUDGET_H
#define PENSTOCK_POLICY_BUDGET_H

#include <lua.h>
#include <stdbool.h>
#include <stdint.h>

struct budget {
    lua_State *L; /* the thread to stop */
    uint64_t spent_ns, limit_ns;
    volatile bool expired; /* set by the timer */
    volatile bool armed;   /* the hook is set */
    volatile bool ticked;  /* since it was entered */
};

/** Start (and count the users of) this process's timer. 0 or -ERR_IO. */
int budget_timer_start(void);
void budget_timer_stop(void);

/** A fresh budget for what runs in L. */
void budget_init(struct budget *b, lua_State *L, uint32_t cpu_ms);

/** From here to budget_leave, CPU time is charged to b. No nesting. */
void budget_enter(struct budget *b);
void budget_leave(struct budget *b);

/** Is the budget in force used up? */
bool budget_expired(void);

/** For loops in C: raises when the budget in force is used up. */
void budget_check(lua_State *L);

#endif
