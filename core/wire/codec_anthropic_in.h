/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Between codec_anthropic_in.c and codec_anthropic_open.c: the open block of
 * an answer. A whole answer's blocks go the same way as a stream's. */
#ifndef PENSTOCK_WIRE_CODEC_ANTHROPIC_IN_H
#define PENSTOCK_WIRE_CODEC_ANTHROPIC_IN_H

#include "wire/codec_stream.h"

enum open_kind {
    OPEN_NONE,
    OPEN_TEXT,
    OPEN_THINKING,
    OPEN_CALL,
    OPEN_OPAQUE, /* kept whole: a provider's own tool, what is new */
    OPEN_DONE,   /* said with its start: redacted thinking */
};

struct anthropic_in {
    struct codec_in base;
    enum open_kind open;
    bool said;            /* something of the block went out */
    bool any_call, finished;
    struct in_call call;
    struct buf input;     /* a call's, from its start; an opaque block's */
    struct buf opaque;
    struct in_half half;
};

/** Open the block at a node; close it; one of its deltas. */
int anthropic_open(struct anthropic_in *in, uint32_t block);
int anthropic_close(struct anthropic_in *in);
int anthropic_delta(struct anthropic_in *in, uint32_t delta);
int anthropic_citation(struct anthropic_in *in, uint32_t node);

#endif
