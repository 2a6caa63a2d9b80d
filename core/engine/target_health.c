/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Where targets find what all workers know of them. */
#include "engine/target_engine.h"

static void lend_one(struct target *t, struct health *h, uint64_t generation)
{
    t->cell = health_find(h, t->name, generation);
    if (!t->cell)
        return;
    atomic_store_explicit(&t->cell->least, t->adaptive.min,
                          memory_order_relaxed);
    atomic_store_explicit(&t->cell->most, t->adaptive.min ? t->adaptive.max
                                                          : t->max_concurrent,
                          memory_order_relaxed);
}

static void lend(struct entry *x, struct health *h, uint64_t generation)
{
    for (size_t i = 0; x->hosts && i < x->n_hosts; i++)
        lend_one(&x->hosts[i], h, generation);
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

/* No client's name and none of the configuration has a control character, so
 * these cells are nobody else's; of generation 0, they show nowhere. */
static struct retry_budget *budget_of(struct engine *e, struct health *h,
                                      struct str model)
{
    struct health_cell *c;
    struct str name = arena_fmt(e->arena, "retries\n" STR_FMT,
                                STR_ARG(model));

    c = h && name.p ? health_find(h, name, 0) : NULL;
    return c ? &c->retries : NULL;
}

static void lend_retries(struct engine *e, struct health *h)
{
    e->retries = budget_of(e, h, STR(""));
    for (size_t i = 0; i < e->conf->n_models; i++)
        e->groups[i].retries = budget_of(e, h, e->conf->models[i].name);
}

struct retry_budget *engine_retries(const struct engine *e,
                                    const struct conf_model *m)
{
    return m ? e->groups[m - e->conf->models].retries : e->retries;
}

void engine_use_health(struct engine *e, struct health *h,
                       uint64_t generation)
{
    for (size_t i = 0; i < e->conf->n_providers; i++) {
        e->providers[i].health = h;
        lend_rests(&e->providers[i], h, generation);
    }
    lend_retries(e, h);
    for (size_t i = 0; h && i < e->conf->n_models; i++) {
        for (size_t k = 0; k < e->groups[i].n; k++)
            lend(&e->groups[i].entries[k], h, generation);
    }
}

bool target_is_off(const struct target *t)
{
    return (t->cell && atomic_load_explicit(&t->cell->off,
                                            memory_order_relaxed) !=
                           TARGET_ON) ||
           plugin_is_out(t->provider->plugin);
}

uint64_t target_until_ms(const struct target *t)
{
    return t->cell ? atomic_load_explicit(&t->cell->rest.until_ms,
                                          memory_order_relaxed)
                   : 0;
}

bool target_is_usable(const struct target *t, uint64_t now_ms)
{
    if (target_is_off(t) || target_until_ms(t) > now_ms ||
        (t->cell && autooff_wait_ms(&t->cell->autooff, now_ms)))
        return false;
    if (t->cell && breaker_state(&t->cell->breaker, now_ms) == BREAKER_OPEN)
        return false;
    return provider_has_credential(t->provider, now_ms);
}

static bool entry_is_usable(const struct entry *x, uint64_t now_ms)
{
    if (!x->hosts) /* made as its names come */
        return !plugin_is_out(x->provider->plugin) &&
               provider_has_credential(x->provider, now_ms);
    for (size_t i = 0; i < x->n_hosts; i++) {
        if (target_is_usable(&x->hosts[i], now_ms))
            return true;
    }
    return false;
}

bool engine_is_ready(const struct engine *e, uint64_t now_ms)
{
    for (size_t i = 0; i < e->conf->n_models; i++) {
        for (size_t k = 0; k < e->groups[i].n; k++) {
            if (entry_is_usable(&e->groups[i].entries[k], now_ms))
                return true;
        }
    }
    for (size_t i = 0; engine_is_open(e) && i < e->conf->n_providers; i++) {
        if (!plugin_is_out(e->providers[i].plugin) &&
            provider_has_credential(&e->providers[i], now_ms))
            return true;
    }
    return false;
}

uint32_t engine_dice(struct engine *e)
{
    return (uint32_t)(balance_next(&e->dice) >> 32);
}
