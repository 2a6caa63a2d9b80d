/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * How many further tries a model may have: each request earns a share of one,
 * and time earns a little, so that a provider which fails for all is not
 * asked twice by all. A cell in shared memory, one word that changes by
 * compare and swap; pure otherwise.
 *
 * Times are milliseconds of the machine's monotonic clock.
 * Source: docs/design/reliability.md, "Retries"
 */
#ifndef PENSTOCK_ENGINE_RETRY_BUDGET_H
#define PENSTOCK_ENGINE_RETRY_BUDGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    RETRY_BUDGET_TRY = 1000,       /* what a try costs */
    RETRY_BUDGET_MAX = 20000,      /* and what is kept at most; also at first */
    RETRY_BUDGET_MS_PER_MILLI = 2, /* half a try a second */
};

/** All zero: full. */
struct retry_budget {
    _Atomic uint64_t word; /* 40 bits of time, 24 of what is left */
};

/** A request came: it earns `permille` of a try. */
void retry_budget_earn(struct retry_budget *b, uint64_t now_ms,
                       uint32_t permille);
/** Take a try; false: there is none. */
bool retry_budget_take(struct retry_budget *b, uint64_t now_ms);

#endif
