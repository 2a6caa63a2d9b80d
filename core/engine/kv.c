/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The operations of ps.kv: find the shard, lock it, do it. */
#include "engine/kv.h"

#include "base/clock.h"
#include "base/share.h"
#include "base/siphash.h"
#include "engine/kv_shard.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>

enum { SHARD_BYTES = 128 << 10, SHARDS_MAX = 256, CELLS_MIN = 512 };

#define SIZE_MAX_BYTES ((uint64_t)SHARDS_MAX << 32)

/* Each process's own; the shards are shared. */
struct kv {
    char *map;
    size_t size, shard_size;
    uint32_t n_shards; /* a power of two */
    bool shared;
    struct share share; /* where it is shared; else `map` is ours alone */
    struct siphash_key seed;
    uint64_t sulk_ms[SHARDS_MAX]; /* until then a lock is not waited for */
};

static struct kv_shard *shard(const struct kv *kv, uint32_t i)
{
    return (struct kv_shard *)(kv->map + i * kv->shard_size);
}

/* Many small shards, so that two workers rarely meet. */
static void plan(struct kv *kv, uint64_t bytes, uint32_t *n_cells)
{
    uint64_t n;

    if (bytes < KV_MEMORY_MIN)
        bytes = KV_MEMORY_MIN;
    kv->n_shards = 1;
    while (kv->n_shards < SHARDS_MAX &&
           bytes / (kv->n_shards * 2) >= SHARD_BYTES)
        kv->n_shards *= 2;
    bytes /= kv->n_shards;
    n = bytes / sizeof(union kv_cell);
    while (n > CELLS_MIN && kv_shard_size((uint32_t)n) > bytes)
        n -= n / 64 + 1;
    *n_cells = (uint32_t)n;
    kv->shard_size = kv_shard_size((uint32_t)n);
    kv->size = kv->shard_size * kv->n_shards;
}

/** Memory that the next program can take over; the number in the layout is
 * counted up when a field gets another meaning or place. */
static int map_shared(struct kv *kv, uint32_t n_cells, struct err *err)
{
    char layout[128];

    snprintf(layout, sizeof layout, "kv 1 shards %u of %zu, %u cells %zu, "
             "head %zu", kv->n_shards, kv->shard_size, n_cells,
             sizeof(union kv_cell), sizeof(struct kv_shard));
    if (share_open(&kv->share, "kv", layout, kv->size, err) != 0)
        return -err->code;
    kv->map = kv->share.map;
    kv->seed = kv->share.seed[0];
    return 0;
}

static int map_own(struct kv *kv, struct err *err)
{
    kv->map = mmap(NULL, kv->size, PROT_READ | PROT_WRITE,
                   MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
    if (kv->map == MAP_FAILED) {
        kv->map = NULL;
        return err_errno(err, "kv memory of %zu bytes", kv->size);
    }
    if (getrandom(&kv->seed, sizeof kv->seed, 0) != sizeof kv->seed)
        kv->seed = siphash_process_key();
    return 0;
}

static int make(struct kv *kv, uint64_t bytes, struct err *err)
{
    uint32_t n_cells;
    int rc;

    if (bytes > SIZE_MAX_BYTES)
        return err_set(err, ERR_LIMIT, "kv memory: at most 1 TiB");
    plan(kv, bytes, &n_cells);
    rc = kv->shared ? map_shared(kv, n_cells, err) : map_own(kv, err);
    if (rc || (kv->shared && !kv->share.fresh))
        return rc; /* entries of the program before are in it */
    for (uint32_t i = 0; i < kv->n_shards && !rc; i++)
        rc = kv_shard_init(shard(kv, i), n_cells, kv->shared);
    return rc ? err_set(err, -rc, "no locks for the kv memory") : 0;
}

struct kv *kv_new(uint64_t bytes, bool shared, struct err *err)
{
    struct kv *kv = calloc(1, sizeof *kv);

    if (!kv) {
        err_set(err, ERR_NOMEM, "no memory");
        return NULL;
    }
    kv->shared = shared;
    if (make(kv, bytes, err) == 0)
        return kv;
    kv_free(kv);
    return NULL;
}

bool kv_inherited(const struct kv *kv)
{
    return kv->shared && !kv->share.fresh;
}

void kv_free(struct kv *kv)
{
    if (!kv)
        return;
    if (kv->shared)
        share_close(&kv->share);
    else if (kv->map)
        munmap(kv->map, kv->size);
    free(kv);
}

/* ---- one operation -------------------------------------------------- */

struct op {
    struct kv_name name;
    struct kv_shard *s;
};

/* Who waited in vain does not wait again soon: a stopped worker would hold up
 * each request that comes by. */
static int lock(struct kv *kv, uint32_t i)
{
    int rc = kv_shard_lock(shard(kv, i), 0);
    uint64_t now;

    if (rc == 0)
        return 0;
    now = clock_mono_ms();
    if (now < kv->sulk_ms[i])
        return rc;
    rc = kv_shard_lock(shard(kv, i), KV_PATIENCE_MS);
    if (rc)
        kv->sulk_ms[i] = clock_mono_ms() + KV_SULK_MS;
    return rc;
}

/* Name, hash and shard. */
static int find_shard(struct kv *kv, const struct kv_at *at, struct op *op,
                      uint32_t *i)
{
    char whole[KV_SPACE_MAX + 1 + KV_KEY_MAX];
    size_t n = at->space.n;

    if (n > KV_SPACE_MAX || at->key.n > KV_KEY_MAX)
        return -ERR_LIMIT;
    if (n)
        memcpy(whole, at->space.p, n);
    whole[n++] = '\0';
    if (at->key.n)
        memcpy(whole + n, at->key.p, at->key.n);
    op->name = (struct kv_name){
        at->space, at->key,
        siphash(kv->seed, (struct str){ whole, n + at->key.n }), at->now_ms };
    *i = (uint32_t)(op->name.hash >> 32) & (kv->n_shards - 1);
    op->s = shard(kv, *i);
    return 0;
}

/* The shard is locked when it returns 0. */
static int begin(struct kv *kv, const struct kv_at *at, struct op *op)
{
    uint32_t i;
    int rc = find_shard(kv, at, op, &i);

    return rc ? rc : lock(kv, i);
}

struct kv_shard *kv_shard_at(struct kv *kv, const struct kv_at *at)
{
    struct op op;
    uint32_t i;

    return find_shard(kv, at, &op, &i) == 0 ? op.s : NULL;
}

static int end(struct op *op, int rc)
{
    kv_shard_unlock(op->s);
    return rc;
}

static uint64_t end_of(uint64_t now_ms, uint64_t ttl_ms)
{
    return ttl_ms < KV_FOREVER - now_ms ? now_ms + ttl_ms : KV_FOREVER;
}

static bool too_long(const struct kv_value *v)
{
    return v->type == KV_TEXT && v->text.n > KV_TEXT_MAX;
}

int kv_get(struct kv *kv, const struct kv_at *at, struct kv_found *out)
{
    struct op op;
    int rc = begin(kv, at, &op);
    struct kv_head *h;

    out->value = (struct kv_value){ .type = KV_NONE };
    out->ttl_ms = 0;
    if (rc)
        return rc;
    h = kv_shard_find(op.s, &op.name);
    if (!h)
        return end(&op, -ERR_NOTFOUND);
    kv_shard_value(op.s, h, &out->value, out->room);
    out->ttl_ms = h->ends_ms == KV_FOREVER ? KV_FOREVER
                                           : h->ends_ms - at->now_ms;
    return end(&op, 0);
}

int kv_set(struct kv *kv, const struct kv_at *at, const struct kv_value *v,
           uint64_t ttl_ms)
{
    struct op op;
    int rc = too_long(v) ? -ERR_LIMIT : begin(kv, at, &op);

    if (rc)
        return rc;
    kv_shard_put(op.s, &op.name, v, end_of(at->now_ms, ttl_ms));
    return end(&op, 0);
}

int kv_add(struct kv *kv, const struct kv_at *at, const struct kv_value *v,
           uint64_t ttl_ms)
{
    struct op op;
    int rc = too_long(v) ? -ERR_LIMIT : begin(kv, at, &op);

    if (rc)
        return rc;
    if (kv_shard_find(op.s, &op.name))
        return end(&op, -ERR_EXISTS);
    kv_shard_put(op.s, &op.name, v, end_of(at->now_ms, ttl_ms));
    return end(&op, 0);
}

int kv_incr(struct kv *kv, const struct kv_at *at, int64_t by, uint64_t ttl_ms,
            int64_t *ret)
{
    const struct kv_value first = { .type = KV_INT, .i = by };
    struct op op;
    int rc = begin(kv, at, &op);
    struct kv_head *h;
    int64_t sum;

    if (rc)
        return rc;
    h = kv_shard_find(op.s, &op.name);
    if (!h) {
        kv_shard_put(op.s, &op.name, &first, end_of(at->now_ms, ttl_ms));
        *ret = by;
        return end(&op, 0);
    }
    if (h->type != KV_INT)
        return end(&op, -ERR_EXISTS);
    if (__builtin_add_overflow(atomic_load_explicit(&h->number,
                                                    memory_order_relaxed),
                               by, &sum))
        return end(&op, -ERR_LIMIT);
    atomic_store_explicit(&h->number, sum, memory_order_relaxed);
    *ret = sum;
    return end(&op, 0);
}

bool kv_same(const struct kv_value *a, const struct kv_value *b)
{
    /* within 2^53 each integer is a real; beyond it they differ from reals */
    const int64_t exact = (int64_t)1 << 53;
    const struct kv_value *whole = a->type == KV_INT ? a : b;

    if (a->type == b->type) {
        if (a->type == KV_TEXT)
            return str_eq(a->text, b->text);
        if (a->type == KV_REAL)
            return a->d == b->d;
        return a->i == b->i || a->type == KV_NONE;
    }
    if ((a->type != KV_INT || b->type != KV_REAL) &&
        (a->type != KV_REAL || b->type != KV_INT))
        return false;
    return whole->i >= -exact && whole->i <= exact &&
           (double)whole->i == (whole == a ? b->d : a->d);
}

int kv_cas(struct kv *kv, const struct kv_at *at, const struct kv_value *from,
           const struct kv_value *to, uint64_t ttl_ms)
{
    struct kv_value is = { .type = KV_NONE };
    char room[KV_TEXT_MAX];
    uint64_t ends = end_of(at->now_ms, ttl_ms ? ttl_ms : KV_FOREVER);
    struct op op;
    int rc = too_long(to) ? -ERR_LIMIT : begin(kv, at, &op);
    struct kv_head *h;

    if (rc)
        return rc;
    h = kv_shard_find(op.s, &op.name);
    if (h)
        kv_shard_value(op.s, h, &is, room);
    if (!kv_same(&is, from))
        return end(&op, -ERR_EXISTS);
    if (h && !ttl_ms)
        ends = h->ends_ms;
    if (to->type != KV_NONE)
        kv_shard_put(op.s, &op.name, to, ends);
    else if (h)
        kv_shard_drop(op.s, &op.name);
    return end(&op, 0);
}

int kv_delete(struct kv *kv, const struct kv_at *at)
{
    struct op op;
    int rc = begin(kv, at, &op);

    if (rc)
        return rc;
    return end(&op, kv_shard_drop(op.s, &op.name) ? 0 : -ERR_NOTFOUND);
}
