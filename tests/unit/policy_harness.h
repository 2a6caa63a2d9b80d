/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Running a test file from text, and what is told of it. */
#ifndef PENSTOCK_POLICY_HARNESS_H
#define PENSTOCK_POLICY_HARNESS_H

#include "unit.h"

#include "base/buf.h"
#include "policy/test.h"

struct told {
    struct buf text;
};

static inline void on_report(void *ud, const struct policy_test_report *r)
{
    struct told *t = ud;

    buf_printf(&t->text, "%s " STR_FMT "\n", r->passed ? "ok" : "FAIL",
               STR_ARG(r->name));
    for (size_t i = 0; !r->passed && i < r->n_lines; i++)
        buf_printf(&t->text, "%c " STR_FMT "\n", r->lines[i].mark,
                   STR_ARG(r->lines[i].text));
}

/* Run; the error's message where the file is broken, else "". */
static inline struct policy_test run(struct told *told, const char *policy,
                                     const char *tests, struct err *err)
{
    struct policy_test t = { .name = STR("p"), .path = STR("p.lua"),
                             .source = str_of(policy),
                             .tests = str_of(tests),
                             .tests_path = STR("p_test.lua"),
                             .cpu_ms = 200, .report = on_report,
                             .ud = told };

    buf_init(&told->text, 1 << 16);
    policy_test_run(&t, err);
    return t;
}

static inline void expect_passed(const char *policy, const char *tests,
                                 unsigned n)
{
    struct told told;
    struct err err = { 0 };
    struct policy_test t = run(&told, policy, tests, &err);

    UNIT_STR(err.msg, "");
    UNIT_INT(t.passed, n);
    if (t.failed)
        printf("\n" STR_FMT, STR_ARG(buf_str(&told.text)));
    UNIT_INT(t.failed, 0);
    buf_clear(&told.text);
}

/* Nothing passes, and this is told. */
static inline void expect_told(const char *policy, const char *tests,
                               const char *want)
{
    struct told told;
    struct err err = { 0 };
    struct policy_test t = run(&told, policy, tests, &err);

    UNIT_INT(t.passed, 0);
    buf_puts(&told.text, err.msg);
    if (str_find(buf_str(&told.text), str_of(want)) < 0)
        printf("\n" STR_FMT "\nhas no:\n%s", STR_ARG(buf_str(&told.text)),
               want);
    CU_ASSERT(str_find(buf_str(&told.text), str_of(want)) >= 0);
    buf_clear(&told.text);
}

#endif
