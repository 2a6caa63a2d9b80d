/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * How many calls a target bears, found out: one word in shared memory. A
 * target has no limit until it says that it is too busy (429, 529 and their
 * kin, a timeout); then it gets seven tenths of the calls it had, and one more
 * for each so many that succeed while the limit is in use (additive increase,
 * multiplicative decrease). Of calls that were under way when it was cut none
 * cuts it again, and none lets it grow: they tell of the time before.
 *
 * Pure: times come from the caller, milliseconds of the machine's monotonic
 * clock. The word changes by compare and swap, so that workers agree.
 *
 * Source: docs/design/reliability.md, "Places"
 */
#ifndef PENSTOCK_ENGINE_AIMD_H
#define PENSTOCK_ENGINE_AIMD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    AIMD_CUT_PCT = 70,    /* what is left of it */
    AIMD_MOST = 1000000,  /* grown to that, it is none any more */
};

/** All zero: any number. */
struct aimd {
    _Atomic uint64_t word; /* when it was cut; the limit in 1/1024 */
};

struct aimd_range {
    uint32_t min; /* at least 1; 0: nothing is found out */
    uint32_t max; /* 0: any number */
};

/** The limit that holds; 0: any number. */
uint32_t aimd_limit(const struct aimd *a, struct aimd_range r);

/**
 * A call that began then has succeeded, or found the target too busy, while
 * `calls` were under way, this one counted. Returns whether the limit was cut.
 */
void aimd_good(struct aimd *a, struct aimd_range r, uint64_t began_ms,
               uint32_t calls);
bool aimd_bad(struct aimd *a, struct aimd_range r, uint64_t began_ms,
              uint64_t now_ms, uint32_t calls);

#endif
