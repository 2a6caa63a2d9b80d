/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What a client gets when no target of its model can serve it: the targets of
 * the model that `on_exhausted` names, then its fixed reply, and only then
 * the error.
 *
 * Source: docs/design/reliability.md, "When all are down"
 */
#ifndef PENSTOCK_FLOW_DEGRADE_H
#define PENSTOCK_FLOW_DEGRADE_H

#include "flow/request.h"

/** How often in one request: so long a chain is configured at most. */
#define DEGRADE_MAX CONF_ON_DEPTH

/**
 * The request is about to fail. True: it does not, and *next goes on.
 *
 * Not of a caller's own fault, of a policy's refusal or word to give up, and
 * not after content. Once the deadline has passed there is the reply alone.
 *
 * Cost: a few comparisons where nothing is configured.
 */
bool degrade(struct request *r, enum step *next);

#endif
