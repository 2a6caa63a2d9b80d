/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What is left of a provider's limits, as its answers say. */
#include "engine/pace.h"

#include "unit.h"

#define NOW 1000000u

static struct pace p;

static void fresh(uint64_t tokens, uint64_t requests)
{
    memset(&p, 0, sizeof p);
    pace_report(&p.tokens, NOW, tokens, 5000);
    pace_report(&p.requests, NOW, requests, 5000);
}

static void nothing_is_known(void)
{
    memset(&p, 0, sizeof p);
    CU_ASSERT(!pace_is_short(&p, NOW, UINT64_MAX));
    pace_spend(&p, NOW, 100);
    UNIT_INT(atomic_load(&p.tokens), 0);
    CU_ASSERT(!pace_is_short(&p, NOW, 1));
}

static void short_until_its_reset(void)
{
    fresh(100, 10);
    CU_ASSERT(!pace_is_short(&p, NOW, 100));
    CU_ASSERT(pace_is_short(&p, NOW, 101));
    CU_ASSERT(pace_is_short(&p, NOW + 4999, 101));
    CU_ASSERT(!pace_is_short(&p, NOW + 5000, 101));
    fresh(100, 0);
    CU_ASSERT(pace_is_short(&p, NOW, 0));
    CU_ASSERT(!pace_is_short(&p, NOW + 5000, 0));
}

static void spends_until_the_next_report(void)
{
    fresh(100, 2);
    pace_spend(&p, NOW, 60);
    CU_ASSERT(!pace_is_short(&p, NOW, 40));
    CU_ASSERT(pace_is_short(&p, NOW, 41));
    pace_spend(&p, NOW, 60); /* never below nothing */
    CU_ASSERT(pace_is_short(&p, NOW, 0)); /* no request is left */
    pace_report(&p.requests, NOW, 2, 5000);
    CU_ASSERT(!pace_is_short(&p, NOW, 0));
    CU_ASSERT(pace_is_short(&p, NOW, 1));
    pace_report(&p.tokens, NOW, 100, 5000);
    CU_ASSERT(!pace_is_short(&p, NOW, 100));
}

static void holds_what_is_large(void)
{
    fresh(UINT64_MAX, UINT64_MAX);
    CU_ASSERT(!pace_is_short(&p, NOW, UINT64_MAX)); /* it may be enough */
    pace_report(&p.tokens, NOW, 1, UINT64_MAX);
    CU_ASSERT(pace_is_short(&p, NOW + PACE_MAX_MS - 1, 2));
    CU_ASSERT(!pace_is_short(&p, NOW + PACE_MAX_MS, 2));
}

UNIT_MAIN("pace", { "nothing is known", nothing_is_known },
          { "short until its reset", short_until_its_reset },
          { "spends", spends_until_the_next_report },
          { "holds what is large", holds_what_is_large })
