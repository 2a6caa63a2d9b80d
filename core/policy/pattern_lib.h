/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* find, match, gmatch and gsub on the bounded matcher. */
#ifndef PENSTOCK_POLICY_PATTERN_LIB_H
#define PENSTOCK_POLICY_PATTERN_LIB_H

#include "policy/pattern.h"

#include <lauxlib.h>

/** For others that replace: push the captures of a match, at least one. */
int pattern_push_captures(lua_State *L, const struct pattern *p,
                          struct str whole);

/** Append the replacement text at stack index 3, its %0 to %9 filled in. */
void pattern_add_template(lua_State *L, luaL_Buffer *b,
                          const struct pattern *p, struct str whole);

/** Add the four functions to the table on top of L. */
void pattern_lib(lua_State *L);

#endif
