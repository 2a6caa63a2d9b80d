/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Anthropic's messages through output policies: blocks with a start, deltas
 * and a stop. */
#include "output_unit.h"

#include "wire/anthropic_text.h"

#define EVENT(type, rest)                                                     \
    "event: " type "\ndata: {\"type\":\"" type "\"" rest "}\n\n"
#define START(i, block)                                                       \
    EVENT("content_block_start", ",\"index\":" #i ",\"content_block\":" block)
#define DELTA_OF(i, delta)                                                    \
    EVENT("content_block_delta", ",\"index\":" #i ",\"delta\":" delta)
#define TEXT(i, text)                                                         \
    DELTA_OF(i, "{\"type\":\"text_delta\",\"text\":\"" text "\"}")
#define THINK(i, text)                                                        \
    DELTA_OF(i, "{\"type\":\"thinking_delta\",\"thinking\":\"" text "\"}")
#define INPUT(i, text)                                                        \
    DELTA_OF(i, "{\"type\":\"input_json_delta\",\"partial_json\":\"" text     \
                "\"}")
#define STOP(i) EVENT("content_block_stop", ",\"index\":" #i)
#define MESSAGE                                                               \
    EVENT("message_start", ",\"message\":{\"id\":\"m\",\"content\":[]}")
#define END                                                                   \
    EVENT("message_delta", ",\"delta\":{\"stop_reason\":\"end_turn\"},"       \
                           "\"usage\":{\"output_tokens\":9}")                 \
    EVENT("message_stop", "")

static const char mask[] =
    "local M = { api = 1, window = { hold = 16 } }\n"
    "function M.output(req, conf, w)\n"
    "  if w.text:find('BAD') then return ps.stop() end\n"
    "  if w.final then ps.note(w.kind .. w.block) end\n"
    "  w:replace('sk%-%d%d%d%d', '[key]')\n"
    "end\n"
    "return M";

static bool begin(struct story *s, const char *policy)
{
    story_init(s, policy);
    s->wire = &anthropic_text_ops;
    return story_open(s);
}

static void blocks(void)
{
    struct story s;

    CU_ASSERT_FATAL(begin(&s, mask));
    story_feed(&s, STR(
        MESSAGE START(0, "{\"type\":\"thinking\",\"thinking\":\"\"}")
        THINK(0, "hm sk-1") THINK(0, "234")
        DELTA_OF(0, "{\"type\":\"signature_delta\",\"signature\":\"s\"}")
        STOP(0) START(1, "{\"type\":\"text\",\"text\":\"\"}")
        EVENT("ping", "") TEXT(1, "It is sk-12") TEXT(1, "34, truly.")
        STOP(1)
        START(2, "{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\","
                 "\"input\":{}}")
        INPUT(2, "") INPUT(2, "{\\\"k\\\":\\\"sk-1") INPUT(2, "234\\\"}")
        STOP(2) END));
    UNIT_STR(story_bytes(&s),
        MESSAGE START(0, "{\"type\":\"thinking\",\"thinking\":\"\"}")
        DELTA_OF(0, "{\"type\":\"signature_delta\",\"signature\":\"s\"}")
        THINK(0, "hm [key]") STOP(0)
        START(1, "{\"type\":\"text\",\"text\":\"\"}") EVENT("ping", "")
        TEXT(1, "It is") TEXT(1, " [key], truly.") STOP(1)
        START(2, "{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\","
                 "\"input\":{}}")
        INPUT(2, "") INPUT(2, "{\\\"k\\\":\\\"[key]\\\"}") STOP(2) END);
    UNIT_STR(s.f.notes, "p: thinking0\np: text1\np: tool_args2\n");
    story_clear(&s);
}

/* A text at each of its offsets over two deltas. */
static void secrets_at_every_offset(void)
{
    static const char text[] = "say sk-1234 or sk-1234";
    struct story s;

    CU_ASSERT_FATAL(begin(&s, mask));
    for (size_t i = 0; i < sizeof text; i++) {
        char events[2048];

        snprintf(events, sizeof events,
                 MESSAGE START(0, "{\"type\":\"text\",\"text\":\"\"}")
                 TEXT(0, "%.*s") TEXT(0, "%s") STOP(0) END, (int)i, text,
                 text + i);
        story_begin(&s);
        story_feed(&s, str_of(events));
        CU_ASSERT(strstr(story_bytes(&s), "sk-") == NULL);
        CU_ASSERT(strstr(story_bytes(&s), "or [key]") != NULL);
    }
    story_clear(&s);
}

static void stopped(void)
{
    struct story s;

    CU_ASSERT_FATAL(begin(&s, mask));
    story_feed(&s, STR(
        MESSAGE START(0, "{\"type\":\"text\",\"text\":\"\"}")
        TEXT(0, "a long beginning is here, B") TEXT(0, "AD") STOP(0) END));
    UNIT_STR(story_bytes(&s),
        MESSAGE START(0, "{\"type\":\"text\",\"text\":\"\"}")
        TEXT(0, "a long begi") STOP(0)
        EVENT("message_delta", ",\"delta\":{\"stop_reason\":\"refusal\","
              "\"stop_sequence\":null},\"usage\":{"
              "\"input_tokens\":3,\"output_tokens\":2}")
        EVENT("message_stop", ""));
    story_clear(&s);
}

/* hold = "all": texts at their places, and the head alone after a stop. */
static void held(void)
{
    static const char all[] =
        "return { api = 1, window = { hold = 'all' }, output = "
        "function(r, c, w) w:replace('b', 'B') "
        "if w.text:find('BAD') then return ps.stop('length') end end }";
    struct story s;

    CU_ASSERT_FATAL(begin(&s, all));
    story_feed(&s, STR(
        MESSAGE START(0, "{\"type\":\"text\",\"text\":\"\"}")
        TEXT(0, "a") TEXT(0, "b") STOP(0)
        START(1, "{\"type\":\"text\",\"text\":\"\"}") TEXT(1, "c") STOP(1)));
    CU_ASSERT_EQUAL(buf_len(&s.got), 0);
    story_feed(&s, STR(END));
    UNIT_STR(story_bytes(&s),
        MESSAGE START(0, "{\"type\":\"text\",\"text\":\"\"}")
        TEXT(0, "aB") STOP(0)
        START(1, "{\"type\":\"text\",\"text\":\"\"}") TEXT(1, "c") STOP(1)
        END);
    story_begin(&s);
    story_feed(&s, STR(
        MESSAGE START(0, "{\"type\":\"text\",\"text\":\"\"}")
        TEXT(0, "bAD") STOP(0)
        START(1, "{\"type\":\"text\",\"text\":\"\"}") TEXT(1, "c") STOP(1)
        END));
    UNIT_STR(story_bytes(&s),
        MESSAGE START(0, "{\"type\":\"text\",\"text\":\"\"}") STOP(0)
        EVENT("message_delta", ",\"delta\":{\"stop_reason\":\"max_tokens\","
              "\"stop_sequence\":null},\"usage\":{"
              "\"input_tokens\":3,\"output_tokens\":2}")
        EVENT("message_stop", ""));
    story_clear(&s);
}

static const char *whole(struct story *s, const char *body)
{
    bool edited;

    story_begin(s);
    CU_ASSERT_EQUAL_FATAL(json_scan(&s->scratch, str_of(body), NULL, NULL), 0);
    s->rc = output_body(s->o, &s->scratch, &edited);
    buf_put(&s->got, edited ? output_bytes(s->o) : str_of(body));
    return story_bytes(s);
}

static void whole_messages(void)
{
    struct story s;

    CU_ASSERT_FATAL(begin(&s, mask));
    UNIT_STR(whole(&s,
        "{\"type\":\"message\",\"content\":[{\"type\":\"thinking\","
        "\"thinking\":\"sk-1234\",\"signature\":\"x\"},{\"type\":\"text\","
        "\"text\":\"a sk-1234\"},{\"type\":\"tool_use\",\"id\":\"t\","
        "\"input\":{\"k\":\"sk-1234\"}},{\"type\":\"new\",\"x\":\"sk-1234\"}]"
        ",\"stop_reason\":\"tool_use\"}"),
        "{\"type\":\"message\",\"content\":[{\"type\":\"thinking\","
        "\"thinking\":\"[key]\",\"signature\":\"x\"},{\"type\":\"text\","
        "\"text\":\"a [key]\"},{\"type\":\"tool_use\",\"id\":\"t\","
        "\"input\":{\"k\":\"[key]\"}},{\"type\":\"new\",\"x\":\"sk-1234\"}]"
        ",\"stop_reason\":\"tool_use\"}");
    UNIT_STR(s.f.notes, "p: thinking0\np: text1\np: tool_args2\n");
    UNIT_STR(whole(&s,
        "{\"type\":\"message\",\"id\":\"m\",\"content\":[{\"type\":\"text\","
        "\"text\":\"BAD\"}],\"stop_reason\":\"end_turn\",\"stop_sequence\":"
        "\"x\"}"),
        "{\"type\":\"message\",\"id\":\"m\",\"content\":[],\"stop_reason\":"
        "\"refusal\",\"stop_sequence\":null}");
    story_clear(&s);
}

UNIT_MAIN("anthropic_text", { "blocks", blocks },
          { "secrets at every offset", secrets_at_every_offset },
          { "stopped", stopped }, { "held", held },
          { "whole messages", whole_messages })
