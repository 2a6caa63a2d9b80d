/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* How many calls a target may have: what is configured, and within it what
 * was found out. */
#include "engine/target_engine.h"

void target_set_places(struct target *t, const struct conf_target *line)
{
    const struct conf_provider *p = t->provider->conf;
    uint32_t most = line && line->max_concurrent ? line->max_concurrent
                                                 : p->max_concurrent;

    t->max_concurrent = most;
    if (!p->adaptive.min)
        return;
    t->adaptive = p->adaptive;
    if (most && (!t->adaptive.max || most < t->adaptive.max))
        t->adaptive.max = most;
    if (t->adaptive.max && t->adaptive.min > t->adaptive.max)
        t->adaptive.min = t->adaptive.max;
}

uint32_t target_most(const struct target *t)
{
    return t->adaptive.min && t->cell ? aimd_limit(&t->cell->aimd,
                                                   t->adaptive)
                                      : t->max_concurrent;
}

bool target_is_full(const struct target *t)
{
    uint32_t most = target_most(t);

    return most && target_inflight(t) >= most;
}
