/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The scanner's grammar, limits and index, and the questions to it. */
#include "unit.h"

#include "base/json.h"
#include "shared.h"

#define PARSING "vectors/json-parsing/test_parsing"

/* 0 or the error's code; every text lies in a block of exactly its size. */
static int scan_with(struct str text, const struct json_limits *lim,
                     struct err *err)
{
    struct json j = { 0 };
    char *copy = malloc(text.n ? text.n : 1);
    int rc;

    if (text.n)
        memcpy(copy, text.p, text.n);
    memset(err, 0, sizeof *err);
    rc = json_scan(&j, (struct str){ copy, text.n }, lim, err);
    CU_ASSERT(rc == -err->code);
    CU_ASSERT((rc == 0) == (j.count > 0));
    json_clear(&j);
    free(copy);
    return -rc;
}

static int scan(const char *text)
{
    struct err err;

    return scan_with(str_of(text), NULL, &err);
}

static void takes_the_grammar(void)
{
    static const char *const good[] = {
        "0", "-0", "-0.0e+00", "1E9", "12.5", "\"\"", "[]", "{}", "null",
        " \t\r\n true \n", "[1,2 , 3]", "{\"a\":[{}],\"b\":{\"a\":1}}",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83D\\uDE00\\uD83d\"",
        "\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\x7F\"", "[[[[]]]]",
        "\"seventeen bytes  \\n and an escape behind a block of sixteen\"",
    };
    static const char *const bad[] = {
        "", " ", "01", "-", "1.", ".1", "1e", "1e+", "+1", "0x1", "NaN",
        "nul", "nulll", "truE", "[", "]", "[1", "[1,", "[1,]", "[,1]",
        "[1 2]", "[1}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}",
        "{\"a\":1 \"b\":2}", "{1:1}", "{]", "1 2", "[]]", "\"", "\"\\\"",
        "\"\\x\"", "\"\\u12g4\"", "\"\\u12", "\"\t\"", "\"\n\"", "'a'",
        "\"\xC0\x80\"", "\"\xED\xA0\x80\"", "\"\xF4\x90\x80\x80\"",
        "\"\xE2\x82\"", "\"\x80\"", "\"\xF0\x8F\xBF\xBF\"", "\xEF\xBB\xBF{}",
        "[1]/**/", "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\x1F\"",
    };

    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        if (scan(good[i]) != 0)
            printf("\nrefused: %s", good[i]);
        CU_ASSERT(scan(good[i]) == 0);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (scan(bad[i]) != ERR_SYNTAX)
            printf("\naccepted: %s", bad[i]);
        CU_ASSERT(scan(bad[i]) == ERR_SYNTAX);
    }
    CU_ASSERT(scan("\"a\\u0000b\"") == 0);
}

/* Every byte at every place of a long string: the blocks and their rests. */
static void finds_every_byte_in_strings(void)
{
    char text[70];
    struct err err;

    for (int at = 1; at < 69; at++) {
        for (int c = 0; c < 256; c++) {
            bool good = c >= 0x20 && c < 0x80 && c != '"' && c != '\\';

            memset(text, 'a', sizeof text);
            text[0] = text[69] = '"';
            text[at] = (char)c;
            if (c == '"')
                good = at == 69;
            CU_ASSERT_FATAL((scan_with((struct str){ text, 70 }, NULL,
                                       &err) == 0) == good);
        }
    }
}

/* Random runs of characters and pieces of them, against the plain check. */
static void agrees_on_utf8(void)
{
    static const char *const parts[] = {
        "a", "\xC3\xA9", "\xD0\xBA", "\xE4\xBB\x8A", "\xEC\x98\xA4",
        "\xED\x9F\xBF", "\xE0\xA4\x85", "\xF0\x9F\x98\x80", "bcdef ghi",
        "\xEF\xBB\xBF", "\xDF\xBF", "\xC2\x80",
        /* from here on: never right */
        "\xC3", "\xE4\xBB", "\x8A", "\xED\xA0\x80", "\xE0\x9F\xBF", "\xC1\xBF",
        "\xF4\x90\x80\x80", "\xF0\x9F\x98", "\xFF", "\xF0\x8F\xBF\xBF",
    };
    uint32_t seed = 7;
    int good = 0;

    for (int round = 0; round < 200000; round++) {
        struct buf b = BUF_INIT(1024);
        struct err err;
        bool want;

        buf_putc(&b, '"');
        for (unsigned n = round % 40; n; n--) {
            seed = seed * 1664525u + 1013904223u;
            buf_puts(&b, parts[(seed >> 8) % (n == 3 ? 22 : 12)]);
        }
        buf_putc(&b, '"');
        want = str_utf8_valid(buf_str(&b));
        good += want;
        CU_ASSERT_FATAL((scan_with(buf_str(&b), NULL, &err) == 0) == want);
        buf_clear(&b);
    }
    CU_ASSERT(good > 50000 && good < 190000);
}

struct counts {
    int accepted, refused;
};

/*
 * What may go either way: numbers of any size and lone surrogates pass, they
 * go on as they are; bytes that are no UTF-8, a BOM and 500 levels do not.
 */
static bool either_way_accepted(const char *name)
{
    if (strncmp(name, "i_number_", 9) == 0)
        return true;
    return strstr(name, "surrogate") && !strstr(name, "UTF8_surrogate");
}

static void check_vector(const char *path, const char *name, struct str bytes,
                         void *ud)
{
    struct counts *n = ud;
    struct err err;
    bool taken = scan_with(bytes, NULL, &err) == 0;
    bool want = name[0] == 'y' || (name[0] == 'i' && either_way_accepted(name));

    (void)path;
    if (strncmp(name, "y_object_duplicated_key", 23) == 0) {
        struct json_limits lim = { .dup_nowhere = true };

        CU_ASSERT(!taken); /* our rule for the top object; grammar is fine */
        CU_ASSERT(strstr(err.msg, "duplicate member \"a\"") != NULL);
        taken = scan_with(bytes, &lim, &err) == 0;
    }
    if (taken != want)
        printf("\n%s: %s (%s)", name, taken ? "accepted" : "refused", err.msg);
    CU_ASSERT(taken == want);
    if (taken)
        n->accepted++;
    else
        n->refused++;
}

static void agrees_with_the_vectors(void)
{
    struct counts n = { 0, 0 };
    char path[512];

    shared_path(path, sizeof path, PARSING);
    if (shared_each(path, ".json", check_vector, &n) == 0)
        UNIT_SKIP("no recordings");
    UNIT_INT(n.accepted + n.refused, 318);
    CU_ASSERT(n.accepted >= 95);
    CU_ASSERT(n.refused >= 188);
}

static char *nested(size_t n, const char *open)
{
    size_t len = strlen(open);
    char *p = malloc(n * len + 1);

    for (size_t i = 0; i < n; i++)
        memcpy(p + i * len, open, len);
    p[n * len] = '\0';
    return p;
}

static void keeps_its_limits(void)
{
    struct json_limits lim = { .max_depth = 3, .max_nodes = 4 };
    char *deep = nested(128, "[");
    char *deeper = nested(1000000, "[{\"a\":");
    struct err err;

    CU_ASSERT(scan(deep) == ERR_SYNTAX);
    CU_ASSERT(scan(deeper) == ERR_LIMIT);
    CU_ASSERT(scan_with(STR("[[[]]]"), &lim, &err) == 0);
    CU_ASSERT(scan_with(STR("[[[[]]]]"), &lim, &err) == ERR_LIMIT);
    CU_ASSERT(scan_with(STR("[1,2,3]"), &lim, &err) == 0);
    CU_ASSERT(scan_with(STR("[1,2,3,4]"), &lim, &err) == ERR_LIMIT);
    free(deep);
    free(deeper);
}

static void says_where_it_failed(void)
{
    struct err err;

    scan_with(STR("{\"a\": 01}"), NULL, &err);
    UNIT_STR(err.at, "byte 7");
    UNIT_STR(err.msg, "',' or '}' expected");
    scan_with(STR("[1,"), NULL, &err);
    UNIT_STR(err.at, "byte 3");
    UNIT_STR(err.msg, "value expected, but the text ends");
    scan_with(STR("{\"a\":1,\"b\":2,\"a\":3}"), NULL, &err);
    UNIT_STR(err.at, "byte 13");
    UNIT_STR(err.msg, "duplicate member \"a\"");
}

static void refuses_duplicates_where_they_matter(void)
{
    struct json_limits all = { .dup_everywhere = true };
    struct err err;

    CU_ASSERT(scan("{\"a\":1,\"a\":1}") == ERR_SYNTAX);
    CU_ASSERT(scan("{\"role\":1,\"r\\u006fle\":1}") == ERR_SYNTAX);
    CU_ASSERT(scan("{\"r\\u006Fle\":1,\"r\\u006fle\":1}") == ERR_SYNTAX);
    CU_ASSERT(scan("{\"\":1,\"\":1}") == ERR_SYNTAX);
    CU_ASSERT(scan("{\"tools\":[{\"x\":1,\"x\":2}]}") == 0);
    CU_ASSERT(scan("[{\"x\":1,\"x\":2}]") == 0);
    CU_ASSERT(scan("{\"messages\":[{\"x\":1,\"x\":2}]}") == ERR_SYNTAX);
    CU_ASSERT(scan("{\"messages\":{\"x\":1,\"x\":2}}") == ERR_SYNTAX);
    CU_ASSERT(scan("{\"m\\u0065ssages\":[[{\"x\":1,\"x\":2}]]}") ==
              ERR_SYNTAX);
    CU_ASSERT(scan("{\"messages\":[],\"z\":{\"x\":1,\"x\":2}}") == 0);
    CU_ASSERT(scan("{\"z\":{\"messages\":{\"x\":1,\"x\":2}}}") == 0);
    CU_ASSERT(scan_with(STR("[{\"x\":1,\"x\":2}]"), &all, &err) == ERR_SYNTAX);
    CU_ASSERT(scan("{\"a\":1,\"b\":2,\"ab\":3,\"A\":4,\"\\u0061b \":5}") == 0);
}

/* n members, the last named like the `twin`-th (none if twin is n). */
static char *wide(unsigned n, unsigned twin, const char *prefix)
{
    size_t cap = (size_t)n * (strlen(prefix) + 16) + 64, at = 0;
    char *p = malloc(cap);

    at += (size_t)snprintf(p, cap, "{");
    for (unsigned i = 0; i < n; i++)
        at += (size_t)snprintf(p + at, cap - at, "%s\"%s%u\":%u",
                               i ? "," : "", prefix, i, i);
    snprintf(p + at, cap - at, ",\"%s%u\":0}", prefix, twin);
    return p;
}

static void finds_duplicates_among_many(void)
{
    static const unsigned sizes[] = { 15, 16, 17, 100, 100000 };

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        unsigned n = sizes[i];
        char *ok = wide(n, n, "x"), *bad = wide(n, n / 2, "x");
        char *esc = wide(n, n - 1, "\\u0078");

        CU_ASSERT(scan(ok) == 0);
        CU_ASSERT(scan(bad) == ERR_SYNTAX);
        CU_ASSERT(scan(esc) == ERR_SYNTAX);
        free(ok);
        free(bad);
        free(esc);
    }
}

/* Names of one word and of more, and one of the first spelled otherwise. */
static void finds_them_at_every_length(void)
{
    static const char prefix[] = "abcdefghijklm";
    struct json_limits all = { .dup_everywhere = true };

    for (int n = 0; n < (int)sizeof prefix; n++) {
        for (unsigned many = 3; many <= 40; many += 37) {
            struct buf b = BUF_INIT(1 << 16);
            struct err err;

            for (unsigned i = 0; i < many; i++)
                buf_printf(&b, "%s\"%.*s%c\":0", i ? "," : "{", n, prefix,
                           (char)('0' + i));
            buf_puts(&b, "}");
            CU_ASSERT(scan_with(buf_str(&b), &all, &err) == 0);
            b.n--;
            buf_printf(&b, ",\"%.*s\\u0031\":0}", n, prefix);
            CU_ASSERT(scan_with(buf_str(&b), &all, &err) == ERR_SYNTAX);
            buf_clear(&b);
        }
    }
}

static void indexes_in_pre_order(void)
{
    struct str text = STR("{\"a\":[1,{\"b\":null},[]],\"c\\n\":\"x\"}");
    struct json j = { 0 };

    CU_ASSERT_FATAL(json_scan(&j, text, NULL, NULL) == 0);
    UNIT_INT(j.count, 7);
    UNIT_INT(j.nodes[0].next, 7);
    UNIT_INT(j.nodes[1].next, 6);
    UNIT_INT(j.nodes[3].next, 5);
    UNIT_INT(j.nodes[5].depth, 2);
    UNIT_INT(j.nodes[6].flags, JSON_F_KEY_ESCAPED);
    CU_ASSERT(str_is(json_raw(&j, 1), "[1,{\"b\":null},[]]"));
    CU_ASSERT(str_is(json_raw(&j, 6), "\"x\""));
    UNIT_INT(json_length(&j, 1), 3);
    UNIT_INT(json_length(&j, 5), 0);
    UNIT_INT(json_length(&j, 2), 0);
    CU_ASSERT(json_first(&j, 5) == JSON_NONE);
    CU_ASSERT(json_sibling(&j, 1, 5) == JSON_NONE);
    UNIT_INT(json_sibling(&j, 1, 2), 3);
    json_clear(&j);
}

static void follows_pointers(void)
{
    struct str text = STR("{\"a/b\":{\"m~n\":[0,[\"deep\"]]},\"\":1,"
                          "\"\\u00e9\":2,\"x\":{\"d\":1,\"d\":2},\"10\":[7]}");
    struct arena *a = arena_new(1 << 16);
    struct json j = { 0 };
    struct { const char *pointer, *raw; } cases[] = {
        { "/a~1b/m~0n/1/0", "\"deep\"" }, { "/", "1" }, { "/\xC3\xA9", "2" },
        { "/x/d", "2" }, { "/10/0", "7" }, { "/10/00", NULL },
        { "/10/-", NULL }, { "/10/1", NULL }, { "/a~2b", NULL },
        { "x", NULL }, { "/x/d/e", NULL }, { "/nope", NULL },
        { "/10/4294967296", NULL }, { "/x~", NULL },
    };

    CU_ASSERT_FATAL(json_scan(&j, text, NULL, NULL) == 0);
    CU_ASSERT(json_at(&j, STR("")) == 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str raw = json_raw(&j, json_at(&j, str_of(cases[i].pointer)));

        CU_ASSERT(cases[i].raw ? str_is(raw, cases[i].raw) : !raw.p);
    }
    for (uint32_t i = 0; i < j.count; i++) {
        struct str p = json_pointer(&j, i, a);

        CU_ASSERT(p.p != NULL);
        if (!str_is(p, "/x/d"))
            UNIT_INT(json_at(&j, p), i);
    }
    CU_ASSERT(str_is(json_pointer(&j, 4, a), "/a~1b/m~0n/1/0") ||
              str_is(json_pointer(&j, 5, a), "/a~1b/m~0n/1/0"));
    json_clear(&j);
    arena_free(a);
}

static void unescapes_texts(void)
{
    struct str text =
        STR("[\"plain\",\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\",\"\\u00e9\\u20AC\","
            "\"\\uD83D\\uDE00\",\"\\ud83d!\",\"\\udE00\",\"\\uD83D\\u0041\","
            "\"\",\"\\u0000\",1,\"\\uD83D\\uD83D\\uDE00\"]");
    struct { const char *p; size_t n; } want[] = {
        { "plain", 5 }, { "a\"\\/\b\f\n\r\t", 9 },
        { "\xC3\xA9\xE2\x82\xAC", 5 },
        { "\xF0\x9F\x98\x80", 4 }, { "\xEF\xBF\xBD!", 4 },
        { "\xEF\xBF\xBD", 3 }, { "\xEF\xBF\xBD" "A", 4 }, { "", 0 },
        { "\0", 1 }, { NULL, 0 }, { "\xEF\xBF\xBD\xF0\x9F\x98\x80", 7 },
    };
    struct arena *a = arena_new(1 << 16);
    struct json j = { 0 };

    CU_ASSERT_FATAL(json_scan(&j, text, NULL, NULL) == 0);
    for (uint32_t i = 0; i < sizeof want / sizeof *want; i++) {
        struct str got = json_text(&j, i + 1, a);

        CU_ASSERT(str_eq(got, (struct str){ want[i].p, want[i].n }));
        CU_ASSERT(!got.p == !want[i].p);
    }
    CU_ASSERT(json_text(&j, JSON_NONE, a).p == NULL);
    json_clear(&j);
    arena_free(a);
}

static void reads_numbers(void)
{
    struct str text = STR("[0,-1,9223372036854775807,-9223372036854775808,"
                          "9223372036854775808,1e2,1.0,\"1\",0.1,1e400,"
                          "-9223372036854775809,100000000000000000000000000000"
                          "0000000000000000000000000000000000000000000000]");
    struct json j = { 0 };
    int64_t i = 5;
    double d = 0;

    CU_ASSERT_FATAL(json_scan(&j, text, NULL, NULL) == 0);
    CU_ASSERT(json_int(&j, 1, &i) && i == 0);
    CU_ASSERT(json_int(&j, 2, &i) && i == -1);
    CU_ASSERT(json_int(&j, 3, &i) && i == INT64_MAX);
    CU_ASSERT(json_int(&j, 4, &i) && i == INT64_MIN);
    for (uint32_t n = 5; n <= 12; n++)
        CU_ASSERT(!json_int(&j, n, &i));
    CU_ASSERT(!json_int(&j, 0, &i) && !json_int(&j, JSON_NONE, &i));
    CU_ASSERT(json_double(&j, 6, &d) && d == 100);
    CU_ASSERT(json_double(&j, 9, &d) && d == 0.1);
    CU_ASSERT(json_double(&j, 12, &d) && d > 9e74);
    CU_ASSERT(!json_double(&j, 10, &d) && !json_double(&j, 8, &d));
    json_clear(&j);
    CU_ASSERT(json_scan(&j, STR("12"), NULL, NULL) == 0);
    CU_ASSERT(json_int(&j, 0, &i) && i == 12);
    json_clear(&j);
}

static void is_used_again(void)
{
    struct json j = { 0 };
    struct json_node *kept;

    CU_ASSERT(json_scan(&j, STR("[1,2,3]"), NULL, NULL) == 0);
    kept = j.nodes;
    CU_ASSERT(json_scan(&j, STR("[1"), NULL, NULL) == -ERR_SYNTAX);
    CU_ASSERT(json_at(&j, STR("")) == JSON_NONE);
    CU_ASSERT(json_raw(&j, 0).p == NULL);
    CU_ASSERT(json_scan(&j, STR("{\"a\":1}"), NULL, NULL) == 0);
    CU_ASSERT(j.nodes == kept);
    UNIT_INT(json_member(&j, 0, STR("a")), 1);
    CU_ASSERT(json_member(&j, 1, STR("a")) == JSON_NONE);
    json_clear(&j);
    json_clear(&j);
}

UNIT_MAIN("json", { "takes the grammar, refuses the rest", takes_the_grammar },
          { "finds every byte in strings", finds_every_byte_in_strings },
          { "agrees on UTF-8", agrees_on_utf8 },
          { "agrees with the vectors", agrees_with_the_vectors },
          { "keeps its limits", keeps_its_limits },
          { "says where it failed", says_where_it_failed },
          { "refuses duplicates where they matter",
            refuses_duplicates_where_they_matter },
          { "finds duplicates among many", finds_duplicates_among_many },
          { "finds them at every length", finds_them_at_every_length },
          { "indexes in pre-order", indexes_in_pre_order },
          { "follows pointers", follows_pointers },
          { "unescapes texts", unescapes_texts },
          { "reads numbers", reads_numbers },
          { "is used again", is_used_again })
