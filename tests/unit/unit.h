/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A unit test is one file and one program: functions that assert with CUnit,
 * and a table of them at the end.
 *
 *     static void reads_zero(void) { CU_ASSERT(parse("0") == 0); }
 *
 *     UNIT_MAIN("number", {"reads zero", reads_zero}, {"...", ...})
 *
 * `test_number` runs all, `test_number zero` those whose name holds "zero".
 * The exit code is 1 if one failed; the last line is for tests/run:
 * `unit number: 2 passed, 0 failed, 0 skipped`.
 */
#ifndef PENSTOCK_UNIT_H
#define PENSTOCK_UNIT_H

#if !__has_include(<CUnit/Basic.h>)
#error "CUnit is missing: apt-get install libcunit1-dev, then configure again"
#endif

#include <CUnit/Basic.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct unit_case {
    const char *name;
    void (*fn)(void);
};

static int unit_skipped;

/** Leave the running test uncounted, with the reason printed. */
#define UNIT_SKIP(reason)                                                      \
    do {                                                                       \
        printf("skipped: %s\n", (reason));                                     \
        unit_skipped++;                                                        \
        return;                                                                \
    } while (0)

/** Integers equal; both are printed where they are not. */
#define UNIT_INT(got, want)                                                    \
    do {                                                                       \
        long long g_ = (long long)(got), w_ = (long long)(want);               \
        if (g_ != w_)                                                          \
            printf("\n%s:%d: %s is %lld, not %lld", __FILE__, __LINE__, #got,  \
                   g_, w_);                                                    \
        CU_ASSERT_EQUAL(g_, w_);                                               \
    } while (0)

/** Strings equal; both are printed where they are not. NULL equals NULL. */
#define UNIT_STR(got, want)                                                    \
    do {                                                                       \
        const char *g_ = (got), *w_ = (want);                                  \
        int same_ = g_ && w_ ? strcmp(g_, w_) == 0 : g_ == w_;                 \
        if (!same_)                                                            \
            printf("\n%s:%d: %s is \"%s\", not \"%s\"", __FILE__, __LINE__,    \
                   #got, g_ ? g_ : "(null)", w_ ? w_ : "(null)");              \
        CU_ASSERT_TRUE(same_);                                                 \
    } while (0)

/** n bytes equal; where they first differ is printed. */
#define UNIT_MEM(got, want, n)                                                 \
    CU_ASSERT_TRUE(unit_mem(__FILE__, __LINE__, (got), (want), (n)))

static inline int unit_mem(const char *file, int line, const void *got,
                           const void *want, size_t n)
{
    const unsigned char *g = got, *w = want;

    for (size_t i = 0; i < n; i++) {
        if (g[i] == w[i])
            continue;
        printf("\n%s:%d: byte %zu of %zu is 0x%02x, not 0x%02x", file, line, i,
               n, g[i], w[i]);
        return 0;
    }
    return 1;
}

static inline int unit_add(const char *suite, const struct unit_case *cases,
                           size_t n, const char *filter)
{
    CU_pSuite s = CU_add_suite(suite, NULL, NULL);
    int added = 0;

    for (size_t i = 0; s && i < n; i++) {
        if (filter && !strstr(cases[i].name, filter))
            continue;
        if (!CU_add_test(s, cases[i].name, cases[i].fn))
            return -1;
        added++;
    }
    return added;
}

static inline int unit_run(const char *suite, const struct unit_case *cases,
                           size_t n, const char *filter)
{
    int added, failed, ran;

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (CU_initialize_registry() != CUE_SUCCESS)
        return 2;
    added = unit_add(suite, cases, n, filter);
    if (added <= 0) {
        fprintf(stderr, "unit %s: no test to run\n", suite);
        CU_cleanup_registry();
        return 2;
    }
    CU_basic_set_mode(CU_BRM_NORMAL);
    CU_basic_run_tests();
    ran = (int)CU_get_number_of_tests_run();
    failed = (int)CU_get_number_of_tests_failed();
    if (ran != added)
        failed += added - ran;
    CU_cleanup_registry();
    printf("unit %s: %d passed, %d failed, %d skipped\n", suite,
           added - failed - unit_skipped, failed, unit_skipped);
    return failed ? 1 : 0;
}

#define UNIT_MAIN(suite, ...)                                                  \
    int main(int argc, char **argv)                                            \
    {                                                                          \
        static const struct unit_case unit_cases_[] = {__VA_ARGS__};           \
        return unit_run(suite, unit_cases_,                                    \
                        sizeof unit_cases_ / sizeof unit_cases_[0],            \
                        argc > 1 ? argv[1] : NULL);                            \
    }

#endif
