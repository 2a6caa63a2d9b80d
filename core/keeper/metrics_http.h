/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The metrics listener: GET /metrics and /healthz, nothing else. */
#ifndef PENSTOCK_KEEPER_METRICS_HTTP_H
#define PENSTOCK_KEEPER_METRICS_HTTP_H

#include "base/err.h"
#include "engine/cells.h"
#include "net/loop.h"

struct metrics_http;

/** Serve on `fd` (listening; borrowed). NULL with *err: NOMEM. */
struct metrics_http *metrics_http_new(struct loop *l, const struct cells *c,
                                      int fd, struct err *err);
void metrics_http_free(struct metrics_http *m);

#endif
