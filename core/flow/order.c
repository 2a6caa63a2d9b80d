/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "flow/order.h"

#include "engine/principal.h"
#include "flow/affinity.h"
#include "flow/places.h"
#include "flow/policies.h"
#include "flow/queue.h"

#define NS_PER_MS 1000000

void order_targets(struct request *r, struct plan *p)
{
    const struct conf_model *m = p->n ? p->list[0].target->group : NULL;
    uint64_t now = loop_now_ms(r->flow->env.loop);

    if (!m)
        return;
    engine_balance(r->gen->engine, p, now);
    if (m->affinity.by)
        affinity_order(r, p, now);
}

void order_heard(struct request *r, uint64_t first_ms)
{
    struct health_cell *c = r->attempt->target->cell;

    if (c)
        speed_heard(&c->speed, loop_now_ms(r->flow->env.loop), first_ms);
}

void order_failed(struct request *r)
{
    const struct attempt_record *rec = &r->records[r->n_attempts - 1];
    struct health_cell *c = r->attempt->target->cell;

    if (c && rec->end_ns >= rec->begin_ns)
        speed_failed(&c->speed, loop_now_ms(r->flow->env.loop),
                     (rec->end_ns - rec->begin_ns) / NS_PER_MS);
}

static uint32_t me(const struct flow *f)
{
    return f->env.process ? cells_index(f->env.cells, f->env.process) : 0;
}

bool order_take(struct request *r, const struct target *t)
{
    struct health *h = t->provider->health;

    order_give(r);
    if (places_host_full(r, t))
        return false;
    if (!h || !t->cell)
        return true;
    if (!health_take(h, t->cell, me(r->flow), target_most(t)))
        return false;
    r->held = t;
    return true;
}

void order_give(struct request *r)
{
    if (!r->held)
        return;
    health_give(r->held->provider->health, r->held->cell, me(r->flow));
    r->held = NULL;
    queue_freed(r->flow);
}
