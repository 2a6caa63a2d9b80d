/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Which of a model's targets a request belongs to: that of its conversation,
 * or of what its prompt begins with. Only where the model says so; of two
 * callers nothing is ever the same.
 *
 * Source: docs/design/reliability.md, "Balance"
 */
#ifndef PENSTOCK_FLOW_AFFINITY_H
#define PENSTOCK_FLOW_AFFINITY_H

#include "flow/request.h"

/** Put its target first, where it has one that is well. Cost: by name under
 * a microsecond, by prompt 0.2 us more per KiB of its prefix. */
void affinity_order(struct request *r, struct plan *p, uint64_t now_ms);

/** The present try has served, and r->pin is there: remember where. */
void affinity_served(const struct request *r);

#endif
