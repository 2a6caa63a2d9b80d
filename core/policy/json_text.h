/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Values of Lua as JSON text, and back. A table whose keys are 1 to n is a
 * list, one with strings alone an object, an empty one an object; null is
 * ps.null. Both sides are bounded in depth and size and stop when the CPU
 * budget is used up.
 */
#ifndef PENSTOCK_POLICY_JSON_TEXT_H
#define PENSTOCK_POLICY_JSON_TEXT_H

#include "base/str.h"

#include <lua.h>

enum { JSON_TEXT_DEPTH = 64, JSON_TEXT_MAX = 1 << 20 };

/** Push the value at idx as a text. Raises what is wrong with it, `what`
 * first; nothing is left behind then. */
void json_text_push(lua_State *L, int idx, const char *what);

/** Push the value of a text: false, and nothing pushed, where it is none
 * (or holds what Lua cannot: an integer over 64 bits, a NUL in a name). */
bool json_text_read(lua_State *L, struct str text);

#endif
