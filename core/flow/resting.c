/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * One of several credentials rests by itself. With a single one its target
 * does, and only where the provider said for how long: most limits are of a
 * key and a model, and a guess must not shut the only way.
 */
#include "flow/resting.h"

#include "base/log.h"
#include "engine/fault.h"
#include "engine/fetched.h"

/* One of several, of ours. */
static bool is_one_of_many(const struct attempt *t)
{
    return t->credential && t->credential->conf &&
           t->target->provider->n_credentials > 1;
}

static void park(struct request *r, uint64_t now)
{
    struct attempt *t = r->attempt;
    struct credential *c = t->credential;

    if (!c || !c->conf) /* the client's, or none */
        return;
    if (attempt_is_stale(t)) /* nothing was said of what it holds now */
        return;
    if (c->fetched && t->fault.cls == PS_FAULT_AUTH)
        fetched_ask(c->fetched);
    if (rest_park(credential_rest(c), now, engine_dice(r->gen->engine)))
        log_event(EV_credential_parked, LOG_S("credential", c->label),
                  LOG_Z("class", fault_class_name(t->fault.cls)),
                  LOG_I("for_ms", (int64_t)(credential_until_ms(c) - now)));
}

static void cool_target(struct request *r, const struct target *t,
                        uint64_t now)
{
    uint64_t told = r->attempt->fault.retry_after_ms;

    if (t->cell)
        rest_cool(&t->cell->rest, now, told, engine_dice(r->gen->engine));
}

static void cool_provider(struct request *r, uint64_t now)
{
    const struct provider *p = r->attempt->target->provider;

    for (size_t i = 0; i < r->plan.n; i++) {
        if (r->plan.list[i].target->provider == p)
            cool_target(r, r->plan.list[i].target, now);
    }
}

enum resting resting_decide(const ps_fault *f, bool one_of_many, bool ours)
{
    uint8_t blame = fault_info(f->cls)->blame;
    bool told = f->retry_after_ms > RESTING_SHORT_MS;

    if (blame == BLAME_PARK)
        return ours ? RESTING_PARK : RESTING_NOBODY;
    if (blame != BLAME_COOLDOWN)
        return RESTING_NOBODY;
    switch (f->scope) {
    case PS_SCOPE_CREDENTIAL:
        if (one_of_many)
            return RESTING_CREDENTIAL;
        return ours && told ? RESTING_TARGET : RESTING_NOBODY;
    case PS_SCOPE_TARGET:
        return told ? RESTING_TARGET : RESTING_NOBODY;
    case PS_SCOPE_PROVIDER:
        return told ? RESTING_PROVIDER : RESTING_NOBODY;
    default:
        return RESTING_NOBODY;
    }
}

void resting_after(struct request *r)
{
    uint64_t now = loop_now_ms(r->flow->env.loop);
    struct attempt *t = r->attempt;

    switch (resting_decide(&t->fault, is_one_of_many(t),
                           !t->target->provider->conf->keys_from_client)) {
    case RESTING_PARK:
        park(r, now);
        return;
    case RESTING_CREDENTIAL:
        rest_cool(credential_rest(t->credential), now,
                  t->fault.retry_after_ms, engine_dice(r->gen->engine));
        return;
    case RESTING_TARGET:
        cool_target(r, t->target, now);
        return;
    case RESTING_PROVIDER:
        cool_provider(r, now);
        return;
    case RESTING_NOBODY:
        return;
    }
}

void resting_served(struct request *r)
{
    struct attempt *t = r->attempt;
    uint64_t now = loop_now_ms(r->flow->env.loop);

    if (t->target->cell)
        rest_served(&t->target->cell->rest, now);
    if (!t->credential)
        return;
    if (t->target->provider->n_credentials == 1)
        rest_mended(credential_rest(t->credential));
    else
        rest_served(credential_rest(t->credential), now);
}
