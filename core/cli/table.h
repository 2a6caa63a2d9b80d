/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A table on a terminal: a line of heads, then rows, each column as wide as
 * its widest cell (60 at most, the last as it is). What clients wrote may
 * stand in it: no control character gets out.
 */
#ifndef PENSTOCK_CLI_TABLE_H
#define PENSTOCK_CLI_TABLE_H

#include <jansson.h>
#include <stdbool.h>

enum { CLI_TABLE_COLUMNS = 32 };

struct cli_table {
    json_t *cells; /* the heads first; NULL: memory is out */
    bool right[CLI_TABLE_COLUMNS];
    int n;         /* columns */
};

void cli_table_init(struct cli_table *t);

/** One more column, numbers to the right; before the first cell. */
void cli_table_head(struct cli_table *t, const char *name, bool right);

/** The next cell, row by row. */
void cli_table_cell(struct cli_table *t, const char *text);

/** Print it on stdout and free it; nothing where there is no row. */
void cli_table_print(struct cli_table *t);

#endif
