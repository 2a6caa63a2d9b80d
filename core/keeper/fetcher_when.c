/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* When to fetch, and whether there is anything to. */
#include "keeper/fetcher.h"

enum { SOONEST_MS = 1000, BACKOFF_MS = 1000, BACKOFF_MAX_MS = 60000 };

uint64_t fetcher_ahead_ms(uint64_t life_ms, uint32_t dice)
{
    uint64_t ms = life_ms / 5 * 4 - life_ms / 10 * (dice % 1024) / 1023;

    return ms < SOONEST_MS ? SOONEST_MS : ms;
}

uint64_t fetcher_backoff_ms(uint32_t failures, uint32_t dice)
{
    uint32_t shift = failures < 8 ? failures ? failures - 1 : 0 : 7;
    uint64_t ms = (uint64_t)BACKOFF_MS << shift;

    ms = ms < BACKOFF_MAX_MS ? ms : BACKOFF_MAX_MS;
    return ms - ms / 4 * (dice % 1024) / 1023;
}

size_t fetcher_count(const struct config *c)
{
    size_t n = 0;

    for (size_t i = 0; i < c->n_providers; i++) {
        for (size_t k = 0; k < c->providers[i].n_keys; k++)
            n += c->providers[i].keys[k].fetch != NULL;
    }
    return n;
}

bool fetcher_has_work(const struct config *c)
{
    return fetcher_count(c) != 0;
}
