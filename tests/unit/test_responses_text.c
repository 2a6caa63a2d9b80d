/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Responses answers through output policies: a text is said in pieces, whole,
 * in its part, in its item and in the last event, and is changed in all. */
#include "output_unit.h"

#include "wire/responses.h"

#define EVENT(type, rest)                                                     \
    "event: " type "\ndata: {\"type\":\"" type "\"" rest "}\n\n"
#define AT ",\"item_id\":\"m1\",\"output_index\":0,\"content_index\":0"
#define CREATED                                                               \
    EVENT("response.created", ",\"sequence_number\":0,\"response\":{\"id\":"  \
          "\"r\",\"status\":\"in_progress\",\"incomplete_details\":null,"     \
          "\"output\":[],\"usage\":null}")
#define ITEM(text)                                                            \
    "{\"type\":\"message\",\"id\":\"m1\",\"content\":[{\"type\":"             \
    "\"output_text\",\"text\":\"" text "\"}]}"
#define ADDED                                                                 \
    EVENT("response.output_item.added", ",\"sequence_number\":1,"             \
          "\"output_index\":0,\"item\":{\"type\":\"message\",\"id\":\"m1\","  \
          "\"content\":[]}")                                                  \
    EVENT("response.content_part.added", AT ",\"sequence_number\":2,"         \
          "\"part\":{\"type\":\"output_text\",\"text\":\"\"}")
#define PIECE(n, text)                                                        \
    EVENT("response.output_text.delta", AT ",\"delta\":\"" text "\","         \
          "\"logprobs\":[],\"sequence_number\":" #n)
/* the same as the gateway writes it */
#define OURS(n, text)                                                         \
    EVENT("response.output_text.delta", AT ",\"logprobs\":[],\"delta\":\""    \
          text "\",\"sequence_number\":" #n)
#define DONE_ALL(text)                                                        \
    EVENT("response.output_text.done", AT ",\"text\":\"" text "\"")           \
    EVENT("response.content_part.done", AT ",\"part\":{\"type\":"             \
          "\"output_text\",\"text\":\"" text "\"}")                           \
    EVENT("response.output_item.done", ",\"output_index\":0,\"item\":"        \
          ITEM(text))                                                         \
    EVENT("response.completed", ",\"response\":{\"id\":\"r\",\"status\":"     \
          "\"completed\",\"output\":[" ITEM(text) "],\"usage\":{}}")

static const char mask[] =
    "local M = { api = 1, window = { hold = 16 } }\n"
    "function M.output(req, conf, w)\n"
    "  if w.text:find('BAD') then return ps.stop() end\n"
    "  w:replace('sk%-%d%d%d%d', '[key]')\n"
    "end\n"
    "return M";

static bool begin(struct story *s, const char *policy)
{
    story_init(s, policy);
    s->wire = wire_text_ops(DIALECT_RESPONSES);
    return story_open(s);
}

static void changed_everywhere(void)
{
    struct story s;

    CU_ASSERT_FATAL(begin(&s, mask));
    story_feed(&s, STR(
        CREATED ADDED PIECE(3, "It is sk-12") PIECE(4, "34, truly.")
        DONE_ALL("It is sk-1234, truly.")));
    UNIT_STR(story_bytes(&s),
        CREATED ADDED PIECE(4, "It is") OURS(5, " [key], truly.")
        DONE_ALL("It is [key], truly."));
    story_clear(&s);
}

static void secrets_at_every_offset(void)
{
    static const char text[] = "say sk-1234 or sk-1234";
    struct story s;

    CU_ASSERT_FATAL(begin(&s, mask));
    for (size_t i = 0; i < sizeof text; i++) {
        char events[8192];

        snprintf(events, sizeof events,
                 CREATED ADDED PIECE(3, "%.*s") PIECE(4, "%s")
                 DONE_ALL("say sk-1234 or sk-1234"), (int)i, text, text + i);
        story_begin(&s);
        story_feed(&s, str_of(events));
        CU_ASSERT(strstr(story_bytes(&s), "sk-") == NULL);
        CU_ASSERT(strstr(story_bytes(&s), "response.completed") != NULL);
    }
    story_clear(&s);
}

/* hold = "all": nothing before the end, and then the same as otherwise. */
static void held(void)
{
    static const char all[] =
        "return { api = 1, window = { hold = 'all' }, output = "
        "function(r, c, w) w:replace('b', 'B') end }";
    struct story s;

    CU_ASSERT_FATAL(begin(&s, all));
    story_feed(&s, STR(CREATED ADDED PIECE(3, "a") PIECE(4, "b")));
    CU_ASSERT_EQUAL(buf_len(&s.got), 0);
    story_feed(&s, STR(DONE_ALL("ab")));
    UNIT_STR(story_bytes(&s), CREATED ADDED OURS(4, "aB") DONE_ALL("aB"));
    story_clear(&s);
}

static void calls(void)
{
#define CALL(args)                                                            \
    "{\"type\":\"function_call\",\"name\":\"f\",\"arguments\":\"" args "\"}"
#define ARGS(member, n, text)                                                 \
    EVENT("response.function_call_arguments." member, ",\"item_id\":\"f1\","  \
          "\"output_index\":1,\"sequence_number\":" #n ",\"" text "\"")
    struct story s;

    CU_ASSERT_FATAL(begin(&s, mask));
    story_feed(&s, STR(
        EVENT("response.output_item.added", ",\"output_index\":1,\"item\":"
              CALL(""))
        ARGS("delta", 1, "delta\":\"{\\\"k\\\":\\\"sk-1")
        ARGS("delta", 2, "delta\":\"234\\\"}")
        ARGS("done", 3, "arguments\":\"{\\\"k\\\":\\\"sk-1234\\\"}")
        EVENT("response.output_item.done", ",\"output_index\":1,\"item\":"
              CALL("{\\\"k\\\":\\\"sk-1234\\\"}"))));
    CU_ASSERT(strstr(story_bytes(&s), "sk-1234") == NULL);
    CU_ASSERT(strstr(story_bytes(&s), "sk-1\"") == NULL);
    CU_ASSERT(strstr(story_bytes(&s),
                     "\"arguments\":\"{\\\"k\\\":\\\"[key]\\\"}\"}}") != NULL);
    story_clear(&s);
}

static void ended(void)
{
    struct usage u = USAGE_NONE;
    struct story s;

    CU_ASSERT_FATAL(begin(&s, mask));
    story_feed(&s, STR(CREATED ADDED PIECE(3, "a long beginning, B")
                       PIECE(4, "AD") DONE_ALL("a long beginning, BAD")));
    CU_ASSERT(strstr(story_bytes(&s), "BAD") == NULL);
    CU_ASSERT(strstr(story_bytes(&s),
        "\"response\":{\"id\":\"r\",\"status\":\"incomplete\","
        "\"incomplete_details\":{\"reason\":\"content_filter\"},\"output\":["
        ITEM("a l") "],\"usage\":{\"input_tokens\":3,") != NULL);
    story_begin(&s);
    story_feed(&s, STR(CREATED ADDED PIECE(3, "It is sk-1234, truly.")));
    u.input = 3;
    u.output = 2;
    CU_ASSERT_EQUAL(output_finish(s.o, WIRE_FINISH_LENGTH, &u, true), 0);
    story_take(&s);
    CU_ASSERT(strstr(story_bytes(&s), "[key], truly.") != NULL);
    CU_ASSERT(strstr(story_bytes(&s), "event: response.incomplete\n") !=
              NULL);
    CU_ASSERT(strstr(story_bytes(&s),
                     "\"incomplete_details\":{\"reason\":"
                     "\"max_output_tokens\"},\"output\":["
                     ITEM("It is [key], truly.") "],\"usage\":"
                     "{\"input_tokens\":3,") != NULL);
    story_clear(&s);
}

static void whole_answers(void)
{
    struct story s;

    CU_ASSERT_FATAL(begin(&s, mask));
    UNIT_STR(story_whole(&s,
        "{\"id\":\"r\",\"output\":[{\"type\":\"reasoning\",\"summary\":["
        "{\"text\":\"sk-1234\"}]}," ITEM("a sk-1234") ",{\"type\":"
        "\"function_call\",\"arguments\":\"sk-1234\"}]}"),
        "{\"id\":\"r\",\"output\":[{\"type\":\"reasoning\",\"summary\":["
        "{\"text\":\"[key]\"}]}," ITEM("a [key]") ",{\"type\":"
        "\"function_call\",\"arguments\":\"[key]\"}]}");
    story_begin(&s);
    UNIT_STR(story_whole(&s,
        "{\"id\":\"r\",\"status\":\"completed\",\"incomplete_details\":null,"
        "\"output\":[" ITEM("BAD") "]}"),
        "{\"id\":\"r\",\"status\":\"incomplete\",\"incomplete_details\":"
        "{\"reason\":\"content_filter\"},\"output\":[]}");
    story_clear(&s);
}

UNIT_MAIN("responses_text", { "changed everywhere", changed_everywhere },
          { "secrets at every offset", secrets_at_every_offset },
          { "held", held }, { "calls", calls }, { "ended", ended },
          { "whole answers", whole_answers })
