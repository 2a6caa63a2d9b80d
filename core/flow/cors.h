/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Requests from pages in browsers (the Fetch Standard's CORS): what every
 * answer of a listener with a `cors` block says, and the preflight, which is
 * answered here, before anybody is asked who calls: a browser sends none of
 * the page's credentials with it.
 */
#ifndef PENSTOCK_FLOW_CORS_H
#define PENSTOCK_FLOW_CORS_H

#include "flow/request.h"

enum { CORS_FIELDS = 4 }; /* the most that cors_headers adds */

/** What the caller's page may read of this answer; the number of fields. They
 * borrow from the request. */
size_t cors_headers(struct request *r, struct http_header *h, size_t max);

/** Does a browser ask whether it may send a request? */
bool cors_is_preflight(const struct request *r);
/** Answer that; r->endpoint may be NULL. */
enum step cors_preflight(struct request *r);

#endif
