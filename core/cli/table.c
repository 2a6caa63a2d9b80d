/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "cli/table.h"

#include <stdio.h>
#include <string.h>

enum { WIDEST = 60, TEXT_MAX = 512 };

void cli_table_init(struct cli_table *t)
{
    *t = (struct cli_table){ .cells = json_array() };
}

void cli_table_head(struct cli_table *t, const char *name, bool right)
{
    if (t->n == CLI_TABLE_COLUMNS)
        return;
    t->right[t->n++] = right;
    cli_table_cell(t, name);
}

void cli_table_cell(struct cli_table *t, const char *text)
{
    char room[TEXT_MAX];
    size_t n = 0;

    for (; *text && n + 1 < sizeof room; text++)
        room[n++] = (unsigned char)*text < 32 || *text == 127 ? '?' : *text;
    json_array_append_new(t->cells, json_stringn_nocheck(room, n));
}

static const char *text_at(const struct cli_table *t, size_t i)
{
    return json_string_value(json_array_get(t->cells, i));
}

static int width_of(const struct cli_table *t, int column)
{
    int width = 0;

    for (size_t i = (size_t)column; i < json_array_size(t->cells);
         i += (size_t)t->n) {
        int n = (int)strlen(text_at(t, i));

        width = n > width ? n : width;
    }
    return width > WIDEST ? WIDEST : width;
}

void cli_table_print(struct cli_table *t)
{
    int width[CLI_TABLE_COLUMNS] = { 0 };
    size_t total = t->n ? json_array_size(t->cells) : 0;

    for (int c = 0; c < t->n; c++)
        width[c] = width_of(t, c);
    for (size_t i = 0; i < total && total > (size_t)t->n; i++) {
        int c = (int)(i % (size_t)t->n);

        if (c + 1 == t->n && !t->right[c])
            printf("%s\n", text_at(t, i));
        else
            printf(t->right[c] ? "%*s" : "%-*s", width[c], text_at(t, i));
        if (c + 1 < t->n)
            fputs("  ", stdout);
        else if (t->right[c])
            putchar('\n');
    }
    json_decref(t->cells);
    t->cells = NULL;
}
