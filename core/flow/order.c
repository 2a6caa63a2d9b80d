/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "flow/order.h"

#include "engine/principal.h"
#include "flow/policies.h"

#define NS_PER_MS 1000000

/* In the body, where no field names the conversation. */
static struct str body_session(struct request *r)
{
    static const char *const at[] = { "/prompt_cache_key",
                                      "/metadata/session_id",
                                      "/metadata/user_id" };
    const struct json *j = body_index(r);
    struct str s = STR_NULL;

    for (size_t i = 0; j && !s.n && i < sizeof at / sizeof at[0]; i++) {
        uint32_t node = json_at(j, str_of(at[i]));

        if (node != JSON_NONE)
            s = json_text(j, node, r->arena);
    }
    return s;
}

static void stick(struct request *r, struct plan *p, uint64_t now)
{
    struct str session = hints_session(r);

    if (!session.n)
        session = body_session(r);
    if (session.n)
        engine_stick(p, r->principal ? r->principal->id : STR(""), session,
                     now);
}

void order_targets(struct request *r, struct plan *p)
{
    const struct conf_model *m = p->n ? p->list[0].target->group : NULL;
    uint64_t now = loop_now_ms(r->flow->env.loop);

    if (!m)
        return;
    engine_balance(r->gen->engine, p, now);
    if (m->sticks)
        stick(r, p, now);
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
    if (t->provider->conf->pool.max &&
        http_client_is_full(r->flow->env.client, t->base_url,
                            attempt_path(t->provider->conf)))
        return false;
    if (!h || !t->cell)
        return true;
    if (!health_take(h, t->cell, me(r->flow), t->max_concurrent))
        return false;
    r->held = t;
    return true;
}

void order_give(struct request *r)
{
    if (r->held)
        health_give(r->held->provider->health, r->held->cell, me(r->flow));
    r->held = NULL;
}
