/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * How long a model's answers are: a histogram of lengths, four steps for each
 * doubling, that forgets half of what it knows now and then. Two workers that
 * count at once may lose a count; it is an estimate.
 */
#include "engine/limit_memory.h"

enum { FEWEST = 20, MOST = 2000, PER_OCTAVE = 4 };

/* 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, ... */
static uint32_t step_of(uint64_t n)
{
    uint32_t octave = 0, step;

    if (n > LIMIT_MAX)
        n = LIMIT_MAX;
    while (n >> (octave + 3))
        octave++;
    step = octave * PER_OCTAVE + (uint32_t)(n >> octave);
    return step < LIMIT_LENGTHS ? step : LIMIT_LENGTHS - 1;
}

/* The largest length of a step. */
static uint64_t most_of(uint32_t step)
{
    uint32_t octave;

    if (step < 2 * PER_OCTAVE)
        return step;
    octave = step / PER_OCTAVE - 1;
    return ((uint64_t)(step - octave * PER_OCTAVE + 1) << octave) - 1;
}

static struct limit_model *models(const struct limiter *l)
{
    return (struct limit_model *)(l->map + l->models_at);
}

/* NULL: it is not known, and there is no room. */
static struct limit_model *find(const struct limiter *l, struct str model,
                                bool make)
{
    uint64_t key = siphash(l->seed[1], model) | 1;
    uint32_t at = (uint32_t)(key >> 32);

    for (uint32_t i = 0; i < 8; i++) {
        struct limit_model *m = &models(l)[(at + i) % LIMIT_MODELS];
        uint64_t was = 0;

        if (atomic_load_explicit(&m->key, memory_order_relaxed) == key)
            return m;
        if (make && (atomic_compare_exchange_strong(&m->key, &was, key) ||
                     was == key))
            return m;
    }
    return NULL;
}

static uint32_t get(const _Atomic uint32_t *n)
{
    return atomic_load_explicit(n, memory_order_relaxed);
}

static void halve(struct limit_model *m)
{
    uint32_t sum = 0;

    for (uint32_t i = 0; i < LIMIT_LENGTHS; i++) {
        uint32_t n = get(&m->count[i]) / 2;

        atomic_store_explicit(&m->count[i], n, memory_order_relaxed);
        sum += n;
    }
    atomic_store_explicit(&m->all, sum, memory_order_relaxed);
}

void limit_learn(struct limiter *l, struct str model, uint64_t tokens)
{
    struct limit_model *m = find(l, model, true);

    if (!m)
        return;
    atomic_fetch_add_explicit(&m->count[step_of(tokens)], 1,
                              memory_order_relaxed);
    if (atomic_fetch_add_explicit(&m->all, 1, memory_order_relaxed) + 1 >=
        MOST)
        halve(m);
}

uint64_t limit_learned(const struct limiter *l, struct str model)
{
    const struct limit_model *m = find(l, model, false);
    uint64_t all = m ? get(&m->all) : 0, seen = 0;

    if (all < FEWEST)
        return 0;
    for (uint32_t i = 0; i < LIMIT_LENGTHS; i++) {
        seen += get(&m->count[i]);
        if (seen * 20 >= all * 19)
            return most_of(i);
    }
    return most_of(LIMIT_LENGTHS - 1);
}
