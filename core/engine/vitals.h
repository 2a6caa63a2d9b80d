/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * How a process is: what it measures of itself about once a second, in its
 * process cell, for status, metrics and alerts; and when free memory should
 * be given back to the system.
 */
#ifndef PENSTOCK_ENGINE_VITALS_H
#define PENSTOCK_ENGINE_VITALS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct vitals {
    _Atomic uint64_t memory;      /* bytes of its own; 0 = not measured yet */
    _Atomic uint32_t fds, fds_max; /* open, and how many may be; 0 = unknown */
    _Atomic uint32_t lag_ms;      /* how late its loop is, smoothed */
};

/** Of the process that had the cell before nothing is left. */
void vitals_clear(struct vitals *v);

/** Resident memory less what is shared with others or lies in files; 0:
 * unknown. Cost: about 5 us. */
uint64_t vitals_memory(void);
/** Open descriptors; 0: the kernel does not say (before Linux 6.2). */
uint32_t vitals_fds(void);
uint32_t vitals_fds_max(void);

/** One more measure of the loop's lateness. */
void vitals_late(struct vitals *v, uint64_t late_ms);

/** What the allocator keeps after a large drop goes back to the system. */
struct trim {
    uint64_t base;    /* memory after the last time, or the least since */
    uint64_t last_ms; /* when that was */
    uint32_t busiest; /* most requests in flight since */
};

/**
 * Is it time? While nothing is in flight, or a quarter of what was, and
 * memory grew by TRIM_STEP; at most every TRIM_EVERY_MS. The caller does it,
 * and says how much memory there is then.
 */
enum { TRIM_STEP = 32 << 20, TRIM_EVERY_MS = 10000 };
bool trim_due(struct trim *t, uint64_t memory, uint32_t inflight,
              uint64_t now_ms);
void trim_done(struct trim *t, uint64_t memory, uint64_t now_ms);

#endif
