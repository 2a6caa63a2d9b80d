/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Finding a key in base and delta; its principal is made in key_principal.c. */
#include "engine/key_table_impl.h"

#include "base/sha256.h"

#include <stdlib.h>

/** One snapshot, opened. */
static int open_half(struct key_half *h, struct snapshot *s)
{
    struct str head = snapshot_section(s, STR("head"));
    struct str index = snapshot_section(s, STR("index"));

    *h = (struct key_half){ .snapshot = s };
    if (strcmp(snapshot_kind(s), KEY_TABLE_KIND) != 0 ||
        head.n != sizeof *h->head)
        return -ERR_SYNTAX;
    h->head = (const void *)head.p;
    h->slots = (const void *)index.p;
    h->rows = snapshot_section(s, STR("rows"));
    h->teams = snapshot_section(s, STR("teams"));
    if (h->head->version != KEY_TABLE_VERSION || h->head->n_slots == 0 ||
        (h->head->n_slots & (h->head->n_slots - 1)) != 0 ||
        index.n != h->head->n_slots * sizeof *h->slots)
        return -ERR_SYNTAX;
    return 0;
}

/* Team rows by name: there are few, and each update brings them all. */
static struct map *index_teams(const struct key_half *h)
{
    struct map *m = map_new(KEY_TEAMS_MAX);

    for (size_t at = 0; m && at < h->teams.n;) {
        const struct key_row *row = (const void *)(h->teams.p + at);
        struct key_text_at t = key_row_texts(row);
        struct str name = key_text_next(&t);

        if (name.n && map_set(m, name, (void *)(uintptr_t)row) != 0) {
            map_free(m);
            return NULL;
        }
        at += row->size;
    }
    return m;
}

struct key_table *key_table_new(void)
{
    return calloc(1, sizeof(struct key_table));
}

void key_table_free(struct key_table *t)
{
    if (!t)
        return;
    snapshot_unref(t->base.snapshot);
    snapshot_unref(t->delta.snapshot);
    map_free(t->teams);
    free(t);
}

bool key_table_is_base(const struct snapshot *s)
{
    struct key_half h;

    return open_half(&h, (struct snapshot *)(uintptr_t)s) == 0 &&
           h.head->base == 0;
}

int key_table_update(struct key_table *t, struct snapshot *s)
{
    struct key_half h;
    struct map *teams;
    int rc = open_half(&h, s);

    if (rc)
        return rc;
    if (h.head->base && (!t->base.snapshot ||
                         snapshot_generation(t->base.snapshot) !=
                             h.head->base))
        return -ERR_NOTFOUND;
    teams = index_teams(&h);
    if (!teams)
        return -ERR_NOMEM;
    map_free(t->teams);
    t->teams = teams;
    snapshot_ref(s);
    snapshot_unref(t->delta.snapshot);
    t->delta = (struct key_half){ 0 };
    if (h.head->base) {
        t->delta = h;
        return 0;
    }
    snapshot_unref(t->base.snapshot);
    t->base = h;
    return 0;
}

bool key_table_ready(const struct key_table *t)
{
    return t && t->base.snapshot;
}

size_t key_table_count(const struct key_table *t)
{
    return key_table_ready(t) ? t->base.head->n_keys : 0;
}

static const struct key_row *find(const struct key_half *h,
                                  const unsigned char sha256[32])
{
    uint64_t tag = key_slot_tag(sha256), mask, i;

    if (!h->snapshot)
        return NULL;
    mask = h->head->n_slots - 1;
    for (i = tag & mask; h->slots[i].offset; i = (i + 1) & mask) {
        const struct key_row *row;

        if (h->slots[i].tag != tag)
            continue;
        row = (const void *)(h->rows.p + h->slots[i].offset - 1);
        if (ct_equal(row->sha256, sha256, SHA256_BYTES))
            return row;
    }
    return NULL;
}

int key_table_principal(const struct key_table *t, const struct config *c,
                        const unsigned char sha256[32], struct arena *a,
                        struct principal **out)
{
    const struct key_row *row;

    *out = NULL;
    if (!key_table_ready(t))
        return -ERR_AUTH_UNAVAILABLE;
    row = find(&t->delta, sha256);
    if (!row)
        row = find(&t->base, sha256);
    if (!row || (row->flags & ROW_GONE))
        return 0;
    *out = key_principal(t, c, row, a);
    return *out ? 0 : -ERR_NOMEM;
}
