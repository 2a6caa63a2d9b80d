/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A circuit breaker over a cell in shared memory: no clock, no dice and no
 * memory of its own, so that all of it can be tested with times made up.
 *
 *   closed      calls go; it opens after BREAKER_ROW hard failures in a row,
 *               or when of at least BREAKER_FLOOR in 30 s half failed, or of
 *               as many that served BREAKER_SLOW_PCT were slow to begin
 *   open        no calls for 10 s, doubled each time up to 300 s, +-20 %
 *   half-open   one call at a time on the whole node, the probe; it is judged
 *               at its first content. Three good ones close, a bad one opens.
 *   ramp        for 60 s after closing, its share grows from 10 % to all
 *
 * State, times opened and probes won lie in one word that changes by compare
 * and swap: of two workers that see the same thing one makes the change. The
 * other cells are counts, each atomic; a worker that dies between two of them
 * leaves a count that is one off, nothing to mend. A dead worker's probe is
 * given back by breaker_reap.
 *
 * Times are milliseconds of the machine's monotonic clock, at least 1.
 * Source: docs/design/reliability.md, "Breaker"
 */
#ifndef PENSTOCK_ENGINE_BREAKER_H
#define PENSTOCK_ENGINE_BREAKER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    BREAKER_ROW = 5,
    BREAKER_BUCKETS = 10,
    BREAKER_BUCKET_MS = 3000,
    BREAKER_FLOOR = 20,
    BREAKER_BAD_PCT = 50,
    BREAKER_SLOW_PCT = 60,
    BREAKER_SLOW_MS = 10000,
    BREAKER_SLOW_TIMES = 4, /* of the usual time to the first content */
    BREAKER_OPEN_MS = 10000,
    BREAKER_OPEN_MAX_MS = 300000,
    BREAKER_WINS = 3,
    BREAKER_RAMP_MS = 60000,
};

enum breaker_state { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_HALF };

/** What a call says of its target. */
enum breaker_verdict {
    BREAKER_NONE, /* nothing: the caller's fault, or nobody's */
    BREAKER_GOOD, /* content came */
    BREAKER_SOFT, /* it is too busy: counts in the ratio alone */
    BREAKER_BAD,  /* a hard failure */
};

/** All zero is closed, and has never been open. */
struct breaker {
    _Atomic uint64_t word;  /* state, times opened, wins, since or until */
    _Atomic uint64_t probe; /* who holds the slot; 0 = nobody */
    _Atomic uint64_t buckets[BREAKER_BUCKETS];
    _Atomic uint32_t row;      /* hard failures since the last success */
    _Atomic uint32_t usual_ms; /* median of first contents; 0 = unknown */
};

/** For status and metrics; an open one whose time has come is half-open. */
enum breaker_state breaker_state(const struct breaker *b, uint64_t now_ms);
const char *breaker_state_name(enum breaker_state s);
/** How long it stays open; 0 when it does not. */
uint64_t breaker_wait_ms(const struct breaker *b, uint64_t now_ms);
/** The share of its calls that it may have, per mille: 0 while it is open,
 * and while somebody holds the probe's slot. */
uint32_t breaker_share(const struct breaker *b, uint64_t now_ms);

/**
 * May this call go? Where it is the probe, the slot is taken and must be
 * given back by breaker_judge or breaker_leave.
 *
 *   holder   in   who asks, for the slot: not 0, one value for each call; the
 *                 upper half is the process's, see breaker_reap
 *   dice     in   chance, for the ramp
 *   probe    out  holder where the slot was taken, else 0
 */
bool breaker_enter(struct breaker *b, uint64_t now_ms, uint64_t holder,
                   uint32_t dice, uint64_t *probe);

/**
 * What became of a call, once per call: at its first content, or at its end
 * where none came; a stream that is cut later is judged again.
 *
 *   probe    in   from breaker_enter. A probe's verdict moves half-open on;
 *                 other calls count only while it is closed.
 *   first_ms in   for BREAKER_GOOD: time to the first content; 0: not known
 *   dice     in   chance, for the time it stays open
 *   returns       it opened or closed by this call
 */
bool breaker_judge(struct breaker *b, uint64_t now_ms, uint64_t probe,
                   enum breaker_verdict v, uint32_t first_ms, uint32_t dice);

/** Give the slot back without a verdict: the client left. 0 is fine. */
void breaker_leave(struct breaker *b, uint64_t probe);

/*
 * What a probe that is no request says (engine/watch.h):
 * _trip    a closed one opens, as by a failure. True: it did.
 * _hold    an open one, or a half-open one that nobody tries just now, stays
 *          open for at least `ms` from now
 * _hasten  an open one is half-open now
 */
bool breaker_trip(struct breaker *b, uint64_t now_ms, uint32_t dice);
void breaker_hold(struct breaker *b, uint64_t now_ms, uint64_t ms);
void breaker_hasten(struct breaker *b, uint64_t now_ms);

/** A process died: free the slot if a call of it holds it. */
void breaker_reap(struct breaker *b, uint32_t process);

#endif
