/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* JSON between scripts and everything else: what ps.json takes and makes. */
#ifndef PENSTOCK_POLICY_API_JSON_H
#define PENSTOCK_POLICY_API_JSON_H

#include <lua.h>
#include <stdbool.h>

enum {
    API_JSON_BYTES = 1 << 20,  /* of a text */
    API_JSON_VALUES = 100000,  /* in a text */
    API_JSON_DEPTH = 64,
};

/** ps.null, which stands for JSON's null. */
void api_push_null(lua_State *L);
bool api_is_null(lua_State *L, int idx);

/** Is the table at idx marked as an array (by decode or ps.json.array)? */
bool api_is_array(lua_State *L, int idx);

/**
 * The value at arg 1 as JSON text: a lua_CFunction that pushes the text, or
 * nil and why there is none. Members are sorted by name, so that equal values
 * make equal texts.
 */
int api_json_encode(lua_State *L);

#endif
