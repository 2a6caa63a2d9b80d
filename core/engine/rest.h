/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * How long a credential rests after its provider limited or refused it. A
 * cell in shared memory, so that what one worker was told holds for all; pure
 * otherwise: times and dice come from the caller.
 *
 * Times are milliseconds of the machine's monotonic clock, at least 1.
 * Source: docs/design/reliability.md, "Resting credentials"
 */
#ifndef PENSTOCK_ENGINE_REST_H
#define PENSTOCK_ENGINE_REST_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    REST_COOL_MS = 5000,
    REST_COOL_MAX_MS = 300000, /* where no pause was told */
    REST_PARK_MS = 10000,
    REST_MAX_MS = 3600000,
};

enum rest_state { REST_OK, REST_COOLING, REST_PARKED };

/** All zero: it never rested. */
struct rest {
    _Atomic uint64_t until_ms;
    _Atomic uint32_t times;  /* rests since it last served */
    _Atomic uint32_t parked; /* the last rest was for a refusal */
};

enum rest_state rest_state(const struct rest *r, uint64_t now_ms);
const char *rest_state_name(enum rest_state s);

/**
 * It was limited: rest for as long as was told, at most REST_MAX_MS, else
 * for 5 s, doubled each time up to 5 min; and up to a tenth more, so that
 * workers and nodes do not come back at once. Of those who are told at the
 * same time the longest pause holds, and it counts once.
 *
 *   told_ms   in   0: no pause was told
 */
void rest_cool(struct rest *r, uint64_t now_ms, uint64_t told_ms,
               uint32_t dice);

/** It was refused: 10 s, doubled each time up to an hour, and up to a tenth
 * more. Returns whether it did not rest before: news. */
bool rest_park(struct rest *r, uint64_t now_ms, uint32_t dice);

/** It cannot serve before that time, if then: it is parked. */
void rest_hold(struct rest *r, uint64_t until_ms);

/** It serves after all, whatever was said of it: nothing is left. */
void rest_mended(struct rest *r);

/** It served. An answer that was asked for before the rest ends none. */
void rest_served(struct rest *r, uint64_t now_ms);

#endif
