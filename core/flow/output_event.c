/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A streamed answer through the windows: an event's texts go into their
 * lanes, lanes that end leave in events before it, the others in its place.
 */
#include "flow/output_impl.h"

/* The order in which kinds of a choice follow each other. */
static uint64_t rank(uint8_t kind, uint32_t block)
{
    switch (kind) {
    case WIRE_THINKING:
        return 0;
    case WIRE_TEXT:
        return 1;
    default:
        return (uint64_t)2 + block;
    }
}

/* Does the event begin or go on with a later block of that lane's choice? */
static bool is_passed(const struct output *o, const struct output_lane *lane)
{
    for (uint32_t i = 0; i < o->items.n; i++) {
        const struct wire_item *item = &o->items.items[i];

        if (item->choice == lane->block.choice && item->block != WIRE_ALL &&
            (item->type == WIRE_ITEM_TEXT || item->type == WIRE_ITEM_BEGIN) &&
            rank(item->kind, item->block) >
                rank(lane->block.kind, lane->block.block))
            return true;
    }
    return false;
}

static bool is_over(const struct output *o, const struct output_lane *lane)
{
    if (o->last)
        return true;
    for (uint32_t i = 0; i < o->items.n; i++) {
        const struct wire_item *item = &o->items.items[i];

        if (item->type == WIRE_ITEM_END &&
            item->choice == lane->block.choice &&
            (item->block == WIRE_ALL || item->block == lane->block.block))
            return true;
    }
    return false;
}

void output_mark_ends(struct output *o)
{
    for (uint32_t i = 0; i < o->n_lanes; i++) {
        struct output_lane *lane = &o->lanes[i];

        lane->over = is_over(o, lane);
        lane->ending = !lane->ended &&
                       (lane->over || (!lane->touched && is_passed(o, lane)));
    }
}

/* The last of a lane: what leaves of it, in its edited form. */
static int last_of(struct output *o, struct output_lane *lane, struct str *out)
{
    uint32_t look = lane->over ? 0 : o->wants.hold[lane->block.kind];
    int rc = output_ask(o, lane, true);

    lane->ended = true;
    if (rc)
        return rc;
    *out = output_window_end(&lane->window, &o->text, look);
    if (!output_acts(o, lane->block.kind))
        *out = STR("");
    return 0;
}

static int end_lanes(struct output *o)
{
    int rc = 0;

    for (uint32_t i = 0; i < o->n_lanes && !rc; i++) {
        struct output_lane *lane = &o->lanes[i];
        struct str text;

        if (!lane->ending || lane->touched)
            continue;
        rc = last_of(o, lane, &text);
        rc = rc ? rc : output_carry(o, lane, text);
        buf_clear(&lane->like);
    }
    return rc;
}

/* Is the text of the lane's one item what leaves, no more and no less? */
static bool is_unchanged(const struct output *o, const struct output_lane *l)
{
    return l->was_empty && l->n_items == 1 && !l->window.high &&
           !output_window_held(&l->window) &&
           output_text_now(&o->text).p == o->text.orig.p;
}

/* What may leave of a lane stands in the last of its items. */
static int say_lane(struct output *o, const struct output_lane *lane,
                    struct str text)
{
    uint32_t self = (uint32_t)(lane - o->lanes);
    int rc = 0;

    o->content |= text.n != 0;
    if (is_unchanged(o, lane))
        return 0;
    for (uint32_t i = 0; i <= lane->last_item && !rc; i++) {
        if (o->pieces[i].ours && o->pieces[i].lane == self)
            rc = output_say(o, &o->pieces[i],
                            i == lane->last_item ? text : STR(""));
    }
    return rc;
}

static int run_lanes(struct output *o)
{
    int rc = 0;

    for (uint32_t i = 0; i < o->n_lanes && !rc; i++) {
        struct output_lane *lane = &o->lanes[i];
        struct str text = STR("");

        if (!lane->touched)
            continue;
        if (lane->ending) {
            rc = last_of(o, lane, &text);
            buf_clear(&lane->like);
        } else {
            rc = output_ask(o, lane, false);
            if (!rc)
                text = output_window_release(
                    &lane->window, &o->text,
                    o->wants.hold[lane->block.kind]);
        }
        if (!rc && output_acts(o, lane->block.kind))
            rc = say_lane(o, lane, text);
    }
    return rc;
}

static int run_raws(struct output *o, const struct json *j)
{
    int rc = 0;

    for (uint32_t i = 0; i < o->items.n && !rc; i++) {
        if (o->items.items[i].type == WIRE_ITEM_TEXT && o->items.items[i].raw)
            rc = output_raw(o, j, i);
    }
    return rc;
}

/* Text that nobody holds goes by. */
static bool has_free_text(const struct output *o)
{
    for (uint32_t i = 0; i < o->items.n; i++) {
        const struct wire_item *item = &o->items.items[i];

        if (item->type == WIRE_ITEM_TEXT &&
            (item->raw || !output_acts(o, item->kind)))
            return true;
    }
    return false;
}

/* Would the event, as it is now, say nothing? One that never had text of ours
 * is none of our business. */
bool output_is_idle(const struct output *o)
{
    bool held = false;

    if (!o->items.bare || (o->items.roles & ~o->roles) || has_free_text(o))
        return false;
    for (uint32_t i = 0; i < o->items.n; i++) {
        if (o->items.items[i].type != WIRE_ITEM_TEXT)
            continue;
        held = true;
        if (!o->pieces[i].edit || o->pieces[i].said_n != 2)
            return false;
    }
    return held;
}

int output_put_event(struct output *o, struct buf *to,
                     const struct sse_event *ev, const struct json *j)
{
    size_t n = output_splices(o, j);

    o->roles |= o->items.roles;
    return n ? wire_put_edited(to, ev, o->splices, n)
             : buf_put(to, ev->raw);
}

static int windowed(struct output *o, const struct sse_event *ev,
                    const struct json *j)
{
    int rc = output_gather(o, j);

    if (!rc && !o->late) {
        output_mark_ends(o);
        rc = end_lanes(o);
        rc = rc ? rc : run_raws(o, j);
        rc = rc ? rc : run_lanes(o);
    }
    if (rc)
        return rc;
    o->content |= o->items.content || has_free_text(o);
    if (!output_is_idle(o))
        rc = output_put_event(o, &o->out, ev, j);
    return rc ? rc : output_track(o, true);
}

static int end(struct output *o)
{
    if (o->over || o->off)
        return 0;
    o->over = true;
    if (o->wants.all)
        return output_hold_end(o, true);
    for (uint32_t i = 0; i < o->n_lanes; i++) {
        o->lanes[i].touched = false;
        o->lanes[i].over = true;
        o->lanes[i].ending = !o->lanes[i].ended;
    }
    return end_lanes(o);
}

static int see_event(struct output *o, const struct sse_event *ev,
                     const struct json *j, bool last)
{
    size_t more = o->wants.all ? ev->raw.n : 0;
    int rc = 0;

    if (o->over)
        return 0;
    o->last = last;
    if (last && !o->wire->each) {
        rc = end(o);
        return rc ? rc : buf_put(&o->out, ev->raw);
    }
    if (!o->off && j)
        rc = output_find(o, ev->event, j);
    if (rc == -ERR_NOMEM)
        return rc;
    if (!o->off && j && (rc || !output_fits(o, j, more))) {
        rc = output_give_up(o, "the answer is too large to be looked at");
        if (rc)
            return rc;
    }
    if (o->off || !j) {
        o->content |= o->off;
        return buf_put(&o->out, ev->raw);
    }
    rc = o->wants.all ? output_hold_event(o, ev, j) : windowed(o, ev, j);
    return rc || !last ? rc : end(o);
}

/* What left is kept whatever became of the event. */
static int kept(struct output *o, int rc)
{
    int keeping = output_keep(o);

    return rc ? rc : keeping;
}

int output_event(struct output *o, const struct sse_event *ev,
                 const struct json *j, bool last)
{
    return kept(o, see_event(o, ev, j, last));
}

int output_end(struct output *o)
{
    return kept(o, end(o));
}
