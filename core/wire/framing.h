/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * All framers behind one: a plugin's api says how a streamed answer is
 * framed, and who reads it sees frames, whatever the framing. The raws of all
 * frames are the stream (but for EVENTCHUNKS, whose raws are SSE made of it);
 * what comes out does not depend on how it was cut.
 *
 * Used by the conformance runner; flow, which serves SSE alone so far, calls
 * wire/sse.h.
 */
#ifndef PENSTOCK_WIRE_FRAMING_H
#define PENSTOCK_WIRE_FRAMING_H

#include "wire/eventstream.h"
#include "wire/jsonarray.h"
#include "wire/ndjson.h"
#include "wire/sse.h"

enum framing {
    FRAMING_SSE,
    FRAMING_NDJSON,
    FRAMING_JSONARRAY,
    FRAMING_EVENTSTREAM,
    FRAMING_EVENTCHUNKS, /* AWS's, each chunk an event: wire/eventchunk.h */
};

struct frame {
    struct str raw;
    struct str event; /* SSE's name; AWS: the event's, exception's or error's */
    struct str data;  /* p is NULL where there is none: a comment, a blank
                         line, the array's end */
    bool error;       /* AWS: an exception or error, not an event */
    bool cut;         /* the stream ended inside of it */
    const struct eventstream_message *message; /* AWS, else NULL */
};

/** All in a frame is borrowed until the return; 0 = go on, else the end. */
typedef int (*framing_on_frame)(void *ud, const struct frame *f);

struct framer {
    enum framing kind;
    union {
        struct sse sse;
        struct ndjson ndjson;
        struct jsonarray jsonarray;
        struct eventstream eventstream;
    };
};

/** `max` is the cap on one frame's raw bytes. No memory is taken. */
void framer_init(struct framer *f, enum framing kind, size_t max);

/** As sse_feed, ndjson_feed, ...; their errors. Never blocks. */
int framer_feed(struct framer *f, struct str bytes, framing_on_frame fn,
                void *ud, struct err *err);

/** The stream has ended: gives out what is held, or says what is missing. */
int framer_eof(struct framer *f, framing_on_frame fn, void *ud,
               struct err *err);

/** Forget the stream and free what is held. */
void framer_clear(struct framer *f);

#endif
