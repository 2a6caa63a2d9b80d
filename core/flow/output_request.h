/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A request's answer and the output policies (output.h): when they look at
 * it, and what their verdict makes of the request. The state belongs to the
 * attempt, so that another try begins with fresh windows.
 */
#ifndef PENSTOCK_FLOW_OUTPUT_REQUEST_H
#define PENSTOCK_FLOW_OUTPUT_REQUEST_H

#include "flow/output.h"
#include "flow/request.h"

/** The head of an answer is there: attempt.output, where policies look. */
void request_output_begin(struct request *r);

/**
 * What a call of output.h returned, not 0. A stop: the events that end the
 * stream are in output_bytes, 0. Else the request has failed: err is set,
 * attempt.refused too, -ERR_CANCELLED. Either way nothing more is read.
 */
int request_output_verdict(struct request *r, int rc);

/** A whole answer, as scanned in flow.scratch: *body is what the client gets.
 * -ERR_CANCELLED: refused. */
int request_output_body(struct request *r, struct str *body);

/** It is larger than what is kept back. 0: it may pass, unseen. */
int request_output_too_large(struct request *r);

/** The stream was cut after content: what is held leaves first, where
 * policies let it. Idempotent. */
void request_output_cut(struct request *r);

#endif
