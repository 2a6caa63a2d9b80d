/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "flow/places.h"

#include "engine/fault.h"
#include "flow/choose.h"

#define NS_PER_MS 1000000

/* Would it be tried only where nothing else is left? */
static bool is_last(const struct target *t, uint64_t now)
{
    return provider_is_parked(t->provider, now) ||
           (t->cell &&
            (breaker_state(&t->cell->breaker, now) == BREAKER_OPEN ||
             autooff_wait_ms(&t->cell->autooff, now)));
}

bool places_host_full(const struct request *r, const struct target *t)
{
    const struct conf_provider *p = t->provider->conf;

    return p->pool.max && http_client_is_full(r->flow->env.client,
                                              t->base_url, attempt_path(p));
}

bool places_full(const struct request *r, const struct target *t)
{
    return target_is_full(t) || places_host_full(r, t);
}

enum room places_room(const struct request *r)
{
    uint64_t now = loop_now_ms(r->flow->env.loop);
    enum room well = ROOM_NONE, last = ROOM_NONE;

    for (size_t i = 0; i < r->plan.n; i++) {
        const struct target *t = r->plan.list[i].target;
        enum room *best = is_last(t, now) ? &last : &well;

        if (!choose_can(r, i) || *best == ROOM_YES)
            continue;
        *best = places_full(r, t) ? ROOM_FULL : ROOM_YES;
    }
    return well != ROOM_NONE ? well : last;
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
