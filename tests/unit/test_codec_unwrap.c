/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* A list or a word as the one member of an object, and out of it again,
 * wherever the text is cut. */
#include "unit.h"

#include "base/buf.h"
#include "wire/codec_unwrap.h"

static void wraps_what_is_no_object(void)
{
    static const struct {
        const char *raw, *sent; /* NULL: as it is */
    } cases[] = {
        { "{\"type\":\"object\"}", NULL },
        { "{\"$ref\":\"#/$defs/A\"}", NULL },
        { "{\"properties\":{}}", NULL },
        { "{\"type\":\"array\",\"items\":{\"$ref\":\"#/$defs/A\"},"
          "\"$defs\":{\"A\":{}}}",
          "{\"type\":\"object\",\"properties\":{\"value\":{\"type\":"
          "\"array\",\"items\":{\"$ref\":\"#/$defs/A\"},\"$defs\":{"
          "\"A\":{}}}},\"required\":[\"value\"],"
          "\"additionalProperties\":false,\"$defs\":{\"A\":{}}}" },
        { "{\"enum\":[\"a\"]}",
          "{\"type\":\"object\",\"properties\":{\"value\":{\"enum\":["
          "\"a\"]}},\"required\":[\"value\"],"
          "\"additionalProperties\":false}" },
        { "{\"type\":\"array\",\"items\":{},\"definitions\":{\"B\":{}},"
          "\"$defs\":{\"A\":{}}}",
          "{\"type\":\"object\",\"properties\":{\"value\":{\"type\":"
          "\"array\",\"items\":{},\"definitions\":{\"B\":{}},\"$defs\":{"
          "\"A\":{}}}},\"required\":[\"value\"],"
          "\"additionalProperties\":false,\"$defs\":{\"A\":{}},"
          "\"definitions\":{\"B\":{}}}" },
        { "{\"type\":\"array\",\"items\":{\"$ref\":\"#\"}}", NULL },
        { "{\"type\":\"array\",\"items\":{\"anyOf\":[{\"type\":\"string\"},"
          "{\"$ref\":\"#/items\"}]}}", NULL },
    };
    struct arena *a = arena_new(1 << 20);

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *want = cases[i].sent ? cases[i].sent : cases[i].raw;

        CU_ASSERT(str_is(codec_wrap_schema(str_of(cases[i].raw), a), want));
    }
    arena_free(a);
}

struct told {
    struct buf text;
    unsigned ends;
};

/* Does it stand for itself between quotes? Characters of two bytes come in
 * two here, and there is but one of them. */
static bool is_whole(struct jstr s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"')
            return false;
        if (s.p[i] != '\\')
            continue;
        if (++i == s.n || !strchr("\"\\/bfnrtu", s.p[i]))
            return false;
        if (s.p[i] == 'u' && (s.n - i < 5 ||
                              strspn(s.p + i + 1, "0123456789abcdefABCDEF") <
                                  4))
            return false;
        i += s.p[i] == 'u' ? 4 : 0;
    }
    return true;
}

static int hear(void *ud, const struct neutral_event *ev)
{
    struct told *t = ud;

    t->ends += ev->type == NEUTRAL_BLOCK_END;
    if (ev->type != NEUTRAL_TEXT)
        return 0;
    CU_ASSERT(ev->text.n > 0);
    CU_ASSERT(is_whole(ev->text));
    return buf_put(&t->text, (struct str){ ev->text.p, ev->text.n });
}

static const struct {
    const char *text, *said; /* the insides of JSON strings */
    bool bare;
} answers[] = {
    { "{\\\"value\\\":[\\\"a}\\\\\\\"]\\\",{\\\"b\\\":1}]}",
      "[\\\"a}\\\\\\\"]\\\",{\\\"b\\\":1}]", false },
    { " {\\n \\\"value\\\" : [1, 2]\\n }\\n", "[1, 2]\\n", false },
    { "{\\\"value\\\":\\\"a\\\"}", "\\\"a\\\"", false },
    { "{\\\"value\\\":\\\"a\\\"}", "a", true },
    { "{\\\"value\\\":\\\"a\\\\\\\"b\\\\nc\\\\u00e9\\\"}",
      "a\\\"b\\nc\\u00e9", true },
    { "{\\\"value\\\":\\\"\\\\ud83d\\\\ude00\\\\ud83d\\\"}",
      "\\ud83d\\ude00\\ud83d", true },
    { "{\\u0022value\\u0022:\\u0022a\\u005C\\u0022b\\u005cu00e9\\u0022}",
      "a\\\"b\\u00e9", true },
    { "{\\\"value\\\":\\\"\\\\x\\\\\xc3\xa9\\\\\\n\\\\\\u00e9\\\"}",
      "\\\\x\\\\\xc3\xa9\\\\\\n\\\\\\u00e9", true },
    { "{\\\"value\\\":\\\"\\\\u00g\\\\u1\\\\n\\\\u12\\\"}",
      "\\\\u00g\\\\u1\\n\\\\u12", true },
    { "{\\\"value\\\":\\\"a\\\\u00", "a\\\\u00", true },
    { "{\\\"value\\\":\\\"a\\\\", "a\\\\", true },
    { "{\\\"value\\\":5}", "5", false },
    { "{\\\"value\\\":\\\"\\\"}", "", true },
    { "[1]", "[1]", false },
    { "{\\\"val", "{\\\"val", false },
    { "{\\\"other\\\":1}", "{\\\"other\\\":1}", false },
    { "no", "no", true },
};

/* The next cut is no sooner than `step`, and never within an escape. */
static size_t piece(struct str s, size_t step)
{
    size_t n = 0;

    while (n < s.n && n < step)
        n += s.p[n] != '\\' ? 1 : s.p[n + 1] == 'u' ? 6 : 2;
    return n;
}

/* The first piece has `first` bytes or some more, all others `step`. */
static void unwraps(size_t i, size_t first, size_t step)
{
    struct arena *a = arena_new(1 << 20);
    struct codec_unwrap *u = codec_unwrap_new(a, answers[i].bare);
    struct told t = { .text = BUF_INIT(1 << 16) };
    struct neutral_event ev = { .type = NEUTRAL_TEXT };
    struct str s = str_of(answers[i].text);

    while (s.n) {
        size_t n = piece(s, first ? first : step);

        ev.text = (struct jstr){ s.p, n };
        UNIT_INT(codec_unwrap(u, &ev, hear, &t), 0);
        s = (struct str){ s.p + n, s.n - n };
        first = 0;
    }
    ev = (struct neutral_event){ .type = NEUTRAL_BLOCK_END };
    UNIT_INT(codec_unwrap(u, &ev, hear, &t), 0);
    UNIT_INT(t.ends, answers[i].said[0] != 0);
    if (!str_is(buf_str(&t.text), answers[i].said))
        printf("\n" STR_FMT " of %s by %zu, %zu",
               STR_ARG(buf_str(&t.text)), answers[i].text, first, step);
    CU_ASSERT(str_is(buf_str(&t.text), answers[i].said));
    buf_clear(&t.text);
    arena_free(a);
}

static void unwraps_however_it_is_cut(void)
{
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        for (size_t step = 1; step < 40; step++)
            unwraps(i, 0, step);
        for (size_t at = 1; at < strlen(answers[i].text); at++)
            unwraps(i, at, SIZE_MAX);
    }
}

UNIT_MAIN("codec_unwrap", { "schemas", wraps_what_is_no_object },
          { "answers", unwraps_however_it_is_cut })
