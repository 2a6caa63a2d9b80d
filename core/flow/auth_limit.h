/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Wrong credentials from one address. What counts is an authentication that
 * failed with a credential (401), never one that succeeded; while an address
 * has too many, what it presents is not looked at, or a guess that is right
 * would still be told. Callers that present none are not concerned.
 *
 * Counted among the limits (engine/limit.h), so in memory that all workers
 * share, which is bounded: an address whose count has gone down gives its
 * cell to another; where none is free it is not counted. IPv6 counts by its
 * first 64 bits, callers behind trusted proxies by what those say, and those
 * of a Unix socket not at all: they are one address.
 */
#ifndef PENSTOCK_FLOW_AUTH_LIMIT_H
#define PENSTOCK_FLOW_AUTH_LIMIT_H

#include "flow/request.h"

/** May what the request presents be looked at? Else r->err and
 * r->retry_after_ms say why not. Cost: a look at one cell. */
bool auth_limit_admits(struct request *r);

/** Authentication has failed. Requests that were under way together may
 * exceed the limit by their number. */
void auth_limit_failed(struct request *r);

#endif
