/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The output phase: what policies want to see of an answer, and the window
 * that they see it through. What is held back, and for how long, is the
 * caller's business (core/flow/output.c); here a phase is run over one window
 * after the other of one answer.
 *
 *     struct policy_window w = { .text = &t };       // one for the answer
 *     w.kind = …; w.final = …; output_text_set(&t, …);
 *     run.window = &w;
 *     policy_run(set, PHASE_OUTPUT, &run, &out);     // never waits
 *     … output_text_now(&t) …
 *
 * Policies edit in list order, each what the one before it made. Edits of one
 * that failed or only observes are undone. A policy that failed open, or that
 * observes and would have ended the answer, is not asked again in it.
 */
#ifndef PENSTOCK_POLICY_OUTPUT_H
#define PENSTOCK_POLICY_OUTPUT_H

#include "policy/call.h"
#include "policy/output_text.h"
#include "wire/texts.h"

enum {
    OUTPUT_HOLD = 64,          /* characters, where a policy does not say */
    OUTPUT_HOLD_MAX = 4096,
    OUTPUT_MAX = 4 << 20,      /* bytes of an answer kept back at a time */
    OUTPUT_POLICIES = 256,
};

struct policy_window {
    enum wire_kind kind;
    uint32_t choice, block;
    bool final;               /* nothing more of this block */
    struct output_text *text;
    uint64_t out[OUTPUT_POLICIES / 64];   /* not asked again */
    uint64_t noted[OUTPUT_POLICIES / 64]; /* said what it would replace */
    size_t at; /* of the policy that is asked */
};

/** What the output policies that apply to an endpoint want. */
struct policy_output {
    uint8_t kinds;  /* 1 << enum wire_kind: some policy looks at it */
    uint8_t acting; /* and not all that do only observe */
    bool all;       /* one that acts wants the whole answer */
    bool all_seen;  /* one that observes does */
    uint32_t hold[WIRE_KINDS]; /* characters: of those that act, if any do */
};

/** False when no policy does. O(policies). */
bool policy_output_wants(struct policy_set *s, struct str endpoint,
                         struct policy_output *out);

/**
 * An answer cannot be shown to them (it is too large): each that is still
 * asked fails, with that reason. *out is POLICY_FAILED where one fails
 * closed, else POLICY_NONE.
 */
void policy_output_fail(struct policy_set *s, struct policy_run *run,
                        const char *why, struct policy_result *out);

/* set.c, for output.c and the other way round: a policy is about to be asked
 * (false: not this one), and was. `n`: its place among those of the phase. */
bool policy_output_enter(const struct policy_state *st, struct policy_run *run,
                         size_t n);
void policy_output_leave(const struct policy_state *st, struct policy_run *run,
                         enum call_result r, const struct policy_result *out);
bool policy_applies(const struct policy_state *st, struct str endpoint);
/** What comes of a call: fail mode, observe mode, who said it. */
void policy_decide(struct policy_state *st, enum policy_phase p,
                   struct policy_run *run, enum call_result r, struct str why,
                   struct policy_result *out);

/** For load.c: window = { hold =, of = }, the value on top of L; and when all
 * keys are read. Both raise. */
void policy_output_load(struct policy_state *st, lua_State *L);
void policy_output_loaded(struct policy_state *st, lua_State *L);
/** window.when: without output where conf has not that key. Raises. */
void policy_output_when(struct policy_state *st, lua_State *L, int schema);

#endif
