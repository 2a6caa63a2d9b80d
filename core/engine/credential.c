/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Which key next? Smooth weighted round robin (nginx's): each usable one gains
 * its weight, the one that is furthest ahead is taken and pays the sum. The
 * shares are exact over any run, and heavy keys come spread out, not in rows.
 */
#include "engine/target.h"

#include "engine/fetched.h"

static int64_t weight_of(const struct credential *c)
{
    return c->conf ? (int64_t)c->conf->weight : 1;
}

struct rest *credential_rest(struct credential *c)
{
    return c->rest ? c->rest : &c->own;
}

uint64_t credential_until_ms(const struct credential *c)
{
    return atomic_load_explicit(c->rest ? &c->rest->until_ms
                                        : &c->own.until_ms,
                                memory_order_relaxed);
}

bool credential_is_out(const struct credential *c, uint64_t now_ms)
{
    return (c->fetched && !c->fetched->secret.n) ||
           credential_until_ms(c) > now_ms;
}

bool provider_has_credential(const struct provider *p, uint64_t now_ms)
{
    for (size_t i = 0; i < p->n_credentials; i++) {
        if (!credential_is_out(&p->credentials[i], now_ms))
            return true;
    }
    return false;
}

bool provider_is_parked(const struct provider *p, uint64_t now_ms)
{
    struct credential *c = p->credentials;

    return p->n_credentials == 1 && !credential_lacks(c) &&
           rest_state(credential_rest(c), now_ms) == REST_PARKED;
}

/* Is the i-th below its limit at this target? `cell` may be NULL. */
static bool is_short(const struct health_cell *cell, size_t i, uint64_t tokens,
                     uint64_t now_ms)
{
    return cell && i < PACE_KEYS &&
           pace_is_short(&cell->paces[i], now_ms, tokens);
}

static struct credential *take_turn(struct provider *p,
                                    const struct health_cell *cell,
                                    uint64_t tokens, uint64_t now_ms)
{
    struct credential *best = NULL, *c;
    int64_t sum = 0;

    for (size_t i = 0; i < p->n_credentials; i++) {
        c = &p->credentials[i];
        if (credential_is_out(c, now_ms) ||
            is_short(cell, i, tokens, now_ms))
            continue;
        c->turn += weight_of(c);
        sum += weight_of(c);
        if (!best || c->turn > best->turn)
            best = c;
    }
    if (best)
        best->turn -= sum;
    return best;
}

struct credential *provider_credential(struct provider *p, uint64_t now_ms)
{
    struct credential *best = take_turn(p, NULL, 0, now_ms);

    return best || !provider_is_parked(p, now_ms) ? best : p->credentials;
}

struct credential *target_credential(const struct target *t, uint64_t tokens,
                                     uint64_t now_ms)
{
    struct credential *best = NULL;

    if (t->cell)
        best = take_turn(t->provider, t->cell, tokens, now_ms);
    return best ? best : provider_credential(t->provider, now_ms);
}

bool target_is_paced(const struct target *t, uint64_t tokens, uint64_t now_ms)
{
    const struct provider *p = t->provider;
    bool some = false;

    for (size_t i = 0; t->cell && i < p->n_credentials; i++) {
        if (credential_is_out(&p->credentials[i], now_ms))
            continue;
        if (!is_short(t->cell, i, tokens, now_ms))
            return false;
        some = true;
    }
    return some;
}

bool target_has_paced(const struct target *t, uint64_t tokens, uint64_t now_ms)
{
    const struct provider *p = t->provider;

    for (size_t i = 0; t->cell && i < p->n_credentials; i++) {
        if (!credential_is_out(&p->credentials[i], now_ms) &&
            is_short(t->cell, i, tokens, now_ms))
            return true;
    }
    return false;
}
