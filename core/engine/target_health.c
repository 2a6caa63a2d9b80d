/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Where targets find what all workers know of them. */
#include "engine/target_engine.h"

static void lend(struct entry *x, struct health *h, uint64_t generation)
{
    for (size_t i = 0; x->hosts && i < x->n_hosts; i++)
        x->hosts[i].cell = health_find(h, x->hosts[i].name, generation);
}

/* One without a secret of ours is the client's, or none. */
static void lend_rests(struct provider *p, struct health *h,
                       uint64_t generation)
{
    for (size_t i = 0; i < p->n_credentials; i++) {
        struct credential *c = &p->credentials[i];
        struct health_cell *cell = NULL;

        if (h && c->conf)
            cell = health_find(h, c->label, generation);
        c->rest = cell ? &cell->rest : NULL;
    }
}

void engine_use_health(struct engine *e, struct health *h,
                       uint64_t generation)
{
    for (size_t i = 0; i < e->conf->n_providers; i++) {
        e->providers[i].health = h;
        lend_rests(&e->providers[i], h, generation);
    }
    for (size_t i = 0; h && i < e->conf->n_models; i++) {
        for (size_t k = 0; k < e->groups[i].n; k++)
            lend(&e->groups[i].entries[k], h, generation);
    }
}

uint32_t engine_dice(struct engine *e)
{
    return (uint32_t)(balance_next(&e->dice) >> 32);
}
