/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Insides of JSON strings. */
#include "unit.h"

#include "wire/jstr.h"

static struct jstr js(const char *z)
{
    return (struct jstr){ z, strlen(z) };
}

static void text_is(const char *inside, const char *want)
{
    struct arena *a = arena_new(1 << 16);
    struct str s = jstr_text(js(inside), a);

    CU_ASSERT(str_is(s, want));
    arena_free(a);
}

static void reads_characters(void)
{
    struct jstr plain = JSTR("plain");
    struct arena *a = arena_new(1 << 16);

    text_is("", "");
    text_is("a\\n\\u00e9\\\"\\\\\\/", "a\n\xC3\xA9\"\\/");
    text_is("\\ud83d\\ude00", "\xF0\x9F\x98\x80");
    text_is("\\ud83d", "\xEF\xBF\xBD");
    CU_ASSERT(jstr_text(plain, a).p == plain.p); /* borrowed */
    CU_ASSERT(jstr_text(JSTR_NULL, a).p == NULL);
    arena_free(a);
}

static void escapes_what_must_be(void)
{
    static const struct {
        struct str in;
        const char *out;
    } cases[] = {
        { { "plain", 5 }, "plain" },
        { { "a\"b\\c/\n\t\x01", 9 }, "a\\\"b\\\\c/\\n\\t\\u0001" },
        { { "\xC3\xA9\xF0\x9F\x98\x80", 6 }, "\xC3\xA9\xF0\x9F\x98\x80" },
        { { "\xC3", 1 }, "\xEF\xBF\xBD" },
        { { "\0\x7F", 2 }, "\\u0000\\u007f" },
    };
    struct arena *a = arena_new(1 << 16);

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct jstr s = jstr_escape(cases[i].in, a);

        CU_ASSERT(str_is((struct str){ s.p, s.n }, cases[i].out));
    }
    CU_ASSERT(jstr_escape(STR_NULL, a).p == NULL);
    arena_free(a);
}

static void sees_white_space(void)
{
    CU_ASSERT(jstr_blank(js("")) && jstr_blank(js(" \\n\\t\\r\\u0020\\u000A")));
    CU_ASSERT(!jstr_blank(js(" x")) && !jstr_blank(js("\\\\n")));
    CU_ASSERT(!jstr_blank(js("\\u00e9")) && !jstr_blank(js("\\\"")));
    CU_ASSERT(jstr_trim_end(js("a b \\n\\u0020")).n == 3);
    CU_ASSERT(jstr_trim_end(js("a\\\\n")).n == 4); /* a backslash and an n */
    CU_ASSERT(jstr_trim_end(js(" ")).n == 0);
}

static void counts_characters(void)
{
    UNIT_INT(jstr_length(js("")), 0);
    UNIT_INT(jstr_length(js("abc")), 3);
    UNIT_INT(jstr_length(js("\xC3\xA9\\u00e9\\n")), 3);
    UNIT_INT(jstr_length(js("\xF0\x9F\x98\x80\\ud83d\\ude00")), 2);
    UNIT_INT(jstr_length(js("\\ud83d\\u0041")), 2);
}

static void sees_halves_of_pairs(void)
{
    UNIT_INT(jstr_half_pair(js("a\\ud83d")), 6);
    UNIT_INT(jstr_half_pair(js("\\uDBFF")), 6);
    UNIT_INT(jstr_half_pair(js("\\ude00")), 0);
    UNIT_INT(jstr_half_pair(js("\\\\ud83d")), 0); /* text */
    UNIT_INT(jstr_half_pair(js("\\\\\\ud83d")), 6);
    UNIT_INT(jstr_half_pair(js("ud83d")), 0);
    CU_ASSERT(jstr_low_first(js("\\ude00x")));
    CU_ASSERT(!jstr_low_first(js("\\ud83d")) && !jstr_low_first(js("\\u")));
}

UNIT_MAIN("jstr", { "reads characters", reads_characters },
          { "escapes what must be", escapes_what_must_be },
          { "sees white space", sees_white_space },
          { "counts characters", counts_characters },
          { "sees halves of pairs", sees_halves_of_pairs })
