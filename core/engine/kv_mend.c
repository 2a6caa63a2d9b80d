/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * After a holder of a shard's lock was killed. Every entry that a bucket leads
 * to is whole; cells that none of them has are free, whatever the list of free
 * cells says. Should the chains themselves not hold together (a stray write of
 * a plugin), the shard is emptied: nothing in it is worth a guess.
 */
#include "engine/kv_shard.h"

#include "base/log.h"

#include <stdlib.h>

struct mend {
    struct kv_shard *s;
    unsigned char *used; /* by place */
};

static bool claim(struct mend *m, uint32_t place)
{
    if (place == 0 || place > m->s->n_cells || m->used[place])
        return false;
    m->used[place] = 1;
    return true;
}

static bool sizes_ok(const struct kv_head *h)
{
    return h->kind == KV_CELL_HEAD && h->space_n <= KV_SPACE_MAX &&
           h->key_n <= KV_KEY_MAX && h->text_n <= KV_TEXT_MAX &&
           h->type > KV_NONE && h->type <= KV_BOOL;
}

/* An entry whose head is claimed: its further cells. */
static bool claim_rest(struct mend *m, const struct kv_head *h)
{
    uint32_t n = kv_shard_cells_of(h), place = h->next;

    while (--n) {
        union kv_cell *c;

        if (!claim(m, place))
            return false;
        c = kv_shard_cell(m->s, place);
        if (c->more.kind != KV_CELL_MORE)
            return false;
        place = c->more.next;
    }
    return place == 0;
}

static bool claim_bucket(struct mend *m, uint32_t bucket)
{
    uint32_t place = atomic_load(&kv_shard_buckets(m->s)[bucket]);

    while (place) {
        struct kv_head *h;

        if (!claim(m, place))
            return false;
        h = &kv_shard_cell(m->s, place)->head;
        if (!sizes_ok(h) || (h->hash & m->s->mask) != bucket ||
            !claim_rest(m, h))
            return false;
        place = atomic_load(&h->chain);
    }
    return true;
}

/* All cells below the last used one that nobody has. */
static void list_free(struct mend *m)
{
    struct kv_shard *s = m->s;

    s->fresh = s->n_cells;
    for (; s->fresh && !m->used[s->fresh]; s->fresh--)
        kv_shard_cell(s, s->fresh)->more.kind = KV_CELL_FREE;
    s->free = s->n_free = 0;
    s->hand = s->hand % s->n_cells;
    for (uint32_t place = s->fresh; place; place--) {
        union kv_cell *c = kv_shard_cell(s, place);

        if (m->used[place])
            continue;
        c->more.kind = KV_CELL_FREE;
        c->more.next = s->free;
        s->free = place;
        s->n_free++;
    }
}

void kv_shard_mend(struct kv_shard *s)
{
    struct mend m = { s, calloc(s->n_cells + 1u, 1) };
    bool whole = m.used != NULL;

    for (uint32_t i = 0; whole && i <= s->mask; i++)
        whole = claim_bucket(&m, i);
    if (whole) {
        list_free(&m);
    } else {
        log_event(EV_kv_emptied, LOG_Z("why", m.used ? "damaged" : "memory"));
        kv_shard_empty(s);
    }
    free(m.used);
}
