/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Comparing, cutting, numbers, globs, UTF-8. */
#include "unit.h"

#include "base/str.h"

static void compares(void)
{
    CU_ASSERT(str_eq(STR_NULL, STR("")));
    CU_ASSERT(str_eq(STR("a\0b"), STR("a\0b")));
    CU_ASSERT(!str_eq(STR("a\0b"), STR("a\0c")));
    CU_ASSERT(!str_eq(STR("a"), STR("ab")));
    CU_ASSERT(str_is(STR("ab"), "ab") && !str_is(STR("ab"), "a"));
    CU_ASSERT(str_is(STR_NULL, NULL));
    CU_ASSERT(str_starts(STR("abc"), STR("ab")));
    CU_ASSERT(str_starts(STR_NULL, STR("")));
    CU_ASSERT(!str_starts(STR("a"), STR("ab")));
    CU_ASSERT(str_ieq(STR("Content-TYPE"), STR("content-type")));
    CU_ASSERT(!str_ieq(STR("a@"), STR("a`"))); /* 0x40 and 0x60: no letters */
    CU_ASSERT(!str_ieq(STR("[K"), STR("{k")));
    CU_ASSERT(!str_ieq(STR("a"), STR("ab")));
}

static void cuts(void)
{
    struct str rest = STR("a,,b,");
    const char *want[] = { "a", "", "b", "" };

    CU_ASSERT(str_is(str_trim(STR(" \t a b\t ")), "a b"));
    UNIT_INT(str_trim(STR(" \t ")).n, 0);
    CU_ASSERT(str_is(str_trim(STR("\na")), "\na"));
    for (int i = 0; i < 4; i++) {
        CU_ASSERT_FATAL(rest.p != NULL);
        CU_ASSERT(str_is(str_split(&rest, ','), want[i]));
    }
    CU_ASSERT(rest.p == NULL);
    rest = STR("");
    UNIT_INT(str_split(&rest, ',').n, 0);
    CU_ASSERT(rest.p == NULL);
    UNIT_INT(str_find(STR("abcabc"), STR("ca")), 2);
    UNIT_INT(str_find(STR("abc"), STR("")), 0);
    UNIT_INT(str_find(STR("abc"), STR("abcd")), -1);
    UNIT_INT(str_find(STR("abc"), STR("x")), -1);
}

static void reads_numbers(void)
{
    static const char *const bad[] = { "", "-1", "+1", " 1", "1 ", "0x1",
                                       "18446744073709551616", "1e2",
                                       "99999999999999999999" };
    uint64_t v = 7;

    CU_ASSERT(str_u64(STR("0"), &v) && v == 0);
    CU_ASSERT(str_u64(STR("0012"), &v) && v == 12);
    CU_ASSERT(str_u64(STR("18446744073709551615"), &v) && v == UINT64_MAX);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CU_ASSERT(!str_u64(str_of(bad[i]), &v));
    CU_ASSERT(v == UINT64_MAX);
}

static void matches_globs(void)
{
    static const struct { const char *pattern, *s; bool match; } cases[] = {
        { "", "", true },         { "", "a", false },
        { "*", "", true },        { "*", "anything", true },
        { "a*", "a", true },      { "a*", "ba", false },
        { "*a", "bca", true },    { "a*b*c", "axxbyyc", true },
        { "a*b*c", "axxcyyb", false }, { "**", "x", true },
        { "claude-*", "claude-3", true }, { "a?c", "abc", false },
        { "[a]", "a", false },    { "*ab", "aab", true },
        { "*aab", "aaaab", true },
    };
    char slow[2001];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CU_ASSERT(str_glob(str_of(cases[i].pattern), str_of(cases[i].s)) ==
                  cases[i].match);
    memset(slow, 'a', 2000); /* no exponential search */
    slow[2000] = '\0';
    CU_ASSERT(!str_glob(STR("*a*a*a*a*a*a*a*a*a*a*a*a*b"), str_of(slow)));
}

static void knows_utf8(void)
{
    static const char *const good[] = { "", "abc", "\xC2\x80", "\xDF\xBF",
                                        "\xE0\xA0\x80", "\xED\x9F\xBF",
                                        "\xEE\x80\x80", "\xF0\x90\x80\x80",
                                        "\xF4\x8F\xBF\xBF", "a\xE2\x82\xAC" };
    static const char *const bad[] = { "\x80", "\xC1\xBF", "\xC3", "\xE2\x82",
                                       "\xE0\x9F\xBF", "\xED\xA0\x80",
                                       "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80",
                                       "\xF8\x88\x80\x80\x80", "\xC3(",
                                       "\xE2(\xAC", "\xFF" };

    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        CU_ASSERT(str_utf8_valid(str_of(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CU_ASSERT(!str_utf8_valid(str_of(bad[i])));
}

static void copies_and_hashes(void)
{
    char *z = str_dup(STR_NULL);

    UNIT_STR(z, "");
    free(z);
    z = str_dup((struct str){ "abcd", 3 });
    UNIT_STR(z, "abc");
    free(z);
    CU_ASSERT(str_hash(STR("a"), 1) == str_hash(STR("a"), 1));
    CU_ASSERT(str_hash(STR("a"), 1) != str_hash(STR("a"), 2));
    CU_ASSERT(str_hash(STR("a"), 1) != str_hash(STR("b"), 1));
}

static void digits(void)
{
    char text[STR_DIGITS], want[32];
    uint64_t v = 1;

    UNIT_INT(str_digits(text, 0), 1);
    CU_ASSERT_EQUAL(text[0], '0');
    for (int i = 0; i < 20; i++, v *= 10) {
        for (uint64_t k = v - 1; k <= v + 1; k++) {
            size_t n = str_digits(text, k);

            snprintf(want, sizeof want, "%llu", (unsigned long long)k);
            CU_ASSERT(str_is((struct str){ text, n }, want));
        }
    }
    UNIT_INT(str_digits(text, UINT64_MAX), 20);
    CU_ASSERT(memcmp(text, "18446744073709551615", 20) == 0);
}

UNIT_MAIN("str", { "digits", digits }, { "compares", compares },
          { "cuts", cuts },
          { "reads numbers", reads_numbers },
          { "matches globs", matches_globs }, { "knows UTF-8", knows_utf8 },
          { "copies and hashes", copies_and_hashes })
