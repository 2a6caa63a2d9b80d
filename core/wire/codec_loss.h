/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What of an answer had no place in the client's dialect: a bit each of
 * codec_loss.def. Decoders note what no neutral event says, encoders what
 * their dialect cannot; both into the word that their options point to, so
 * that who reads it sees all of it. An answer that loses nothing costs
 * nothing.
 */
#ifndef PENSTOCK_WIRE_CODEC_LOSS_H
#define PENSTOCK_WIRE_CODEC_LOSS_H

#include "base/buf.h"
#include "wire/neutral_event.h"

enum codec_loss {
#define LOSS(id, name, what) LOSS_##id,
#include "wire/codec_loss.def"
#undef LOSS
    LOSS_COUNT,
};

/** "answer.images" */
const char *codec_loss_name(enum codec_loss l);

/** The loss that an event of that type is where it cannot be written;
 * LOSS_COUNT: none has that name. */
enum codec_loss codec_loss_of(enum neutral_event_type type);

/** Their names, ", " between them. LIMIT, NOMEM: out's. */
int codec_loss_names(uint32_t lost, struct buf *out);

/** Note one; `lost` NULL: nobody asks. */
static inline void codec_lose(uint32_t *lost, enum codec_loss l)
{
    if (lost)
        *lost |= UINT32_C(1) << l;
}

#endif
