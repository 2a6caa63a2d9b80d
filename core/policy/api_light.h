/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * References that are no objects: a light userdata that holds the number of
 * its call and which of the call's things it means. Most calls are passed and
 * ask for no other, and so leave no garbage; what an object costs is less its
 * making than the collector's way past it, through memory that is cold.
 *
 * All light userdata of a state share one metatable, ps.null (whose bits are
 * zero) with them; it finds the functions by the value's bits. That a value is
 * over shows by its number: no two calls of a state have the same one.
 */
#ifndef PENSTOCK_POLICY_API_LIGHT_H
#define PENSTOCK_POLICY_API_LIGHT_H

#include "policy/api.h"

/** Upvalues of functions that light values find, and of the full ones. */
enum { UP_REQ = 1, UP_PRINCIPAL, UP_PLAN, UP_COUNT = UP_PLAN };

/** Push it so, if the thing is one that can be; else false. */
bool api_light_push(lua_State *L, struct policy_call *c, enum api_kind kind,
                    const void *thing, size_t n);

/** Is the value at idx a light one of that kind? (It may be stale.) */
bool api_light_is(lua_State *L, int idx, enum api_kind kind);

/** What the light value at arg means, in the call that runs; NULL: it is
 * another's. */
struct api_ref *api_light_ref(lua_State *L, int arg);

/** The metatable; after all others are made. */
void api_light_open(lua_State *L);

/* Names and functions, one or more per file. */
const char *const *api_req_names(void);
const char *const *api_principal_names(void);
void api_plan_methods(lua_State *L); /* pushes them */
int api_req_index(lua_State *L);
int api_req_newindex(lua_State *L);
int api_principal_index(lua_State *L);
int api_tags_index(lua_State *L);
int api_tags_pairs(lua_State *L);
int api_plan_index(lua_State *L);

#endif
