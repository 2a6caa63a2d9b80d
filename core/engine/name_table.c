/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "engine/name_table.h"

#include "base/err.h"

#include <string.h>

int name_table_init(struct name_table *t)
{
    *t = (struct name_table){ .rows = map_new(NAME_TABLE_ROWS) };
    return t->rows ? 0 : -ERR_NOMEM;
}

void name_table_clear(struct name_table *t)
{
    map_free(t->rows);
    t->rows = NULL;
}

int name_table_add(struct name_table *t, struct str name, void *row)
{
    size_t n = name.n;
    int rc;

    if (n == 0 || n > NAME_TABLE_KEY_MAX)
        return 0;
    rc = map_set(t->rows, name, row);
    if (rc == 0 && name.p[n - 1] == '*')
        t->lengths[(n - 1) / 64] |= 1ull << (n - 1) % 64;
    return rc;
}

void *name_table_find(const struct name_table *t, struct str provider,
                      struct str model)
{
    char key[NAME_TABLE_KEY_MAX + 1];
    size_t n = provider.n + 1 + model.n;
    void *row;

    if (n >= NAME_TABLE_KEY_MAX || !provider.n || !model.n)
        return NULL;
    memcpy(key, provider.p, provider.n);
    key[provider.n] = '/';
    memcpy(key + provider.n + 1, model.p, model.n);
    row = map_get(t->rows, (struct str){ key, n });
    for (; !row && n > provider.n; n--) {
        if (!(t->lengths[n / 64] >> n % 64 & 1))
            continue;
        key[n] = '*';
        row = map_get(t->rows, (struct str){ key, n + 1 });
    }
    return row;
}
