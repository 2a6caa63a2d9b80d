/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The framer: what comes out of small texts, when, and under which caps. */
#include "sse_record.h"

struct small_case {
    const char *text, *events; /* length|comment cut|retry|event|data|id| */
};

static void print_field(struct buf *b, struct str s)
{
    if (s.p)
        buf_json_str(b, s);
    buf_putc(b, '|');
}

static int print_event(void *ud, const struct sse_event *ev)
{
    buf_printf(ud, "%zu|%d%d|%lld|", ev->raw.n, ev->comment_only, ev->cut,
               (long long)ev->retry_ms);
    print_field(ud, ev->event);
    print_field(ud, ev->data);
    print_field(ud, ev->id);
    return 0;
}

static const struct small_case small[] = {
    { "", "" },
    { "data: a\n\n", "9|00|-1||\"a\"||" },
    { "data: a\r\n\r\n", "11|00|-1||\"a\"||" },
    { "data: a\r\rdata: b\r\r", "9|00|-1||\"a\"||9|00|-1||\"b\"||" },
    { ": ping\n\ndata:1\n\n",
      "7|10|-1||||1|10|-1||||8|00|-1||\"1\"||" },
    { "data:1\n:x\ndata\ndata: 3\n\n", "24|00|-1||\"1\\n\\n3\"||" },
    { "event: e\nid: 7\nretry: 10\n\n", "26|00|10|\"e\"||\"7\"|" },
    { "data: [DONE]", "12|01|-1||\"[DONE]\"||" },
    { "data: a\n", "8|01|-1||\"a\"||" },
    { "data: a\n\r", "9|00|-1||\"a\"||" },
    { ": cut", "5|11|-1||||" },
    { "\xEF\xBB\xBF:c\n\n", "7|10|-1||||" },
    { "\xEF\xBB\xBF\ndata:1\n\n", "12|00|-1||\"1\"||" },
    { "\xEF\xBB", "2|01|-1||||" },
    { "data:1\r\r\n", "8|00|-1||\"1\"||1|10|-1||||" },
    { "\n\r\n\r", "1|10|-1||||2|10|-1||||1|10|-1||||" },
    { "data:a\nevent:x\nevent\n\n", "22|00|-1|\"\"|\"a\"||" },
    { "id\ndata:b\n\n", "11|00|-1||\"b\"|\"\"|" },
};

static void frames_small_cases(void)
{
    for (size_t i = 0; i < sizeof small / sizeof *small; i++) {
        struct str text = str_of(small[i].text);
        struct buf out = BUF_INIT(4096);
        struct sse s;

        sse_init(&s, MAX_EVENT);
        CU_ASSERT(sse_feed(&s, text, print_event, &out, NULL) == 0);
        CU_ASSERT(sse_eof(&s, print_event, &out, NULL) == 0);
        buf_putc(&out, '\0');
        UNIT_STR(buf_str(&out).p, small[i].events);
        buf_clear(&out);
        check_stream(text);
    }
}

/* A keep-alive and an event are out as soon as their last byte is in. */
static void gives_out_at_once(void)
{
    static const char *const now[] = { ": ping\n", "\n", "data: a\n\n",
                                       "data: a\r\n\r\n", "data: a\r\r",
                                       "\r\n", "data:x\n\n\n" };

    for (size_t i = 0; i < sizeof now / sizeof *now; i++) {
        struct record r;

        record_init(&r);
        feed(&r, str_of(now[i]));
        CU_ASSERT(r.n > 0);
        CU_ASSERT(buf_len(&r.raw) == strlen(now[i]));
        CU_ASSERT(r.s.held.p == NULL); /* idle: no memory */
        feed(&r, STR("data: par"));
        CU_ASSERT(r.s.held.p != NULL);
        feed(&r, STR("t\n\n"));
        CU_ASSERT(r.s.held.p == NULL);
        record_clear(&r);
    }
}

static int note_pointer(void *ud, const struct sse_event *ev)
{
    *(const char **)ud = ev->data.p;
    return 0;
}

static void does_not_copy_whole_events(void)
{
    const char text[] = ": x\n\ndata: abc\n\n";
    const char *seen = NULL;
    struct sse s;

    sse_init(&s, 1000);
    CU_ASSERT(sse_feed(&s, str_of(text), note_pointer, &seen, NULL) == 0);
    CU_ASSERT(seen == text + 11);
    sse_clear(&s);
}

static int count_event(void *ud, const struct sse_event *ev)
{
    (void)ev;
    return --*(int *)ud ? 0 : -ERR_CANCELLED;
}

static void keeps_its_cap(void)
{
    struct err err = { 0 };
    struct sse s;
    int left = 100;

    sse_init(&s, 10); /* "data: aa\n\n" is 10 */
    CU_ASSERT(!sse_feed(&s, STR("data: aa\n\n"), count_event, &left, &err));
    CU_ASSERT(!sse_feed(&s, STR("data: aa\n"), count_event, &left, &err));
    CU_ASSERT(!sse_feed(&s, STR("\n"), count_event, &left, &err));
    UNIT_INT(left, 98);
    UNIT_INT(sse_feed(&s, STR("data: aaa\n\n"), count_event, &left, &err),
             -ERR_LIMIT);
    UNIT_INT(err.code, ERR_LIMIT);
    UNIT_INT(sse_feed(&s, STR("\n"), count_event, &left, NULL), -ERR_CLOSED);
    UNIT_INT(left, 98);
    sse_init(&s, 10);
    for (int i = 0; i < 10; i++)
        UNIT_INT(sse_feed(&s, STR("x"), count_event, &left, NULL), 0);
    UNIT_INT(sse_feed(&s, STR("x"), count_event, &left, NULL), -ERR_LIMIT);
    CU_ASSERT(s.held.p == NULL);
}

static void stops_when_told(void)
{
    struct sse s;
    int left = 2;

    sse_init(&s, 100);
    UNIT_INT(sse_feed(&s, STR("data:1\n\ndata:2\n\ndata:3\n\n"), count_event,
                      &left, NULL), -ERR_CANCELLED);
    UNIT_INT(left, 0);
    UNIT_INT(sse_eof(&s, count_event, &left, NULL), -ERR_CLOSED);
}

static void frames_random_bytes(void)
{
    static const char *const parts[] = { "\r", "\n", "\r\n", "data", ":", " ",
                                         "event", "id:", "\xEF\xBB\xBF", "x",
                                         "data: y\n", "\n\n" };
    uint32_t seed = 3;

    for (int round = 0; round < 2000; round++) {
        struct buf b = BUF_INIT(4096);

        for (int n = round % 24; n; n--) {
            seed = seed * 1664525u + 1013904223u;
            buf_puts(&b, parts[(seed >> 10) % 12]);
        }
        check_stream(buf_str(&b));
        buf_clear(&b);
    }
}

UNIT_MAIN("sse", { "frames small cases", frames_small_cases },
          { "gives out at once", gives_out_at_once },
          { "does not copy whole events", does_not_copy_whole_events },
          { "keeps its cap", keeps_its_cap },
          { "stops when told", stops_when_told },
          { "frames random bytes", frames_random_bytes })
