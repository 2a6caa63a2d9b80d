/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What is left of a provider's limits for one credential at one target, as its
 * answers report it: two words in shared memory, each read and written whole.
 * What was sent since the last report is taken off. Pure otherwise: times come
 * from the caller, milliseconds of the machine's monotonic clock.
 *
 * Source: docs/design/reliability.md, "Pacing"
 */
#ifndef PENSTOCK_ENGINE_PACE_H
#define PENSTOCK_ENGINE_PACE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    PACE_KEYS = 8,          /* credentials of a target that are paced */
    PACE_MAX_MS = 3600000,  /* a reset that is later is taken for this */
    PACE_MOST = 0xffffff,   /* more than that left counts as that */
};

/** Upper 40 bits: until when it holds; lower 24: what is left. All zero:
 * nothing is known. */
struct pace {
    _Atomic uint64_t tokens, requests;
};

/** An answer said what is left of one of them, and when it is full again. */
void pace_report(_Atomic uint64_t *word, uint64_t now_ms, uint64_t left,
                 uint64_t reset_ms);

/** A request goes: until the next report that much less is left. */
void pace_spend(struct pace *p, uint64_t now_ms, uint64_t tokens);

/** Would a request of so many tokens be above what is left? */
bool pace_is_short(const struct pace *p, uint64_t now_ms, uint64_t tokens);

#endif
