/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Rows of ps.take and ps.peek, read from a script's tables. */
#ifndef PENSTOCK_POLICY_API_LIMIT_H
#define PENSTOCK_POLICY_API_LIMIT_H

#include "policy/api.h"

/** Rows whose limit or whose subject is nil are left out. */
struct limit_rows {
    struct limit_row at[LIMIT_ROWS];
    bool finish[LIMIT_ROWS];
    int from[LIMIT_ROWS]; /* its number in the script's list */
    size_t n;
    int given; /* in the list */
    char address[64];
};

/**
 * From the list at 1. Raises. Texts are borrowed from it, and from what is
 * left on the stack.
 */
void limit_rows_read(lua_State *L, struct policy_call *c,
                     struct limit_rows *out);

#endif
