/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Which blocks a client has seen begin, what of them, and the end of an answer
 * for them. */
#include "flow/output_impl.h"

#include <stdlib.h>

static bool covers(const struct wire_item *i, const struct wire_block *b)
{
    return i->choice == b->choice &&
           (i->block == WIRE_ALL || i->block == b->block);
}

static int begin(struct output *o, const struct wire_item *i, bool in_head)
{
    void *list = o->open;

    for (uint32_t k = 0; k < o->n_open; k++) {
        struct output_open *at = &o->open[k];

        if (at->block.choice != i->choice || at->block.block != i->block)
            continue;
        at->in_head |= in_head;
        return 0;
    }
    if (output_room(&list, o->n_open, &o->cap_open, sizeof *o->open))
        return -ERR_NOMEM;
    o->open = list;
    o->open[o->n_open++] = (struct output_open){
        .block = { i->kind, i->part, i->choice, i->block },
        .in_head = in_head };
    return 0;
}

int output_track(struct output *o, bool in_head)
{
    int rc = 0;

    for (uint32_t n = 0; n < o->items.n && !rc; n++) {
        const struct wire_item *i = &o->items.items[n];

        if (i->type == WIRE_ITEM_BEGIN)
            rc = begin(o, i, in_head);
        if (i->type != WIRE_ITEM_END)
            continue;
        for (uint32_t k = 0; k < o->n_open; k++)
            o->open[k].ended |= covers(i, &o->open[k].block);
    }
    return rc;
}

void output_may_end(struct output *o)
{
    o->keeps = o->wire->keep != NULL;
}

int output_keep(struct output *o)
{
    struct str fresh = buf_str(&o->out);
    int rc;

    if (!o->keeps || o->whole)
        return 0;
    if (!o->kept)
        o->kept = o->wire->kept_new(o->names);
    if (!o->kept)
        return -ERR_NOMEM;
    fresh.p += o->n_kept;
    fresh.n -= o->n_kept;
    if (!fresh.n)
        return 0;
    buf_reset(&o->fresh);
    rc = buf_put(&o->fresh, fresh);
    if (rc)
        return rc;
    o->out.n -= fresh.n;
    rc = o->wire->keep(o->kept, buf_str(&o->fresh), &o->out);
    o->n_kept = buf_len(&o->out);
    return rc;
}

void output_number(const struct output *o, uint32_t *number)
{
    if (o->kept)
        *number = o->wire->kept_next(o->kept);
}

/* Where nothing has left yet (`unseen`), a choice ends whatever was read of it;
 * a block that the client never saw begin need not end. */
static bool is_to_end(const struct output_open *at, bool unseen)
{
    if (!unseen)
        return !at->ended;
    return at->block.block == WIRE_ALL || at->in_head;
}

static int stop(struct output *o, enum wire_finish finish,
                const struct usage *usage, bool asked, bool unseen)
{
    struct wire_block *open = calloc(o->n_open + 1, sizeof *open);
    struct wire_stop stop = { .finish = finish, .like = buf_str(&o->like),
                              .head = buf_str(&o->first),
                              .open = open, .usage = usage,
                              .usage_asked = asked };
    int rc = 0;

    if (!open)
        return -ERR_NOMEM;
    for (uint32_t k = 0; k < o->n_open; k++) {
        if (is_to_end(&o->open[k], unseen))
            open[stop.n_open++] = o->open[k].block;
    }
    if (unseen)
        rc = buf_put(&o->out, (struct str){ buf_str(&o->log).p, o->head });
    rc = rc ? rc : output_keep(o);
    stop.kept = o->kept;
    rc = rc ? rc : o->wire->stop_stream(o->dialect, &stop, &o->out);
    o->n_kept = buf_len(&o->out);
    free(open);
    return rc;
}

int output_stop(struct output *o, const struct usage *usage, bool asked)
{
    return stop(o, o->verdict.finish, usage, asked, o->wants.all);
}

int output_finish(struct output *o, enum wire_finish finish,
                  const struct usage *usage, bool asked)
{
    int rc = output_end(o);

    return rc ? rc : stop(o, finish, usage, asked, false);
}
