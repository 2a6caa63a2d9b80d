/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A whole answer: each block is shown once, as the last of it. Strings that
 * make up one block (content in parts) are shown joined, so that what is
 * looked for may lie across them; what becomes of it is cut where they met.
 */
#include "flow/output_impl.h"

/* The edited text of a lane, back into its strings. */
static int say_lane(struct output *o, uint32_t lane)
{
    struct str now = output_text_now(&o->text);
    size_t from = 0;
    int rc = 0;

    if (now.p == o->text.orig.p)
        return 0;
    for (uint32_t i = 0; i <= o->lanes[lane].last_item && !rc; i++) {
        struct output_piece *p = &o->pieces[i];
        size_t to = now.n;

        if (!p->ours || p->lane != lane)
            continue;
        if (i < o->lanes[lane].last_item)
            to = output_text_cut(&o->text, p->end, false).to;
        to = to > from ? to : from;
        rc = output_say(o, p, (struct str){ now.p + from, to - from });
        from = to;
    }
    return rc;
}

static int run(struct output *o, const struct json *j)
{
    int rc = 0;

    for (uint32_t i = 0; i < o->items.n && !rc; i++) {
        const struct output_piece *p = &o->pieces[i];
        const struct wire_item *item = &o->items.items[i];

        if (item->type == WIRE_ITEM_TEXT && item->raw)
            rc = output_raw(o, j, i);
        if (rc || !p->ours || o->lanes[p->lane].ended)
            continue;
        o->lanes[p->lane].ended = true;
        rc = output_ask(o, &o->lanes[p->lane], true);
        if (!rc && output_acts(o, item->kind))
            rc = say_lane(o, p->lane);
    }
    return rc;
}

int output_body(struct output *o, const struct json *body, bool *edited)
{
    int rc = output_find(o, STR_NULL, body);
    size_t n;

    *edited = false;
    o->whole = true;
    if (rc == -ERR_NOMEM)
        return rc;
    if (rc || !output_fits(o, body, 0))
        return output_give_up(o, "the answer is too large to be looked at");
    rc = output_gather(o, body);
    rc = rc ? rc : run(o, body);
    if (rc == -ERR_CANCELLED && o->verdict.verdict == POLICY_STOP) {
        *edited = true;
        buf_reset(&o->out);
        return o->wire->stop_body(o->dialect, body, o->names,
                                  o->window.choice, o->verdict.finish, &o->out);
    }
    if (rc || o->off)
        return rc;
    n = output_splices(o, body);
    if (n == 0)
        return 0;
    *edited = true;
    return wire_put_spliced(&o->out, (struct str){ body->text, body->size },
                            o->splices, n);
}
