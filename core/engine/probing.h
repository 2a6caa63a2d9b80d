/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * When a target is probed, and what a probe says of it. A probe costs nothing
 * and proves little: that a model list comes does not mean that the model
 * answers. So it closes no breaker. It lets an open one try sooner, where an
 * earlier probe of the same outage had failed, that is, where it was seen to
 * tell; one that fails keeps it open; and two that fail in a row open the
 * breaker of a target that nobody calls.
 *
 * Cells in shared memory, pure otherwise: times and dice are the caller's.
 * Source: docs/design/reliability.md, "Probes"
 */
#ifndef PENSTOCK_ENGINE_PROBING_H
#define PENSTOCK_ENGINE_PROBING_H

#include "engine/autooff.h"
#include "engine/breaker.h"

enum {
    PROBING_SICK = 2,   /* failed probes in a row */
    PROBING_HOLDS = 10, /* so many in a row keep a breaker open; then requests
                           are believed again: perhaps only the list is gone */
    PROBING_SOON_MS = 1000, /* a first failure is looked at again */
};

/** All zero: never called, never probed. */
struct probing {
    _Atomic uint64_t heard_ms; /* the last call that said something */
    _Atomic uint64_t due_ms;   /* the next probe; 0 = none is planned */
    _Atomic uint32_t failed;   /* probes in a row */
};

/** What a probe says. */
enum probing_verdict {
    PROBING_NOTHING, /* it could not be asked, or said "too often" */
    PROBING_BAD,     /* no answer, or 5xx */
    PROBING_ALIVE,   /* an answer, were it 401 */
    PROBING_GOOD,    /* 2xx: the key is good, and where a list of models came,
                        this one is in it */
};

enum probing_news { PROBING_SAME, PROBING_FELL_SICK, PROBING_GOT_WELL };

/** A call said something of its target. To be called often. */
void probing_heard(struct probing *w, uint64_t now_ms);
/** Has nobody called it for so long? */
bool probing_is_idle(const struct probing *w, uint64_t now_ms, uint32_t ms);

/**
 * Is a probe due? Then the next is planned by this, so that of several who
 * ask one gets true.
 *
 *   wanted   in   there is a reason to probe it; the first comes after half
 *                 of the interval to all of it, further ones each interval,
 *                 a fifth more or less
 */
bool probing_due(struct probing *w, uint64_t now_ms, bool wanted,
                 uint32_t interval_ms, uint32_t dice);

/** What a probe found; `b` and `a` are the target's. *put_back: by this it is
 * no longer taken out. Returns what changed of the probes' own view. */
enum probing_news probing_told(struct probing *w, struct breaker *b,
                               struct autooff *a, enum probing_verdict v,
                               uint64_t now_ms, uint32_t interval_ms,
                               uint32_t dice, bool *put_back);

#endif
