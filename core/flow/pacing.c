/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "flow/pacing.h"

#include "base/clock.h"
#include "flow/choose.h"
#include "flow/limits_hold.h"
#include "wire/ratelimit.h"

/* Nearly every answer is shorter; who asks for more is guessed in any case. */
#define OUTPUT_MOST 32768

/* No fewer than it can come to, as good as always: a byte is a token at
 * most. */
static uint64_t most_tokens(const struct request *r)
{
    int64_t out = r->facts.max_tokens;

    return r->body_bytes + (out > OUTPUT_MOST ? (uint64_t)out : OUTPUT_MOST);
}

uint64_t pacing_tokens(struct request *r)
{
    struct limit_claim *c = limits_claim(r);

    return c ? limit_claim_want(c, &(struct limit_wish){
                                       .dialect = r->endpoint->dialect,
                                       .endpoint = str_of(r->endpoint->name),
                                       .body = &r->json,
                                       .model = r->facts.model,
                                       .max_tokens = r->facts.max_tokens })
             : 0;
}

bool pacing_is_short(struct request *r, const struct target *t)
{
    uint64_t now = loop_now_ms(r->flow->env.loop);

    return t->cell && target_is_paced(t, most_tokens(r), now) &&
           target_is_paced(t, pacing_tokens(r), now);
}

bool pacing_matters(struct request *r)
{
    for (size_t i = 0; i < r->plan.n; i++) {
        if (pacing_is_short(r, r->plan.list[i].target) && choose_can(r, i))
            return true;
    }
    return false;
}

struct credential *pacing_credential(struct request *r,
                                     const struct target *t)
{
    uint64_t now = loop_now_ms(r->flow->env.loop), most = most_tokens(r);

    if (t->cell && t->provider->n_credentials > 1 &&
        target_has_paced(t, most, now))
        most = pacing_tokens(r);
    return target_credential(t, most, now);
}

/* The words of the credential at hand; NULL: it has none. */
static struct pace *pace_at_hand(struct request *r)
{
    struct attempt *t = r->attempt;
    size_t i;

    if (!t->credential || !t->credential->conf || !t->target->cell)
        return NULL;
    i = (size_t)(t->credential - t->target->provider->credentials);
    return i < PACE_KEYS ? &t->target->cell->paces[i] : NULL;
}

void pacing_spend(struct request *r)
{
    uint64_t now = loop_now_ms(r->flow->env.loop), tokens = 0;
    struct pace *p = pace_at_hand(r);

    if (!p)
        return;
    if (pace_is_short(p, now, 2 * most_tokens(r)))
        tokens = pacing_tokens(r); /* of more than that nobody needs it */
    pace_spend(p, now, tokens);
}

void pacing_heard(struct request *r, const struct http_answer *a)
{
    struct pace *p = pace_at_hand(r);
    uint64_t now = loop_now_ms(r->flow->env.loop);
    struct ratelimit_left left = { 0 };

    if (!p)
        return;
    for (size_t i = 0; i < a->n_headers; i++)
        ratelimit_note(&left, a->headers[i].name, a->headers[i].value,
                       clock_wall_ms());
    if (left.tokens.left_known && left.tokens.reset_known)
        pace_report(&p->tokens, now, left.tokens.left, left.tokens.reset_ms);
    if (left.requests.left_known && left.requests.reset_known)
        pace_report(&p->requests, now, left.requests.left,
                    left.requests.reset_ms);
}
