/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What the rows of a test's table read: one function a kind of value, from
 * the value on top of the stack into a member of the case or of the call.
 * They raise where it is none.
 */
#ifndef PENSTOCK_POLICY_TEST_ROWS_H
#define PENSTOCK_POLICY_TEST_ROWS_H

#include "policy/test_case.h"

/** test_target.c: a target's table, or its name; into a struct target
 * pointer. */
void test_read_target(lua_State *L, struct test_case *t, void *into);
/** test_body.c: into the call, into its expect. */
void test_read_body(lua_State *L, struct test_case *t, void *into);
void test_read_body_wanted(lua_State *L, struct test_case *t, void *into);
/** test_cert.c: into a struct tls_peer pointer. */
void test_read_cert(lua_State *L, struct test_case *t, void *into);
/** test_try.c: into a policy_try, a policy_failed, a policy_resp, the
 * expect. */
void test_read_try(lua_State *L, struct test_case *t, void *into);
void test_read_err(lua_State *L, struct test_case *t, void *into);
void test_read_again(lua_State *L, struct test_case *t, void *into);
void test_read_next(lua_State *L, struct test_case *t, void *into);
void test_read_give_up(lua_State *L, struct test_case *t, void *into);
void test_read_resp(lua_State *L, struct test_case *t, void *into);
void test_read_head(lua_State *L, struct test_case *t, void *into);
/** test_out.c: into a policy_out. */
void test_read_out(lua_State *L, struct test_case *t, void *into);
/** test_ctx.c: into a struct test_pairs. */
void test_read_ctx(lua_State *L, struct test_case *t, void *into);
/** test_jwt.c: the issuers. */
void test_jwt_read(lua_State *L, struct test_case *t, void *into);
/** test_limit.c: into the call. */
void test_read_running(lua_State *L, struct test_case *t, void *into);
void test_read_tokens(lua_State *L, struct test_case *t, void *into);
/** test_window.c: into a test_window and into the call. */
void test_window_read(lua_State *L, struct test_case *t, void *into);
void test_chunks_read(lua_State *L, struct test_case *t, void *into);

#endif
