/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Interactive or batch: whom nobody waits for goes last and is turned away
 * first. Batch is what has the tag priority=batch, of the caller's key (or of
 * its team), or in x-penstock-tags: a request may call itself less urgent than
 * its key is, never more.
 */
#ifndef PENSTOCK_FLOW_PRIORITY_H
#define PENSTOCK_FLOW_PRIORITY_H

#include "flow/request.h"

/** Before the caller is known by what the request says. O(tags). */
bool priority_is_batch(struct request *r);

#endif
