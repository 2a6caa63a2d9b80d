/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The tick phase: a policy's function that runs every so often, without a
 * request. A worker starts the ticks of the generation that takes new
 * requests, and stops them when another one does or when it drains.
 *
 * `where = "one"`: all workers have the timer, and the first of them runs the
 * function (policy_ticker.leads). At the moment in which another one becomes
 * the first, a tick may come early or late by an interval.
 */
#ifndef PENSTOCK_POLICY_TICK_H
#define PENSTOCK_POLICY_TICK_H

#include "policy/policy.h"

enum {
    TICK_FIRST_MS = 1000, /* to the first, unless the interval is shorter */
    TICK_LEAST_MS = 100,
};

#define TICK_MOST_MS (24u * 3600 * 1000)

/** The file's key: every = { interval = "30s", where = "one" }, on top of L;
 * raises. For load.c. */
struct policy_state;
struct lua_State;
void policy_take_every(struct policy_state *st, struct lua_State *L);

/** Is this worker the one? Without a function it is. */
struct policy_ticker {
    bool (*leads)(void *ud);
    void *ud;
};

/**
 * Start the timers; the set has its loop (policy_set_loop). Idempotent.
 *
 * A policy has one tick at a time: one that still waits when the next is due
 * goes on, and the next is left out. An error is counted and logged like any
 * other, and the timer goes on. 0 or -ERR_NOMEM.
 */
int policy_ticks_start(struct policy_set *s, const struct policy_ticker *who);

/** Stop; a tick that waits is cancelled. Idempotent; policy_set_free does it
 * as well. */
void policy_ticks_stop(struct policy_set *s);

#endif
