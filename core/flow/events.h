/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* A stream of events from upstream to the client; see events.c. */
#ifndef PENSTOCK_FLOW_EVENTS_H
#define PENSTOCK_FLOW_EVENTS_H

#include "flow/translate.h"

void events_data(struct request *r, struct str bytes);
void events_eof(struct request *r);
/** A whole answer has become events, `said`; not of answer.held. */
void events_said(struct request *r, struct str said);

#define EVENTS_TYPE "text/event-stream"

/* answer_mode.c */
/** How the answer with that head is to be read: the attempt's mode; or what
 * is wrong with it, as its fault. */
void answer_mode(struct request *r, const struct http_answer *a);
/** Is a content type that one, whatever its parameters? */
bool answer_type_is(struct str ctype, const char *want);

/* stream.c, for the others */
/** The dialect of what the attempt's upstream says. */
enum dialect stream_heard(const struct request *r);
void stream_send(struct request *r, struct str bytes);
void stream_error_object(struct request *r, struct str json,
                         const struct wire_watch *w);

#endif
