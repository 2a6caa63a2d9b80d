/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* find, match, gmatch and gsub on the bounded matcher. */
#ifndef PENSTOCK_POLICY_PATTERN_LIB_H
#define PENSTOCK_POLICY_PATTERN_LIB_H

#include <lua.h>

/** Add the four functions to the table on top of L. */
void pattern_lib(lua_State *L);

#endif
