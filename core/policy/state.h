/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * One policy in one worker: its own Lua state with its own capped heap, the
 * functions of its phases, and the calls that run or wait in it. A policy that
 * runs out of memory or leaves garbage behind harms no other.
 *
 * Everything that may raise runs below lua_pcall or in a coroutine: Lua's
 * panic function is never reached.
 */
#ifndef PENSTOCK_POLICY_STATE_H
#define PENSTOCK_POLICY_STATE_H

#include "policy/budget.h"
#include "policy/heap.h"
#include "policy/policy.h"

#include <lauxlib.h>
#include <lua.h>

struct loop;
struct hash;

enum {
    POLICY_MEMORY = 8 << 20, /* bytes of heap per state */
    POLICY_LOAD_MS = 500,    /* CPU for compiling and running a file */
    POLICY_CPU_MS = 50,      /* CPU per call */
    POLICY_WALL_MS = 2000,   /* per call, counted from its first wait */
    POLICY_CALLS = 16384,    /* calls of one policy that run or wait */
};

/** What all policies of a set share. */
struct policy_env {
    const struct config *config;
    struct loop *loop; /* NULL: nothing can wait */
    struct hash *hash;
};

struct policy_state {
    lua_State *L;
    struct policy_heap heap;
    size_t tidy_at; /* bytes of heap, see policy_state_tidy */
    struct policy_env *env;
    const struct conf_policy *conf;
    int fn[PHASE_COUNT]; /* registry; LUA_NOREF: no such phase */
    bool open[PHASE_COUNT]; /* an error counts as "no opinion" */
    int conf_ref;
    json_t *conf_tree; /* while loading */
    struct policy_call *running; /* whose coroutine runs now */
    struct policy_call *idle;    /* pooled */
    struct policy_call *all;
    uint32_t n_calls;
    uint32_t ns_rest;   /* CPU not yet in the metric */
    uint64_t logged_ms; /* when an error was last logged */
};

/**
 * Compile, run and check one policy file.
 *
 * Errors: CONFIG, err->at = "path:line" or "path"; NOMEM.
 */
struct policy_state *policy_state_new(struct policy_env *env,
                                      const struct conf_policy *conf,
                                      struct err *err);
void policy_state_free(struct policy_state *st);

/**
 * Before a call: collect, once half of the room that the last collection left
 * is used. What a call that was stopped leaves behind is not held against the
 * next one, and a heap full of garbage does not meet its cap within a call.
 * Cost: a comparison; the collection is 10 ms for 8 MiB of small things.
 */
void policy_state_tidy(struct policy_state *st);

/** The state that owns this Lua thread. O(1). */
static inline struct policy_state *policy_state_of(lua_State *L)
{
    return *(struct policy_state **)lua_getextraspace(L);
}

/** Text of the error value on top of L, without calling any metamethod; cut
 * at 1 KiB. */
struct str policy_error_text(lua_State *L);

/* schema.c: the conf of a policy, checked against the schema at `schema` (or 0:
 * none given), pushed as a read-only table. Raises. */
void policy_schema_conf(struct policy_state *st, lua_State *L, int schema);

/* load.c: what the file returned, on top of L, becomes fn, open, conf_ref.
 * Raises; run below lua_pcall. */
void policy_load_table(struct policy_state *st, lua_State *L);

#endif
