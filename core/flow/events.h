/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* A stream of events from upstream to the client; see events.c. */
#ifndef PENSTOCK_FLOW_EVENTS_H
#define PENSTOCK_FLOW_EVENTS_H

#include "flow/translate.h"

void events_data(struct request *r, struct str bytes);
void events_eof(struct request *r);
/** A whole answer has become events: they are in translation.said. */
void events_said(struct request *r);

/* stream.c, for events.c */
/** The dialect of what the attempt's upstream says. */
enum dialect stream_heard(const struct request *r);
void stream_send(struct request *r, struct str bytes);
void stream_error_object(struct request *r, struct str json,
                         const struct wire_watch *w);

#endif
