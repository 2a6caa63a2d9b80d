/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * How long a target's streams fall silent before they go on: mean and
 * deviation of the longest gap of each, and from them the gap after which a
 * stream is taken for stalled. A cell in shared memory, one word that changes
 * by compare and swap; pure otherwise.
 *
 * Source: docs/design/reliability.md, "Gaps" (the estimate is that of TCP's
 * retransmission timer, RFC 6298)
 */
#ifndef PENSTOCK_ENGINE_GAP_H
#define PENSTOCK_ENGINE_GAP_H

#include <stdatomic.h>
#include <stdint.h>

enum {
    GAP_STREAMS = 20,    /* fewer say nothing */
    GAP_LEAST_MS = 10000, /* no stream is given up sooner */
    GAP_MAX_MS = 3600000,
};

/** All zero: nothing is known. */
struct gap {
    _Atomic uint64_t word; /* 8 bits streams, 28 mean, 28 deviation */
};

/** A stream ended well; its longest gap. */
void gap_heard(struct gap *g, uint64_t ms);
/** One was given up after so long: perhaps too soon. It counts as twice that,
 * so that a target which became slower is not cut for good. */
void gap_passed(struct gap *g, uint64_t ms);

/** Twice the mean and four deviations, at least GAP_LEAST_MS; 0: not known. */
uint32_t gap_limit_ms(const struct gap *g);

#endif
