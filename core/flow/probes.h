/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Looking after targets beside requests, in each worker: the one that leads
 * probes hosts whose targets are ill, taken out or, if asked for, idle; and
 * each opens connections ahead of need where a provider's pool says so. Both
 * ask for the list of models, which no provider bills; no request waits for
 * them.
 *
 * Source: docs/design/reliability.md, "Probes"; docs/design/http-out.md
 */
#ifndef PENSTOCK_FLOW_PROBES_H
#define PENSTOCK_FLOW_PROBES_H

#include "flow/generation.h"

enum { PROBES_MAX = 4 }; /* under way in a worker */

struct flow;
struct probes;

/** Begin; NULL: no memory. Borrows the flow for its life. */
struct probes *probes_new(struct flow *f);
/** Cancels what is under way. NULL is fine. */
void probes_free(struct probes *p);

#endif
