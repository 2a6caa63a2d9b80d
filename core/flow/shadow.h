/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A candidate's policies beside the live ones: for a share of the requests
 * each phase up to `route` is run twice, and what the candidate decided is
 * compared with what was done. It decides nothing:
 *
 *   - all its policies observe (mode = "observe"): edits of the body and of
 *     the plan, ps.take, writes to ps.kv and ps.metric are undone or not made;
 *   - services, Redis and issuers are not asked: such a phase is undecided;
 *   - it never waits, and no metric, log line or note of the request is its;
 *   - its CPU is at most 5 % of the worker's; what is more is not looked at.
 *
 * Cost without a shadow: one test of a pointer per phase.
 */
#ifndef PENSTOCK_FLOW_SHADOW_H
#define PENSTOCK_FLOW_SHADOW_H

#include "base/buf.h"
#include "policy/policy.h"

struct flow;
struct generation;
struct request;
struct snapshot;

enum { SHADOW_ALL = 10000 }; /* the rate: of so many requests */

/**
 * Begin; an earlier one ends. `rate`: of SHADOW_ALL requests.
 * Errors: those of config_open and of the policies.
 */
int flow_shadow(struct flow *f, struct snapshot *bundle, uint32_t rate,
                struct err *err);
void flow_shadow_stop(struct flow *f);
/** Append what was seen since the last time, as JSON; false: nothing was. */
bool flow_shadow_report(struct flow *f, struct buf *out);

/* for phase.c and flow.c */

/** Before a phase of the live policies: run the candidate's, once. */
void shadow_ask(struct request *r, enum policy_phase p);
/** After it: compare. */
void shadow_told(struct request *r, enum policy_phase p,
                 const struct policy_result *live);
/** The flow has another generation: its targets are those of ps.targets. */
void shadow_lend(struct flow *f);

#endif
