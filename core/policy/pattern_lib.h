/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* find, match, gmatch and gsub on the bounded matcher. */
#ifndef PENSTOCK_POLICY_PATTERN_LIB_H
#define PENSTOCK_POLICY_PATTERN_LIB_H

#include "base/str.h"

#include <lua.h>

/** A match at s.p + at, n bytes long, is to be replaced by `with`. */
typedef void (*pattern_swap)(lua_State *L, void *ud, size_t at, size_t n,
                             struct str with);

/**
 * As gsub with the replacement at stack index 3, but without making a text:
 * `swap` is called for each match that is replaced, in order. The number of
 * matches; raises what gsub raises. `s` must stand until it returns.
 */
lua_Integer pattern_each(lua_State *L, struct str s, struct str pattern,
                         pattern_swap swap, void *ud);

/** Add the four functions to the table on top of L. */
void pattern_lib(lua_State *L);

#endif
