/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The plan of a request that is about to be routed, put into its order; and
 * what its tries tell those to come.
 */
#ifndef PENSTOCK_FLOW_ORDER_H
#define PENSTOCK_FLOW_ORDER_H

#include "flow/request.h"

/** By the model's balance and affinity; before policies see it. */
void order_targets(struct request *r, struct plan *p);

/** A stream's first content came after so long. */
void order_heard(struct request *r, uint64_t first_ms);
/** A try failed before its first content, by its target's fault. */
void order_failed(struct request *r);

/** A place among the calls under way at a candidate's target, given back by
 * order_give; the one before is given back first. False: it is full. */
bool order_take(struct request *r, const struct target *t);
void order_give(struct request *r); /* idempotent */

#endif
