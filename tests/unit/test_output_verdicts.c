/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What output policies decide: stop, deny, fail; several of them; observers;
 * the whole answer held; answers that are not streamed. */
#include "output_unit.h"

#define POLICY(head, body)                                                    \
    "local M = { api = 1, " head " }\n"                                       \
    "function M.output(req, conf, w) " body " end\n"                          \
    "return M"

static const char stops[] =
    POLICY("window = { hold = 8 }",
           "if w.text:find('BAD', 1, true) then "
           "return ps.stop('content_filter') end");

#define STOPPED                                                               \
    "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{},"             \
    "\"finish_reason\":\"content_filter\"}]}\n\n"                             \
    "data: {\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2,"          \
    "\"total_tokens\":5,\"prompt_tokens_details\":{\"cached_tokens\":0},"     \
    "\"completion_tokens_details\":{\"reasoning_tokens\":0}},\"id\":\"c\","   \
    "\"choices\":[]}\n\n" DONE

static void stopped(void)
{
    struct story s;

    story_init(&s, stops);
    CU_ASSERT_FATAL(story_open(&s));
    story_feed(&s, STR(ROLE));
    story_say(&s, "content", "all is well B", 13);
    story_say(&s, "content", "A", 1);
    story_say(&s, "content", "D things", 8);
    story_say(&s, "content", "more", 4);
    UNIT_INT(s.rc, -ERR_CANCELLED);
    UNIT_STR(story_bytes(&s), ROLE DELTA(0, "\"content\":\"all i\"")
                              DELTA(0, "\"content\":\"s\"") STOPPED);
    story_clear(&s);
}

/* A choice that had its end needs no second one. */
static void stopped_after_one_choice(void)
{
    struct story s;

    story_init(&s, stops);
    CU_ASSERT_FATAL(story_open(&s));
    story_feed(&s, STR(ROLE DELTA(1, "\"content\":\"x\"") FINISH
                       DELTA(1, "\"content\":\"BAD\"")));
    CU_ASSERT(strstr(story_bytes(&s),
                     "\"choices\":[{\"index\":1,\"delta\":{},\"finish_reason\""
                     ":\"content_filter\"}]") != NULL);
    story_clear(&s);
}

static void denied(void)
{
    const struct policy_result *r;
    struct story s;

    story_init(&s, POLICY("", "if w.text:find('BAD') then return ps.deny("
                              "'x_words', 'Not here', { status = 451 }) end"));
    CU_ASSERT_FATAL(story_open(&s));
    story_say(&s, "content", "BAD", 3);
    UNIT_INT(s.rc, -ERR_CANCELLED);
    r = output_verdict(s.o);
    UNIT_INT(r->verdict, POLICY_DENY);
    CU_ASSERT(str_is(r->code, "x_words") && str_is(r->policy, "p"));
    UNIT_INT(r->status, 451);
    CU_ASSERT_EQUAL(buf_len(&s.got), 0);
    story_clear(&s);
}

static const char fails[] =
    POLICY("window = { hold = 0 }",
           "w.text = 'changed' if w.text then error('oh') end");

static void fails_closed(void)
{
    struct story s;

    story_init(&s, fails);
    CU_ASSERT_FATAL(story_open(&s));
    story_say(&s, "content", "text", 4);
    UNIT_INT(s.rc, -ERR_CANCELLED);
    UNIT_INT(output_verdict(s.o)->verdict, POLICY_FAILED);
    UNIT_INT(output_verdict(s.o)->err_code, ERR_POLICY_FAILED);
    CU_ASSERT(strstr(s.f.notes, "failed closed: p:2: oh") != NULL);
    CU_ASSERT_EQUAL(buf_len(&s.got), 0);
    story_clear(&s);
}

/* Its edits are undone, the text passes, and it is not asked again. */
static void fails_open(void)
{
    struct story s;
    const char *first;

    story_init(&s, fails)->fail = STR("open");
    CU_ASSERT_FATAL(story_open(&s));
    story_feed(&s, STR(DELTA(0, "\"content\":\"one\"")
                       DELTA(0, "\"content\":\"two\"") FINISH DONE));
    UNIT_STR(story_bytes(&s), DELTA(0, "\"content\":\"one\"")
                              DELTA(0, "\"content\":\"two\"") FINISH DONE);
    first = strstr(s.f.notes, "failed open");
    CU_ASSERT_PTR_NOT_NULL_FATAL(first);
    CU_ASSERT_PTR_NULL(strstr(first + 1, "failed open"));
    story_clear(&s);
}

static void cannot_wait(void)
{
    struct story s;

    story_init(&s, POLICY("", "ps.sleep(1)"));
    CU_ASSERT_FATAL(story_open(&s));
    story_say(&s, "content", "text", 4);
    UNIT_INT(output_verdict(s.o)->verdict, POLICY_FAILED);
    CU_ASSERT(strstr(s.f.notes, "output cannot wait") != NULL);
    story_clear(&s);
}

/* In list order, each on what the one before made of it. */
static void compose(void)
{
    struct story s;

    story_init(&s, POLICY("window = { hold = 4 }", "w:replace('cat', 'dog')"));
    fake_policy(&s.f, "q", POLICY("window = { hold = 12 }",
                                  "w:replace('hot dog', '<%0>')"));
    fake_policy(&s.f, "r", POLICY("window = { of = { 'thinking' } }",
                                  "w.text = 'never'"));
    CU_ASSERT_FATAL(story_open(&s));
    for (const char *p = "a hot cat, cats and a hot dog"; *p; p++)
        story_say(&s, "content", p, 1);
    story_feed(&s, STR(FINISH DONE));
    UNIT_STR(story_text(&s, WIRE_TEXT, 0, 0),
             "a <hot dog>, dogs and a <hot dog>");
    story_clear(&s);
}

static void observers(void)
{
    static const char text[] = ROLE DELTA(0, "\"content\":\"sk\"")
        DELTA(0, "\"content\":\"-1234 BAD\"") FINISH DONE;
    struct story s;

    story_init(&s, POLICY("", "w:replace('sk%-%d+', '') if w.text:find('BAD') "
                              "then return ps.stop() end"))->observe = true;
    CU_ASSERT_FATAL(story_open(&s));
    CU_ASSERT(output_only_observes(s.o));
    story_feed(&s, STR(ROLE DELTA(0, "\"content\":\"sk\"")));
    CU_ASSERT(output_has_content(s.o));
    story_feed(&s, STR(DELTA(0, "\"content\":\"-1234 BAD\"") FINISH DONE));
    UNIT_STR(story_bytes(&s), text);
    UNIT_STR(s.f.notes, "p: would replace text\n"
                        "p: would stop: content_filter\n");
    story_clear(&s);
}

/* An observer of the whole answer keeps nothing back either. */
static void observes_all(void)
{
    struct story s;

    story_init(&s, POLICY("window = { hold = 'all' }",
                          "ps.note(w.text) w.text = ''"))->observe = true;
    CU_ASSERT_FATAL(story_open(&s));
    story_feed(&s, STR(DELTA(0, "\"content\":\"a\"")
                       DELTA(0, "\"content\":\"b\"")));
    UNIT_STR(story_bytes(&s), DELTA(0, "\"content\":\"a\"")
                              DELTA(0, "\"content\":\"b\""));
    story_feed(&s, STR(FINISH DONE));
    UNIT_STR(s.f.notes, "p: ab\np: would replace text\n");
    UNIT_STR(story_text(&s, WIRE_TEXT, 0, 0), "ab");
    story_clear(&s);
}

/* ---- hold = "all" ------------------------------------------------------ */

#define ALL "window = { hold = 'all', of = { 'text' } }"

#define CALLS                                                                 \
    ROLE DELTA(0, "\"reasoning_content\":\"hm\"")                             \
    DELTA(0, "\"content\":\"one \"") DELTA(0, "\"content\":\"two\"")          \
    DELTA(0, "\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{"       \
             "\"name\":\"f\",\"arguments\":\"\"}}]")                          \
    DELTA(0, "\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":"      \
             "\"{}\"}}]") FINISH

static void holds_all(void)
{
    struct story s;

    story_init(&s, POLICY(ALL, "ps.note(w.text .. tostring(w.final)) "
                               "w:replace('two', '2')"));
    CU_ASSERT_FATAL(story_open(&s));
    story_feed(&s, STR(": ping\n\n" CALLS));
    CU_ASSERT_EQUAL(buf_len(&s.got), 0);
    CU_ASSERT(!output_has_content(s.o));
    story_feed(&s, STR(DONE));
    UNIT_STR(story_bytes(&s),
             ROLE DELTA(0, "\"reasoning_content\":\"hm\"")
             DELTA(0, "\"content\":\"one 2\"")
             DELTA(0, "\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":"
                      "{\"name\":\"f\",\"arguments\":\"\"}}]")
             DELTA(0, "\"tool_calls\":[{\"index\":0,\"function\":"
                      "{\"arguments\":\"{}\"}}]") FINISH DONE);
    UNIT_STR(s.f.notes, "p: one twotrue\n");
    story_clear(&s);
}

static void stops_all(void)
{
    struct story s;

    story_init(&s, POLICY(ALL, "return ps.stop()"));
    CU_ASSERT_FATAL(story_open(&s));
    story_feed(&s, STR(CALLS DONE));
    UNIT_STR(story_bytes(&s), ROLE STOPPED);
    story_clear(&s);
}

/* Too much to be kept: what fails closed ends it, what fails open lets all of
 * it go as it came. */
static void too_much(void)
{
    enum { SIZE = 1 << 20 };
    char *big = malloc(SIZE);
    struct story s;

    memset(big, 'x', SIZE);
    for (int open = 0; open < 2; open++) {
        struct conf_policy *p =
            story_init(&s, POLICY(ALL, "w.text = 'never'"));

        if (open)
            p->fail = STR("open");
        CU_ASSERT_FATAL(story_open(&s));
        story_feed(&s, STR(ROLE));
        for (int i = 0; i < 6 && !s.rc; i++)
            story_say(&s, "content", big, SIZE - 1);
        UNIT_INT(s.rc, open ? 0 : -ERR_CANCELLED);
        CU_ASSERT(strstr(s.f.notes, "too large") != NULL);
        if (open) {
            story_feed(&s, STR(FINISH DONE));
            UNIT_INT(strlen(story_text(&s, WIRE_TEXT, 0, 0)),
                     6 * (SIZE - 1));
        } else {
            UNIT_INT(output_verdict(s.o)->verdict, POLICY_FAILED);
            CU_ASSERT_EQUAL(buf_len(&s.got), 0);
        }
        story_clear(&s);
    }
    free(big);
}

static void too_many_blocks(void)
{
    struct story s;

    story_init(&s, POLICY("window = { hold = 1 }", ""));
    CU_ASSERT_FATAL(story_open(&s));
    for (int i = 0; i < 4000 && !s.rc; i++) {
        char event[256];

        snprintf(event, sizeof event, "data: {\"choices\":[{\"index\":%d,"
                 "\"delta\":{\"content\":\"xy\"}}]}\n\n", i * 7);
        story_feed(&s, str_of(event));
    }
    UNIT_INT(output_verdict(s.o)->verdict, POLICY_FAILED);
    story_clear(&s);
}

/* ---- not streamed ------------------------------------------------------ */

/* The body that the client gets. */
static const char *whole(struct story *s, const char *body)
{
    bool edited;
    struct str got;

    story_begin(s);
    CU_ASSERT_EQUAL_FATAL(json_scan(&s->scratch, str_of(body), NULL, NULL), 0);
    s->rc = output_body(s->o, &s->scratch, &edited);
    got = edited ? output_bytes(s->o) : str_of(body);
    buf_reset(&s->got);
    buf_put(&s->got, got);
    return story_bytes(s);
}

static void whole_answers(void)
{
    struct story s;

    story_init(&s, POLICY("", "ps.note(w.kind .. w.choice .. w.block .. "
                              "tostring(w.final)) w:replace('sk%-%d+', '*')"));
    CU_ASSERT_FATAL(story_open(&s));
    UNIT_STR(whole(&s, "{\"x\":1e2, \"choices\":[{\"index\":0,\"message\":"
                       "{\"content\":\"a\"}}]}"),
             "{\"x\":1e2, \"choices\":[{\"index\":0,\"message\":"
             "{\"content\":\"a\"}}]}");
    UNIT_STR(whole(&s, "{ \"x\":1e2,\"choices\":[ {\"index\":0,\"message\":"
                       "{\"content\":\"\\u0061 sk-1\",\"reasoning\":\"sk-2\","
                       "\"tool_calls\":[{\"function\":{\"arguments\":"
                       "\"sk-3\"}},{\"function\":{\"arguments\":{\"k\":"
                       "\"sk-4\"}}}]},\"logprobs\":{\"a\":1}},{\"index\":1,"
                       "\"message\":{\"content\":\"ok\"}} ] }"),
             "{ \"x\":1e2,\"choices\":[ {\"index\":0,\"message\":"
             "{\"content\":\"a *\",\"reasoning\":\"*\",\"tool_calls\":"
             "[{\"function\":{\"arguments\":\"*\"}},{\"function\":"
             "{\"arguments\":{\"k\":\"*\"}}}]},\"logprobs\":null},{\"index\":1,"
             "\"message\":{\"content\":\"ok\"}} ] }");
    UNIT_STR(s.f.notes, "p: text00true\np: thinking00true\np: tool_args00true\n"
                        "p: tool_args01true\np: text11true\n");
    story_clear(&s);
}

/* Parts of one text are one text. */
static void whole_parts(void)
{
    struct story s;

    story_init(&s, POLICY("", "w:replace('sk%-%d+', '*')"));
    CU_ASSERT_FATAL(story_open(&s));
    UNIT_STR(whole(&s, "{\"choices\":[{\"message\":{\"content\":[{\"text\":"
                       "\"a s\"},{\"text\":\"k-\"},{\"text\":\"12 b\"},"
                       "{\"text\":\"c\"}]}}]}"),
             "{\"choices\":[{\"message\":{\"content\":[{\"text\":\"a \"},"
             "{\"text\":\"\"},{\"text\":\"* b\"},{\"text\":\"c\"}]}}]}");
    story_clear(&s);
}

static void whole_verdicts(void)
{
    struct story s;

    story_init(&s, stops);
    CU_ASSERT_FATAL(story_open(&s));
    UNIT_STR(whole(&s, "{\"choices\":[{\"index\":0,\"message\":{\"content\":"
                       "\"fine\"},\"finish_reason\":\"stop\"},{\"index\":1,"
                       "\"message\":{\"content\":\"BAD\"},\"finish_reason\":"
                       "\"stop\"}]}"),
             "{\"choices\":[{\"index\":0,\"message\":{\"content\":\"fine\"},"
             "\"finish_reason\":\"stop\"},{\"index\":1,\"message\":{\"role\":"
             "\"assistant\",\"content\":\"\"},\"finish_reason\":"
             "\"content_filter\"}]}");
    UNIT_INT(s.rc, 0);
    UNIT_INT(output_verdict(s.o)->verdict, POLICY_STOP);
    story_clear(&s);

    story_init(&s, POLICY("", "w:replace('1', '}')"));
    CU_ASSERT_FATAL(story_open(&s));
    whole(&s, "{\"choices\":[{\"message\":{\"tool_calls\":[{\"function\":"
              "{\"arguments\":{\"k\":1}}}]}}]}");
    UNIT_INT(s.rc, -ERR_CANCELLED);
    CU_ASSERT(strstr(s.f.notes, "is no JSON") != NULL);
    story_clear(&s);
}

UNIT_MAIN("output_verdicts", { "stopped", stopped },
          { "stopped after one choice", stopped_after_one_choice },
          { "denied", denied }, { "fails closed", fails_closed },
          { "fails open", fails_open }, { "cannot wait", cannot_wait },
          { "compose", compose }, { "observers", observers },
          { "observes all", observes_all }, { "holds all", holds_all },
          { "stops all", stops_all }, { "too much", too_much },
          { "too many blocks", too_many_blocks },
          { "whole answers", whole_answers }, { "whole parts", whole_parts },
          { "whole verdicts", whole_verdicts })
