/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "engine/limit_shard.h"

#include "base/lock.h"
#include "base/log.h"
#include "engine/limit_memory.h"

#include <errno.h>
#include <string.h>

typedef _Atomic uint32_t link_t;

static size_t round64(size_t n)
{
    return (n + 63) & ~(size_t)63;
}

static uint32_t buckets_for(uint32_t n_cells)
{
    uint32_t n = 64;

    while (n < n_cells)
        n *= 2;
    return n;
}

static size_t cells_offset(uint32_t n_buckets)
{
    return round64(sizeof(struct limit_shard)) +
           round64(n_buckets * sizeof(link_t));
}

size_t limit_shard_size(uint32_t n_cells)
{
    return round64(cells_offset(buckets_for(n_cells)) +
                   n_cells * sizeof(struct limit_cell));
}

static link_t *bucket(struct limit_shard *s, const uint64_t key[2])
{
    link_t *all = (link_t *)((char *)s + round64(sizeof *s));

    return &all[key[0] & s->mask];
}

struct limit_cell *limit_shard_cell(struct limit_shard *s, uint32_t place)
{
    struct limit_cell *all = (void *)((char *)s + cells_offset(s->mask + 1));

    return &all[place - 1];
}

int limit_shard_init(struct limit_shard *s, uint32_t n_cells, bool shared)
{
    s->n_cells = n_cells;
    s->mask = buckets_for(n_cells) - 1;
    return lock_init(&s->lock, shared);
}

/* ---- changes that a death undoes --------------------------------------- */

/* The kernel sees to it that whoever gets a dead holder's lock sees all of
 * its stores; only the compiler must keep their order. */
static void in_order(void)
{
    atomic_signal_fence(memory_order_seq_cst);
}

static void copy_cell(struct limit_cell *to, const struct limit_cell *from)
{
    memcpy((void *)to, (const void *)from, sizeof *to);
}

static void copy_hold(struct limit_hold_cell *to,
                      const struct limit_hold_cell *from)
{
    memcpy((void *)to, (const void *)from, sizeof *to);
}

void limit_shard_begin(struct limit_shard *s, uint32_t place,
                       const struct limiter *l,
                       const struct limit_hold_cell *hold)
{
    s->undo.place = place;
    s->undo.hold = (uint64_t)((const char *)hold - l->map);
    copy_cell(&s->undo.cell, limit_shard_cell(s, place));
    copy_hold(&s->undo.was, hold);
    in_order();
    atomic_store_explicit(&s->undo.valid, 1, memory_order_relaxed);
    in_order();
}

void limit_shard_end(struct limit_shard *s)
{
    in_order();
    atomic_store_explicit(&s->undo.valid, 0, memory_order_relaxed);
    in_order();
}

static bool is_hold(const struct limiter *l, uint64_t at)
{
    return at >= l->holds_at &&
           at + sizeof(struct limit_hold_cell) <= l->models_at &&
           (at - l->holds_at) % sizeof(struct limit_hold_cell) == 0;
}

/* The chain of the cell is no part of the change. */
static void undo(struct limit_shard *s, const struct limiter *l)
{
    struct limit_cell *c;

    if (!atomic_load(&s->undo.valid) || s->undo.place == 0 ||
        s->undo.place > s->n_cells || !is_hold(l, s->undo.hold))
        return;
    c = limit_shard_cell(s, s->undo.place);
    atomic_store(&s->undo.cell.chain, atomic_load(&c->chain));
    copy_cell(c, &s->undo.cell);
    copy_hold((struct limit_hold_cell *)(l->map + s->undo.hold), &s->undo.was);
    limit_shard_end(s);
}

static void count_open(struct limit_shard *s)
{
    if (s->fresh > s->n_cells)
        s->fresh = s->n_cells;
    s->n_open = 0;
    for (uint32_t i = 1; i <= s->fresh; i++) {
        const struct limit_cell *c = limit_shard_cell(s, i);

        s->n_open += (c->key[0] | c->key[1]) != 0 && c->open;
    }
}

/* A stray write of a plugin: nothing in the shard is worth a guess. */
static void empty(struct limit_shard *s)
{
    log_event(EV_limits_emptied, LOG_I("cells", s->fresh));
    memset((char *)s + round64(sizeof *s), 0,
           limit_shard_size(s->n_cells) - round64(sizeof *s));
    s->fresh = s->hand = s->n_open = 0;
}

/* ---- the lock ---------------------------------------------------------- */

int limit_shard_lock(struct limit_shard *s, const struct limiter *l)
{
    int rc = pthread_mutex_trylock(&s->lock);

    if (rc == EBUSY)
        rc = lock_wait(&s->lock, LIMIT_PATIENCE_MS);
    if (rc == EOWNERDEAD) {
        undo(s, l);
        count_open(s);
        rc = pthread_mutex_consistent(&s->lock);
    }
    return rc ? -ERR_BUSY : 0;
}

void limit_shard_unlock(struct limit_shard *s)
{
    pthread_mutex_unlock(&s->lock);
}

/* ---- cells ------------------------------------------------------------- */

static bool is_key(const struct limit_cell *c, const uint64_t key[2])
{
    return c->key[0] == key[0] && c->key[1] == key[1];
}

uint32_t limit_shard_find(struct limit_shard *s, const uint64_t key[2])
{
    uint32_t at = atomic_load(bucket(s, key));

    for (uint32_t steps = 0; at; steps++) {
        struct limit_cell *c;

        if (at > s->fresh || steps > s->fresh) {
            empty(s);
            return 0;
        }
        c = limit_shard_cell(s, at);
        if (is_key(c, key))
            return at;
        at = atomic_load_explicit(&c->chain, memory_order_relaxed);
    }
    return 0;
}

/* Out of its bucket, if it is in it; one store. */
static void unlink_cell(struct limit_shard *s, uint32_t place)
{
    struct limit_cell *c = limit_shard_cell(s, place);
    link_t *at = bucket(s, c->key);

    for (uint32_t i = 0; i <= s->fresh && *at && *at <= s->fresh; i++) {
        if (*at == place) {
            atomic_store(at, atomic_load(&c->chain));
            break;
        }
        at = &limit_shard_cell(s, *at)->chain;
    }
    if ((c->key[0] | c->key[1]) && c->open && s->n_open)
        s->n_open--;
    c->key[0] = c->key[1] = 0;
}

static bool may_go(struct limit_cell *c, bool only_open, uint64_t now_ms)
{
    if (!(c->key[0] | c->key[1]))
        return !only_open;
    if (only_open && !c->open)
        return false;
    limit_cell_turn(c, now_ms);
    return limit_cell_idle(c, now_ms);
}

/* The hand goes on from where it stood: a cell that says nothing. */
static uint32_t look(struct limit_shard *s, bool only_open, uint64_t now_ms)
{
    for (uint32_t i = 0; i < LIMIT_LOOK && i < s->fresh; i++) {
        s->hand = s->hand % s->fresh + 1;
        if (!may_go(limit_shard_cell(s, s->hand), only_open, now_ms))
            continue;
        unlink_cell(s, s->hand);
        return s->hand;
    }
    return 0;
}

static uint32_t place_for(struct limit_shard *s, bool open, uint64_t now_ms)
{
    bool crowded = open && s->n_open >= s->n_cells / 2;

    if (!crowded && s->fresh < s->n_cells)
        return ++s->fresh;
    return look(s, crowded, now_ms);
}

uint32_t limit_shard_make(struct limit_shard *s, const uint64_t key[2],
                          const struct limit_row *row, uint64_t now_ms)
{
    uint32_t place = place_for(s, row->open, now_ms);
    link_t *head = bucket(s, key);
    struct limit_cell *c;

    if (!place)
        return 0;
    c = limit_shard_cell(s, place);
    memset((void *)c, 0, sizeof *c);
    c->kind = (uint8_t)row->kind;
    c->open = row->open;
    c->period_ms = row->period_ms;
    limit_cell_turn(c, now_ms);
    atomic_store(&c->chain, atomic_load(head));
    c->key[0] = key[0];
    c->key[1] = key[1];
    in_order();
    atomic_store(head, place);
    s->n_open += row->open;
    return place;
}
