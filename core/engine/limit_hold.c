/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The end of a hold. It is written down first (ENDING, with what was used), so
 * that whoever finds it after a death, or gets a lock that we did not, ends it
 * the same way; the cell and the record change together.
 */
#include "engine/limit_memory.h"

uint64_t limit_reserved(const struct limiter *l, limit_hold hold)
{
    return hold ? limit_hold_at(l, hold)->amount : 0;
}

static bool is_cell_of(const struct limit_cell *c,
                       const struct limit_hold_cell *h)
{
    return c->key[0] == h->key[0] && c->key[1] == h->key[1];
}

/* The shard is locked. A cell that is another's by now had nothing of it. */
static void end(const struct limiter *l, struct limit_shard *s,
                struct limit_hold_cell *h, uint64_t now_ms)
{
    uint32_t place = h->place && h->place <= s->n_cells ? h->place : 1;
    struct limit_cell *c = limit_shard_cell(s, place);

    limit_shard_begin(s, place, l, h);
    if (is_cell_of(c, h)) {
        limit_cell_turn(c, now_ms);
        limit_cell_settle(c, h->amount, h->used);
    }
    atomic_store_explicit(&h->state, HOLD_FREE, memory_order_relaxed);
    limit_shard_end(s);
}

int limit_end(struct limiter *l, struct limit_hold_cell *h, uint64_t now_ms)
{
    struct limit_shard *s = limit_shard_at(l, h->shard & (l->n_shards - 1));

    if (limit_shard_lock(s, l))
        return -ERR_BUSY;
    /* a lock that came with a death may have undone the hold's making */
    if (atomic_load_explicit(&h->state, memory_order_relaxed) != HOLD_FREE)
        end(l, s, h, now_ms);
    limit_shard_unlock(s);
    return 0;
}

void limit_give_back(struct limiter *l, limit_hold hold, uint64_t now_ms)
{
    struct limit_hold_cell *h = limit_hold_at(l, hold);

    h->used = 0;
    end(l, limit_shard_at(l, h->shard), h, now_ms);
    l->free[l->n_free++] = hold - 1;
}

void limit_settle(struct limiter *l, limit_hold hold, uint64_t used,
                  uint64_t now_ms)
{
    struct limit_hold_cell *h;

    if (!hold)
        return;
    limit_retry(l, now_ms);
    h = limit_hold_at(l, hold);
    h->used = used;
    atomic_store_explicit(&h->state, HOLD_ENDING, memory_order_release);
    if (limit_end(l, h, now_ms) == 0)
        l->free[l->n_free++] = hold - 1;
    else
        l->n_ending++;
}

void limit_retry(struct limiter *l, uint64_t now_ms)
{
    struct limit_hold_cell *all;

    if (!l->n_ending)
        return;
    all = limit_holds_of(l, l->process);
    for (uint32_t i = 0; i < l->n_holds && l->n_ending; i++) {
        if (atomic_load(&all[i].state) != HOLD_ENDING)
            continue;
        if (limit_end(l, &all[i], now_ms))
            return;
        l->free[l->n_free++] = i;
        l->n_ending--;
    }
}

int limit_more(struct limiter *l, limit_hold hold, const struct limit_row *row,
               uint64_t more, uint64_t now_ms)
{
    struct limit_row wish = *row;
    struct limit_hold_cell *h = limit_hold_at(l, hold);
    struct limit_shard *s = limit_shard_at(l, h->shard);
    struct limit_state state = { .denied = false };
    struct limit_cell *c;
    int rc = 0;

    if (limit_shard_lock(s, l))
        return -ERR_BUSY;
    c = limit_shard_cell(s, h->place);
    wish.want = more;
    wish.least = 0;
    limit_cell_turn(c, now_ms);
    if (!is_cell_of(c, h) || !limit_cell_check(c, &wish, 0, now_ms, &state)) {
        rc = -ERR_RATE_LIMITED;
    } else {
        limit_shard_begin(s, h->place, l, h);
        h->amount += limit_cell_take(c, &wish, now_ms);
        limit_shard_end(s);
    }
    limit_shard_unlock(s);
    return rc;
}
