/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What a gsub swaps, noted while it runs, so that `w.text = w.text:gsub(...)`
 * is as exact as w:replace: see output_text.h. It costs a store for each
 * match, and in the output phase a comparison of the text.
 */
#ifndef PENSTOCK_POLICY_WINDOW_TRACE_H
#define PENSTOCK_POLICY_WINDOW_TRACE_H

#include "policy/output_text.h"

#include <lua.h>

enum { WINDOW_TRACE_MAX = 32 }; /* of more nothing is told */

/** On the stack of who swaps; begin with n = 0. */
struct window_trace {
    size_t n;
    struct output_span at[WINDOW_TRACE_MAX];
};

/** text[at, end) became result[to, to_end); in order. */
static inline void window_trace_add(struct window_trace *x, size_t at,
                                    size_t end, size_t to, size_t to_end)
{
    if (x->n < WINDOW_TRACE_MAX)
        x->at[x->n] = (struct output_span){ at, end - at, to, to_end - to };
    x->n++;
}

/** `text` has become the string on top. */
void window_trace_end(lua_State *L, struct window_trace *x, struct str text);

#endif
