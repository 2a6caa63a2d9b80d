/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What `serve` says when it is ready: what is open to whom, and how to try. */
#ifndef PENSTOCK_APP_BANNER_H
#define PENSTOCK_APP_BANNER_H

#include "base/buf.h"

struct master;

/** On stderr. */
void banner_print(const struct master *m);

/** The text itself, for tests. */
int banner_text(const struct master *m, struct buf *out);

#endif
