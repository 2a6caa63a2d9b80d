/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* One ps.test{} as data: a configuration, a request, what is expected. */
#ifndef PENSTOCK_POLICY_TEST_CASE_H
#define PENSTOCK_POLICY_TEST_CASE_H

#include "base/buf.h"
#include "policy/policy.h"

#include <lua.h>

enum { TEST_TARGETS = 32, TEST_KEYS = 64 };

/** All of it in the arena, but for the two buffers. */
struct test_case {
    struct arena *arena;
    struct str name, phase; /* phase: empty where the policy has one only */
    struct config config;
    struct conf_policy policy;
    struct conf_key keys[TEST_KEYS];
    struct policy_value fields[FIELD_COUNT];
    struct conf_pair *headers;
    size_t n_headers;
    struct principal *principal;
    struct candidate list[TEST_TARGETS];
    struct plan plan;
    struct test_expect {
        struct str principal, deny, message, fails, note, targets;
        double status, retry_after; /* 0 = whatever it is */
        bool has_targets;
    } expect;
    struct buf notes, scratch;
};

/** From the table at idx (an absolute index). Raises what is wrong with it.
 * Fields that the table does not give are nil, or not yet there. */
void test_case_read(lua_State *L, struct test_case *t, int idx);

#endif
