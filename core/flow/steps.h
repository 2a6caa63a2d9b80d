/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The step functions, for the table in request.c. Each returns the next step,
 * STEP_WAIT (having set r->waiting_on) or STEP_DONE. */
#ifndef PENSTOCK_FLOW_STEPS_H
#define PENSTOCK_FLOW_STEPS_H

#include "flow/request.h"

#define STEP_ROW(id, name, fn) enum step fn(struct request *r);
#include "flow/steps.def"
#undef STEP_ROW

#endif
