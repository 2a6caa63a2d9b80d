/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The limits' memory, and taking: lock all, look at all, take all. */
#include "engine/limit.h"

#include "base/clock.h"
#include "engine/limit_memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>

enum { SHARD_BYTES = 64 << 10, SHARDS_MAX = 256, CELLS_MIN = 64 };

#define MEMORY_MAX (1ull << 40)

/* ---- the memory -------------------------------------------------------- */

static size_t round64(size_t n)
{
    return (n + 63) & ~(size_t)63;
}

/* Many small shards, so that two workers rarely meet. */
static uint32_t plan(struct limiter *l, uint64_t bytes)
{
    uint64_t n;

    if (bytes < LIMIT_MEMORY_MIN)
        bytes = LIMIT_MEMORY_MIN;
    l->n_shards = 1;
    while (l->n_shards < SHARDS_MAX &&
           bytes / (l->n_shards * 2) >= SHARD_BYTES)
        l->n_shards *= 2;
    bytes /= l->n_shards;
    n = bytes / sizeof(struct limit_cell);
    while (n > CELLS_MIN && limit_shard_size((uint32_t)n) > bytes)
        n -= n / 64 + 1;
    l->shard_size = limit_shard_size((uint32_t)n);
    l->highs_at = l->n_shards * l->shard_size;
    l->holds_at = round64(l->highs_at + l->n_processes * sizeof(uint32_t));
    l->models_at =
        round64(l->holds_at + (size_t)l->n_processes * l->n_holds *
                                  sizeof(struct limit_hold_cell));
    l->mark_at =
        round64(l->models_at + LIMIT_MODELS * sizeof(struct limit_model));
    l->size = l->mark_at + sizeof(uint64_t);
    return (uint32_t)n;
}

/** Memory that the next program can take over; the number in the layout is
 * counted up when a field gets another meaning or place. */
static int map_shared(struct limiter *l, uint32_t n_cells, struct err *err)
{
    char layout[160];

    snprintf(layout, sizeof layout, "limits 1 shards %u of %u cells %zu, "
             "holds %u of %u %zu, shard %zu models %zu", l->n_shards, n_cells,
             sizeof(struct limit_cell), l->n_processes, l->n_holds,
             sizeof(struct limit_hold_cell), sizeof(struct limit_shard),
             sizeof(struct limit_model));
    if (share_open(&l->share, "limits", layout, l->size, err) != 0)
        return -err->code;
    l->map = l->share.map;
    memcpy(l->seed, l->share.seed, sizeof l->seed);
    return 0;
}

static int map_own(struct limiter *l, struct err *err)
{
    l->map = mmap(NULL, l->size, PROT_READ | PROT_WRITE,
                  MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
    if (l->map == MAP_FAILED) {
        l->map = NULL;
        return err_errno(err, "memory of limits, %zu bytes", l->size);
    }
    if (getrandom(l->seed, sizeof l->seed, 0) != sizeof l->seed)
        return err_errno(err, "no random bytes");
    return 0;
}

static int make(struct limiter *l, uint64_t bytes, struct err *err)
{
    uint32_t n_cells;
    int rc;

    if (bytes > MEMORY_MAX)
        return err_set(err, ERR_LIMIT, "memory of limits: at most 1 TiB");
    n_cells = plan(l, bytes);
    rc = l->shared ? map_shared(l, n_cells, err) : map_own(l, err);
    if (rc || (l->shared && !l->share.fresh))
        return rc; /* limits and holds of the program before are in it */
    for (uint32_t i = 0; i < l->n_shards && !rc; i++)
        rc = limit_shard_init(limit_shard_at(l, i), n_cells, l->shared);
    return rc ? err_set(err, -rc, "no locks for the memory of limits") : 0;
}

struct limiter *limiter_new(uint64_t bytes, uint32_t processes, uint32_t holds,
                            bool shared, struct err *err)
{
    struct limiter *l = calloc(1, sizeof *l);

    if (!l) {
        err_set(err, ERR_NOMEM, "no memory");
        return NULL;
    }
    l->shared = shared;
    l->n_processes = l->process = processes;
    l->n_holds = holds ? holds : LIMIT_HOLDS;
    if (make(l, bytes, err) == 0)
        return l;
    limiter_free(l);
    return NULL;
}

bool limiter_inherited(const struct limiter *l)
{
    return l->shared && !l->share.fresh;
}

void limiter_free(struct limiter *l)
{
    if (!l)
        return;
    if (l->shared)
        share_close(&l->share);
    else if (l->map)
        munmap(l->map, l->size);
    free(l->free);
    free(l);
}

/* ---- a take ------------------------------------------------------------ */

/* One row of a take: its cell and where that is. */
struct want {
    uint64_t key[2];
    uint32_t shard;
    bool again; /* an earlier row of this take has the cell */
};

struct take {
    struct limiter *l;
    const struct limit_row *rows;
    size_t n;
    uint64_t now_ms;
    struct want want[LIMIT_ROWS];
    uint32_t locked[LIMIT_ROWS]; /* shards, ascending */
    size_t n_locked;
};

enum { NAME_MAX_BYTES = 256 };

static size_t append(char *to, size_t n, const void *p, size_t size)
{
    if (size > NAME_MAX_BYTES)
        size = NAME_MAX_BYTES;
    if (size)
        memcpy(to + n, p, size);
    return n + size;
}

/* A name that is longer is its first part and its length. */
static void set_key(struct take *t, size_t i)
{
    const struct limit_row *row = &t->rows[i];
    char text[2 * NAME_MAX_BYTES + 64];
    const uint64_t head[5] = {
        (uint64_t)row->kind, row->period_ms,
        row->kind == LIMIT_REQUESTS ? row->limit : 0, row->scope.n,
        row->name.n };
    struct want *w = &t->want[i];
    struct str whole;
    size_t n = append(text, 0, head, sizeof head);

    n = append(text, n, row->scope.p, row->scope.n);
    n = append(text, n, row->name.p, row->name.n);
    whole = (struct str){ text, n };
    siphash_128(t->l->seed[0], whole, w->key);
    w->key[1] |= 1; /* never free */
    w->shard = (uint32_t)(w->key[0] >> 40) & (t->l->n_shards - 1);
    for (size_t k = 0; k < i && !w->again; k++)
        w->again = t->want[k].key[0] == w->key[0] &&
                   t->want[k].key[1] == w->key[1];
}

static void add_shard(struct take *t, uint32_t shard)
{
    size_t at = t->n_locked;

    for (size_t i = 0; i < t->n_locked; i++) {
        if (t->locked[i] == shard)
            return;
    }
    while (at > 0 && t->locked[at - 1] > shard) {
        t->locked[at] = t->locked[at - 1];
        at--;
    }
    t->locked[at] = shard;
    t->n_locked++;
}

static void unlock(struct take *t, size_t n)
{
    while (n-- > 0)
        limit_shard_unlock(limit_shard_at(t->l, t->locked[n]));
}

static int lock(struct take *t)
{
    for (size_t i = 0; i < t->n_locked; i++) {
        if (limit_shard_lock(limit_shard_at(t->l, t->locked[i]), t->l)) {
            unlock(t, i);
            return -ERR_BUSY;
        }
    }
    return 0;
}

/* The cells of all rows are locked when it returns 0. (Its lists are long:
 * they are not cleared.) */
static int begin(struct take *t, struct limiter *l,
                 const struct limit_row *rows, size_t n, uint64_t now_ms)
{
    t->l = l;
    t->rows = rows;
    t->n = n;
    t->now_ms = now_ms;
    t->n_locked = 0;
    if (t->n > LIMIT_ROWS)
        return -ERR_LIMIT;
    for (size_t i = 0; i < t->n; i++) {
        t->want[i].again = false;
        set_key(t, i);
        add_shard(t, t->want[i].shard);
    }
    return lock(t);
}

static struct limit_cell *cell_of(struct take *t, size_t i, uint32_t *place)
{
    struct limit_shard *s = limit_shard_at(t->l, t->want[i].shard);
    struct limit_cell *c;

    *place = limit_shard_find(s, t->want[i].key);
    if (!*place)
        return NULL;
    c = limit_shard_cell(s, *place);
    limit_cell_turn(c, t->now_ms);
    return c;
}

/* A cell that nobody has used says nothing. */
static struct limit_cell blank(const struct limit_row *row, uint64_t now_ms)
{
    struct limit_cell c = { .kind = (uint8_t)row->kind,
                            .period_ms = row->period_ms };

    limit_cell_turn(&c, now_ms);
    return c;
}

static int look_at(struct take *t, struct limit_state *states,
                   const limit_hold *holds)
{
    int rc = 0;

    for (size_t i = 0; i < t->n; i++) {
        const struct limit_row *row = &t->rows[i];
        struct limit_cell none = blank(row, t->now_ms);
        uint32_t place;
        const struct limit_cell *c = cell_of(t, i, &place);
        uint64_t own = holds ? limit_reserved(t->l, holds[i]) : 0;

        states[i] = (struct limit_state){ .denied = false };
        c = c ? c : &none;
        limit_cell_show(c, row, t->now_ms, &states[i]);
        if (!limit_cell_check(c, row, own, t->now_ms, &states[i]))
            rc = -ERR_RATE_LIMITED;
    }
    return rc;
}

int limit_peek(struct limiter *l, const struct limit_row *rows, size_t n,
               uint64_t now_ms, struct limit_state *states,
               const limit_hold *holds)
{
    struct take t;
    int rc = begin(&t, l, rows, n, now_ms);

    if (rc)
        return rc;
    rc = look_at(&t, states, holds);
    unlock(&t, t.n_locked);
    return rc;
}

/* ---- taking what was looked at ------------------------------------------- */

static void take_one(struct take *t, size_t i, uint32_t place, limit_hold *out)
{
    struct limiter *l = t->l;
    struct limit_shard *s = limit_shard_at(l, t->want[i].shard);
    limit_hold hold = l->free[--l->n_free] + 1;
    struct limit_hold_cell *h = limit_hold_at(l, hold);
    uint64_t amount;

    if (hold > atomic_load_explicit(limit_high(l, l->process),
                                    memory_order_relaxed))
        atomic_store(limit_high(l, l->process), hold);
    limit_shard_begin(s, place, l, h);
    amount = limit_cell_take(limit_shard_cell(s, place), &t->rows[i],
                             t->now_ms);
    h->shard = t->want[i].shard;
    h->place = place;
    h->key[0] = t->want[i].key[0];
    h->key[1] = t->want[i].key[1];
    h->amount = amount;
    h->used = 0;
    atomic_store_explicit(&h->state, HOLD_TAKEN, memory_order_relaxed);
    limit_shard_end(s);
    *out = hold;
}

static void take_back(struct take *t, size_t n, limit_hold *holds,
                      const bool *ours)
{
    while (n-- > 0) {
        if (!ours[n])
            continue;
        limit_give_back(t->l, holds[n], t->now_ms);
        holds[n] = 0;
    }
}

static int take_all(struct take *t, struct limit_state *states,
                    limit_hold *holds)
{
    bool ours[LIMIT_ROWS] = { false };

    if (t->l->n_free < t->n)
        return -ERR_LIMIT;
    for (size_t i = 0; i < t->n; i++) {
        struct limit_shard *s = limit_shard_at(t->l, t->want[i].shard);
        uint32_t place;
        struct limit_cell *c = cell_of(t, i, &place);

        if (!holds[i] && !t->want[i].again) {
            if (!c)
                place = limit_shard_make(s, t->want[i].key, &t->rows[i],
                                         t->now_ms);
            if (!place) {
                take_back(t, i, holds, ours);
                return -ERR_LIMIT;
            }
            take_one(t, i, place, &holds[i]);
            ours[i] = true;
            c = limit_shard_cell(s, place);
        }
        if (c)
            limit_cell_show(c, &t->rows[i], t->now_ms, &states[i]);
    }
    return 0;
}

int limit_take(struct limiter *l, const struct limit_row *rows, size_t n,
               uint64_t now_ms, struct limit_state *states, limit_hold *holds)
{
    struct take t;
    int rc;

    limit_retry(l, now_ms);
    rc = begin(&t, l, rows, n, now_ms);
    if (rc)
        return rc;
    rc = look_at(&t, states, holds);
    if (!rc)
        rc = take_all(&t, states, holds);
    unlock(&t, t.n_locked);
    return rc;
}
