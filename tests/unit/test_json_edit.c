/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Edits: what each does to the text, byte for byte. */
#include "unit.h"

#include "base/json.h"

struct bench {
    struct arena *a;
    struct json j;
    struct json_edits *e;
};

static void bench_init(struct bench *b, struct str text)
{
    static const struct json_limits lim = { .dup_nowhere = true };

    b->a = arena_new(16 << 20);
    b->j = (struct json){ 0 };
    CU_ASSERT_FATAL(json_scan(&b->j, text, &lim, NULL) == 0);
    b->e = json_edits_new(&b->j, b->a);
    CU_ASSERT_FATAL(b->e != NULL);
}

static void bench_clear(struct bench *b)
{
    json_clear(&b->j);
    arena_free(b->a);
}

/* One edit: "set P V", "del P" or "ren P Q" (Q a pointer). */
static int edit(struct json_edits *e, const char *line)
{
    struct str rest = str_of(line);
    struct str verb = str_split(&rest, ' ');
    struct str pointer = str_split(&rest, ' ');

    if (str_is(verb, "set"))
        return json_edit_set(e, pointer, rest, NULL);
    if (str_is(verb, "ren"))
        return json_edit_rename(e, pointer, rest, NULL);
    return json_edit_remove(e, pointer);
}

struct edit_case {
    const char *text;
    const char *edits; /* one a line */
    const char *want;
};

static const struct edit_case cases[] = {
    /* nothing */
    { " {\"a\" : 1E2}\n", "", " {\"a\" : 1E2}\n" },
    { "{\"a\":1}", "del /b", "{\"a\":1}" },
    { "{\"a\":1}", "ren /b /c", "{\"a\":1}" },
    /* replace: all else stands as it stood */
    { "{ \"n\" : 0.10 ,\"model\": \"x\",\t\"z\":1e2 } ", "set /model \"y\"",
      "{ \"n\" : 0.10 ,\"model\": \"y\",\t\"z\":1e2 } " },
    { "[1,[2,3],4]", "set /1/0 {\"k\":[]}", "[1,[{\"k\":[]},3],4]" },
    { " 1 ", "set  [2]", " [2] " },
    { "{\"a\":[1,2]}", "set /a/1 0\nset /a \"n\"", "{\"a\":\"n\"}" },
    { "{\"a\":1}", "set /a 2\nset /a 3", "{\"a\":3}" },
    /* add */
    { "{}", "set /a 1", "{\"a\":1}" },
    { "{ }", "set /a 1", "{\"a\":1 }" },
    { "{\"a\":1 }", "set /b 2\nset /c 3", "{\"a\":1,\"b\":2,\"c\":3 }" },
    { "{\"m\":1}", "set /stream_options/include_usage true",
      "{\"m\":1,\"stream_options\":{\"include_usage\":true}}" },
    { "{\"stream_options\":null}", "set /stream_options/include_usage true",
      "{\"stream_options\":{\"include_usage\":true}}" },
    { "{\"o\":{\"x\":{}}}", "set /o/x/y 1\nset /o/z 2",
      "{\"o\":{\"x\":{\"y\":1},\"z\":2}}" },
    { "{}", "set /a/b/c 1\nset /a/d 2\nset /a/b/c 3",
      "{\"a\":{\"b\":{\"c\":3},\"d\":2}}" },
    { "{}", "set /a~1b/c~0/\xC3\xA9 1",
      "{\"a/b\":{\"c~\":{\"\xC3\xA9\":1}}}" },
    { "{}", "set /\"\\ 1", "{\"\\\"\\\\\":1}" },
    { "[]", "set /- 1\nset /- 2\nset /2 3\nset /0 0", "[0,2,3]" },
    { "[1]", "set /-/x 1", "[1,{\"x\":1}]" },
    { "{\"a\":1}", "set / 2", "{\"a\":1,\"\":2}" },
    /* remove: the right comma */
    { "{\"a\":1}", "del /a", "{}" },
    { "{\"a\":1, \"b\":2, \"c\":3}", "del /a", "{\"b\":2, \"c\":3}" },
    { "{\"a\":1, \"b\":2, \"c\":3}", "del /b", "{\"a\":1, \"c\":3}" },
    { "{\"a\":1, \"b\":2, \"c\":3 }", "del /c", "{\"a\":1, \"b\":2 }" },
    { "{\"a\":1, \"b\":2, \"c\":3}", "del /a\ndel /b", "{\"c\":3}" },
    { "{\"a\":1, \"b\":2, \"c\":3}", "del /c\ndel /b", "{\"a\":1}" },
    { "{\"a\":1, \"b\":2, \"c\":3}", "del /a\ndel /c", "{\"b\":2}" },
    { "{\"a\":1, \"b\":2, \"c\":3}", "del /a\ndel /c\ndel /b", "{}" },
    { "{\"a\":1, \"b\":2}", "del /a\ndel /b\nset /c 3", "{\"c\":3}" },
    { "{\"a\":1, \"b\":2 }", "del /b\nset /c 3", "{\"a\":1,\"c\":3 }" },
    { "{\"a\":1}", "del /a\nset /a 2", "{\"a\":2}" },
    { "{\"a\":{\"x\":1}}", "set /a/x 2\ndel /a", "{}" },
    { "{\"a\":{\"x\":1,\"y\":2}}", "del /a/x\nset /a/z 1\nset /a [1]",
      "{\"a\":[1]}" },
    { "{}", "set /a 1\nset /b 2\nset /c 3\ndel /b\nset /d 4\ndel /d\nset /e 5",
      "{\"a\":1,\"c\":3,\"e\":5}" },
    /* array elements behind a removed one move up */
    { "[0,1,2,3]", "del /0\ndel /0\nset /0 9", "[9,3]" },
    { "[0,1,2]", "del /2\ndel /1\ndel /0\nset /- 7", "[7]" },
    /* rename */
    { "{\"max_tokens\": 5,\"n\":1}", "ren /max_tokens /max_completion_tokens",
      "{\"max_completion_tokens\": 5,\"n\":1}" },
    { "{\"a\":1,\"b\":2}", "ren /a /b", "{\"b\":1}" },
    { "{\"a\":1,\"b\":2}", "ren /a /c\nset /a 3\nset /c 4\nren /c /a",
      "{\"a\":4,\"b\":2}" },
    { "{\"a\":1,\"b\":2}", "ren /a /x\nren /b /a\nren /x /b",
      "{\"b\":1,\"a\":2}" },
    { "{\"a\":1}", "set /n 2\nren /n /m\nset /m 3", "{\"a\":1,\"m\":3}" },
    { "{\"a\":1}", "ren /a /a", "{\"a\":1}" },
    { "{\"o\":{\"a\":{\"b\":1}}}", "ren /o/a /o/c\nset /o/c/b 2",
      "{\"o\":{\"c\":{\"b\":2}}}" },
    /* inside values that were put in */
    { "{\"a\":0}", "set /a {\"x\":[1,2], \"y\":3}\ndel /a/x/0\nren /a/y /a/z",
      "{\"a\":{\"x\":[2], \"z\":3}}" },
    { "{}", "set /a {\"x\":{\"y\":0}}\nset /a/x/y {\"z\":1}\nset /a/x/y/z 2",
      "{\"a\":{\"x\":{\"y\":{\"z\":2}}}}" },
    { "{}", "set /a null\nset /a/b 1\nset /a/c 2",
      "{\"a\":{\"b\":1,\"c\":2}}" },
    { "{}", "set /a 1\nset /a {\"b\":1}\nset /a/b 2\nset /a 3", "{\"a\":3}" },
    /* names that stand twice: one is left, or none */
    { "{\"a\":1,\"b\":2,\"\\u0061\":3}", "del /a", "{\"b\":2}" },
    { "{\"a\":1,\"b\":2,\"a\":3}", "set /a 4", "{\"b\":2,\"a\":4}" },
    { "{\"a\":1,\"b\":2,\"a\":3}", "ren /a /c", "{\"b\":2,\"c\":3}" },
    { "{\"a\":1,\"b\":2,\"b\":3}", "ren /a /b", "{\"b\":1}" },
};

static void edits_byte_for_byte(void)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str rest = str_of(cases[i].edits);
        struct buf out = BUF_INIT(4096);
        struct bench b;

        bench_init(&b, str_of(cases[i].text));
        while (rest.n) {
            char *line = str_dup(str_split(&rest, '\n'));

            UNIT_INT(edit(b.e, line), 0);
            free(line);
        }
        CU_ASSERT(json_edits_apply(b.e, &out) == 0);
        CU_ASSERT(buf_putc(&out, '\0') == 0);
        UNIT_STR(buf_str(&out).p, cases[i].want);
        buf_clear(&out);
        bench_clear(&b);
    }
}

static void refuses_what_makes_no_sense(void)
{
    static const struct { const char *edit; int rc; } bad[] = {
        { "set /s/x 1", ERR_NOTFOUND }, { "set /a/3 1", ERR_NOTFOUND },
        { "set /a/x 1", ERR_NOTFOUND }, { "set /a/01 1", ERR_NOTFOUND },
        { "set a 1", ERR_SYNTAX },      { "set /~2 1", ERR_SYNTAX },
        { "set /\xFF 1", ERR_SYNTAX },  { "set /n 1,2", ERR_SYNTAX },
        { "set /n ", ERR_SYNTAX },      { "set /n {\"a\"}", ERR_SYNTAX },
        { "del ", ERR_SYNTAX },         { "del x", ERR_SYNTAX },
        { "ren /a/0 /a/1", ERR_SYNTAX },{ "ren /a /o/a", ERR_SYNTAX },
        { "ren  ", ERR_SYNTAX },        { "ren /a b", ERR_SYNTAX },
    };
    struct str text = STR("{\"a\":[1,2],\"s\":\"x\",\"o\":{}}");
    struct buf out = BUF_INIT(4096);
    char deep[300] = "set ";
    struct bench b;

    bench_init(&b, text);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        UNIT_INT(edit(b.e, bad[i].edit), -bad[i].rc);
    memset(deep + 4, '/', 129);
    strncpy(deep + 133, " 1", 3);
    UNIT_INT(edit(b.e, deep), -ERR_LIMIT);
    CU_ASSERT(json_edits_apply(b.e, &out) == 0);
    CU_ASSERT(str_eq(buf_str(&out), text));
    bench_clear(&b);
    buf_clear(&out);
}

static void gets_what_is_there_now(void)
{
    struct bench b;

    bench_init(&b, STR("{\"a\":{\"x\": 1, \"y\":2},\"l\":[5,6]}"));
    CU_ASSERT(json_edits_empty(b.e));
    CU_ASSERT(str_is(json_edits_get(b.e, STR("/a")), "{\"x\": 1, \"y\":2}"));
    CU_ASSERT(json_edits_empty(b.e));
    edit(b.e, "del /a/x");
    CU_ASSERT(!json_edits_empty(b.e));
    CU_ASSERT(str_is(json_edits_get(b.e, STR("/a")), "{\"y\":2}"));
    CU_ASSERT(json_edits_get(b.e, STR("/a/x")).p == NULL);
    edit(b.e, "set /n {\"k\":[1]}");
    CU_ASSERT(str_is(json_edits_get(b.e, STR("/n/k/0")), "1"));
    edit(b.e, "set /n/k/- 2");
    CU_ASSERT(str_is(json_edits_get(b.e, STR("/n")), "{\"k\":[1,2]}"));
    edit(b.e, "del /l/0");
    CU_ASSERT(str_is(json_edits_get(b.e, STR("/l/0")), "6"));
    CU_ASSERT(str_is(json_edits_get(b.e, STR("")),
                     "{\"a\":{\"y\":2},\"l\":[6],\"n\":{\"k\":[1,2]}}"));
    bench_clear(&b);
}

static void sets_nodes(void)
{
    struct buf out = BUF_INIT(1 << 16);
    struct bench b;

    bench_init(&b, STR("[ \"a\" ,{\"t\": \"b\"},\"c\"]"));
    UNIT_INT(json_edits_has(b.e, STR("/1/t")), 1);
    UNIT_INT(json_edits_has(b.e, STR("/1/x")), 0);
    UNIT_INT(json_edits_has(b.e, STR("bad")), 0);
    UNIT_INT(json_edit_set_node(b.e, 4, STR("\"C\""), NULL), 0);
    UNIT_INT(json_edit_set_node(b.e, 3, STR("\"B\""), NULL), 0);
    UNIT_INT(json_edit_set_node(b.e, 1, STR("oops"), NULL), -ERR_SYNTAX);
    UNIT_INT(json_edit_set_node(b.e, 5, STR("1"), NULL), -ERR_NOTFOUND);
    CU_ASSERT(json_edits_apply(b.e, &out) == 0);
    CU_ASSERT(str_is(buf_str(&out), "[ \"a\" ,{\"t\": \"B\"},\"C\"]"));
    edit(b.e, "set /1/x null");
    UNIT_INT(json_edits_has(b.e, STR("/1/x")), 1);
    edit(b.e, "del /1");
    UNIT_INT(json_edits_has(b.e, STR("/1/x")), 0);
    bench_clear(&b);
    buf_clear(&out);
}

/* 100,000 members of one name, and edits of them, stay linear. */
static void is_not_quadratic(void)
{
    struct buf text = BUF_INIT(1 << 24), out = BUF_INIT(1 << 24);
    struct bench b;

    buf_puts(&text, "{\"t\":{\"b\":1");
    for (int i = 0; i < 100000; i++)
        buf_puts(&text, ",\"a\":[1]");
    buf_puts(&text, "}}");
    bench_init(&b, buf_str(&text));
    CU_ASSERT(edit(b.e, "set /t/a 7") == 0);
    CU_ASSERT(json_edits_apply(b.e, &out) == 0);
    CU_ASSERT(str_is(buf_str(&out), "{\"t\":{\"b\":1,\"a\":7}}"));
    buf_reset(&out);
    CU_ASSERT(edit(b.e, "del /t/a") == 0);
    CU_ASSERT(json_edits_apply(b.e, &out) == 0);
    CU_ASSERT(str_is(buf_str(&out), "{\"t\":{\"b\":1}}"));
    bench_clear(&b);
    buf_clear(&text);
    buf_clear(&out);
}

UNIT_MAIN("json_edit", { "edits byte for byte", edits_byte_for_byte },
          { "refuses what makes no sense", refuses_what_makes_no_sense },
          { "gets what is there now", gets_what_is_there_now },
          { "sets nodes", sets_nodes },
          { "is not quadratic", is_not_quadratic })
