/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Credentials that are fetched: where their secrets are. */
#include "engine/target_engine.h"

#include "engine/fetched.h"

void engine_use_fetched(struct engine *e, struct fetched_set *s)
{
    for (size_t i = 0; i < e->conf->n_providers; i++) {
        struct provider *p = &e->providers[i];

        for (size_t k = 0; k < p->n_credentials; k++) {
            struct credential *c = &p->credentials[k];

            if (c->conf && c->conf->fetch && !c->fetched)
                c->fetched = fetched_ref(s, c->conf->fetch->id);
        }
    }
}

void engine_leave_fetched(struct engine *e)
{
    for (size_t i = 0; e->providers && i < e->conf->n_providers; i++) {
        for (size_t k = 0; k < e->providers[i].n_credentials; k++)
            fetched_unref(e->providers[i].credentials[k].fetched);
    }
}

bool credential_lacks(const struct credential *c)
{
    return c->fetched && !c->fetched->secret.n;
}

struct str credential_secret(const struct credential *c)
{
    if (c->fetched)
        return c->fetched->secret;
    return c->conf ? secret_reveal(&c->conf->secret) : STR_NULL;
}
