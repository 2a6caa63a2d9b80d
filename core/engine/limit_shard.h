/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A shard of the limits' memory: this header, buckets, cells. A place is the
 * number of a cell from 1; 0 is none. All functions but the lock's are called
 * with the lock held.
 *
 * What a holder that is killed may leave: one cell and one hold half changed,
 * which `undo` puts back; a cell that no bucket leads to, which the hand finds
 * again; a wrong n_open, which is counted anew.
 */
#ifndef PENSTOCK_ENGINE_LIMIT_SHARD_H
#define PENSTOCK_ENGINE_LIMIT_SHARD_H

#include "engine/limit_cell.h"

#include <pthread.h>

enum limit_hold_state { HOLD_FREE, HOLD_TAKEN, HOLD_ENDING };

/** What a request has of a cell: one record per process and hold. */
struct limit_hold_cell {
    _Atomic uint32_t state;
    uint32_t shard, place;
    uint64_t key[2];
    uint64_t amount;
    uint64_t used; /* ENDING: what it is to be settled with */
};

struct limit_undo {
    _Atomic uint32_t valid;
    uint32_t place;
    uint64_t hold; /* offset in the memory, so that any process finds it */
    struct limit_cell cell;
    struct limit_hold_cell was;
};

struct limit_shard {
    pthread_mutex_t lock; /* its pointers are its holder's own business */
    uint32_t n_cells, mask; /* buckets - 1 */
    uint32_t fresh, hand;   /* cells used so far; where the last look ended */
    uint32_t n_open;
    struct limit_undo undo;
};

size_t limit_shard_size(uint32_t n_cells);
int limit_shard_init(struct limit_shard *s, uint32_t n_cells, bool shared);

/** 0 or -ERR_BUSY. Undoes what a dead holder left half done. */
int limit_shard_lock(struct limit_shard *s, const struct limiter *l);
void limit_shard_unlock(struct limit_shard *s);

struct limit_cell *limit_shard_cell(struct limit_shard *s, uint32_t place);

/** Place of the cell of that key, or 0. */
uint32_t limit_shard_find(struct limit_shard *s, const uint64_t key[2]);

/** A new cell for the row; 0: there is none. */
uint32_t limit_shard_make(struct limit_shard *s, const uint64_t key[2],
                          const struct limit_row *row, uint64_t now_ms);

/** Between begin and end one cell and one hold may change. */
void limit_shard_begin(struct limit_shard *s, uint32_t place,
                       const struct limiter *l,
                       const struct limit_hold_cell *hold);
void limit_shard_end(struct limit_shard *s);

#endif
