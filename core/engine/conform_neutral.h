/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* For conform_run.c: an answer's neutral events as lines. Where the dialect
 * has no codec, nothing is written. */
#ifndef PENSTOCK_ENGINE_CONFORM_NEUTRAL_H
#define PENSTOCK_ENGINE_CONFORM_NEUTRAL_H

#include "wire/codec.h"

struct conform_neutral {
    const struct codec *codec; /* NULL = the dialect has none */
    struct codec_in *in;       /* in the arena */
    struct buf *lines;         /* borrowed */
};

void conform_neutral_open(struct conform_neutral *n, enum dialect d,
                          int status, struct arena *a, struct buf *lines);
/** One event of a stream; data.p NULL is its end. */
void conform_neutral_event(struct conform_neutral *n, struct str event,
                           struct str data);
/** A whole answer, or an error's body. */
void conform_neutral_body(struct conform_neutral *n, struct str body);

#endif
