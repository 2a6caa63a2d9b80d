/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* A binary heap of items by class, virtual time and order; each knows its
 * place, so that one in the middle can leave. */
#include "engine/fair.h"

#include "base/err.h"

#include <stdlib.h>

enum { PROBES = 8, ROOM_FIRST = 16 };

/* A key whose items up to `finish` are charged; free once that has passed. */
struct key {
    uint64_t hash, finish;
};

struct fair {
    struct fair_item **heap;
    uint32_t n, room; /* room: for those popped as well */
    uint32_t out;     /* popped and not yet dealt with */
    uint64_t now;     /* virtual time: of who was served last */
    uint64_t seq;
    struct key keys[FAIR_KEYS];
};

struct fair *fair_new(void)
{
    return calloc(1, sizeof(struct fair));
}

void fair_free(struct fair *f)
{
    if (f)
        free(f->heap);
    free(f);
}

uint32_t fair_count(const struct fair *f)
{
    return f->n;
}

/* The key's own place, or one that nobody needs, or the one that is ahead the
 * least: then two count together. */
static struct key *key_of(struct fair *f, uint64_t hash)
{
    struct key *best = NULL;

    for (uint32_t i = 0; i < PROBES; i++) {
        struct key *k = &f->keys[(hash + i) % FAIR_KEYS];

        if (k->hash == hash)
            return k;
        if (!best || k->finish < best->finish)
            best = k;
    }
    if (best->finish <= f->now)
        *best = (struct key){ hash, f->now };
    return best;
}

/* What a key has of one class is no debt in the other. */
static uint64_t charged(const struct fair_item *i)
{
    return i->batch ? ~i->key : i->key;
}

static bool before(const struct fair_item *a, const struct fair_item *b)
{
    if (a->batch != b->batch)
        return b->batch;
    return a->start != b->start ? a->start < b->start : a->seq < b->seq;
}

static void place(struct fair *f, struct fair_item *i, uint32_t at)
{
    f->heap[at] = i;
    i->at = at;
}

static void rise(struct fair *f, struct fair_item *i, uint32_t at)
{
    while (at && before(i, f->heap[(at - 1) / 2])) {
        place(f, f->heap[(at - 1) / 2], at);
        at = (at - 1) / 2;
    }
    place(f, i, at);
}

static void sink(struct fair *f, struct fair_item *i, uint32_t at)
{
    uint32_t child;

    while ((child = 2 * at + 1) < f->n) {
        if (child + 1 < f->n && before(f->heap[child + 1], f->heap[child]))
            child++;
        if (!before(f->heap[child], i))
            break;
        place(f, f->heap[child], at);
        at = child;
    }
    place(f, i, at);
}

static void take_out(struct fair *f, struct fair_item *i)
{
    uint32_t at = i->at;
    struct fair_item *last = f->heap[--f->n];

    i->at = FAIR_OUT;
    if (last == i)
        return;
    if (at && before(last, f->heap[(at - 1) / 2]))
        rise(f, last, at);
    else
        sink(f, last, at);
}

static int grow(struct fair *f)
{
    uint32_t room = f->room ? 2 * f->room : ROOM_FIRST;
    struct fair_item **heap = realloc(f->heap, room * sizeof *heap);

    if (!heap)
        return -ERR_NOMEM;
    f->heap = heap;
    f->room = room;
    return 0;
}

int fair_put(struct fair *f, struct fair_item *i)
{
    struct key *k;

    if (f->n + f->out == f->room && grow(f))
        return -ERR_NOMEM;
    k = key_of(f, charged(i));
    i->start = k->finish > f->now ? k->finish : f->now;
    i->seq = ++f->seq;
    k->finish = i->start + i->cost;
    rise(f, i, f->n++);
    return 0;
}

struct fair_item *fair_pop(struct fair *f)
{
    struct fair_item *i = f->n ? f->heap[0] : NULL;

    if (i) {
        take_out(f, i);
        f->out++;
    }
    return i;
}

void fair_back(struct fair *f, struct fair_item *i)
{
    f->out--;
    rise(f, i, f->n++);
}

void fair_served(struct fair *f, const struct fair_item *i)
{
    f->out--;
    if (i->start > f->now)
        f->now = i->start;
}

void fair_leave(struct fair *f, struct fair_item *i)
{
    struct key *k = key_of(f, charged(i));

    if (i->at == FAIR_OUT)
        f->out--;
    else
        take_out(f, i);
    if (k->hash == charged(i) && k->finish >= f->now + i->cost)
        k->finish -= i->cost;
}
