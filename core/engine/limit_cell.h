/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * One cell's arithmetic, without memory, locks and clocks: what a row's take
 * means for it. Times are of the clock that all users share.
 */
#ifndef PENSTOCK_ENGINE_LIMIT_CELL_H
#define PENSTOCK_ENGINE_LIMIT_CELL_H

#include "engine/limit.h"

#include <stdatomic.h>

struct limit_cell {
    uint64_t key[2];        /* both 0: free */
    _Atomic uint32_t chain; /* next of the bucket; 0 = none */
    uint8_t kind, open;
    uint64_t period_ms;
    union {
        struct {
            uint64_t tat_ns; /* when all that was taken is through */
        } requests;
        struct {
            uint64_t start_ms; /* of the current bucket */
            uint64_t prev, cur, reserved;
        } tokens;
        struct {
            uint64_t held;
        } concurrent;
    };
};

/** Time of one request; rounded up, so that never more than the limit pass. */
uint64_t limit_interval_ns(const struct limit_row *row);
/** Requests at once. */
uint64_t limit_burst(const struct limit_row *row);

/** Time passes: buckets move on. */
void limit_cell_turn(struct limit_cell *c, uint64_t now_ms);

/**
 * May the row be taken? The cell has been turned.
 *
 *   own   in   what this request has of it: requests and concurrent 1, tokens
 *              as reserved; 0 = nothing, and it wants to
 */
bool limit_cell_check(const struct limit_cell *c, const struct limit_row *row,
                      uint64_t own, uint64_t now_ms, struct limit_state *out);

/** Take it; returns the hold's amount. */
uint64_t limit_cell_take(struct limit_cell *c, const struct limit_row *row,
                         uint64_t now_ms);

/** What is left, and until when, as the cell stands. */
void limit_cell_show(const struct limit_cell *c, const struct limit_row *row,
                     uint64_t now_ms, struct limit_state *out);

/** End a hold of that amount; see limit_settle. The cell has been turned. */
void limit_cell_settle(struct limit_cell *c, uint64_t amount, uint64_t used);

/** Does it say nothing, so that it may go? The cell has been turned. */
bool limit_cell_idle(const struct limit_cell *c, uint64_t now_ms);

#endif
