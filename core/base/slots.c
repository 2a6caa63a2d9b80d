/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * An array of slots and a list of free ones. The generation counts a slot's
 * owners; a slot whose 2^32 generations are used up is never given out again,
 * so an id is unique for good. Free slots are reused first in, first out:
 * the longest possible time before an index comes back.
 */
#include "base/slots.h"

#include <stdbool.h>
#include <stdlib.h>

#define FIRST_SLOTS 16
#define NONE UINT32_MAX

struct slot {
    void *thing;         /* NULL: free */
    uint32_t generation; /* of the present owner, or the next one */
    uint32_t next_free;
};

struct slots {
    struct slot *at;
    uint32_t cap, max;
    uint32_t free_first, free_last;
    size_t count;
};

struct slots *slots_new(size_t max)
{
    struct slots *s = calloc(1, sizeof *s);

    if (!s)
        return NULL;
    s->max = max < NONE ? (uint32_t)max : NONE - 1;
    s->free_first = s->free_last = NONE;
    return s;
}

void slots_free(struct slots *s)
{
    if (!s)
        return;
    free(s->at);
    free(s);
}

static void put_free(struct slots *s, uint32_t i)
{
    s->at[i].next_free = NONE;
    if (s->free_last == NONE)
        s->free_first = i;
    else
        s->at[s->free_last].next_free = i;
    s->free_last = i;
}

static bool grow(struct slots *s)
{
    uint64_t want = s->cap ? (uint64_t)s->cap * 2 : FIRST_SLOTS;
    uint32_t cap = want < s->max ? (uint32_t)want : s->max;
    struct slot *at;

    if (cap <= s->cap)
        return false;
    at = realloc(s->at, cap * sizeof *at);
    if (!at)
        return false;
    s->at = at;
    for (uint32_t i = s->cap; i < cap; i++) {
        at[i] = (struct slot){ NULL, 1, NONE };
        put_free(s, i);
    }
    s->cap = cap;
    return true;
}

uint64_t slots_add(struct slots *s, void *thing)
{
    uint32_t i;

    if (!thing || (s->free_first == NONE && !grow(s)))
        return 0;
    i = s->free_first;
    s->free_first = s->at[i].next_free;
    if (s->free_first == NONE)
        s->free_last = NONE;
    s->at[i].thing = thing;
    s->count++;
    return (uint64_t)s->at[i].generation << 32 | i;
}

static struct slot *find(const struct slots *s, uint64_t id)
{
    uint32_t i = (uint32_t)id;

    if (i >= s->cap || s->at[i].generation != id >> 32 || !s->at[i].thing)
        return NULL;
    return &s->at[i];
}

void *slots_get(const struct slots *s, uint64_t id)
{
    struct slot *slot = find(s, id);

    return slot ? slot->thing : NULL;
}

void slots_del(struct slots *s, uint64_t id)
{
    struct slot *slot = find(s, id);

    if (!slot)
        return;
    slot->thing = NULL;
    s->count--;
    if (++slot->generation != 0)
        put_free(s, (uint32_t)id);
}

size_t slots_count(const struct slots *s)
{
    return s->count;
}
