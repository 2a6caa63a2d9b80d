/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* One closed bundle, opened: configuration, engine, policies. */
#include "flow/generation.h"

#include "base/snapshot.h"
#include "flow/request.h"
#include "policy/probe.h"
#include "policy/tick.h"

#include <stdlib.h>

static void generation_free(struct generation *g)
{
    model_list_free(g->models);
    policy_set_free(g->policies);
    price_table_free(g->prices);
    ability_table_free(g->abilities);
    engine_free(g->engine);
    config_free(g->config);
    snapshot_unref(g->bundle);
    free(g);
}

/* ---- its end ------------------------------------------------------------- */

enum { PAUSE_MS = 1 };

/** A turn closes one policy of each: twenty states at once hold requests up
 * for 0.8 ms, and one after another they would not keep pace with reloads. */
static void on_grave(void *ud)
{
    struct graves *gs = ud;
    struct generation **at = &gs->first;

    while (*at) {
        struct generation *g = *at;

        if (policy_set_shed(g->policies)) {
            at = &g->next_grave;
        } else {
            *at = g->next_grave;
            generation_free(g);
        }
    }
    if (gs->first)
        loop_timer_set(&gs->timer, PAUSE_MS);
}

void graves_init(struct graves *g, struct loop *l)
{
    loop_timer_init(&g->timer, l, on_grave, g);
}

void graves_clear(struct graves *g)
{
    loop_timer_stop(&g->timer);
    while (g->first) {
        struct generation *dead = g->first;

        g->first = dead->next_grave;
        generation_free(dead);
    }
}

void generation_unref(struct generation *g)
{
    if (!g || --g->refs > 0)
        return;
    if (!g->graves) {
        generation_free(g);
        return;
    }
    policy_ticks_stop(g->policies);
    g->next_grave = g->graves->first;
    g->graves->first = g;
    loop_timer_set(&g->graves->timer, PAUSE_MS);
}

/* ---- its making ---------------------------------------------------------- */

static bool has_client_keys(const struct config *c)
{
    for (size_t i = 0; i < c->n_providers; i++) {
        if (c->providers[i].keys_from_client)
            return true;
    }
    return false;
}

/** What ps.targets() tells of. */
static int lend_targets(struct generation *g, struct err *err)
{
    const struct target *list[ENGINE_TARGETS_MAX];
    size_t n = engine_targets(g->engine, list, ENGINE_TARGETS_MAX);

    return policy_set_targets(g->policies, list, n) == 0
               ? 0 : err_set(err, ERR_NOMEM, "out of memory");
}

struct generation *generation_begin(struct snapshot *bundle, uint64_t number,
                                    struct plugin_set *plugins,
                                    struct policy_probe *probe,
                                    struct err *err)
{
    struct generation *g = calloc(1, sizeof *g);

    if (!g) {
        err_set(err, ERR_NOMEM, "out of memory");
        return NULL;
    }
    g->refs = 1;
    g->number = number;
    g->bundle = snapshot_ref(bundle);
    g->plugins = plugins;
    g->probe = probe;
    return g;
}

/** What of it a step makes; one that is made before is passed over. */
static const void *make_next(struct generation *g, struct err *err)
{
    if (!g->config)
        return g->config = config_open(g->bundle, err);
    if (!g->engine)
        return g->engine = engine_new(g->config, g->plugins, err);
    if (!g->prices)
        return g->prices = price_table_new(g->config->ledger.prices, err);
    if (!g->abilities)
        return g->abilities = ability_table_new(
                   snapshot_section(g->bundle, STR("abilities")), err);
    return g->policies = policy_set_begin(g->config, g->probe, err);
}

int generation_step(struct generation *g, struct err *err)
{
    int rc;

    if (!g->policies)
        return make_next(g, err) ? 1 : -err->code;
    rc = policy_set_step(g->policies, err);
    if (rc)
        return rc;
    g->client_keys = has_client_keys(g->config);
    engine_use_abilities(g->engine, g->abilities);
    g->plugins = NULL; /* they were borrowed */
    g->probe = NULL;
    return lend_targets(g, err);
}

struct generation *generation_new(struct snapshot *bundle, uint64_t number,
                                  struct plugin_set *plugins, struct err *err)
{
    return generation_probed(bundle, number, plugins, NULL, err);
}

struct generation *generation_probed(struct snapshot *bundle, uint64_t number,
                                     struct plugin_set *plugins,
                                     struct policy_probe *probe,
                                     struct err *err)
{
    struct generation *g = generation_begin(bundle, number, plugins, probe,
                                            err);
    int rc = g ? 1 : 0;

    while (rc > 0)
        rc = generation_step(g, err);
    if (rc == 0)
        return g;
    generation_free(g);
    return NULL;
}

const struct config *generation_config(const struct generation *g)
{
    return g->config;
}

struct generation *generation_ref(struct generation *g)
{
    g->refs++;
    return g;
}
