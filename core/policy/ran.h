/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Filling struct policy_ran while a policy is under way, for explain. Some ten
 * nanoseconds a policy: the clock was read for the metric already.
 */
#ifndef PENSTOCK_POLICY_RAN_H
#define PENSTOCK_POLICY_RAN_H

#include "policy/state.h"

/** A policy begins at `now_ns`. */
void policy_ran_begin(struct policy_run *run, const struct policy_state *st,
                      enum policy_phase p, uint64_t now_ns);

/** It has worked for `ns` since t0_ns, and waits or is through. */
void policy_ran_add(struct policy_run *run, const struct policy_state *st,
                    uint64_t t0_ns, uint64_t ns, bool waits);

/** What it meant, before its mode changes that. */
void policy_ran_verdict(struct policy_run *run,
                        const struct policy_result *out, bool failed,
                        struct str why);

#endif
