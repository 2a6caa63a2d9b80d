/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The admin API's paths, as what they ask of the desk. */
#ifndef PENSTOCK_KEEPER_ADMIN_ROUTE_H
#define PENSTOCK_KEEPER_ADMIN_ROUTE_H

#include "base/str.h"

#include <jansson.h>

struct admin_route {
    const char *method;
    const char *path; /* "{}" stands for an id or a name */
    const char *verb; /* of the desk; NULL: /v1/status */
    bool takes_body;
    bool of_master; /* who may, is the desk's; the rest is the master's */
};

/**
 * The route of a request; the part that "{}" stands for goes to *id, with
 * percent-encoding undone. NULL: *known says whether the path takes another
 * method (405) or is none (404).
 */
const struct admin_route *admin_route_find(struct str method, struct str path,
                                           char *id, size_t id_size,
                                           bool *known);

/** The desk's question: the body's members (or NULL), those of the query that
 * may be (after, revoked), verb and id. NULL: memory. */
json_t *admin_route_ask(const struct admin_route *r, const char *id,
                        struct str query, const json_t *body);

#endif
