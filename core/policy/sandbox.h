/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What a policy's code can name: an allow-list of Lua's own library, with
 * clamps where a C function could run for long, and the tables of ours. All
 * of it is frozen: no new globals, no changed libraries, no string metatable.
 */
#ifndef PENSTOCK_POLICY_SANDBOX_H
#define PENSTOCK_POLICY_SANDBOX_H

#include "base/str.h"

#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>

/** Allow-listed library into a fresh state. The environment under
 * construction is a registry value; sandbox_add puts a table into it. */
void sandbox_open(lua_State *L);

/** Pop a table of functions and make it the global `name`, frozen. */
void sandbox_add(lua_State *L, const char *name);

/** Freeze the environment; nothing can be added after this. */
void sandbox_close(lua_State *L);

/** Push the environment that chunks get as their _ENV. */
void sandbox_push_env(lua_State *L);

/**
 * Replace the table on top by a read-only view of it: reads of missing names
 * and all writes raise, naming `name`. With `lenient`, a missing name is nil.
 */
void sandbox_freeze(lua_State *L, const char *name, int lenient);

/** Where the table on top is a read-only view, what is below it takes its
 * place. */
void sandbox_below(lua_State *L);

/** Is the table at arg such a view? */
bool sandbox_is_frozen(lua_State *L, int arg);

/** A table, or a userdata of ours (a list of req's); else raises. */
void sandbox_check_table(lua_State *L, int arg);

/** Length of that; raises for a script's own __len. */
lua_Integer sandbox_length(lua_State *L, int arg);

/* ---- text.c --------------------------------------------------------- */

/**
 * What tostring says of the value at idx, pushed. No addresses: a table is
 * "table" or its __name. (luaL_tolstring would tell where the heap is, also
 * in an error's text, which pcall hands to the script.)
 */
const char *sandbox_tolstring(lua_State *L, int idx, size_t *n);

/**
 * Collect garbage if the heap has no room for `bytes` more. A buffer of
 * lauxlib fails at the cap without a collection; call this before one grows.
 */
void sandbox_room(lua_State *L, size_t bytes);

/** luaL_buffinitsize, luaL_addlstring and luaL_addvalue, with room. */
char *sandbox_buffer(lua_State *L, luaL_Buffer *b, size_t n);
void sandbox_append(lua_State *L, luaL_Buffer *b, const char *s, size_t n);
void sandbox_append_value(lua_State *L, luaL_Buffer *b);

/* ---- the libraries, over Lua's own in the table on top of L ----------- */

/* chunk.c: compile a policy's file, text alone, for errors "name:line: ...";
 * as luaL_loadbufferx. Editors' mark at its begin (a BOM) is passed over. */
int chunk_file(lua_State *L, struct str source, const char *name);

void base_lib(lua_State *L);
void table_lib(lua_State *L);
void clamp_string(lua_State *L);
void clamp_utf8(lua_State *L);
int chunk_load(lua_State *L); /* load(text, name, mode, env) */

#endif
