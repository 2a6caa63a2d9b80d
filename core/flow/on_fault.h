/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What a target refused for its content goes to the model that its own names
 * in `on`. The policies are asked for their route again: what they kept a
 * request from, they keep it from here. Where that model fails, too, the
 * client is told of the refusal.
 *
 * Source: docs/design/reliability.md, "Retries"
 */
#ifndef PENSTOCK_FLOW_ON_FAULT_H
#define PENSTOCK_FLOW_ON_FAULT_H

#include "engine/fault.h"
#include "flow/request.h"

/** Is a request that failed so taken over by another model? r->plan is then
 * that model's; enter STEP_ROUTE. */
bool on_fault_taken(struct request *r, const struct fault_info *why);

/** That plan takes the place of the present one; enter STEP_ROUTE. */
void on_fault_move(struct request *r, const struct plan *to);

/** A plan was made and routed: those of it that were tried are out. */
void on_fault_routed(struct request *r);

#endif
