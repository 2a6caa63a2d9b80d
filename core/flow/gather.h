/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A stream where one whole answer was asked for: some servers have nothing
 * else, whatever `stream` says. It is read to its end and written as the whole
 * answer that its dialect has for it; from there on it is one like others.
 *
 * Source: docs/design/translation.md, "Streams that nobody asked for".
 */
#ifndef PENSTOCK_FLOW_GATHER_H
#define PENSTOCK_FLOW_GATHER_H

#include "flow/request.h"

/** Is there a codec that writes what the attempt's upstream speaks? */
bool gather_can(const struct request *r);

/**
 * Make the stream in r->answer.held, which has ended, one whole answer there.
 *
 *   body     out     it, owned by r->answer.held; an error in the stream is
 *                    the dialect's error object, for who judges whole answers
 *   returns          false: the try has failed, its fault is set
 *
 * Cost:    one decoding and one encoding; at most TRANSLATED_BODY_MAX bytes
 */
bool gather(struct request *r, struct str *body);

#endif
