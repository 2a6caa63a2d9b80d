/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What rests after a try, by the fault's blame and scope: a credential, the
 * target, or all targets of the provider. Rests lie in cells that all workers
 * share, so what one was told holds for all.
 *
 * Source: docs/design/reliability.md, "Rests"
 */
#ifndef PENSTOCK_FLOW_RESTING_H
#define PENSTOCK_FLOW_RESTING_H

#include "flow/request.h"

/** A pause that is waited for where it is, instead of resting. */
#define RESTING_SHORT_MS 1000

/** The try under way failed; logs a credential that is parked by it. */
void resting_after(struct request *r);
/** It served: what rests begin with is set back. */
void resting_served(struct request *r);

#endif
