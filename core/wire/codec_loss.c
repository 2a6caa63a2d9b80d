/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "wire/codec_loss.h"

#include "base/err.h"

static const char *const names[] = {
#define LOSS(id, name, what) name,
#include "wire/codec_loss.def"
#undef LOSS
};

_Static_assert(LOSS_COUNT <= 32, "losses are a bit each of a word");

const char *codec_loss_name(enum codec_loss l)
{
    return names[l];
}

enum codec_loss codec_loss_of(enum neutral_event_type type)
{
    switch (type) {
    case NEUTRAL_THINKING:
    case NEUTRAL_SIGNATURE:
    case NEUTRAL_REDACTED:
        return LOSS_REASONING;
    case NEUTRAL_TOOL_BEGIN:
        return LOSS_CALLS;
    case NEUTRAL_CITATION:
        return LOSS_CITATIONS;
    case NEUTRAL_IMAGE:
        return LOSS_IMAGES;
    case NEUTRAL_OPAQUE:
        return LOSS_SERVER_BLOCKS;
    case NEUTRAL_LOGPROBS:
        return LOSS_LOGPROBS;
    default:
        return LOSS_COUNT;
    }
}

int codec_loss_names(uint32_t lost, struct buf *out)
{
    bool any = false;
    int rc = 0;

    for (unsigned l = 0; l < LOSS_COUNT && !rc; l++) {
        if (!(lost >> l & 1))
            continue;
        rc = any ? buf_puts(out, ", ") : 0;
        if (!rc)
            rc = buf_puts(out, names[l]);
        any = true;
    }
    return rc;
}
