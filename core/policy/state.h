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

#include "engine/metrics.h"
#include "policy/budget.h"
#include "policy/heap.h"
#include "policy/outside.h"
#include "policy/policy.h"

#include <lauxlib.h>
#include <lua.h>

struct loop;
struct hash;
struct slots;

enum {
    POLICY_MEMORY = 8 << 20, /* bytes of heap per state */
    POLICY_LOAD_MS = 500,    /* CPU for compiling and running a file */
    POLICY_CPU_MS = 50,      /* CPU per call */
    POLICY_WALL_MS = 2000,   /* per call, counted from its first wait */
    POLICY_CALLS = 16384,    /* calls of one policy that run or wait */
    POLICY_WAITS = 1 << 18,  /* waits of all policies of a set */
};

/** What all policies of a set share. */
struct policy_env {
    const struct config *config;
    struct loop *loop; /* NULL: no time passes, so nothing can wait for it */
    struct hash *hash;
    struct outside outside; /* its functions may be NULL: cannot be reached */
    struct slots *waits;    /* calls that wait; NULL before the first */
    const struct key_table *keys; /* of the store; may be NULL */
    struct kv *kv;             /* NULL: ps.kv cannot be used */
    struct policy_clock clock; /* without functions: the system's */
    const struct target **targets; /* of ps.targets; own the list alone */
    size_t n_targets;
    struct policy_ticks *ticks; /* tick.c; NULL: not started */
    struct policy_probe *probe; /* policy/probe.h; NULL in a worker */
    bool quiet; /* policy_set_quiet */
};

uint64_t policy_mono_ms(const struct policy_env *env);
uint64_t policy_wall_ms(const struct policy_env *env);

/** window = { hold =, of = }. */
struct policy_wish {
    uint32_t hold;   /* characters */
    bool all;        /* the whole answer instead */
    uint8_t of;      /* 1 << enum wire_kind */
    bool said, held; /* the file has window, window.hold */
    const char *when; /* while loading: the key of conf that turns it on */
};

struct policy_state {
    lua_State *L;
    struct policy_heap heap;
    size_t tidy_at; /* bytes of heap, see policy_state_tidy */
    struct policy_env *env;
    const struct conf_policy *conf;
    int fn[PHASE_COUNT]; /* registry; LUA_NOREF: no such phase */
    bool open[PHASE_COUNT]; /* an error counts as "no opinion" */
    struct policy_wish window; /* of the output phase */
    uint32_t every_ms;      /* tick's interval; 0: none */
    bool every_worker;      /* in each worker, not in one */
    uint32_t dialects; /* whose raw JSON it knows: 1 << enum dialect */
    int conf_ref;
    json_t *conf_tree; /* while loading */
    struct policy_call *running; /* whose coroutine runs now */
    struct policy_call *idle;    /* pooled */
    struct policy_call *all;
    uint32_t n_calls;
    uint64_t begun; /* calls, ever */
    uint32_t ns_rest;   /* CPU not yet in the metric */
    struct metric_spot seconds[PHASE_COUNT];
    uint64_t logged_ms; /* when an error was last logged */
    bool series_full;   /* ps.metric may make no further series */
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

/** The i-th state of a set that has the phase, in list order; or NULL. */
struct policy_state *policy_set_state(struct policy_set *s,
                                      enum policy_phase p, size_t i);

/** As policy_run, for one policy. */
int policy_state_run(struct policy_state *st, enum policy_phase p,
                     struct policy_run *run, struct policy_result *out);

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
