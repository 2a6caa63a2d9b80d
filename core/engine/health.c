/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Open addressing by a keyed hash of 64 bits, which stands for the name: a
 * cell is claimed by one compare and swap, and who finds it does not wait for
 * its name. A process that dies before the name is written leaves that to
 * the next one who looks: all write the same bytes.
 */
#include "engine/health.h"

#include "base/share.h"
#include "base/siphash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_MAX 256 /* probes; a longer run counts as full. 64 refused one
                        of a hundred configured names in a full table */
#define TAKE_ROUNDS 8
#define CLIENTS_MAX (HEALTH_CELLS / 4 * 3)

struct table {
    _Atomic uint64_t generation; /* the last that was lent */
    _Atomic uint32_t used;
    _Alignas(64) struct health_cell cells[HEALTH_CELLS];
};

struct health {
    struct table *table;
    struct siphash_key key;
    uint32_t processes;
    struct share share;
    _Atomic uint32_t *inflight; /* [cell][process] */
};

/* The number is counted up when a field gets another meaning or place. */
static int map(struct health *h, struct err *err)
{
    size_t table = (sizeof *h->table + 63) & ~(size_t)63;
    size_t inflight = sizeof *h->inflight * HEALTH_CELLS * h->processes;
    char layout[128];

    snprintf(layout, sizeof layout, "health 1 table %zu cell %zu processes %u",
             sizeof *h->table, sizeof *h->table->cells, h->processes);
    if (share_open(&h->share, "health", layout, table + inflight, err) != 0)
        return -err->code;
    h->key = h->share.seed[0];
    h->table = (struct table *)h->share.map;
    h->inflight = (_Atomic uint32_t *)(h->share.map + table);
    return 0;
}

struct health *health_new(uint32_t processes, struct err *err)
{
    struct health *h = calloc(1, sizeof *h);

    if (!h) {
        err_set(err, ERR_NOMEM, "no memory");
        return NULL;
    }
    h->processes = processes;
    if (map(h, err) == 0)
        return h;
    health_free(h);
    return NULL;
}

void health_free(struct health *h)
{
    if (!h)
        return;
    share_close(&h->share);
    free(h);
}

static void name_it(struct health_cell *c, struct str name)
{
    size_t n = name.n < HEALTH_NAME - 1 ? name.n : HEALTH_NAME - 1;

    if (atomic_load_explicit(&c->named, memory_order_acquire))
        return;
    memcpy(c->name, name.p, n);
    atomic_store_explicit(&c->named, 1, memory_order_release);
}

/* The last that is lent is served; after a rollback that is an older one. */
static void mark(struct health *h, struct health_cell *c, uint64_t generation)
{
    atomic_store(&c->generation, generation);
    atomic_store(&h->table->generation, generation);
}

static bool has_room(const struct health *h, uint64_t generation)
{
    return generation || atomic_load(&h->table->used) < CLIENTS_MAX;
}

/* The cell itself, or the free one that became it. */
static bool is_it(struct health *h, struct health_cell *c, uint64_t hash,
                  uint64_t generation)
{
    uint64_t was = atomic_load_explicit(&c->hash, memory_order_acquire);

    if (was || !has_room(h, generation))
        return was == hash;
    if (!atomic_compare_exchange_strong(&c->hash, &was, hash))
        return was == hash;
    atomic_fetch_add(&h->table->used, 1);
    return true;
}

struct health_cell *health_find(struct health *h, struct str name,
                                uint64_t generation)
{
    uint64_t hash = siphash(h->key, name);
    struct health_cell *c;

    hash = hash ? hash : 1;
    for (uint32_t i = 0; i < LOOK_MAX; i++) {
        c = &h->table->cells[(hash + i) % HEALTH_CELLS];
        if (!is_it(h, c, hash, generation))
            continue;
        name_it(c, name);
        if (generation)
            mark(h, c, generation);
        return c;
    }
    return NULL;
}

/* No name of a credential has a slash, and each of a target has one. */
static const struct health_cell *next(const struct health *h, uint32_t *at,
                                      bool targets)
{
    uint64_t lent = atomic_load(&h->table->generation);
    const struct health_cell *c;

    while (*at < HEALTH_CELLS) {
        c = &h->table->cells[(*at)++];
        if (((lent && atomic_load(&c->generation) == lent) ||
             atomic_load(&c->off) != TARGET_ON) &&
            atomic_load(&c->named) && !strchr(c->name, '/') != targets)
            return c;
    }
    return NULL;
}

const struct health_cell *health_next(const struct health *h, uint32_t *at)
{
    return next(h, at, true);
}

const struct health_cell *health_next_credential(const struct health *h,
                                                 uint32_t *at)
{
    return next(h, at, false);
}

struct health_cell *health_named(struct health *h, struct str name)
{
    const struct health_cell *c;
    uint32_t at = 0;

    if (name.n >= HEALTH_NAME - 1) /* it may have been cut */
        return NULL;
    while ((c = health_next(h, &at))) {
        if (str_is(name, c->name))
            return &h->table->cells[at - 1];
    }
    return NULL;
}

uint32_t health_share(const struct health_cell *c, uint64_t now_ms)
{
    return breaker_share(&c->breaker, now_ms) *
           trend_share(&c->trend, now_ms) / 1000;
}

uint32_t health_limit(const struct health_cell *c)
{
    return aimd_limit(&c->aimd,
                      (struct aimd_range){ atomic_load(&c->least),
                                           atomic_load(&c->most) });
}

const char *target_off_name(enum target_off off)
{
    static const char *const names[] = { "on", "disabled", "draining" };

    return names[off <= TARGET_DRAINING ? off : TARGET_ON];
}

/* ---- calls under way --------------------------------------------------- */

static _Atomic uint32_t *row(const struct health *h,
                             const struct health_cell *c)
{
    return &h->inflight[(size_t)(c - h->table->cells) * h->processes];
}

uint32_t health_inflight(const struct health *h, const struct health_cell *c)
{
    const _Atomic uint32_t *at = row(h, c);
    uint32_t n = 0;

    for (uint32_t i = 0; i < h->processes; i++)
        n += atomic_load(&at[i]);
    return n;
}

/* Who counts itself last sees all others: no more than `most` stay. */
bool health_take(struct health *h, const struct health_cell *c,
                 uint32_t process, uint32_t most)
{
    _Atomic uint32_t *mine = &row(h, c)[process];

    for (int i = 0; i < TAKE_ROUNDS; i++) {
        atomic_fetch_add(mine, 1);
        if (!most || health_inflight(h, c) <= most)
            return true;
        atomic_fetch_sub(mine, 1);
        if (health_inflight(h, c) >= most)
            return false;
    }
    return false;
}

void health_give(struct health *h, const struct health_cell *c,
                 uint32_t process)
{
    atomic_fetch_sub(&row(h, c)[process], 1);
}

void health_reap(struct health *h, uint32_t pid, uint32_t process)
{
    struct health_cell *c;

    if (!pid)
        return;
    for (uint32_t i = 0; i < HEALTH_CELLS; i++) {
        c = &h->table->cells[i];
        if (!atomic_load(&c->hash))
            continue;
        breaker_reap(&c->breaker, pid);
        if (atomic_load(&row(h, c)[process])) /* a page more, if not */
            atomic_store(&row(h, c)[process], 0);
    }
}
