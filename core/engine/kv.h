/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The memory behind ps.kv: values by name that all workers share, each with
 * an end. The master makes it before it forks; a worker that ends takes
 * nothing with it, and a reload does not touch it.
 *
 * The memory is cut into shards. A shard is a lock, a table of buckets and
 * 64-byte cells; an entry is a chain of cells, so that nothing fragments, and
 * all that stands in shared memory is numbers of cells. The lock is a robust
 * mutex rather than a word of our own with a pid in it: the kernel itself
 * marks it when its holder ends (also while that is still unreaped, or its
 * pid somebody else's), and the next one to lock is told. What it finds is
 * whole: an entry is written to free cells first and becomes visible by one
 * store. Only the list of free cells may be wrong then, and is made anew.
 *
 * Nobody waits for long: a lock is held for less than a microsecond, but for a
 * holder that the system interrupts. Who does not get it within KV_PATIENCE_MS
 * (its holder is stopped) gives up, and for KV_SULK_MS does so at once.
 *
 * When a shard is full, the hand of a clock goes over its cells: expired
 * entries go, else the one of the next KV_LOOK that ends the soonest; those
 * without an end come last. penstock_kv_evicted_total counts those that went
 * before their time.
 */
#ifndef PENSTOCK_ENGINE_KV_H
#define PENSTOCK_ENGINE_KV_H

#include "base/err.h"
#include "base/str.h"

struct kv;

enum {
    KV_SPACE_MAX = 64,  /* bytes of the space's name */
    KV_KEY_MAX = 512,   /* bytes of a key */
    KV_TEXT_MAX = 4096, /* bytes of a text */
    KV_PATIENCE_MS = 200,
    KV_SULK_MS = 1000,
    KV_LOOK = 32,
};

#define KV_MEMORY_MIN (64u << 10)
#define KV_FOREVER UINT64_MAX

enum kv_type { KV_NONE, KV_TEXT, KV_INT, KV_REAL, KV_BOOL };

struct kv_value {
    enum kv_type type;
    struct str text;
    int64_t i; /* KV_BOOL too */
    double d;
};

/** Where and when. Spaces keep the keys of policies apart. */
struct kv_at {
    struct str space, key;
    uint64_t now_ms; /* of the clock that all users of this memory share */
};

struct kv_found {
    struct kv_value value; /* a text lies in `room` */
    uint64_t ttl_ms;       /* what is left; KV_FOREVER */
    char room[KV_TEXT_MAX];
};

/**
 * Memory of `bytes`, at least KV_MEMORY_MIN; pages are used as they fill.
 *
 *   shared   in   in all processes forked from here on; else only in ours
 *                 (tests, policy test)
 *
 * Errors: NOMEM, IO (the system gives no such memory)
 */
struct kv *kv_new(uint64_t bytes, bool shared, struct err *err);
/** Unmaps; other processes keep theirs. */
/** The memory is that of the program before us. */
bool kv_inherited(const struct kv *kv);
void kv_free(struct kv *kv);

/*
 * The operations; each is atomic. All may return
 *   -ERR_LIMIT   space, key or text is too long
 *   -ERR_BUSY    somebody holds the lock and does not run
 * Cost: 0.1 to 0.2 us and a copy of the text; no system call.
 */

/** 0 or -ERR_NOTFOUND. */
int kv_get(struct kv *kv, const struct kv_at *at, struct kv_found *out);

/** Replace whatever is there. */
int kv_set(struct kv *kv, const struct kv_at *at, const struct kv_value *v,
           uint64_t ttl_ms);

/** Set unless there is a value: -ERR_EXISTS. */
int kv_add(struct kv *kv, const struct kv_at *at, const struct kv_value *v,
           uint64_t ttl_ms);

/**
 * Add to an integer and tell what it is now. Where nothing is, it starts at 0
 * and ends after ttl_ms; a later call does not move its end.
 *
 * -ERR_EXISTS: what is there is no integer. -ERR_LIMIT: it would overflow.
 */
int kv_incr(struct kv *kv, const struct kv_at *at, int64_t by, uint64_t ttl_ms,
            int64_t *ret);

/**
 * Put `to` where `from` is; KV_NONE stands for no value on either side.
 *
 *   ttl_ms   in   0: keep the end of what was there (of nothing: no end)
 *
 * -ERR_EXISTS: something else is there, or nothing.
 */
int kv_cas(struct kv *kv, const struct kv_at *at, const struct kv_value *from,
           const struct kv_value *to, uint64_t ttl_ms);

/** 0 or -ERR_NOTFOUND. */
int kv_delete(struct kv *kv, const struct kv_at *at);

/** As == has it in Lua: 1 and 1.0 are the same. */
bool kv_same(const struct kv_value *a, const struct kv_value *b);

#endif
