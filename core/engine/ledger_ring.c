/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The rings. Positions only grow; a record is visible once `head` is behind
 * it, so that a producer that dies within one has written nothing. What a
 * consumer has read stays until it lets go of it: a keeper that dies between
 * leaves it to the next.
 */
#include "engine/ledger.h"

#include "base/share.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ledger_ring {
    _Atomic uint64_t head, lost;
    uint64_t size; /* of `data`; set once */
    char pad[40];
    _Atomic uint64_t tail;
    char pad_too[56];
    char data[];
};

struct ledger_rings {
    struct share share;
    char *map;
    size_t each;
    uint32_t n;
};

/* The number is counted up when a record's bytes change. */
static int map_shared(struct ledger_rings *r, size_t bytes, struct err *err)
{
    char layout[96];

    snprintf(layout, sizeof layout, "ledger 1 rings %u of %zu, head %zu", r->n,
             bytes, sizeof(struct ledger_ring));
    if (share_open(&r->share, "ledger", layout, r->n * r->each, err) != 0)
        return -err->code;
    r->map = r->share.map;
    return 0;
}

struct ledger_rings *ledger_rings_new(uint32_t n, size_t bytes,
                                      struct err *err)
{
    struct ledger_rings *r = calloc(1, sizeof *r);

    if (!r) {
        err_set(err, ERR_NOMEM, "no memory");
        return NULL;
    }
    r->n = n;
    r->each = sizeof(struct ledger_ring) + bytes;
    if (map_shared(r, bytes, err) != 0) {
        free(r);
        return NULL;
    }
    for (uint32_t i = 0; i < n && r->share.fresh; i++)
        ledger_ring(r, i)->size = bytes;
    return r;
}

void ledger_rings_free(struct ledger_rings *r)
{
    if (!r)
        return;
    share_close(&r->share);
    free(r);
}

uint32_t ledger_rings_count(const struct ledger_rings *r)
{
    return r->n;
}

struct ledger_ring *ledger_ring(const struct ledger_rings *r, uint32_t i)
{
    return (struct ledger_ring *)(r->map + i * r->each);
}

size_t ledger_ring_size(const struct ledger_ring *ring)
{
    return ring->size;
}

uint64_t ledger_tail(const struct ledger_ring *ring)
{
    return atomic_load_explicit(&ring->tail, memory_order_acquire);
}

uint64_t ledger_head(const struct ledger_ring *ring)
{
    return atomic_load_explicit(&ring->head, memory_order_acquire);
}

uint64_t ledger_lost(const struct ledger_ring *ring)
{
    return atomic_load_explicit(&ring->lost, memory_order_relaxed);
}

bool ledger_put(struct ledger_ring *ring, const struct ledger_row *row)
{
    _Alignas(8) char record[LEDGER_RECORD_MAX];
    size_t n, at, first;
    uint64_t head;

    if (!ring)
        return true;
    n = ledger_pack(row, record);
    head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    if (head - ledger_tail(ring) + n > ring->size) {
        atomic_fetch_add_explicit(&ring->lost, 1, memory_order_relaxed);
        return false;
    }
    at = head & (ring->size - 1);
    first = ring->size - at < n ? ring->size - at : n;
    memcpy(ring->data + at, record, first);
    memcpy(ring->data, record + first, n - first);
    atomic_store_explicit(&ring->head, head + n, memory_order_release);
    return true;
}

static void copy_out(const struct ledger_ring *ring, uint64_t from, void *to,
                     size_t n)
{
    size_t at = from & (ring->size - 1);
    size_t first = ring->size - at < n ? ring->size - at : n;

    memcpy(to, ring->data + at, first);
    memcpy((char *)to + first, ring->data, n - first);
}

size_t ledger_read(const struct ledger_ring *ring, uint64_t *at, void *to)
{
    uint64_t head = ledger_head(ring);
    uint32_t n;

    if (*at >= head)
        return 0;
    copy_out(ring, *at, &n, sizeof n);
    if (n < 8 || n > LEDGER_RECORD_MAX || n > head - *at || n & 7) {
        *at = head;
        return 0;
    }
    copy_out(ring, *at, to, n);
    *at += n;
    return n;
}

void ledger_let_go(struct ledger_ring *ring, uint64_t at)
{
    if (at > ledger_tail(ring))
        atomic_store_explicit(&ring->tail, at, memory_order_release);
}
