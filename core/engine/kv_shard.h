/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A shard of the kv memory as it lies there: this header, the buckets, the
 * cells. A place is the number of a cell, counted from 1; 0 is none. All
 * functions but the lock's are called with the lock held.
 *
 * The order of stores matters, since a holder may be killed between any two:
 * see kv_link.
 */
#ifndef PENSTOCK_ENGINE_KV_SHARD_H
#define PENSTOCK_ENGINE_KV_SHARD_H

#include "engine/kv.h"

#include <pthread.h>
#include <stdatomic.h>

/** What leads to an entry: a bucket, or the entry before it. */
typedef _Atomic uint32_t kv_link;

enum kv_cell_kind { KV_CELL_FREE, KV_CELL_HEAD, KV_CELL_MORE };

enum { KV_HEAD_BYTES = 24, KV_MORE_BYTES = 59 };

struct kv_head {
    uint32_t next; /* the entry's next cell */
    uint8_t kind, type, space_n, unused;
    uint16_t key_n, text_n;
    kv_link chain; /* next entry of the bucket */
    uint64_t hash, ends_ms;
    _Atomic int64_t number; /* integers change in place; reals as bits */
    char bytes[KV_HEAD_BYTES]; /* space, key, text begin here */
};

union kv_cell {
    struct kv_head head;
    struct {
        uint32_t next; /* of the entry, or of the free list */
        uint8_t kind;
        char bytes[KV_MORE_BYTES];
    } more;
};

struct kv_shard {
    pthread_mutex_t lock; /* its pointers are its holder's own business */
    uint32_t n_cells, mask; /* buckets - 1 */
    uint32_t free, n_free;  /* list of cells given back */
    uint32_t fresh;         /* cells never used so far begin here */
    uint32_t hand;          /* of the clock that evicts */
};

/** An entry's name, with its hash. */
struct kv_name {
    struct str space, key;
    uint64_t hash, now_ms;
};

/** Bytes of a shard with so many cells, a multiple of 64. */
size_t kv_shard_size(uint32_t n_cells);
int kv_shard_init(struct kv_shard *s, uint32_t n_cells, bool shared);

/** Wait for it up to patience_ms. 0 or -ERR_BUSY. Mends what a dead holder
 * left. */
int kv_shard_lock(struct kv_shard *s, uint32_t patience_ms);
void kv_shard_unlock(struct kv_shard *s);

/** The live entry of that name, or NULL. */
struct kv_head *kv_shard_find(struct kv_shard *s, const struct kv_name *name);

/** Write an entry, in the place of the one that has the name. */
void kv_shard_put(struct kv_shard *s, const struct kv_name *name,
                  const struct kv_value *v, uint64_t ends_ms);

/** Remove; false when there was none. */
bool kv_shard_drop(struct kv_shard *s, const struct kv_name *name);

/** Copy a value out; a text goes to `room` of KV_TEXT_MAX bytes. */
void kv_shard_value(struct kv_shard *s, const struct kv_head *h,
                    struct kv_value *out, char *room);

/** kv_mend.c: make a shard whole that was left in the middle of a change;
 * empties it where it is damaged. */
void kv_shard_mend(struct kv_shard *s);

/* for kv_mend.c and tests */
kv_link *kv_shard_buckets(struct kv_shard *s);
union kv_cell *kv_shard_cell(struct kv_shard *s, uint32_t place);
uint32_t kv_shard_cells_of(const struct kv_head *h);
void kv_shard_empty(struct kv_shard *s);
struct kv_shard *kv_shard_at(struct kv *kv, const struct kv_at *at); /* kv.c */

#endif
