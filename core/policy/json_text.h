/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Values of Lua as JSON text, and back: of ps.json, and of whatever sends or
 * takes JSON. Names are sorted, so that equal values make equal texts; whole
 * numbers are exact in both directions; null is ps.null.
 *
 * A table whose keys are 1 to n is a list, one with strings alone an object.
 * An empty one is an object, unless it has the mark of lists, which reading
 * gives. Read-only views (conf) are what is below them.
 *
 * Both sides are bounded and stop when the CPU budget is used up.
 */
#ifndef PENSTOCK_POLICY_JSON_TEXT_H
#define PENSTOCK_POLICY_JSON_TEXT_H

#include "base/err.h"
#include "base/str.h"

#include <lua.h>

enum {
    JSON_TEXT_MAX = 1 << 20,   /* bytes of a text */
    JSON_TEXT_VALUES = 100000, /* in a text */
    JSON_TEXT_NAMES = 20000,   /* of one table: sorting is one step of C */
    JSON_TEXT_DEPTH = 64,
};

/** Once per state, below lua_pcall, before the others. */
void json_text_open(lua_State *L);

/**
 * Push the value at idx as a text.
 *
 * False, with nothing pushed and *why, where there is none: not UTF-8, no
 * data, holes, too large.
 */
bool json_text_make(lua_State *L, int idx, const char **why);

/** The same; raises what is wrong with it, `what` first. */
void json_text_push(lua_State *L, int idx, const char *what);

/**
 * Push the value of a text.
 *
 * Errors, with nothing pushed: SYNTAX and LIMIT, err->at tells the byte; a
 * number that would lose digits is SYNTAX. NOMEM
 */
int json_text_parse(lua_State *L, struct str text, struct err *err);

/** The same, for whom the reason does not matter. */
bool json_text_read(lua_State *L, struct str text);

/** ps.null */
void json_null_push(lua_State *L);
bool json_null_is(lua_State *L, int idx);

/** The mark of lists: give it to the table on top, look for it. */
void json_list_mark(lua_State *L);
bool json_list_is(lua_State *L, int idx);

#endif
