/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What scripts see of the request: userdata that name a call and its
 * generation, and look things up when asked. Nothing of the core's is ever
 * pointed at past the call: a stale one raises "req is over".
 */
#ifndef PENSTOCK_POLICY_API_H
#define PENSTOCK_POLICY_API_H

#include "policy/call.h"
#include "policy/sandbox.h"

/** Payload of all of them. */
struct api_ref {
    struct policy_call *call;
    uint64_t gen;
    const void *thing; /* belongs to the call */
    size_t n;          /* elements, where thing is a list */
};

enum api_kind {
    API_REQ,
    API_HEADER,
    API_PRINCIPAL,
    API_TAGS, /* conf_pair[] */
    API_LIST, /* str[] */
    API_PLAN,
    API_TARGET, /* struct target */
    API_KINDS
};

/** Make the metatables and the global `ps`; below lua_pcall. */
void api_open(lua_State *L);

void api_push(lua_State *L, struct policy_call *c, enum api_kind kind,
              const void *thing, size_t n);

/** The live reference at arg; raises for another type or a stale one. */
struct api_ref *api_check(lua_State *L, int arg, enum api_kind kind);

/** The same without the type check, for metamethods (out of scripts' reach). */
struct api_ref *api_self(lua_State *L, enum api_kind kind);

/** Is the value at idx of that kind? (It may be stale.) */
bool api_is(lua_State *L, int idx, enum api_kind kind);

/** Index of the string at arg 2 in `names` (ended by NULL), or -1. The first
 * upvalue of the running function is a table made by api_names. */
int api_which(lua_State *L);

/** A closure of fn over the names (as upvalue 1), left on the stack. */
void api_names(lua_State *L, const char *const *names, lua_CFunction fn);

/** The call that runs; raises while a file is being loaded. */
struct policy_call *api_call(lua_State *L);

/** nil for an empty one */
void api_push_str(lua_State *L, struct str s);
void api_note(struct policy_call *c, struct str text);

/** Name in Lua of an enum policy_field. */
const char *api_req_name(int field);

/* one per file */
void api_req_open(lua_State *L);
void api_principal_open(lua_State *L);
void api_plan_open(lua_State *L);
void api_ps_open(lua_State *L);
void decision_open(lua_State *L); /* ps.deny, into the table on top */

/** Put the metatable on top in place as that of `kind`; popped. */
void api_metatable(lua_State *L, enum api_kind kind, const char *name);

/** Undo a call's edits of the plan. */
void api_plan_restore(struct policy_call *c);

/**
 * Read what a phase returned (at idx) into c->out. Raises when it is nothing
 * that the phase may return.
 */
void decision_read(lua_State *L, struct policy_call *c, int idx);

/** A principal from the table at idx, in the arena; raises. */
struct principal *principal_read(lua_State *L, struct arena *a, int idx);

#endif
