/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What a policy's code can name: an allow-list of Lua's own library, with
 * clamps where a C function could run for long, and the tables of ours. All
 * of it is frozen: no new globals, no changed libraries, no string metatable.
 */
#ifndef PENSTOCK_POLICY_SANDBOX_H
#define PENSTOCK_POLICY_SANDBOX_H

#include <lua.h>

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

/** Length for a table argument; raises for a script's own __len. */
lua_Integer sandbox_length(lua_State *L, int arg);

/** clamp.c: bounded versions, over the library's table on top of L. */
void clamp_string(lua_State *L);
void clamp_table(lua_State *L);
void clamp_utf8(lua_State *L);

#endif
