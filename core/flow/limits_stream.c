/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Tokens of a stream on its way. Providers count them at its end, so until
 * then its texts are guessed: for a client that leaves, and for rows with
 * stream = "finish", whose reservation grows by pieces while there is some
 * left.
 */
#include "flow/limits_hold.h"

#include "wire/texts.h"
#include "wire/token_guess.h"

bool limits_may_finish(const struct request *r)
{
    if (!limit_claim_tokens(&r->claim))
        return false;
    for (size_t i = 0; i < r->claim.n; i++) {
        if (r->claim.at[i].finish)
            return true;
    }
    return false;
}

bool limits_watches(const struct request *r)
{
    const struct attempt *t = r->attempt;

    return limits_may_finish(r) ||
           (limit_claim_tokens(&r->claim) && t && t->translation);
}

void limits_count(struct request *r, enum dialect d, struct str event)
{
    struct wire_texts *t = &r->flow->texts;
    const struct wire_text_ops *ops;
    const struct json *j = &r->flow->scratch;

    if (!r->claim.n || !limit_claim_tokens(&r->claim))
        return;
    ops = wire_text_ops(d);
    if (!ops || ops->find(d, event, j, r->arena, t) != 0)
        return;
    for (uint32_t i = 0; i < t->n; i++) {
        struct str text = json_raw(j, t->items[i].node);

        if (t->items[i].type != WIRE_ITEM_TEXT || t->items[i].again)
            continue;
        if (!t->items[i].raw) { /* without its quotes */
            text.p++;
            text.n -= 2;
        }
        r->claim.counted += token_guess_text(text);
    }
}

bool limits_go_on(struct request *r)
{
    if (!r->claim.n || r->claim.finished || !r->claim.counted ||
        r->answer.finish_seen || limit_claim_goes_on(&r->claim,
                                                     clock_mono_ms()))
        return true;
    r->claim.finished = true;
    return false;
}

void limits_usage(struct request *r)
{
    int64_t counted = (int64_t)limit_claim_counted(&r->claim);

    if (r->usage.input < 0)
        r->usage.input = (int64_t)r->claim.input;
    if (r->usage.output < counted)
        r->usage.output = counted;
}
