/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "engine/codel.h"

bool codel_sheds(struct codel *c, struct codel_conf conf, uint64_t now_ms,
                 uint64_t waited_ms)
{
    if (!conf.target_ms)
        return false;
    if (now_ms >= c->until_ms) {
        /* an interval in which nobody's turn came says nothing */
        c->overloaded = c->begun && c->least_ms > conf.target_ms &&
                        now_ms < c->until_ms + conf.interval_ms;
        c->until_ms = now_ms + conf.interval_ms;
        c->begun = false;
    }
    if (!c->begun || waited_ms < c->least_ms)
        c->least_ms = waited_ms;
    if (!c->begun) { /* of one alone nothing is known */
        c->begun = true;
        return false;
    }
    return c->overloaded && waited_ms > 2 * (uint64_t)conf.target_ms;
}
