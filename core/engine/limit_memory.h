/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Between the limit*.c files: where things lie in the memory. */
#ifndef PENSTOCK_ENGINE_LIMIT_MEMORY_H
#define PENSTOCK_ENGINE_LIMIT_MEMORY_H

#include "base/share.h"
#include "base/siphash.h"
#include "engine/limit_shard.h"

enum { LIMIT_MODELS = 256, LIMIT_LENGTHS = 96 };

/** limit_learn.c: how long a model's answers are. */
struct limit_model {
    _Atomic uint64_t key; /* 0 = free */
    _Atomic uint32_t all; /* sum of counts */
    _Atomic uint32_t count[LIMIT_LENGTHS];
};

/* Each process's own; the memory is shared. */
struct limiter {
    char *map;
    size_t size, shard_size;
    uint32_t n_shards; /* a power of two */
    uint32_t n_processes, n_holds;
    size_t highs_at, holds_at, models_at, mark_at; /* offsets */
    bool shared;
    struct share share; /* where it is shared; else `map` is ours alone */
    struct siphash_key seed[2];
    uint32_t process; /* ours; n_processes: none */
    uint32_t *free;   /* stack of our free holds */
    uint32_t n_free;
    uint32_t n_ending; /* of ours that wait for a lock */
};

static inline struct limit_shard *limit_shard_at(const struct limiter *l,
                                                 uint32_t i)
{
    return (struct limit_shard *)(l->map + i * l->shard_size);
}

/** How many holds of that process were ever used: those behind it are free,
 * and their pages were never touched. */
static inline _Atomic uint32_t *limit_high(const struct limiter *l,
                                           uint32_t process)
{
    return (_Atomic uint32_t *)(l->map + l->highs_at) + process;
}

static inline struct limit_hold_cell *
limit_holds_of(const struct limiter *l, uint32_t process)
{
    return (struct limit_hold_cell *)(l->map + l->holds_at) +
           (size_t)process * l->n_holds;
}

static inline struct limit_hold_cell *limit_hold_at(const struct limiter *l,
                                                    limit_hold hold)
{
    return &limit_holds_of(l, l->process)[hold - 1];
}

/* limit_hold.c */
/** Settle a record, anybody's, with what stands in it: 0 or -ERR_BUSY. */
int limit_end(struct limiter *l, struct limit_hold_cell *h, uint64_t now_ms);
/** Undo a take whose shard is locked. */
void limit_give_back(struct limiter *l, limit_hold hold, uint64_t now_ms);
/** Try again what waited for a lock; called before anything else is done. */
void limit_retry(struct limiter *l, uint64_t now_ms);

#endif
