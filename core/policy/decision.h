/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What the files behind decisions share; nobody else's business. */
#ifndef PENSTOCK_POLICY_DECISION_H
#define PENSTOCK_POLICY_DECISION_H

#include "policy/api.h"

enum decision_kind {
    KIND_DENY,
    KIND_SKIP,
    KIND_ANSWER,
    KIND_STOP,
    KIND_AGAIN,
    KIND_NEXT,
    KIND_GIVE_UP,
    KIND_QUEUE,
    KINDS
};

/** The table on top becomes a decision; 1, as functions of Lua return. */
int decision_mark(lua_State *L, enum decision_kind kind);

/** Member of the table at idx as a string in the arena, cut to `max`; p NULL
 * when it is none. */
struct str decision_text(lua_State *L, struct arena *a, int idx,
                         const char *name, size_t max);
lua_Number decision_number(lua_State *L, int idx, const char *name);

/* decision_retry.c: those of upstream_error */
void decision_retry_open(lua_State *L); /* into ps, on top */
void decision_read_again(lua_State *L, struct policy_call *c, int idx);
void decision_read_next(lua_State *L, struct policy_call *c, int idx);
void decision_read_give_up(lua_State *L, struct policy_call *c, int idx);

#endif
