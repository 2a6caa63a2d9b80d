/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "flow/places.h"

#include "engine/fault.h"
#include "flow/choose.h"

#define NS_PER_MS 1000000

enum room places_room(const struct request *r)
{
    enum room best = ROOM_NONE;

    for (size_t i = 0; i < r->plan.n; i++) {
        if (!choose_can(r, i))
            continue;
        if (!target_is_full(r->plan.list[i].target))
            return ROOM_YES;
        best = ROOM_FULL;
    }
    return best;
}

/* Too busy, says the target, or does not answer. Not one whose client had
 * little patience. */
static bool is_busy(const struct request *r)
{
    switch (r->attempt->fault.cls) {
    case PS_FAULT_OVERLOADED:
    case PS_FAULT_RATE_LIMIT:
        return true;
    case PS_FAULT_TIMEOUT:
        return !(r->total_passed && r->clients_total);
    default:
        return false;
    }
}

void places_judged(struct request *r)
{
    const struct attempt *t = r->attempt;
    const struct target *at = t->target;
    uint64_t began = r->records[r->n_attempts - 1].begin_ns / NS_PER_MS;

    if (!at->adaptive.min || !at->cell || t->refused)
        return;
    if (!t->broken)
        aimd_good(&at->cell->aimd, at->adaptive, began, target_inflight(at));
    else if (is_busy(r))
        aimd_bad(&at->cell->aimd, at->adaptive, began, clock_mono_ms(),
                 target_inflight(at));
}
