/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* A generation in a worker; requests hold references. */
#ifndef PENSTOCK_FLOW_GENERATION_H
#define PENSTOCK_FLOW_GENERATION_H

#include "engine/ability.h"
#include "engine/price.h"
#include "flow/flow.h"
#include "policy/policy.h"

struct generation {
    uint32_t refs;
    uint64_t number;
    struct config *config;
    struct engine *engine;
    struct policy_set *policies;
    struct price_table *prices;
    struct ability_table *abilities;
    bool client_keys; /* a provider takes the client's own credential */
    struct model_list *models; /* what providers list, cached; or NULL */
};

struct generation *generation_ref(struct generation *g);

#endif
