/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Rows by "provider/model" or "provider/prefix*": the exact name counts, then
 * the longest prefix.
 */
#ifndef PENSTOCK_ENGINE_NAME_TABLE_H
#define PENSTOCK_ENGINE_NAME_TABLE_H

#include "base/map.h"

enum { NAME_TABLE_KEY_MAX = 255, NAME_TABLE_ROWS = 20000 };

struct name_table {
    struct map *rows;
    uint64_t lengths[NAME_TABLE_KEY_MAX / 64 + 1]; /* of the prefixes, bits */
};

/** 0 or -ERR_NOMEM. */
int name_table_init(struct name_table *t);
void name_table_clear(struct name_table *t);

/** Borrows the row. Names that are empty or too long are left out: 0.
 * -ERR_NOMEM, -ERR_LIMIT. */
int name_table_add(struct name_table *t, struct str name, void *row);

/** O(lengths of prefixes); NULL = none. */
void *name_table_find(const struct name_table *t, struct str provider,
                      struct str model);

#endif
