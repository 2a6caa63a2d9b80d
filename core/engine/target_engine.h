/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What the files behind engine/target.h share; nobody else's business. */
#ifndef PENSTOCK_ENGINE_TARGET_ENGINE_H
#define PENSTOCK_ENGINE_TARGET_ENGINE_H

#include "engine/balance.h"
#include "engine/target.h"

#include "base/map.h"

#define ENGINE_NEAR_MAX 256 /* models that a refusal looks at */

/** One line of a model block: one provider's model, on each of its hosts. */
struct entry {
    const struct conf_target *conf;
    struct provider *provider;
    struct target *hosts; /* NULL where the model holds a '*' */
    size_t n_hosts;
};

struct group {
    const struct conf_model *conf;
    struct entry *entries; /* conf's targets, then its fallback */
    size_t n_targets, n;
    bool pattern;
    struct str prefix, suffix; /* of a pattern: around the '*' */
    struct retry_budget *retries;
};

struct engine {
    const struct config *conf;
    struct arena *arena; /* owns all that lives as long */
    struct provider *providers;
    struct group *groups;
    struct group **patterns; /* by length of prefix, then suffix: longest
                                first */
    size_t n_patterns;
    struct map *by_provider, *by_model;
    struct balance dice;
    struct retry_budget *retries; /* of names without a model block */
};

/** One target for each host of a provider; `line` is the model's, or NULL.
 * NULL: memory. */
struct target *targets_make(struct arena *a, struct provider *p,
                            struct str model, const struct conf_target *line,
                            const struct conf_model *group);
/** What bounds its calls: its line in the model, else its provider. */
void target_set_places(struct target *t, const struct conf_target *line);
/** Its credentials hold nothing that was fetched any more. */
void engine_leave_fetched(struct engine *e);
/** How many that are: at least 1. */
size_t provider_hosts(const struct provider *p);

/** Fill *err for a name that leads nowhere; returns -ERR_MODEL_NOT_FOUND. */
int engine_refuse(const struct engine *e, struct str model,
                  const struct principal *who, struct err *err);

#endif
