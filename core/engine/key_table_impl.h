/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* A key table's inside, for the two files that read it. */
#ifndef PENSTOCK_ENGINE_KEY_TABLE_IMPL_H
#define PENSTOCK_ENGINE_KEY_TABLE_IMPL_H

#include "base/map.h"
#include "engine/key_table_layout.h"

struct key_half {
    struct snapshot *snapshot; /* NULL = none */
    const struct key_table_head *head;
    const struct key_slot *slots;
    struct str rows, teams;
};

struct key_table {
    struct key_half base, delta;
    struct map *teams; /* name to row, of the newest of the two */
};

/** The texts of a row, one after the other. */
struct key_text_at {
    const char *at, *end;
};

static inline struct key_text_at key_row_texts(const struct key_row *row)
{
    return (struct key_text_at){ (const char *)(row + 1),
                                 (const char *)row + row->size };
}

/** The next text; empty when there is none. */
static inline struct str key_text_next(struct key_text_at *t)
{
    struct str s;
    uint32_t n;

    if (t->end - t->at < (ptrdiff_t)sizeof n)
        return STR_NULL;
    memcpy(&n, t->at, sizeof n);
    t->at += sizeof n;
    if (n > (size_t)(t->end - t->at))
        return STR_NULL;
    s = (struct str){ t->at, n };
    t->at += n;
    return s;
}

/** The principal of a row, copied whole; NULL: memory. */
struct principal *key_principal(const struct key_table *t,
                                const struct config *c,
                                const struct key_row *row, struct arena *a);

#endif
