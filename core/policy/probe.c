/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* A hook for each instruction, that counts. */
#include "policy/probe.h"

#include "policy/state.h"

static void on_instruction(lua_State *L, lua_Debug *ar)
{
    (void)ar;
    policy_state_of(L)->env->probe->instructions++;
}

static void open_count(struct policy_probe *p, struct policy_state *st)
{
    (void)p;
    lua_sethook(st->L, on_instruction, LUA_MASKCOUNT, 1);
}

struct policy_probe policy_probe_count(void)
{
    return (struct policy_probe){ .open = open_count };
}
