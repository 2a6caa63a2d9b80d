/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What targets are for, looked up before anybody asks. */
#include "engine/ability.h"
#include "engine/target_engine.h"

static void note(struct entry *x, const struct ability_table *t)
{
    for (size_t i = 0; x->hosts && i < x->n_hosts; i++) {
        struct target *one = &x->hosts[i];
        const struct ability *a =
            ability_find(t, one->provider->conf->name, one->model);

        one->kind = a ? (uint8_t)a->kind : KIND_UNKNOWN;
        one->kind_known = true;
    }
}

void engine_use_abilities(struct engine *e, const struct ability_table *t)
{
    for (size_t i = 0; i < e->conf->n_models; i++) {
        for (size_t k = 0; k < e->groups[i].n; k++)
            note(&e->groups[i].entries[k], t);
    }
}
