/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Amazon Bedrock's InvokeModelWithResponseStream: an AWS event stream whose
 * "chunk" events hold what the model's own API would have sent as an event,
 * {"bytes": base64 of its JSON, "p": padding}. Out come that API's server-sent
 * events: the JSON byte for byte, its "type" as the event's name.
 *
 * An exception becomes an event "error" with Anthropic's object: to who reads
 * the frame with the exception's own name as its type, in the raw bytes, which
 * are the client's, with Anthropic's name for it. Other events are frames of
 * nothing.
 *
 * Source: docs.aws.amazon.com/bedrock/latest/APIReference/
 * API_runtime_InvokeModelWithResponseStream.html; recorded answers (2026-11).
 */
#ifndef PENSTOCK_WIRE_EVENTCHUNK_H
#define PENSTOCK_WIRE_EVENTCHUNK_H

#include "wire/framing.h"

/**
 * As eventstream_feed, whose other functions it shares: `fn` gets a frame for
 * each message. `raw` and `data` are made, and borrowed until the return;
 * `message` is the message that came.
 *
 * Errors:  eventstream_feed's; SYNTAX for a chunk that is no such thing, LIMIT
 *          for JSON that is nested too deep, NOMEM
 * Cost:    two scans of the event; memory for the call alone
 */
int eventchunk_feed(struct eventstream *s, struct str bytes,
                    framing_on_frame fn, void *ud, struct err *err);

#endif
