/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The parts of `penstock policy test`: running files (policy_test.c), telling
 * (policy_report.c), waiting for a change (policy_watch.c).
 */
#ifndef PENSTOCK_CLI_POLICY_RUN_H
#define PENSTOCK_CLI_POLICY_RUN_H

#include "cli/policy.h"
#include "policy/cover.h"
#include "policy/test.h"

#include <jansson.h>

/** What a whole run comes to. */
struct test_totals {
    bool json;
    json_t *files; /* --json: what is printed at the end */
    json_t *tests; /* of the file under way */
    unsigned passed, failed;
};

void report_begin(struct test_totals *t, const char *path);
/** For struct policy_test: ud is the totals. */
void report_test(void *ud, const struct policy_test_report *r);
/** The file could not be run. */
void report_broken(struct test_totals *t, const char *path,
                   const struct err *err);
/** cover may be NULL. */
void report_file(struct test_totals *t, const struct policy_test *test,
                 const char *path, const struct policy_cover *cover);
void report_end(struct test_totals *t);

/**
 * Wait until a *.lua changes in a folder of these files, at most 64 folders;
 * changes that follow at once are one. Returns 1, 0 for SIGINT or SIGTERM, or
 * -ERR_x.
 */
struct policy_watch;
struct policy_watch *policy_watch_new(const struct policy_paths *files,
                                      struct err *err);
int policy_watch_wait(struct policy_watch *w, struct err *err);
void policy_watch_free(struct policy_watch *w);

#endif
