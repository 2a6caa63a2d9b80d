/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Refusals of what is no valid request, in the shape of who sent it. */
#ifndef PENSTOCK_FLOW_REFUSAL_H
#define PENSTOCK_FLOW_REFUSAL_H

#include "net/http_server.h"

/** The http_server's on_refusal: Anthropic's shape where the path or the
 * fields that came say that its client asks; else false, the default. Either
 * way with an id of ours, under which it is in the log at level debug. */
bool flow_on_refusal(void *ud, struct http_refused *w, struct buf *body);

#endif
