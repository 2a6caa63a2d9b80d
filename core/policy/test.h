/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Tests of policies, written in Lua beside them (auth_test.lua): each
 * ps.test() is one request run through the production engine, with the keys,
 * targets and configuration that the test gives.
 *
 *   ps.test("a known key", {
 *     req = { credential = "k1" },
 *     keys = { { name = "ci", key = "k1" } },
 *     expect = { principal = "ci" } })
 */
#ifndef PENSTOCK_POLICY_TEST_H
#define PENSTOCK_POLICY_TEST_H

#include "base/err.h"

#include <stdio.h>

struct policy_test {
    struct str name;   /* "auth" */
    struct str path;   /* of the policy, for messages */
    struct str source; /* the policy's text */
    struct str tests;  /* the test file's text */
    struct str tests_path;
    FILE *out;         /* one line for each test; NULL = silent */
    unsigned passed, failed;
};

/**
 * Run all tests of one policy; counts are in t, failures are printed with
 * what was expected and what came. Returns 0 (also when tests failed).
 *
 * Errors: CONFIG when the test file itself is broken, NOMEM.
 */
int policy_test_run(struct policy_test *t, struct err *err);

#endif
