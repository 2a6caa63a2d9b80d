/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * hold = "all". What says more than text is logged without its texts, in
 * order; where a block ended a mark is set; texts are joined in their lanes.
 * At the end each lane is shown once and its text let go at its last mark.
 * Where a dialect says a text again, whole, that stays in the log as it came,
 * and becomes what its lane is on the way out.
 */
#include "flow/output_impl.h"

int output_hold_mark(struct output *o, uint32_t lane)
{
    void *list = o->marks;

    if (output_room(&list, o->n_marks, &o->cap_marks, sizeof *o->marks))
        return -ERR_NOMEM;
    o->marks = list;
    o->marks[o->n_marks++] = (struct output_mark){ buf_len(&o->log), lane };
    o->lanes[lane].mark = o->n_marks;
    return 0;
}

/* A lane that ends again has its text where it ended last. */
static int mark_ends(struct output *o)
{
    int rc = 0;

    output_mark_ends(o);
    for (uint32_t i = 0; i < o->n_lanes && !rc; i++) {
        struct output_lane *lane = &o->lanes[i];

        if (!lane->ending)
            continue;
        lane->ended = true;
        if (!lane->again)
            rc = output_hold_mark(o, i);
    }
    return rc;
}

/* Texts are in their lanes now. */
static int empty_items(struct output *o, const struct json *j)
{
    int rc = 0;

    for (uint32_t i = 0; i < o->items.n && !rc; i++) {
        const struct wire_item *item = &o->items.items[i];

        if (item->type != WIRE_ITEM_TEXT)
            continue;
        if (item->again) {
            o->repeats = o->head_over = true;
            continue;
        }
        rc = item->raw ? output_raw(o, j, i)
                       : output_say(o, &o->pieces[i], STR(""));
        o->head_over = true;
    }
    return rc;
}

int output_hold_event(struct output *o, const struct sse_event *ev,
                      const struct json *j)
{
    bool head = !o->head_over && !o->items.content;
    int rc = output_gather(o, j);

    rc = rc ? rc : mark_ends(o);
    rc = rc ? rc : empty_items(o, j);
    if (rc)
        return rc;
    o->head_over |= o->items.content;
    if (o->off) { /* by a tool's arguments: all of it has left */
        o->content = true;
        return output_put_event(o, &o->out, ev, j);
    }
    if (!output_is_idle(o))
        rc = output_put_event(o, &o->log, ev, j);
    if (head)
        o->head = buf_len(&o->log);
    return rc ? rc : output_track(o, head);
}

/* What policies make of a lane becomes its text. */
static int show(struct output *o, struct output_lane *lane)
{
    int rc = output_ask(o, lane, true);
    struct str now = output_text_now(&o->text);

    if (rc || now.p == o->text.orig.p)
        return rc;
    buf_reset(&lane->window.text);
    return buf_put(&lane->window.text, now);
}

struct filling {
    struct output *o;
    struct json j;
};

/* An event of the log with what it says again. */
static int fill_event(void *ud, const struct sse_event *ev)
{
    struct filling *f = ud;
    struct output *o = f->o;
    int rc = ev->data.p ? json_scan(&f->j, ev->data, NULL, NULL) : 0;

    if (rc || !ev->data.p)
        return rc ? rc : buf_put(&o->out, ev->raw);
    rc = output_find(o, ev->event, &f->j);
    for (uint32_t i = 0; i < o->items.n && !rc; i++) {
        const struct wire_item *item = &o->items.items[i];
        struct output_lane *lane;

        if (item->type != WIRE_ITEM_TEXT || !item->again)
            continue;
        lane = output_lane(o, item);
        rc = lane ? output_say(o, &o->pieces[i],
                               output_window_text(&lane->window))
                  : -ERR_NOMEM;
    }
    return rc ? rc : output_put_event(o, &o->out, ev, &f->j);
}

/* A piece of the log, which is whole events. */
static int put_log(struct output *o, struct str events, bool asked)
{
    struct filling f = { .o = o };
    struct sse sse;
    int rc;

    if (!o->repeats || !asked)
        return buf_put(&o->out, events);
    sse_init(&sse, events.n + 1);
    rc = sse_feed(&sse, events, fill_event, &f, NULL);
    sse_clear(&sse);
    json_clear(&f.j);
    return rc;
}

static struct str between(const struct buf *log, size_t from, size_t to)
{
    return (struct str){ buf_str(log).p + from, to - from };
}

int output_hold_end(struct output *o, bool asks)
{
    size_t at = 0;
    int rc = 0;

    for (uint32_t i = 0; i < o->n_lanes && !rc; i++) {
        if (asks)
            rc = show(o, &o->lanes[i]);
        if (!rc && !o->lanes[i].again &&
            (!o->lanes[i].mark || !o->lanes[i].ended))
            rc = output_hold_mark(o, i);
    }
    for (uint32_t m = 0; m < o->n_marks && !rc; m++) {
        struct output_mark *mark = &o->marks[m];

        rc = put_log(o, between(&o->log, at, mark->at), asks);
        at = mark->at;
        if (!rc && o->lanes[mark->lane].mark == m + 1)
            rc = output_let_go(o, &o->lanes[mark->lane]);
    }
    rc = rc ? rc : put_log(o, between(&o->log, at, buf_len(&o->log)), asks);
    if (rc) /* a stop needs the log's head */
        return rc;
    o->content = true;
    buf_clear(&o->log);
    return rc;
}
