/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* A generation in a worker; requests hold references. */
#ifndef PENSTOCK_FLOW_GENERATION_H
#define PENSTOCK_FLOW_GENERATION_H

#include "engine/ability.h"
#include "engine/price.h"
#include "flow/flow.h"
#include "net/loop.h"
#include "policy/policy.h"

/** Those that nobody holds any more, freed bit by bit. */
struct graves {
    struct loop_timer timer;
    struct generation *first;
};

void graves_init(struct graves *g, struct loop *l);
/** All at once: the loop ends. */
void graves_clear(struct graves *g);

struct generation {
    uint32_t refs;
    struct graves *graves; /* of the flow that used it; NULL = none did */
    struct generation *next_grave;
    uint64_t number;
    struct snapshot *bundle; /* what it is made of */
    struct plugin_set *plugins; /* borrowed until it is made, then NULL */
    struct policy_probe *probe;
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
