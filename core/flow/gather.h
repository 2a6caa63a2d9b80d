/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A stream where one whole answer was asked for, and one whole answer where
 * a stream was: some servers have nothing else, whatever `stream` says. It is
 * read to its end and written as what its dialect has for the other; from
 * there on it is an answer like others.
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

/**
 * The other way round: the events of its dialect that one whole answer is,
 * for a client that asked for a stream and reads nothing else.
 *
 *   out      to  the events, LIMIT at its cap
 *   returns      false: the answer cannot be told so, and goes as it came
 */
bool gather_spread(struct request *r, struct str body, struct buf *out);

#endif
