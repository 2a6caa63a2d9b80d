/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A request and what it has taken of limits: lent to policies, taken by the
 * core where no policy does, told in headers, settled at the end.
 */
#ifndef PENSTOCK_FLOW_LIMITS_HOLD_H
#define PENSTOCK_FLOW_LIMITS_HOLD_H

#include "flow/request.h"

/** What ps.take takes with; NULL where there is no memory of limits. */
struct limit_claim *limits_claim(struct request *r);

/**
 * What the principal carries must hold whatever the policies are: where the
 * configuration asks none of the name "limits", it is taken here, and limits of
 * the teams above its own always are; unless that policy only observes. `next`,
 * or STEP_FAIL.
 */
enum step limits_enforce(struct request *r, enum step next);

/**
 * The request is over: settle by what was reported, or counted; a request that
 * the gateway or a provider failed, or that a limit refused, counts nothing.
 * Idempotent.
 */
void limits_settle(struct request *r);

/** Our limits' headers in the client's dialect, in the place of fields of
 * those names; returns the new n. */
size_t limits_headers(struct request *r, struct http_header *h, size_t n,
                      size_t max);

/* limits_stream.c: a stream on its way */

/** Has it a row with stream = "finish"? */
bool limits_may_finish(const struct request *r);
/** Must its events be looked at, in the client's dialect? */
bool limits_watches(const struct request *r);
/** Count the texts of the event in flow's scratch. */
void limits_count(struct request *r, enum dialect d, struct str event);
/** May it go on? False once: a row with stream = "finish" has no more. */
bool limits_go_on(struct request *r);
/** Usage as far as it is known, for a stream that is ended here. */
void limits_usage(struct request *r);

#endif
