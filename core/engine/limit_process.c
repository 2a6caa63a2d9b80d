/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Processes come and go: whose holds they are, and what the dead held. */
#include "base/clock.h"
#include "engine/limit_memory.h"

#include <stdlib.h>

/* What one of that number left behind, because a lock could not be had, is
 * ended by us. */
int limiter_enter(struct limiter *l, uint32_t process)
{
    struct limit_hold_cell *all;
    uint32_t high;

    if (process >= l->n_processes)
        return -ERR_LIMIT;
    free(l->free);
    l->free = malloc(l->n_holds * sizeof *l->free);
    l->n_free = l->n_ending = 0;
    if (!l->free)
        return -ERR_NOMEM;
    l->process = process;
    high = atomic_load(limit_high(l, process));
    all = limit_holds_of(l, process);
    for (uint32_t i = l->n_holds; i-- > 0;) { /* the first is taken first */
        if (i >= high || atomic_load(&all[i].state) == HOLD_FREE)
            l->free[l->n_free++] = i;
        else
            l->n_ending++;
    }
    return 0;
}

static uint32_t held(const struct limiter *l, uint32_t process)
{
    uint32_t high = atomic_load(limit_high(l, process));

    return high < l->n_holds ? high : l->n_holds;
}

/* What it left half done is undone first: that may bring back a hold. */
static void undo_all(struct limiter *l)
{
    for (uint32_t i = 0; i < l->n_shards; i++) {
        struct limit_shard *s = limit_shard_at(l, i);

        if (limit_shard_lock(s, l) == 0)
            limit_shard_unlock(s);
    }
}

/* The shards that somebody holds are not waited for twice. */
uint32_t limiter_reap(struct limiter *l, uint32_t process)
{
    uint64_t now_ms = clock_mono_ms();
    uint32_t left = 0, busy = UINT32_MAX;
    struct limit_hold_cell *all;

    if (process >= l->n_processes)
        return 0;
    undo_all(l);
    all = limit_holds_of(l, process);
    for (uint32_t i = 0; i < held(l, process); i++) {
        uint32_t state = atomic_load(&all[i].state);

        if (state == HOLD_FREE)
            continue;
        if (state == HOLD_TAKEN)
            all[i].used = 0;
        atomic_store(&all[i].state, HOLD_ENDING);
        if (all[i].shard == busy || limit_end(l, &all[i], now_ms)) {
            busy = all[i].shard;
            left++;
        }
    }
    return left;
}

static void sum_shard(struct limit_shard *s, uint64_t now_ms,
                      struct limit_sums *out)
{
    for (uint32_t i = 1; i <= s->fresh; i++) {
        struct limit_cell *c = limit_shard_cell(s, i);

        if (!(c->key[0] | c->key[1]))
            continue;
        limit_cell_turn(c, now_ms);
        out->cells += !limit_cell_idle(c, now_ms);
        if (c->kind == LIMIT_TOKENS)
            out->reserved += c->tokens.reserved;
        if (c->kind == LIMIT_CONCURRENT)
            out->concurrent += c->concurrent.held;
    }
}

void limiter_sums(struct limiter *l, uint64_t now_ms, struct limit_sums *out)
{
    *out = (struct limit_sums){ .cells = 0 };
    for (uint32_t i = 0; i < l->n_shards; i++) {
        struct limit_shard *s = limit_shard_at(l, i);

        if (limit_shard_lock(s, l))
            continue;
        sum_shard(s, now_ms, out);
        limit_shard_unlock(s);
    }
    for (uint32_t p = 0; p < l->n_processes; p++) {
        for (uint32_t i = 0; i < held(l, p); i++)
            out->holds += atomic_load(&limit_holds_of(l, p)[i].state) !=
                          HOLD_FREE;
    }
}

/* ---- the mark ----------------------------------------------------------- */

static _Atomic uint64_t *mark(const struct limiter *l)
{
    return (_Atomic uint64_t *)(l->map + l->mark_at);
}

void limit_mark(struct limiter *l, uint64_t now_ms)
{
    atomic_store(mark(l), now_ms);
}

uint64_t limit_marked(const struct limiter *l)
{
    return atomic_load_explicit(mark(l), memory_order_acquire);
}
