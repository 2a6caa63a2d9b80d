/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Linear probing over a power of two, at most two thirds full. A removed
 * entry's followers are moved back, so there are no tombstones. Each map has
 * its own random key.
 */
#include "base/map.h"

#include "base/err.h"
#include "base/siphash.h"

#include <stdlib.h>
#include <sys/random.h>

#define FIRST_SLOTS 16

struct entry {
    uint64_t hash;
    char *key; /* NULL: free */
    size_t key_size;
    void *value;
};

struct map {
    struct siphash_key seed;
    struct entry *at;
    size_t slots, count, max;
};

struct map *map_new(size_t max_entries)
{
    struct map *m = calloc(1, sizeof *m);

    if (!m)
        return NULL;
    m->max = max_entries;
    if (getrandom(&m->seed, sizeof m->seed, GRND_NONBLOCK) !=
        (ssize_t)sizeof m->seed) {
        m->seed = siphash_process_key();
        m->seed.k1 ^= (uintptr_t)m;
    }
    return m;
}

void map_free(struct map *m)
{
    if (!m)
        return;
    for (size_t i = 0; i < m->slots; i++)
        free(m->at[i].key);
    free(m->at);
    free(m);
}

/* The key's entry, or the free one where it belongs. Needs a free one. */
static struct entry *probe(const struct map *m, uint64_t hash, struct str key)
{
    size_t i = hash & (m->slots - 1);

    for (;; i = (i + 1) & (m->slots - 1)) {
        struct entry *e = &m->at[i];

        if (!e->key ||
            (e->hash == hash &&
             str_eq((struct str){ e->key, e->key_size }, key)))
            return e;
    }
}

static bool grow(struct map *m)
{
    size_t slots = m->slots ? m->slots * 2 : FIRST_SLOTS;
    struct map bigger = { .slots = slots };

    bigger.at = calloc(slots, sizeof *bigger.at);
    if (!bigger.at)
        return false;
    for (size_t i = 0; i < m->slots; i++) {
        struct entry *e = &m->at[i];

        if (e->key)
            *probe(&bigger, e->hash, (struct str){ e->key, e->key_size }) =
                *e;
    }
    free(m->at);
    m->at = bigger.at;
    m->slots = slots;
    return true;
}

int map_set(struct map *m, struct str key, void *value)
{
    uint64_t hash = siphash(m->seed, key);
    struct entry *e = m->slots ? probe(m, hash, key) : NULL;

    if (!value)
        return -ERR_BUG;
    if (e && e->key) {
        e->value = value;
        return 0;
    }
    if (m->count >= m->max)
        return -ERR_LIMIT;
    if (m->count + 1 > m->slots / 3 * 2) {
        if (!grow(m))
            return -ERR_NOMEM;
        e = probe(m, hash, key);
    }
    e->key = str_dup(key);
    if (!e->key)
        return -ERR_NOMEM;
    e->hash = hash;
    e->key_size = key.n;
    e->value = value;
    m->count++;
    return 0;
}

void *map_get(const struct map *m, struct str key)
{
    struct entry *e;

    if (m->count == 0)
        return NULL;
    e = probe(m, siphash(m->seed, key), key);
    return e->key ? e->value : NULL;
}

size_t map_count(const struct map *m)
{
    return m->count;
}

bool map_next(const struct map *m, size_t *at, struct str *key, void **value)
{
    while (*at < m->slots) {
        const struct entry *e = &m->at[(*at)++];

        if (!e->key)
            continue;
        *key = (struct str){ e->key, e->key_size };
        *value = e->value;
        return true;
    }
    return false;
}
