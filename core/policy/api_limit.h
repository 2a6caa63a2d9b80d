/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Rows of ps.take and ps.peek: as a script wrote them (api_limit_spec.c), and
 * what they mean for a request (api_limit_row.c).
 */
#ifndef PENSTOCK_POLICY_API_LIMIT_H
#define PENSTOCK_POLICY_API_LIMIT_H

#include "policy/api.h"

enum { LIMIT_OF_TEXT = -1, LIMIT_RATE_TEXT = 23 };

/** A rate or a number; neither: it was not given. */
struct limit_amount {
    struct str rate;
    bool is_number;
    lua_Integer number;
};

/** A rate that was read: its text, and what it says. */
struct limit_rate {
    uint8_t n;
    char text[LIMIT_RATE_TEXT];
    uint64_t count, period_ms;
};

/** A row as the script wrote it, checked as far as no request is needed. */
struct limit_spec {
    enum limit_kind kind;
    int subject; /* see limit_subject */
    bool own, team, finish;
    struct str per;
    struct limit_amount limit, other; /* other: where "own" is none */
    lua_Integer burst;                /* 0 = not given */
    struct limit_rate last;
};

/** The payload of what ps.rows makes. */
struct limit_specs {
    const void *magic; /* told from other userdata without a look-up */
    size_t n;
    struct limit_spec at[];
};

/** Rows whose limit or whose subject is nil are left out. */
struct limit_rows {
    struct limit_row at[LIMIT_ROWS];
    bool finish[LIMIT_ROWS];
    int from[LIMIT_ROWS]; /* its number in the script's list */
    size_t n;
    int given; /* in the list */
    bool wants;
    uint64_t tokens; /* with wants: what a row of tokens asks for */
    char address[64];
};

/** Which of the words it is, or LIMIT_OF_TEXT. */
int limit_subject(struct str per);

/** The row on top, which stays. Texts are borrowed from it. Raises. */
void limit_spec_read(lua_State *L, struct limit_spec *x);

/** How many the table at idx has; raises for too many, or no table. */
size_t limit_rows_count(lua_State *L, int idx);

/** What ps.rows made, at idx; NULL where it is no userdata. Raises. */
struct limit_specs *limit_specs_at(lua_State *L, int idx);

/**
 * From the list at 1, or what ps.rows made of one. Raises. Texts are borrowed
 * from it, and from what is left on the stack.
 */
void limit_rows_read(lua_State *L, struct policy_call *c,
                     struct limit_rows *out);

/** ps.rows, into the table on top. */
void limit_rows_open(lua_State *L);

#endif
