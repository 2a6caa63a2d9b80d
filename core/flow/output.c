/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What streams and whole answers share: lanes, asking, saying. */
#include "flow/output_impl.h"

#include <stdlib.h>

enum {
    CARRY_BYTES = 16 << 10, /* of text in one event of ours */
    SAID_MAX = 64 << 20,    /* OUTPUT_MAX of text, escaped, in its events */
};

struct output *output_new(const struct policy_output *wants, enum dialect d,
                          const struct wire_text_ops *wire,
                          struct arena *names, const struct output_ops *ops,
                          void *ud)
{
    struct output *o = calloc(1, sizeof *o);

    if (!o)
        return NULL;
    o->ops = ops;
    o->ud = ud;
    o->dialect = d;
    o->wire = wire;
    o->names = names;
    o->wants = *wants;
    o->late = wants->all || (wants->all_seen && !wants->acting);
    output_text_init(&o->text, OUTPUT_MAX);
    o->window.text = &o->text;
    buf_init(&o->out, SAID_MAX);
    buf_init(&o->said, SAID_MAX);
    buf_init(&o->like, SAID_MAX);
    buf_init(&o->first, SAID_MAX);
    buf_init(&o->log, SAID_MAX);
    buf_init(&o->fresh, SAID_MAX);
    return o;
}

void output_free(struct output *o)
{
    if (!o)
        return;
    for (uint32_t i = 0; i < o->n_lanes; i++) {
        output_window_clear(&o->lanes[i].window);
        buf_clear(&o->lanes[i].like);
    }
    output_text_clear(&o->text);
    wire_texts_clear(&o->items);
    buf_clear(&o->out);
    buf_clear(&o->said);
    buf_clear(&o->like);
    buf_clear(&o->first);
    buf_clear(&o->log);
    buf_clear(&o->fresh);
    if (o->kept)
        o->wire->kept_free(o->kept);
    free(o->pieces);
    free(o->splices);
    free(o->lanes);
    free(o->open);
    free(o->marks);
    free(o);
}

bool output_acts(const struct output *o, uint8_t kind)
{
    return o->wants.all || (o->wants.acting >> kind & 1);
}

/* Is it looked at, at all? */
static bool looks_at(const struct output *o, uint8_t kind)
{
    return o->wants.kinds >> kind & 1;
}

bool output_only_observes(const struct output *o)
{
    return !o->wants.acting;
}

bool output_passes(const struct output *o)
{
    return !o->wants.kinds && !o->wants.acting;
}

struct str output_bytes(const struct output *o)
{
    return buf_str(&o->out);
}

void output_sent(struct output *o)
{
    buf_reset(&o->out);
    o->n_kept = 0;
}

bool output_has_content(const struct output *o)
{
    return o->content;
}

const struct policy_result *output_verdict(const struct output *o)
{
    return &o->verdict;
}

int output_comment(struct output *o, struct str raw)
{
    return o->wants.all && !o->off ? 0 : buf_put(&o->out, raw);
}

int output_room(void **list, uint32_t n, uint32_t *cap, size_t size)
{
    uint32_t more = *cap ? *cap * 2 : 4;
    void *p;

    if (n < *cap)
        return 0;
    p = realloc(*list, more * size);
    if (!p)
        return -ERR_NOMEM;
    *list = p;
    *cap = more;
    return 0;
}

/* ---- searching --------------------------------------------------------- */

static int room_for_pieces(struct output *o)
{
    size_t cap = o->items.cap;
    void *p;

    if (o->items.n <= o->cap_pieces)
        return 0;
    p = realloc(o->pieces, cap * sizeof *o->pieces);
    if (p)
        o->pieces = p;
    if (p)
        p = realloc(o->splices, cap * sizeof *o->splices);
    if (!p)
        return -ERR_NOMEM;
    o->splices = p;
    o->cap_pieces = cap;
    return 0;
}

static bool has_text(const struct wire_texts *t)
{
    uint32_t i = 0;

    while (i < t->n && t->items[i].type != WIRE_ITEM_TEXT)
        i++;
    return i < t->n;
}

/* What events of ours will be made from. */
static int keep_envelopes(struct output *o, struct str event)
{
    int rc = 0;

    if (o->whole)
        return 0;
    if (o->wire->each && !buf_len(&o->first))
        rc = buf_put(&o->first, event);
    if (!o->wire->each && !buf_len(&o->like) && has_text(&o->items))
        rc = buf_put(&o->like, event);
    return rc;
}

int output_find(struct output *o, struct str name, const struct json *j)
{
    int rc = o->wire->find(o->dialect, name, j, o->names, &o->items);

    rc = rc ? rc : room_for_pieces(o);
    if (rc)
        return rc;
    for (uint32_t i = 0; i < o->items.n; i++)
        o->pieces[i] = (struct output_piece){ .edit = false };
    buf_reset(&o->said);
    for (uint32_t i = 0; i < o->n_lanes; i++)
        o->lanes[i].touched = o->lanes[i].ending = false;
    return keep_envelopes(o, (struct str){ j->text, j->size });
}

bool output_fits(const struct output *o, const struct json *j, size_t more)
{
    size_t bytes = more + buf_len(&o->log);

    for (uint32_t i = 0; i < o->n_lanes; i++)
        bytes += buf_len(&o->lanes[i].window.text) +
                 buf_len(&o->lanes[i].like);
    for (uint32_t i = 0; i < o->items.n; i++) {
        if (o->items.items[i].type == WIRE_ITEM_TEXT)
            bytes += json_raw(j, o->items.items[i].node).n;
    }
    return bytes <= OUTPUT_MAX &&
           o->n_lanes + o->n_open + o->items.n <= OUTPUT_BLOCKS * 2 &&
           o->n_lanes <= OUTPUT_BLOCKS && o->n_open <= OUTPUT_BLOCKS;
}

struct output_lane *output_lane(struct output *o, const struct wire_item *i)
{
    struct output_lane *lane;
    void *list = o->lanes;

    for (uint32_t k = 0; k < o->n_lanes; k++) {
        const struct wire_block *b = &o->lanes[k].block;

        if (b->kind == i->kind && b->part == i->part &&
            b->choice == i->choice && b->block == i->block)
            return &o->lanes[k];
    }
    if (output_room(&list, o->n_lanes, &o->cap_lanes, sizeof *lane))
        return NULL;
    o->lanes = list;
    lane = &o->lanes[o->n_lanes++];
    *lane = (struct output_lane){ .block = { i->kind, i->part, i->choice,
                                             i->block },
                                  .again = i->again };
    output_window_init(&lane->window, 2 * OUTPUT_MAX);
    buf_init(&lane->like, SAID_MAX);
    return lane;
}

/* The event that text of the lane may be said like, once it has left. */
static int keep_like(struct output *o, struct output_lane *lane,
                     const struct json *j)
{
    if (!o->wire->each || o->whole || lane->again)
        return 0;
    buf_reset(&lane->like);
    return buf_put(&lane->like, (struct str){ j->text, j->size });
}

int output_gather(struct output *o, const struct json *j)
{
    for (uint32_t i = 0; i < o->items.n; i++) {
        const struct wire_item *item = &o->items.items[i];
        struct output_lane *lane;

        if (item->type != WIRE_ITEM_TEXT || item->raw ||
            !(output_acts(o, item->kind) || looks_at(o, item->kind)))
            continue;
        lane = output_lane(o, item);
        if (!lane)
            return -ERR_NOMEM;
        if (!lane->touched) {
            lane->touched = true;
            lane->ended = false;
            lane->n_items = 0;
            lane->was_empty = !output_window_text(&lane->window).n &&
                              !lane->window.high;
            if (output_acts(o, item->kind) && keep_like(o, lane, j))
                return -ERR_NOMEM;
        }
        if (output_window_add(&lane->window, json_raw(j, item->node)))
            return -ERR_NOMEM;
        lane->n_items++;
        lane->last_item = i;
        o->pieces[i].ours = true;
        o->pieces[i].lane = (uint32_t)(lane - o->lanes);
        o->pieces[i].end = output_window_text(&lane->window).n;
    }
    return 0;
}

/* ---- asking ------------------------------------------------------------ */

static int ask(struct output *o, const struct wire_block *b, bool final)
{
    o->window.kind = (enum wire_kind)b->kind;
    o->window.choice = b->choice;
    o->window.block = b->block;
    o->window.final = final;
    o->ops->ask(o->ud, &o->window, &o->verdict);
    return o->verdict.verdict == POLICY_NONE ? 0 : -ERR_CANCELLED;
}

int output_ask(struct output *o, struct output_lane *lane, bool final)
{
    int rc = final ? output_window_close(&lane->window) : 0;

    output_text_set(&o->text, output_window_text(&lane->window));
    o->text.left = lane->window.left;
    if (rc || !looks_at(o, lane->block.kind))
        return rc;
    return ask(o, &lane->block, final);
}

int output_raw(struct output *o, const struct json *j, uint32_t item)
{
    const struct wire_item *i = &o->items.items[item];
    struct wire_block b = { i->kind, i->part, i->choice, i->block };
    struct output_piece *p = &o->pieces[item];
    struct str raw = json_raw(j, i->node), now;
    struct json check = { 0 };
    int rc = 0;

    if (!looks_at(o, i->kind))
        return 0;
    output_text_set(&o->text, raw);
    rc = ask(o, &b, true);
    now = output_text_now(&o->text);
    if (rc || !output_acts(o, i->kind) || str_eq(now, raw))
        return rc;
    rc = json_scan(&check, now, NULL, NULL);
    json_clear(&check);
    if (rc)
        return output_give_up(o, "what it made of a tool's arguments is no "
                                 "JSON");
    p->edit = true;
    p->said = buf_len(&o->said);
    p->said_n = now.n;
    return buf_put(&o->said, now);
}

int output_say(struct output *o, struct output_piece *p, struct str text)
{
    int rc;

    p->edit = true;
    p->said = buf_len(&o->said);
    rc = buf_json_str(&o->said, text);
    p->said_n = buf_len(&o->said) - p->said;
    return rc;
}

size_t output_splices(struct output *o, const struct json *j)
{
    size_t n = 0;

    for (uint32_t i = 0; i < o->items.n; i++) {
        const struct wire_item *item = &o->items.items[i];
        struct str with = STR("null");

        if (item->type == WIRE_ITEM_TEXT && o->pieces[i].edit)
            with = (struct str){ o->said.p + o->said.off + o->pieces[i].said,
                                 o->pieces[i].said_n };
        else if (item->type != WIRE_ITEM_ECHO || !output_acts(o, WIRE_TEXT))
            continue;
        o->splices[n++] = (struct wire_splice){ j->nodes[item->node].start,
                                                j->nodes[item->node].end,
                                                with };
    }
    return n;
}

int output_carry(struct output *o, const struct output_lane *lane,
                 struct str text)
{
    int rc = 0;

    while (text.n && !rc) {
        struct str some = text;

        if (some.n > CARRY_BYTES) {
            some.n = CARRY_BYTES;
            while (some.n > CARRY_BYTES - 4 &&
                   ((unsigned char)text.p[some.n] & 0xC0) == 0x80)
                some.n--;
        }
        rc = o->wire->carry(o->dialect, &lane->block, some,
                            buf_str(o->wire->each ? &lane->like : &o->like),
                            &o->out);
        text.p += some.n;
        text.n -= some.n;
        o->content = true;
    }
    return rc;
}

int output_let_go(struct output *o, struct output_lane *lane)
{
    struct str text;
    int rc;

    if (output_window_close(&lane->window))
        return -ERR_NOMEM;
    text = output_window_text(&lane->window);
    text.p += lane->window.left;
    text.n -= lane->window.left;
    rc = output_carry(o, lane, text);
    lane->window.left = 0;
    buf_reset(&lane->window.text);
    return rc;
}

int output_give_up(struct output *o, const char *why)
{
    int rc = 0;

    if (o->off)
        return 0;
    o->ops->fail(o->ud, &o->window, why, &o->verdict);
    if (o->verdict.verdict != POLICY_NONE)
        return -ERR_CANCELLED;
    o->off = true;
    if (o->whole)
        return 0;
    if (o->wants.all)
        return output_hold_end(o, false);
    for (uint32_t i = 0; i < o->n_lanes && !rc; i++) {
        if (output_acts(o, o->lanes[i].block.kind) && !o->lanes[i].ended)
            rc = output_let_go(o, &o->lanes[i]);
    }
    return rc;
}
