/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A worker that has too much to do turns requests away before they cost
 * anything: batch first, at the worst everybody; never its own checks
 * (/healthz, /readyz). Looked at each half second; on a request's path it is
 * one test of f->shed_level. See engine/shed.h.
 *
 * Source: docs/design/reliability.md, "Too much to do"
 */
#ifndef PENSTOCK_FLOW_SHEDDING_H
#define PENSTOCK_FLOW_SHEDDING_H

#include "flow/request.h"

struct shedding;

/** Look at this worker from now on. NULL: memory. */
struct shedding *shedding_new(struct flow *f);
void shedding_free(struct shedding *s); /* NULL is fine */

/** There is a level: does it hold for this request? */
bool shedding_refuses(struct request *r);
/** STEP_FAIL, with when to come again. */
enum step shedding_refuse(struct request *r);

#endif
