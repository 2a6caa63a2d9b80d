/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Between anthropic.c and anthropic_watch.c; see wire/dialect.h. */
#ifndef PENSTOCK_WIRE_ANTHROPIC_IMPL_H
#define PENSTOCK_WIRE_ANTHROPIC_IMPL_H

#include "wire/dialect.h"

int anthropic_watch_event(enum dialect d, struct str event, struct str data,
                          struct json *scratch, struct arena *a,
                          struct wire_watch *out, struct err *err);
int anthropic_watch_body(enum dialect d, struct str body,
                         struct json *scratch, struct arena *a,
                         struct wire_watch *out, struct err *err);
void anthropic_usage_in_tail(struct str tail, struct arena *a,
                             struct usage *out);

#endif
