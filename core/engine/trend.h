/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Is a target worse than it used to be? Means of its failures and of its
 * times to the first content, each over some seconds and over some minutes;
 * where the short one is far above the long one, the target is degraded: it
 * gets half of its weight, until that has not been so for a minute. It acts
 * by weight alone, so that a wrong guess is cheap.
 *
 * A cell in shared memory; pure otherwise. Each mean is one word that changes
 * by compare and swap; a worker that dies leaves one that faded too little.
 *
 * Times are milliseconds of the machine's monotonic clock, at least 1.
 * Source: docs/design/reliability.md, "Trends"
 */
#ifndef PENSTOCK_ENGINE_TREND_H
#define PENSTOCK_ENGINE_TREND_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    TREND_FAST_MS = 7000,    /* half is forgotten: an average over 10 s */
    TREND_SLOW_MS = 416000,  /* over 10 min */
    TREND_FLOOR = 10,        /* calls that the short mean must stand for */
    TREND_HISTORY = 30,      /* and the long one */
    TREND_LEAST_MS = 500,    /* a first content sooner is never slow */
    TREND_CALM_MS = 60000,   /* so long it must be well again */
    TREND_SHARE = 500,       /* per mille of its weight, while it is not */
};

enum { TREND_FAIL_FAST, TREND_FAIL_SLOW, TREND_FIRST_FAST, TREND_FIRST_SLOW,
       TREND_MEANS };

/** All zero: nothing is known. */
struct trend {
    _Atomic uint64_t faded_ms; /* until then all means have faded */
    _Atomic uint64_t means[TREND_MEANS]; /* two floats: the mean, and for how
                                            many calls it stands */
    _Atomic uint64_t until_ms; /* degraded until then; 0: it is not */
};

enum trend_news { TREND_SAME, TREND_WORSE, TREND_STEADY };

/**
 * What became of a call.
 *
 *   failed   in   it was the target's failure
 *   first_ms in   time to the first content of a stream; 0: not known
 *   returns       it became degraded, or is no longer, by this call
 *
 * Cost: about 40 ns.
 */
enum trend_news trend_add(struct trend *t, uint64_t now_ms, bool failed,
                          uint32_t first_ms);

/** Its share of its weight, per mille: 1000, or TREND_SHARE. */
uint32_t trend_share(const struct trend *t, uint64_t now_ms);

#endif
