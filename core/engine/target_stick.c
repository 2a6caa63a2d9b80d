/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Weighted rendezvous hashing: of all targets the one whose score with the
 * conversation is highest. Nothing is kept, so nothing grows old, all workers
 * and nodes agree, and when a target goes or comes only its conversations
 * move.
 */
#include "engine/target_engine.h"

#include "base/siphash.h"

#include <math.h>

enum { STICK_CALLS = 4 }; /* so few are never too many */

/* -weight / ln(u), u between 0 and 1 by the hash: the share of a target is
 * its weight's. */
static double score(struct siphash_key key, const struct target *t)
{
    double u = ((double)(siphash(key, t->name) >> 11) + 0.5) / 0x1p53;

    return -(double)t->weight / log(u);
}

/* Half as much again as the others, and a few. */
static bool is_busy(const struct plan *p, size_t at)
{
    uint64_t all = 0, own = target_inflight(p->list[at].target);

    if (own <= STICK_CALLS)
        return false;
    for (size_t i = 0; i < p->n_first; i++)
        all += target_inflight(p->list[i].target);
    return own * p->n_first * 2 > all * 3;
}

bool engine_may_stick(const struct plan *p, size_t i, bool by_load,
                      uint64_t now_ms)
{
    const struct candidate *c = &p->list[i];

    return !c->dropped && !target_is_off(c->target) &&
           !target_is_ill(c->target, now_ms) && !target_is_full(c->target) &&
           !(by_load && is_busy(p, i));
}

void engine_put_first(struct plan *p, size_t at)
{
    struct candidate c = p->list[at];

    for (; at; at--)
        p->list[at] = p->list[at - 1];
    p->list[0] = c;
}

bool engine_stick(struct plan *p, struct str tenant, struct str session,
                  bool by_load, uint64_t now_ms)
{
    /* no secret: nodes must agree, and who chooses the session's name moves
     * nothing but his own */
    struct siphash_key key = { siphash((struct siphash_key){ 0, 1 }, tenant),
                               0 };
    double best = 0, s;
    size_t at = p->n_first;

    key.k1 = siphash(key, session);
    for (size_t i = 0; i < p->n_first; i++) {
        s = score(key, p->list[i].target);
        if (s <= best || !engine_may_stick(p, i, by_load, now_ms))
            continue;
        best = s;
        at = i;
    }
    if (at == p->n_first)
        return false;
    engine_put_first(p, at);
    return true;
}
