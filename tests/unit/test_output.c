/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Answers through output policies: what leaves, when, and in which shape. */
#include "output_unit.h"

static const char mask[] =
    "local M = { api = 1, window = { hold = 16 } }\n"
    "function M.output(req, conf, w)\n"
    "  w:replace('sk%-%d%d%d%d', '[key]')\n"
    "end\n"
    "return M";

static bool leaked(struct story *s)
{
    return str_find(buf_str(&s->got), STR("sk-1234")) >= 0 ||
           strstr(story_text(s, WIRE_TEXT, 0, 0), "sk-1234") != NULL;
}

/* Every way to split a text with secrets, one at its end, over three events,
 * then every event byte by byte. */
static void secrets_at_every_offset(void)
{
    static const char text[] = "say sk-1234 or sk-1234, no sk-12x: sk-1234";
    size_t n = sizeof text - 1;
    struct story s;

    story_init(&s, mask);
    CU_ASSERT_FATAL(story_open(&s));
    for (size_t i = 0; i <= n; i++) {
        for (size_t k = i; k <= n; k++) {
            story_begin(&s);
            story_feed(&s, STR(ROLE));
            story_say(&s, "content", text, i);
            story_say(&s, "content", text + i, k - i);
            story_say(&s, "content", text + k, n - k);
            CU_ASSERT(!leaked(&s));
            story_feed(&s, STR(FINISH DONE));
            CU_ASSERT(!leaked(&s));
            UNIT_STR(story_text(&s, WIRE_TEXT, 0, 0),
                     "say [key] or [key], no sk-12x: [key]");
        }
    }
    story_clear(&s);
}

static const char stream[] =
    ": hello\n\n" ROLE DELTA(0, "\"reasoning_content\":\"hm sk-\"")
    DELTA(0, "\"reasoning_content\":\"1234.\"")
    DELTA(0, "\"content\":\"It is sk-\"") DELTA(0, "\"content\":\"1234 \"")
    DELTA(0, "\"content\":\"\\ud83d\"") DELTA(0, "\"content\":\"\\ude00\"")
    DELTA(0, "\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"type\":\"function\","
             "\"function\":{\"name\":\"f\",\"arguments\":\"\"}}]")
    DELTA(0, "\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":"
             "\"{\\\"k\\\":\\\"sk-1\"}}]")
    DELTA(0, "\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":"
             "\"234\\\"}\"}}]")
    DELTA(0, "\"tool_calls\":[{\"index\":1,\"id\":\"b\",\"type\":\"function\","
             "\"function\":{\"name\":\"g\",\"arguments\":\"sk-1234\"}}]")
    "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{},"
    "\"finish_reason\":\"tool_calls\"}]}\n\n" DONE;

static void check_stream(struct story *s)
{
    UNIT_STR(story_text(s, WIRE_THINKING, 0, 0), "hm [key].");
    UNIT_STR(story_text(s, WIRE_TEXT, 0, 0), "It is [key] \xF0\x9F\x98\x80");
    UNIT_STR(story_text(s, WIRE_TOOL_ARGS, 0, 0), "{\"k\":\"[key]\"}");
    UNIT_STR(story_text(s, WIRE_TOOL_ARGS, 0, 1), "[key]");
}

/* Where the bytes are cut changes nothing; kinds stay in their order. */
static void every_cut_of_the_bytes(void)
{
    struct buf first = BUF_INIT(1 << 16);
    struct story s;

    story_init(&s, mask);
    CU_ASSERT_FATAL(story_open(&s));
    for (size_t i = 0; i < sizeof stream; i++) {
        story_begin(&s);
        story_feed(&s, (struct str){ stream, i });
        story_feed(&s, (struct str){ stream + i, sizeof stream - 1 - i });
        if (i == 0)
            buf_put(&first, buf_str(&s.got));
        CU_ASSERT(str_eq(buf_str(&first), buf_str(&s.got)));
    }
    check_stream(&s);
    UNIT_STR(story_bytes(&s),
        ": hello\n\n" ROLE
        DELTA(0, "\"reasoning_content\":\"hm [key].\"")
        DELTA(0, "\"content\":\"It is [key] \xF0\x9F\x98\x80\"")
        DELTA(0, "\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"type\":"
                 "\"function\",\"function\":{\"name\":\"f\",\"arguments\":"
                 "\"\"}}]")
        DELTA(0, "\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":"
                 "\"{\\\"k\\\":\\\"[key]\\\"}\"}}]")
        DELTA(0, "\"tool_calls\":[{\"index\":1,\"id\":\"b\",\"type\":"
                 "\"function\",\"function\":{\"name\":\"g\",\"arguments\":"
                 "\"\"}}]")
        DELTA(0, "\"tool_calls\":[{\"index\":1,\"function\":{\"arguments\":"
                 "\"[key]\"}}]")
        "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{},"
        "\"finish_reason\":\"tool_calls\"}]}\n\n" DONE);
    buf_clear(&first);
    story_clear(&s);
}

static void windows_let_go_in_time(void)
{
    struct story s;

    story_init(&s, mask);
    CU_ASSERT_FATAL(story_open(&s));
    story_feed(&s, STR(ROLE));
    CU_ASSERT(!output_has_content(s.o));
    story_say(&s, "content", "0123456789abcdef", 16);
    UNIT_STR(story_bytes(&s), ROLE);
    CU_ASSERT(!output_has_content(s.o));
    story_say(&s, "content", "ghij", 4);
    UNIT_STR(story_bytes(&s), ROLE DELTA(0, "\"content\":\"0123\""));
    CU_ASSERT(output_has_content(s.o));
    story_clear(&s);
}

/* Nothing to hold, nothing changed: the bytes are the provider's, spellings
 * and all. */
static void untouched_bytes(void)
{
    static const char odd[] =
        "id: 7\r\nevent: x\r\ndata: { \"choices\":[ {\"delta\" : {\"content\":"
        "\"\\u00e9\\/\"} , \"index\":0} ],\"usage\" : null }\r\n\r\n"
        "data: {\"choices\":\ndata: [{\"index\":0,\"delta\":{\"content\":"
        "\"b\"}}]}\n\n" FINISH ": x\n\n" DONE;
    struct story s;

    story_init(&s, "return { api = 1, window = { hold = 0 },\n"
                   "  output = function(req, conf, w)\n"
                   "    w:replace('x', 'y') w.text = w.text end }");
    CU_ASSERT_FATAL(story_open(&s));
    story_feed(&s, str_of(odd));
    UNIT_STR(story_bytes(&s), odd);
    story_clear(&s);
}

/* Changed: all around the text stays; lines of data are written anew. */
static void edited_bytes(void)
{
    struct story s;

    story_init(&s, "return { api = 1, window = { hold = 0 },\n"
                   "  output = function(req, conf, w)\n"
                   "    w:replace('b', function(c) return c:upper() end)\n"
                   "  end }");
    CU_ASSERT_FATAL(story_open(&s));
    story_feed(&s, STR("id: 7\r\ndata: { \"choices\":[ {\"delta\" : {\"content"
                       "\":\"\\u0062\"} , \"index\":0} ] }\r\n\r\n"));
    UNIT_STR(story_bytes(&s),
             "id: 7\r\ndata: { \"choices\":[ {\"delta\" : {\"content\":\"B\"} "
             ", \"index\":0} ] }\r\n\r\n");
    buf_reset(&s.got);
    story_feed(&s, STR("event: e\nid: 8\ndata: {\"choices\":\ndata: [{\"index\""
                       ":0,\"delta\":{\"content\":\"ab\"}}]}\n\n"));
    UNIT_STR(story_bytes(&s),
             "id: 8\nevent: e\ndata: {\"choices\":\ndata: [{\"index\":0,"
             "\"delta\":{\"content\":\"aB\"}}]}\n\n");
    story_clear(&s);
}

static void log_probabilities_repeat_text(void)
{
    struct story s;

    story_init(&s, mask);
    CU_ASSERT_FATAL(story_open(&s));
    story_feed(&s, STR("data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":"
                       "\"assistant\",\"content\":\"sk-1234\"},\"logprobs\":"
                       "{\"content\":[{\"token\":\"sk-1234\"}]}}]}\n\n" FINISH
                       DONE));
    UNIT_STR(story_bytes(&s),
             "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":"
             "\"assistant\",\"content\":\"\"},\"logprobs\":null}]}\n\n"
             "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":"
             "\"[key]\"},\"finish_reason\":null}]}\n\n" FINISH DONE);
    story_clear(&s);
}

static void two_choices(void)
{
    struct story s;

    story_init(&s, mask);
    CU_ASSERT_FATAL(story_open(&s));
    story_feed(&s, STR(DELTA(0, "\"content\":\"a sk-\"")
                       DELTA(1, "\"content\":\"b sk-12\"")
                       DELTA(0, "\"content\":\"1234\"")
                       DELTA(1, "\"content\":\"34 sk-\"") FINISH
                       DELTA(1, "\"content\":\"9\"")
                       "data: {\"choices\":[{\"index\":1,\"delta\":{},"
                       "\"finish_reason\":\"stop\"}]}\n\n" DONE));
    UNIT_STR(story_text(&s, WIRE_TEXT, 0, 0), "a [key]");
    UNIT_STR(story_text(&s, WIRE_TEXT, 1, 1), "b [key] sk-9");
    CU_ASSERT(strstr(story_bytes(&s), "[key]\"},\"finish_reason\":null}]}\n\n"
                                      FINISH) != NULL);
    story_clear(&s);
}

/* Thinking between the halves of a text: the whole never leaves. */
static void interleaved(void)
{
    struct story s;

    story_init(&s, mask);
    CU_ASSERT_FATAL(story_open(&s));
    story_say(&s, "content", "sk-1", 4);
    story_say(&s, "reasoning_content", "sk-12", 5);
    story_say(&s, "content", "234 ", 4);
    story_say(&s, "reasoning_content", "34", 2);
    story_feed(&s, STR(FINISH DONE));
    UNIT_STR(story_text(&s, WIRE_TEXT, 0, 0), "[key] ");
    UNIT_STR(story_text(&s, WIRE_THINKING, 0, 0), "sk-12[key]");
    story_clear(&s);
}

/* A stream that ends without its last event, and one that is cut. */
static void ends(void)
{
    struct story s;

    story_init(&s, mask);
    CU_ASSERT_FATAL(story_open(&s));
    story_say(&s, "content", "a sk-1234", 9);
    UNIT_INT(output_end(s.o), 0);
    story_take(&s);
    UNIT_STR(story_text(&s, WIRE_TEXT, 0, 0), "a [key]");
    UNIT_INT(output_end(s.o), 0);
    CU_ASSERT_EQUAL(output_bytes(s.o).n, 0);
    story_feed(&s, STR(DELTA(0, "\"content\":\"behind the end\"")));
    UNIT_STR(story_text(&s, WIRE_TEXT, 0, 0), "a [key]");
    story_clear(&s);
}

UNIT_MAIN("output", { "secrets at every offset", secrets_at_every_offset },
          { "every cut of the bytes", every_cut_of_the_bytes },
          { "windows let go in time", windows_let_go_in_time },
          { "untouched bytes", untouched_bytes },
          { "edited bytes", edited_bytes },
          { "log probabilities repeat text", log_probabilities_repeat_text },
          { "two choices", two_choices }, { "interleaved", interleaved },
          { "ends", ends })
