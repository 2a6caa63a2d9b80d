/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * How soon a target begins to answer: an average of times to the first
 * content that jumps up to a slower one at once and comes down slowly, and
 * halves with each idle minute, so that one bad answer shuts nobody out for
 * good. A cell in shared memory, one word that changes by compare and swap;
 * pure otherwise.
 *
 * Times are milliseconds of the machine's monotonic clock, at least 1.
 * Source: docs/design/reliability.md, "Balance" (after Finagle's peak EWMA)
 */
#ifndef PENSTOCK_ENGINE_SPEED_H
#define PENSTOCK_ENGINE_SPEED_H

#include <stdatomic.h>
#include <stdint.h>

enum {
    SPEED_UNITS = 16,      /* a millisecond */
    SPEED_HALF_MS = 5000,  /* of the way down in one step; in many, 7 s */
    SPEED_IDLE_MS = 60000, /* half is forgotten where nothing is heard */
    SPEED_MAX_MS = 600000,
    SPEED_FAILED_MS = 1000, /* no failure counts as faster */
};

/** All zero: nothing is known. */
struct speed {
    _Atomic uint64_t word; /* 40 bits of time, 24 of the average */
};

/** In sixteenths of a millisecond, at least 1; 0: nothing is known. */
uint32_t speed_now(const struct speed *s, uint64_t now_ms);
/** A first content came. */
void speed_heard(struct speed *s, uint64_t now_ms, uint64_t first_ms);
/** It failed before one, after so long: that it was fast is no merit. It
 * counts as twice the average at least. */
void speed_failed(struct speed *s, uint64_t now_ms, uint64_t spent_ms);

#endif
