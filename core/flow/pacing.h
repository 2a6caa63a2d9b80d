/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Pacing: whose reported limit is below what a request will want is passed
 * over until it is full again, while somebody else is there. Nobody is ever
 * shut out by it: a report is old when it is read, and an estimate is one.
 *
 * Source: docs/design/reliability.md, "Pacing"
 */
#ifndef PENSTOCK_FLOW_PACING_H
#define PENSTOCK_FLOW_PACING_H

#include "flow/request.h"

/**
 * Would each credential of the target that does not rest be above its limit?
 * Cost: a few loads; the request's tokens are guessed once, and only where
 * what is left is not plainly enough.
 */
bool pacing_is_short(struct request *r, const struct target *t);
/** Input and output that it will come to, guessed; 0: nothing is charged, or
 * nobody counts. */
uint64_t pacing_tokens(struct request *r);
/** Is a candidate so that could be tried? */
bool pacing_matters(struct request *r);
/** Whose turn it is at the target, first of those that are not. Or NULL. */
struct credential *pacing_credential(struct request *r,
                                     const struct target *t);
/** The try at hand goes. */
void pacing_spend(struct request *r);
/** Its answer's head came: what does it say is left? */
void pacing_heard(struct request *r, const struct http_answer *a);

#endif
