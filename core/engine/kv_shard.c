/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Entries in cells. Writing takes free cells, fills them, and then stores one
 * link; removing stores one link and then gives the cells back. So the chains
 * are whole at any instant, and at worst a few cells are on no list.
 */
#include "engine/kv_shard.h"

#include "base/lock.h"
#include "engine/metrics.h"

#include <errno.h>

_Static_assert(sizeof(union kv_cell) == 64, "a cell is a cache line");

/* Where copying has come to in an entry's cells. */
struct cursor {
    struct kv_shard *s;
    union kv_cell *cell;
    char *bytes;
    size_t left;
};

static size_t round64(size_t n)
{
    return (n + 63) & ~(size_t)63;
}

/* About one bucket for two cells: most entries are one or two cells long. */
static uint32_t buckets_for(uint32_t n_cells)
{
    uint32_t n = 16;

    while (n < n_cells / 2)
        n *= 2;
    return n;
}

static size_t cells_offset(uint32_t n_cells)
{
    return round64(sizeof(struct kv_shard)) +
           round64(buckets_for(n_cells) * sizeof(kv_link));
}

size_t kv_shard_size(uint32_t n_cells)
{
    return cells_offset(n_cells) + n_cells * sizeof(union kv_cell);
}

kv_link *kv_shard_buckets(struct kv_shard *s)
{
    return (kv_link *)((char *)s + round64(sizeof *s));
}

union kv_cell *kv_shard_cell(struct kv_shard *s, uint32_t place)
{
    union kv_cell *cells = (void *)((char *)s + cells_offset(s->n_cells));

    return &cells[place - 1];
}

int kv_shard_init(struct kv_shard *s, uint32_t n_cells, bool shared)
{
    s->n_cells = n_cells;
    s->mask = buckets_for(n_cells) - 1;
    return lock_init(&s->lock, shared);
}

/* ---- the lock ------------------------------------------------------- */

int kv_shard_lock(struct kv_shard *s, uint32_t patience_ms)
{
    int rc = pthread_mutex_trylock(&s->lock);

    if (rc == EBUSY)
        rc = lock_wait(&s->lock, patience_ms);
    if (rc == EOWNERDEAD) {
        kv_shard_mend(s);
        rc = pthread_mutex_consistent(&s->lock);
    }
    return rc ? -ERR_BUSY : 0;
}

void kv_shard_unlock(struct kv_shard *s)
{
    pthread_mutex_unlock(&s->lock);
}

/* ---- cells ---------------------------------------------------------- */

static uint32_t load(const kv_link *l)
{
    return atomic_load_explicit(l, memory_order_relaxed);
}

/* The one store that makes an entry seen or gone: what stands before it in
 * the source is done before it, what stands behind it after. Only the compiler
 * has to be told; a core's own stores come in its own order. */
static void lead(kv_link *l, uint32_t place)
{
    atomic_signal_fence(memory_order_seq_cst);
    atomic_store_explicit(l, place, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst);
}

void kv_shard_empty(struct kv_shard *s)
{
    for (uint32_t i = 0; i <= s->mask; i++)
        lead(&kv_shard_buckets(s)[i], 0);
    for (uint32_t place = 1; place <= s->n_cells; place++)
        kv_shard_cell(s, place)->more.kind = KV_CELL_FREE;
    s->free = s->n_free = s->hand = s->fresh = 0;
}

static uint32_t take_cell(struct kv_shard *s)
{
    uint32_t place = s->free;

    if (!place)
        return ++s->fresh;
    s->free = kv_shard_cell(s, place)->more.next;
    s->n_free--;
    return place;
}

static void give_cell(struct kv_shard *s, uint32_t place)
{
    union kv_cell *c = kv_shard_cell(s, place);

    c->more.kind = KV_CELL_FREE;
    c->more.next = s->free;
    s->free = place;
    s->n_free++;
}

static void give_entry(struct kv_shard *s, uint32_t place)
{
    uint32_t n = kv_shard_cells_of(&kv_shard_cell(s, place)->head);

    while (n-- && place) {
        uint32_t next = kv_shard_cell(s, place)->more.next;

        give_cell(s, place);
        place = next;
    }
}

static size_t bytes_of(const struct kv_head *h)
{
    return (size_t)h->space_n + h->key_n + h->text_n;
}

uint32_t kv_shard_cells_of(const struct kv_head *h)
{
    size_t n = bytes_of(h);

    n = n > KV_HEAD_BYTES ? n - KV_HEAD_BYTES : 0;
    return 1 + (uint32_t)((n + KV_MORE_BYTES - 1) / KV_MORE_BYTES);
}

/* ---- copying -------------------------------------------------------- */

static struct cursor cursor_at(struct kv_shard *s, const struct kv_head *h)
{
    union kv_cell *c = (union kv_cell *)h;

    return (struct cursor){ s, c, c->head.bytes, KV_HEAD_BYTES };
}

/* Room for a piece of at most n bytes, in the next cell where this is full. */
static size_t piece(struct cursor *c, size_t n)
{
    if (c->left == 0) {
        c->cell = kv_shard_cell(c->s, c->cell->more.next);
        c->bytes = c->cell->more.bytes;
        c->left = KV_MORE_BYTES;
    }
    return n < c->left ? n : c->left;
}

static void advance(struct cursor *c, size_t n)
{
    c->bytes += n;
    c->left -= n;
}

static void write_bytes(struct cursor *c, struct str s)
{
    for (size_t n; s.n; s.n -= n, s.p += n) {
        n = piece(c, s.n);
        memcpy(c->bytes, s.p, n);
        advance(c, n);
    }
}

static void read_bytes(struct cursor *c, char *to, size_t size)
{
    for (size_t n; size; size -= n, to += n) {
        n = piece(c, size);
        memcpy(to, c->bytes, n);
        advance(c, n);
    }
}

static void skip_bytes(struct cursor *c, size_t size)
{
    for (size_t n; size; size -= n) {
        n = piece(c, size);
        advance(c, n);
    }
}

static bool match_bytes(struct cursor *c, struct str s)
{
    for (size_t n; s.n; s.n -= n, s.p += n) {
        n = piece(c, s.n);
        if (memcmp(c->bytes, s.p, n) != 0)
            return false;
        advance(c, n);
    }
    return true;
}

/* ---- finding and removing ------------------------------------------- */

static bool is_named(struct kv_shard *s, const struct kv_head *h,
                     const struct kv_name *name)
{
    struct cursor c = cursor_at(s, h);

    return h->hash == name->hash && h->space_n == name->space.n &&
           h->key_n == name->key.n && match_bytes(&c, name->space) &&
           match_bytes(&c, name->key);
}

static void remove_at(struct kv_shard *s, kv_link *at)
{
    uint32_t place = load(at);

    lead(at, load(&kv_shard_cell(s, place)->head.chain));
    give_entry(s, place);
}

static bool is_over(const struct kv_head *h, uint64_t now_ms)
{
    return h->ends_ms <= now_ms;
}

/* What leads to the entry of that name, or NULL; expired ones on the way go.
 */
static kv_link *find_link(struct kv_shard *s, const struct kv_name *name)
{
    kv_link *at = &kv_shard_buckets(s)[name->hash & s->mask];
    uint32_t place;

    while ((place = load(at)) != 0) {
        struct kv_head *h = &kv_shard_cell(s, place)->head;

        if (is_over(h, name->now_ms))
            remove_at(s, at);
        else if (is_named(s, h, name))
            return at;
        else
            at = &h->chain;
    }
    return NULL;
}

struct kv_head *kv_shard_find(struct kv_shard *s, const struct kv_name *name)
{
    kv_link *at = find_link(s, name);

    return at ? &kv_shard_cell(s, load(at))->head : NULL;
}

bool kv_shard_drop(struct kv_shard *s, const struct kv_name *name)
{
    kv_link *at = find_link(s, name);

    if (at)
        remove_at(s, at);
    return at != NULL;
}

/* ---- making room ---------------------------------------------------- */

static void remove_place(struct kv_shard *s, uint32_t place)
{
    kv_link *at = &kv_shard_buckets(s)[kv_shard_cell(s, place)->head.hash &
                                       s->mask];

    while (load(at) && load(at) != place)
        at = &kv_shard_cell(s, load(at))->head.chain;
    if (load(at))
        remove_at(s, at);
}

/* One entry fewer, or all expired ones of the next KV_LOOK. Every cell was
 * used by now: the hand meets an entry within one round. */
static void evict(struct kv_shard *s, uint64_t now_ms)
{
    uint32_t best = 0, seen = 0, before = s->n_free;
    uint64_t soonest = 0;

    for (uint32_t i = 0; i < s->n_cells && seen < KV_LOOK; i++) {
        struct kv_head *h;

        s->hand = s->hand % s->n_cells + 1;
        h = &kv_shard_cell(s, s->hand)->head;
        if (h->kind != KV_CELL_HEAD)
            continue;
        seen++;
        if (is_over(h, now_ms)) {
            remove_place(s, s->hand);
        } else if (!best || h->ends_ms < soonest) {
            best = s->hand;
            soonest = h->ends_ms;
        }
    }
    if (!best || s->n_free > before)
        return;
    remove_place(s, best);
    metric_add(METRIC_KV_EVICTED, NULL, 1);
}

static void make_room(struct kv_shard *s, uint32_t n, uint64_t now_ms)
{
    while (s->n_free + (s->n_cells - s->fresh) < n)
        evict(s, now_ms);
}

/* ---- writing -------------------------------------------------------- */

static uint32_t take_chain(struct kv_shard *s, uint32_t n)
{
    uint32_t first = 0;

    while (n--) {
        uint32_t place = take_cell(s);
        union kv_cell *c = kv_shard_cell(s, place);

        c->more.next = first;
        c->more.kind = n ? KV_CELL_MORE : KV_CELL_HEAD;
        first = place;
    }
    return first;
}

static int64_t number_of(const struct kv_value *v)
{
    int64_t bits = v->i;

    if (v->type == KV_REAL)
        memcpy(&bits, &v->d, sizeof bits);
    return bits;
}

void kv_shard_put(struct kv_shard *s, const struct kv_name *name,
                  const struct kv_value *v, uint64_t ends_ms)
{
    struct str text = v->type == KV_TEXT ? v->text : STR_NULL;
    struct kv_head filled = { .kind = KV_CELL_HEAD, .type = (uint8_t)v->type,
                              .space_n = (uint8_t)name->space.n,
                              .key_n = (uint16_t)name->key.n,
                              .text_n = (uint16_t)text.n,
                              .hash = name->hash, .ends_ms = ends_ms };
    uint32_t n = kv_shard_cells_of(&filled), place;
    struct kv_head *h;
    struct cursor c;
    kv_link *at;

    make_room(s, n, name->now_ms);
    place = take_chain(s, n);
    h = &kv_shard_cell(s, place)->head;
    filled.next = h->next;
    memcpy(h, &filled, sizeof *h);
    atomic_store_explicit(&h->number, number_of(v), memory_order_relaxed);
    c = cursor_at(s, h);
    write_bytes(&c, name->space);
    write_bytes(&c, name->key);
    write_bytes(&c, text);
    at = find_link(s, name);
    if (at) {
        uint32_t old = load(at);

        lead(&h->chain, load(&kv_shard_cell(s, old)->head.chain));
        lead(at, place);
        give_entry(s, old);
    } else {
        at = &kv_shard_buckets(s)[name->hash & s->mask];
        lead(&h->chain, load(at));
        lead(at, place);
    }
}

void kv_shard_value(struct kv_shard *s, const struct kv_head *h,
                    struct kv_value *out, char *room)
{
    struct cursor c = cursor_at(s, h);
    int64_t bits = atomic_load_explicit(&h->number, memory_order_relaxed);

    *out = (struct kv_value){ .type = (enum kv_type)h->type, .i = bits };
    if (h->type == KV_REAL)
        memcpy(&out->d, &bits, sizeof bits);
    if (h->type != KV_TEXT)
        return;
    skip_bytes(&c, (size_t)h->space_n + h->key_n);
    read_bytes(&c, room, h->text_n);
    out->text = (struct str){ room, h->text_n };
}
