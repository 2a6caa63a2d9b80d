/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Elements of an array, however it is cut. */
#include "frame_recordings.h"

static const struct frame_case cases[] = {
    { "[]", "|-|\n" },
    { " [ ] \n", "|-|\n|-|\n" },
    { "[{\"a\":[1,{}]}\n,\r\n{\"b\":\"]\"}]\n",
      "|{\"a\":[1,{}]}|\n|{\"b\":\"]\"}|\n|-|\n|-|\n" },
    { "[\"a\\\"]\",[],1.5e3 ,null,true]",
      "|\"a\\\"]\"|\n|[]|\n|1.5e3|\n|null|\n|true|\n|-|\n" },
    { "[{\"a\":\"\\\\\"}]", "|{\"a\":\"\\\\\"}|\n|-|\n" },
    { "[{\"\\\"}\":\"\\u005d\"}]", "|{\"\\\"}\":\"\\u005d\"}|\n|-|\n" },
    { "[{\"\xC3\xA9\":\"\xF0\x9F\x98\x80\"}]",
      "|{\"\xC3\xA9\":\"\xF0\x9F\x98\x80\"}|\n|-|\n" },
    { "", NULL },
    { "  ", NULL },
    { "{\"error\":{}}", NULL },
    { "\xEF\xBB\xBF[]", NULL },
    { "[", NULL },
    { "[1", NULL },
    { "[1,", NULL },
    { "[,1]", NULL },
    { "[1,]", NULL },
    { "[1,,2]", NULL },
    { "[{}{}]", NULL },
    { "[{} 1]", NULL },
    { "[}]", NULL },
    { "[{\"a\":\"]", NULL },
    { "[{\"a\":1}", NULL },
    { "[]x", NULL },
    { "[][]", NULL },
    { "[:1]", NULL },
};

static void frames_small_cases(void)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_case(FRAMING_JSONARRAY, &cases[i]);
}

static int count(void *ud, const struct jsonarray_item *item)
{
    (void)item;
    return ++*(int *)ud == 100 ? -ERR_CANCELLED : 0;
}

static void says_where(void)
{
    struct err err = { 0 };
    struct jsonarray a;
    int n = 0;

    jsonarray_init(&a, 100);
    UNIT_INT(jsonarray_feed(&a, STR("[{}"), count, &n, &err), 0);
    UNIT_INT(n, 1);
    UNIT_INT(jsonarray_feed(&a, STR(", }"), count, &n, &err), -ERR_SYNTAX);
    UNIT_STR(err.at, "byte 5");
    UNIT_STR(err.msg, "an array element expected");
    UNIT_INT(jsonarray_eof(&a, count, &n, NULL), -ERR_CLOSED);
}

/* An element is out with its last byte, and nothing is kept behind it. */
static void gives_out_at_once(void)
{
    struct jsonarray a;
    int n = 0;

    jsonarray_init(&a, 100);
    jsonarray_feed(&a, STR("[\n{\"a\":1"), count, &n, NULL);
    CU_ASSERT(n == 0 && a.held.p != NULL);
    jsonarray_feed(&a, STR("}"), count, &n, NULL);
    CU_ASSERT(n == 1 && a.held.p == NULL);
    jsonarray_feed(&a, STR("]"), count, &n, NULL);
    CU_ASSERT(n == 2 && a.held.p == NULL);
    UNIT_INT(jsonarray_eof(&a, count, &n, NULL), 0);
}

static void keeps_its_cap(void)
{
    static const struct {
        const char *text;
        int rc, n;
    } texts[] = {
        { "[\"1234567\"]", 0, 2 },
        { "[\"12345678\"]", -ERR_LIMIT, 0 },
        { "[1,\"123456789\"]", -ERR_LIMIT, 1 },
        { "[          x", -ERR_LIMIT, 0 },
        { "[]          ", 0, 2 },
        { "[]           ", -ERR_LIMIT, 1 },
        { "[[[[[[[[[[[[[[[", -ERR_LIMIT, 0 },
    };

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct frames r;

        check_frames_max(&r, FRAMING_JSONARRAY, str_of(texts[i].text), 10);
        UNIT_INT(r.rc, texts[i].rc);
        UNIT_INT(r.n, texts[i].n);
        frames_clear(&r);
    }
}

static bool is_array(json_t *doc)
{
    return json_is_true(json_object_get(doc, "stream")) &&
           strstr(recording_header(doc, "content-type"), "application/json");
}

static void frames_recordings(void)
{
    check_frame_recordings((struct frame_recordings){
        FRAMING_JSONARRAY, is_array, .frames = 2, .least = 4 });
}

UNIT_MAIN("jsonarray", { "frames small cases", frames_small_cases },
          { "says where", says_where },
          { "gives out at once", gives_out_at_once },
          { "keeps its cap", keeps_its_cap },
          { "frames recordings", frames_recordings })
