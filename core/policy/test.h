/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Tests of policies, written in Lua beside them (auth_test.lua): each
 * ps.test() is one request, or several, through the production engine, with
 * the keys, targets and configuration that the test gives. What a policy waits
 * for is the test's, too: its services, its Redis, its time.
 *
 *   ps.test("a known key", {
 *     req = { credential = "k1" },
 *     keys = { { name = "ci", key = "k1" } },
 *     expect = { principal = "ci" } })
 */
#ifndef PENSTOCK_POLICY_TEST_H
#define PENSTOCK_POLICY_TEST_H

#include "base/err.h"

#include <stdbool.h>
#include <stdio.h>

struct policy_cover; /* policy/cover.h */

enum {
    POLICY_TEST_MS = 10000,
    POLICY_TEST_MEMORY = 64 << 20,
};

/** Of a failure: what was expected ('-'), what came ('+'), both (' '), or
 * what kept the test from running ('!'). */
struct policy_test_line {
    char mark;
    struct str text;
};

struct policy_test_report {
    struct str name;
    int line; /* of ps.test in the file */
    bool passed;
    const struct policy_test_line *lines;
    size_t n_lines;
};

struct policy_test {
    struct str name;   /* "auth" */
    struct str path;   /* of the policy, for messages */
    struct str source; /* the policy's text */
    struct str tests;  /* the test file's text */
    struct str tests_path;
    uint32_t cpu_ms;   /* for the whole file; 0 = POLICY_TEST_MS */
    FILE *out;         /* policy_test_print of each; NULL = silent */
    /** Told of each test; may be NULL. What is told is borrowed. */
    void (*report)(void *ud, const struct policy_test_report *r);
    void *ud;
    struct policy_cover *cover; /* lines that ran; NULL = not asked */
    unsigned passed, failed;
};

/**
 * Run all tests of one policy; counts are in t. Returns 0, also when tests
 * failed.
 *
 * Errors: CONFIG when the test file itself is broken, runs for too long or
 *         has no test; NOMEM.
 */
int policy_test_run(struct policy_test *t, struct err *err);

/** "  ok    name", or "  FAIL  name (line 7)" and the lines below it. */
void policy_test_print(FILE *to, const struct policy_test_report *r);

#endif
