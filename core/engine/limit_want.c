/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* How many tokens a request will want: its input, guessed, and as much output
 * as it may have, or as its model's answers usually have. */
#include "engine/limit_claim.h"
#include "wire/dialect.h"
#include "wire/token_guess.h"

enum { OUTPUT_GUESS = 1024 }; /* of a model that nobody knows yet */

/* Several choices are that many answers. */
static uint64_t choices(const struct json *body)
{
    uint32_t node = body ? json_member(body, 0, STR("n")) : JSON_NONE;
    int64_t n;

    if (node == JSON_NONE || !json_int(body, node, &n) || n < 1 || n > 128)
        return 1;
    return (uint64_t)n;
}

static uint64_t output(const struct limit_claim *c, const struct limit_wish *w)
{
    uint64_t most = w->max_tokens > 0 ? (uint64_t)w->max_tokens : 0, learned;

    if (!dialect_ops(w->dialect)->answers(w->dialect))
        return 0;
    learned = limit_learned(c->limiter, w->model);
    most *= choices(w->body);
    if (most && learned)
        return most < learned ? most : learned;
    if (most)
        return most;
    return learned ? learned : OUTPUT_GUESS;
}

uint64_t limit_claim_want(struct limit_claim *c, const struct limit_wish *w)
{
    if (str_is(w->endpoint, "count_tokens") || str_is(w->endpoint, "models"))
        return 0;
    if (!c->input)
        c->input = 1 + (w->body && w->body->count
                            ? token_guess(w->dialect, w->body) : 0);
    return c->input + output(c, w);
}
