/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Targets whose model is known not to be able to do what a request needs are
 * passed over where another is left. Where none is, they stay: the catalogue
 * may be wrong, and the provider's own refusal says more. One whose model is
 * known to be for something else is never asked.
 */
#ifndef PENSTOCK_FLOW_CAPABLE_H
#define PENSTOCK_FLOW_CAPABLE_H

#include "engine/ability.h"
#include "flow/request.h"

/** Drop those from the plan, with a note; r->refused where that was the last
 * one, for what it is. What models lack is not looked at while fewer than two
 * are left. Cost: a byte a target of a model block. */
void capable_drop(struct request *r);

/** What a target's model is for, as far as it is known. */
enum model_kind capable_kind(const struct request *r, const struct target *t);

#endif
