/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Between JSON and Lua's values: null is ps.null, an integer that fits 64 bits
 * stays exact, other numbers are floats, and a list that came from JSON stays
 * one, empty or not. All functions raise.
 */
#ifndef PENSTOCK_POLICY_VALUE_H
#define PENSTOCK_POLICY_VALUE_H

#include "base/json.h"

#include <lua.h>

enum {
    VALUE_DEPTH = 64,     /* tables in tables, both ways */
    VALUE_ITEMS = 50000,  /* of one value, both ways */
    VALUE_BYTES = 8 << 20 /* of one text made */
};

/** Push the value of a node. Texts are unescaped; a lone surrogate is U+FFFD.
 * Of two members with one name the last counts. O(bytes). */
void value_push(lua_State *L, const struct json *j, uint32_t node);

/**
 * Append the value at idx (an absolute index) as JSON. A table is an array
 * where it has 1 .. n alone (n > 0), or came from one; else an object, whose
 * names are written in their order, so that a text does not change by chance.
 * Raises for functions, userdata, NaN, tables with mixed keys or a metatable
 * of the script's.
 */
void value_put(lua_State *L, int idx, struct buf *out);

/** The table on top is a list, also when it is empty. */
void value_mark_list(lua_State *L);

/** Shortest text that reads back as this number; false for NaN and infinite
 * ones. `to` has 32 bytes. */
bool value_number_text(double v, char to[32]);

/** The metatable of lists; once per state. */
void value_open(lua_State *L);

#endif
