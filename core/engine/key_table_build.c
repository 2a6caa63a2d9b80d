/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Making a key table: rows are gathered, the index is laid out at the end. */
#include "engine/key_table_layout.h"

#include "base/buf.h"

#include <stdlib.h>

#define ROWS_MAX ((size_t)768 << 20)

struct key_table_builder {
    uint64_t generation;
    struct key_table_head head;
    struct buf rows, teams;
};

struct key_table_builder *key_table_builder_new(uint64_t generation,
                                                uint64_t base,
                                                struct err *err)
{
    struct key_table_builder *b = calloc(1, sizeof *b);

    if (!b) {
        err_set(err, ERR_NOMEM, "no memory");
        return NULL;
    }
    b->generation = generation;
    b->head.version = KEY_TABLE_VERSION;
    b->head.base = base;
    buf_init(&b->rows, ROWS_MAX);
    buf_init(&b->teams, ROWS_MAX);
    return b;
}

void key_table_builder_free(struct key_table_builder *b)
{
    if (!b)
        return;
    buf_clear(&b->rows);
    buf_clear(&b->teams);
    free(b);
}

/* ---- rows -------------------------------------------------------------- */

static int put_text(struct buf *to, struct str s)
{
    uint32_t n = (uint32_t)s.n;
    int rc = buf_put(to, (struct str){ (const char *)&n, sizeof n });

    return rc ? rc : buf_put(to, s);
}

static int put_list(struct buf *to, const struct str *list, size_t n)
{
    int rc = 0;

    for (size_t i = 0; i < n && !rc; i++)
        rc = put_text(to, list[i]);
    return rc;
}

static int put_pairs(struct buf *to, const struct conf_pair *p, size_t n)
{
    int rc = 0;

    for (size_t i = 0; i < n && !rc; i++) {
        rc = put_text(to, p[i].key);
        if (!rc)
            rc = put_text(to, p[i].value);
    }
    return rc;
}

static int put_head(struct buf *to, const struct key_row *row)
{
    return buf_put(to, (struct str){ (const char *)row, sizeof *row });
}

/* Pad, and write the size into the row that begins at `start`. */
static int end_row(struct buf *to, size_t start)
{
    static const char zeros[8];
    uint32_t size;
    int rc = 0;

    if ((to->n - start) % 8)
        rc = buf_put(to, (struct str){ zeros, 8 - (to->n - start) % 8 });
    if (rc)
        return rc;
    size = (uint32_t)(to->n - start);
    memcpy(to->p + start + offsetof(struct key_row, size), &size,
           sizeof size);
    return 0;
}

int key_table_builder_add(struct key_table_builder *b,
                          const struct conf_key *k, struct str limits,
                          bool gone)
{
    const struct str texts[KEY_TEXTS] = { k->name, k->team, k->user, limits };
    struct key_row row = {
        .expires_ms = k->expires_ms,
        .flags = (k->disabled ? ROW_DISABLED : 0) | (gone ? ROW_GONE : 0),
        .n_models = (uint32_t)k->n_models,
        .n_endpoints = (uint32_t)k->n_endpoints,
        .n_cidrs = (uint32_t)k->n_cidrs,
        .n_tags = (uint32_t)k->n_tags,
    };
    size_t start = b->rows.n;
    int rc;

    if (b->head.n_keys == KEY_TABLE_MAX)
        return -ERR_LIMIT;
    memcpy(row.sha256, k->sha256, sizeof row.sha256);
    rc = put_head(&b->rows, &row);
    if (!rc)
        rc = put_list(&b->rows, texts, KEY_TEXTS);
    if (!rc)
        rc = put_list(&b->rows, k->models, k->n_models);
    if (!rc)
        rc = put_list(&b->rows, k->endpoints, k->n_endpoints);
    if (!rc)
        rc = put_list(&b->rows, k->cidrs, k->n_cidrs);
    if (!rc)
        rc = put_pairs(&b->rows, k->tags, k->n_tags);
    if (!rc)
        rc = end_row(&b->rows, start);
    if (!rc)
        b->head.n_keys++;
    return rc;
}

int key_table_builder_team(struct key_table_builder *b,
                           const struct key_team *t)
{
    const struct str texts[TEAM_TEXTS] = { t->name, t->parent, t->limits };
    struct key_row row = { .n_models = (uint32_t)t->n_models,
                           .n_tags = (uint32_t)t->n_tags };
    size_t start = b->teams.n;
    int rc;

    if (b->head.n_teams == KEY_TEAMS_MAX)
        return -ERR_LIMIT;
    rc = put_head(&b->teams, &row);
    if (!rc)
        rc = put_list(&b->teams, texts, TEAM_TEXTS);
    if (!rc)
        rc = put_list(&b->teams, t->models, t->n_models);
    if (!rc)
        rc = put_pairs(&b->teams, t->tags, t->n_tags);
    if (!rc)
        rc = end_row(&b->teams, start);
    if (!rc)
        b->head.n_teams++;
    return rc;
}

/* ---- the index --------------------------------------------------------- */

/* A slot for this row: a free one, or that of the same digest. */
static void place(struct key_slot *slots, uint32_t n, const char *rows,
                  size_t offset)
{
    const struct key_row *row = (const void *)(rows + offset);
    uint64_t tag = key_slot_tag(row->sha256), i = tag & (n - 1);

    while (slots[i].offset) {
        const struct key_row *other =
            (const void *)(rows + slots[i].offset - 1);

        if (memcmp(other->sha256, row->sha256, sizeof row->sha256) == 0)
            break;
        i = (i + 1) & (n - 1);
    }
    slots[i] = (struct key_slot){ tag, offset + 1 };
}

static struct key_slot *lay_out(struct key_table_builder *b)
{
    struct key_slot *slots;
    uint32_t n = 4;

    while (n < 2 * b->head.n_keys)
        n *= 2;
    b->head.n_slots = n;
    slots = calloc(n, sizeof *slots);
    for (size_t at = 0; slots && at < b->rows.n;) {
        const struct key_row *row = (const void *)(b->rows.p + at);

        place(slots, n, b->rows.p, at);
        at += row->size;
    }
    return slots;
}

int key_table_builder_seal(struct key_table_builder *b, struct err *err)
{
    struct snapshot_builder *s =
        snapshot_builder_new(KEY_TABLE_KIND, b->generation, err);
    struct key_slot *slots = lay_out(b);
    int rc = s ? 0 : -err->code;

    if (!rc && !slots)
        rc = err_set(err, ERR_NOMEM, "no memory");
    if (!rc)
        rc = snapshot_builder_add(
            s, STR("head"),
            (struct str){ (const char *)&b->head, sizeof b->head }, err);
    if (!rc)
        rc = snapshot_builder_add(
            s, STR("index"),
            (struct str){ (const char *)slots,
                          b->head.n_slots * sizeof *slots }, err);
    if (!rc)
        rc = snapshot_builder_add(s, STR("rows"), buf_str(&b->rows), err);
    if (!rc)
        rc = snapshot_builder_add(s, STR("teams"), buf_str(&b->teams), err);
    if (!rc)
        rc = snapshot_builder_seal(s, err);
    snapshot_builder_free(s);
    free(slots);
    key_table_builder_free(b);
    return rc;
}
