/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Responses streams that the gateway ends: wherever an upstream's stream
 * is cut, what the client got is a whole stream.
 */
#include "responses_client.h"

#include "wire/responses.h"

/* ---- what upstream says ------------------------------------------------- */

#define EVENT(n, type, rest)                                                  \
    "event: " type "\ndata: {\"type\":\"" type "\",\"sequence_number\":" #n    \
    rest "}\n\n"
#define ITEM_ADDED(n, i, item)                                                \
    EVENT(n, "response.output_item.added", ",\"output_index\":" #i            \
          ",\"item\":" item)
#define ITEM_DONE(n, i, item)                                                 \
    EVENT(n, "response.output_item.done", ",\"output_index\":" #i             \
          ",\"item\":" item)
#define OF(id, i) ",\"item_id\":\"" id "\",\"output_index\":" #i
#define IN(k) ",\"content_index\":" #k
#define SUM(k) ",\"summary_index\":" #k

#define CREATED                                                               \
    EVENT(0, "response.created", ",\"response\":{\"id\":\"r\",\"status\":"    \
          "\"in_progress\",\"incomplete_details\":null,\"output\":[],"        \
          "\"usage\":null,\"metadata\":{}}")                                  \
    EVENT(1, "response.in_progress", ",\"response\":{\"id\":\"r\"}")
#define THOUGHT(status, summary)                                              \
    "{\"id\":\"rs\",\"type\":\"reasoning\"" status ",\"summary\":[" summary   \
    "]}"
#define SUMMED(text) "{\"type\":\"summary_text\",\"text\":\"" text "\"}"
#define THOUGHTS                                                              \
    ITEM_ADDED(2, 0, THOUGHT("", ""))                                         \
    EVENT(3, "response.reasoning_summary_part.added", OF("rs", 0) SUM(0)      \
          ",\"part\":" SUMMED(""))                                            \
    EVENT(4, "response.reasoning_summary_text.delta", OF("rs", 0) SUM(0)      \
          ",\"delta\":\"First \"")                                            \
    EVENT(5, "response.reasoning_summary_text.delta", OF("rs", 0) SUM(0)      \
          ",\"delta\":\"sk-1234\"")                                           \
    EVENT(6, "response.reasoning_summary_text.done", OF("rs", 0) SUM(0)       \
          ",\"text\":\"First sk-1234\"")                                      \
    EVENT(7, "response.reasoning_summary_part.done", OF("rs", 0) SUM(0)       \
          ",\"part\":" SUMMED("First sk-1234"))                               \
    EVENT(8, "response.reasoning_summary_part.added", OF("rs", 0) SUM(1)      \
          ",\"part\":" SUMMED(""))                                            \
    EVENT(9, "response.reasoning_summary_text.delta", OF("rs", 0) SUM(1)      \
          ",\"delta\":\"then.\"")                                             \
    EVENT(10, "response.reasoning_summary_text.done", OF("rs", 0) SUM(1)      \
          ",\"text\":\"then.\"")                                              \
    EVENT(11, "response.reasoning_summary_part.done", OF("rs", 0) SUM(1)      \
          ",\"part\":" SUMMED("then."))                                       \
    ITEM_DONE(12, 0, THOUGHT("", SUMMED("First sk-1234") ","                  \
                             SUMMED("then.")))
#define NOTE "{\"type\":\"url_citation\",\"url\":\"http://x\"}"
#define TEXTED(text, notes)                                                   \
    "{\"type\":\"output_text\",\"annotations\":[" notes "],\"text\":\"" text  \
    "\"}"
#define REFUSED(text) "{\"type\":\"refusal\",\"refusal\":\"" text "\"}"
#define MESSAGE(status, content)                                              \
    "{\"id\":\"m\",\"type\":\"message\",\"status\":\"" status "\","           \
    "\"content\":[" content "],\"role\":\"assistant\"}"
#define WORDS "It \\\"is\\\" sk-1234, caf\\u00e9 \\ud83d\\ude00."
#define TALK                                                                  \
    ITEM_ADDED(13, 1, MESSAGE("in_progress", ""))                             \
    EVENT(14, "response.content_part.added", OF("m", 1) IN(0) ",\"part\":"    \
          TEXTED("", ""))                                                     \
    EVENT(15, "response.output_text.delta", OF("m", 1) IN(0)                  \
          ",\"delta\":\"It \\\"is\\\" sk-1\",\"logprobs\":[]")                \
    EVENT(16, "response.output_text.delta", OF("m", 1) IN(0)                  \
          ",\"delta\":\"234, caf\\u00e9 \\ud83d\"")                           \
    EVENT(17, "response.output_text.delta", OF("m", 1) IN(0)                  \
          ",\"delta\":\"\\ude00.\"")                                          \
    EVENT(18, "response.output_text.annotation.added", OF("m", 1) IN(0)       \
          ",\"annotation_index\":0,\"annotation\":" NOTE)                     \
    EVENT(19, "response.output_text.done", OF("m", 1) IN(0) ",\"text\":\""    \
          WORDS "\"")                                                         \
    EVENT(20, "response.content_part.done", OF("m", 1) IN(0) ",\"part\":"     \
          TEXTED(WORDS, NOTE))                                                \
    EVENT(21, "response.content_part.added", OF("m", 1) IN(1) ",\"part\":"    \
          REFUSED(""))                                                        \
    EVENT(22, "response.refusal.delta", OF("m", 1) IN(1)                      \
          ",\"delta\":\"I will not.\"")                                       \
    EVENT(23, "response.refusal.done", OF("m", 1) IN(1)                       \
          ",\"refusal\":\"I will not.\"")                                     \
    EVENT(24, "response.content_part.done", OF("m", 1) IN(1) ",\"part\":"     \
          REFUSED("I will not."))                                             \
    ITEM_DONE(25, 1, MESSAGE("completed", TEXTED(WORDS, NOTE) ","             \
                             REFUSED("I will not.")))
#define CALL(status, args)                                                    \
    "{\"id\":\"f\",\"type\":\"function_call\",\"status\":\"" status "\","     \
    "\"name\":\"fn\",\"call_id\":\"c1\",\"arguments\":\"" args "\"}"
#define CUSTOM(input)                                                         \
    "{\"id\":\"u\",\"type\":\"custom_tool_call\",\"name\":\"cu\","            \
    "\"call_id\":\"c2\",\"input\":\"" input "\"}"
#define CALLS                                                                 \
    ITEM_ADDED(26, 2, CALL("in_progress", ""))                                \
    ITEM_ADDED(27, 3, CUSTOM(""))                                             \
    EVENT(28, "response.function_call_arguments.delta", OF("f", 2)            \
          ",\"delta\":\"{\\\"k\\\":\"")                                       \
    EVENT(29, "response.custom_tool_call_input.delta", OF("u", 3)             \
          ",\"delta\":\"run \"")                                              \
    EVENT(30, "response.function_call_arguments.delta", OF("f", 2)            \
          ",\"delta\":\"1}\"")                                                \
    EVENT(31, "response.function_call_arguments.done", OF("f", 2)             \
          ",\"name\":\"fn\",\"arguments\":\"{\\\"k\\\":1}\"")                 \
    ITEM_DONE(32, 2, CALL("completed", "{\\\"k\\\":1}"))                      \
    EVENT(33, "response.custom_tool_call_input.delta", OF("u", 3)             \
          ",\"delta\":\"it\"")                                                \
    EVENT(34, "response.custom_tool_call_input.done", OF("u", 3)              \
          ",\"input\":\"run it\"")                                            \
    ITEM_DONE(35, 3, CUSTOM("run it"))
#define COMPLETED                                                             \
    EVENT(36, "response.completed", ",\"response\":{\"id\":\"r\",\"status\":" \
          "\"completed\",\"output\":[" THOUGHT("", SUMMED("First sk-1234")    \
          "," SUMMED("then.")) "," MESSAGE("completed", TEXTED(WORDS, NOTE)   \
          "," REFUSED("I will not.")) "," CALL("completed",                   \
          "{\\\"k\\\":1}") "," CUSTOM("run it") "],\"usage\":{}}")

static const char stream[] = CREATED THOUGHTS TALK CALLS COMPLETED;

static const char watcher[] =
    "return { api = 1, window = { of = { 'text', 'thinking', "
    "'tool_args' }, hold = 0 }, output = function() end }";
static const char mask[] =
    "return { api = 1, window = { of = { 'text', 'thinking', "
    "'tool_args' }, hold = 8 }, output = function(r, c, w) "
    "w:replace('sk%-%d%d%d%d', '[key]') end }";
static const char all[] =
    "return { api = 1, window = { of = { 'text', 'thinking', "
    "'tool_args' }, hold = 'all' }, output = function(r, c, w) "
    "w:replace('sk%-%d%d%d%d', '[key]') end }";

static bool open_story(struct story *s, const char *policy)
{
    story_init(s, policy);
    s->wire = wire_text_ops(DIALECT_RESPONSES);
    return story_open(s);
}

/* No policies: a limit alone may end it. */
static bool open_limited(struct story *s)
{
    const struct policy_output none = { .kinds = 0 };

    if (!open_story(s, watcher))
        return false;
    output_free(s->o);
    s->o = output_new(&none, DIALECT_RESPONSES, s->wire, s->f.arena,
                      &story_ops, s);
    if (s->o)
        output_may_end(s->o);
    return s->o != NULL;
}

static void finish(struct story *s, enum wire_finish f)
{
    struct usage u = USAGE_NONE;

    u.input = 3;
    u.output = 2;
    CU_ASSERT_EQUAL(output_finish(s->o, f, &u, true), 0);
    story_take(s);
}

/* ---- tests -------------------------------------------------------------- */

/* Upstream's stream is cut at every event and in it, and ended. */
static void at_any_byte_of(const char *policy, bool masks)
{
    struct story s;
    struct client c;
    size_t whole = sizeof CREATED THOUGHTS TALK CALLS - 1;

    CU_ASSERT_FATAL(open_story(&s, policy));
    for (size_t i = sizeof CREATED - 1; i <= whole; i++) {
        bool between = stream[i - 1] == '\n' || stream[i] == '\n';
        enum wire_finish f = i % 2 ? WIRE_FINISH_LENGTH : WIRE_FINISH_STOP;

        if (!between && i % 7) /* inside of an event it is all one */
            continue;
        story_begin(&s);
        story_feed(&s, (struct str){ stream, i });
        finish(&s, f);
        client_read(&c, &s);
        if (masks)
            CU_ASSERT(strstr(story_bytes(&s), "sk-1234") == NULL);
        UNIT_STR(c.end, f == WIRE_FINISH_STOP ? "response.completed"
                                              : "response.incomplete");
        client_clear(&c);
        if (c.failed)
            break;
    }
    story_clear(&s);
}

static void watched(void)
{
    at_any_byte_of(watcher, false);
}

static void masked(void)
{
    at_any_byte_of(mask, true);
}

static void held(void)
{
    at_any_byte_of(all, true);
}

/* Nothing is ended: numbers follow each other all the same. */
static void not_ended(void)
{
    static const char *const policies[] = { watcher, mask, all };
    struct story s;
    struct client c;

    for (size_t i = 0; i < 3; i++) {
        CU_ASSERT_FATAL(open_story(&s, policies[i]));
        story_feed(&s, STR(CREATED THOUGHTS TALK CALLS COMPLETED));
        client_read(&c, &s);
        UNIT_STR(c.end, "response.completed");
        client_clear(&c);
        story_clear(&s);
    }
    CU_ASSERT_FATAL(open_limited(&s));
    story_feed(&s, STR(CREATED THOUGHTS TALK CALLS COMPLETED));
    UNIT_STR(story_bytes(&s), stream);
    story_clear(&s);
}

/* What a policy held back is nowhere in the end. */
static void stopped(void)
{
    static const char policy[] =
        "return { api = 1, window = { of = { 'text', 'thinking' }, "
        "hold = %s }, output = function(r, c, w) if w.text:find('sk%%-1') "
        "then return ps.stop('%s') end end }";
    static const char *const holds[] = { "4", "16", "'all'" };
    static const char *const ends[] = { "stop", "length", "content_filter" };
    struct story s;
    struct client c;

    for (size_t i = 0; i < 9; i++) {
        char source[512];

        snprintf(source, sizeof source, policy, holds[i / 3], ends[i % 3]);
        CU_ASSERT_FATAL(open_story(&s, source));
        story_feed(&s, STR(CREATED TALK CALLS COMPLETED));
        client_read(&c, &s);
        CU_ASSERT(strstr(story_bytes(&s), "sk-1") == NULL);
        CU_ASSERT(strstr(buf_str(&c.response).p, "\"id\":\"m\"") != NULL);
        UNIT_STR(c.end, i % 3 ? "response.incomplete" : "response.completed");
        client_clear(&c);
        story_clear(&s);
    }
}

/* As the provider says it, to the byte. */
static void exact(void)
{
    struct story s;

    CU_ASSERT_FATAL(open_story(&s, watcher));
    story_feed(&s, STR(CREATED TALK
                       ITEM_ADDED(26, 2, CALL("in_progress", ""))
                       EVENT(30, "response.function_call_arguments.delta",
                             OF("f", 2) ",\"delta\":\"{\\\"k\"")));
    buf_reset(&s.got);
    finish(&s, WIRE_FINISH_LENGTH);
#define OUR(type, n, rest)                                                    \
    "event: " type "\ndata: {\"type\":\"" type "\",\"sequence_number\":" #n   \
    rest "}\n\n"
    UNIT_STR(story_bytes(&s),
        OUR("response.function_call_arguments.done", 31, OF("f", 2)
            ",\"name\":\"fn\",\"arguments\":\"{\\\"k\"")
        OUR("response.output_item.done", 32, ",\"output_index\":2,\"item\":"
            CALL("incomplete", "{\\\"k"))
        OUR("response.incomplete", 33, ",\"response\":{\"id\":\"r\","
            "\"status\":\"incomplete\",\"incomplete_details\":{\"reason\":"
            "\"max_output_tokens\"},\"output\":["
            MESSAGE("completed", TEXTED(WORDS, NOTE) ","
                    REFUSED("I will not.")) ","
            CALL("incomplete", "{\\\"k") "],\"usage\":{\"input_tokens\":3,"
            "\"input_tokens_details\":{\"cached_tokens\":0},"
            "\"output_tokens\":2,\"output_tokens_details\":"
            "{\"reasoning_tokens\":0},\"total_tokens\":5},\"metadata\":{}}"));
    story_clear(&s);
}

/* Annotations and probabilities so far stand in the part. */
static void beside_the_text(void)
{
    struct story s;

    CU_ASSERT_FATAL(open_limited(&s));
    story_feed(&s, STR(CREATED ITEM_ADDED(2, 0, MESSAGE("in_progress", ""))
        EVENT(3, "response.content_part.added", OF("m", 0) IN(0) ",\"part\":"
              TEXTED("", ""))
        EVENT(4, "response.output_text.delta", OF("m", 0) IN(0)
              ",\"delta\":\"a\",\"logprobs\":[{\"token\":\"a\"}]")
        EVENT(5, "response.output_text.annotation.added", OF("m", 0) IN(0)
              ",\"annotation_index\":0,\"annotation\":" NOTE)
        EVENT(6, "response.output_text.delta", OF("m", 0) IN(0)
              ",\"delta\":\"b\",\"logprobs\":[{\"token\":\"b\"}]")));
    finish(&s, WIRE_FINISH_FILTER);
    CU_ASSERT(strstr(story_bytes(&s), "\"part\":{\"type\":\"output_text\","
        "\"annotations\":[" NOTE "],\"text\":\"ab\",\"logprobs\":["
        "{\"token\":\"a\"},{\"token\":\"b\"}]}") != NULL);
    story_clear(&s);
}

/* A vendor that counts nothing and has no parts. */
static void without_numbers(void)
{
    struct story s;

    CU_ASSERT_FATAL(open_story(&s, watcher));
    story_feed(&s, STR(
        "data: {\"type\":\"response.created\",\"response\":{\"id\":\"r\"}}\n\n"
        "data: {\"type\":\"response.output_item.added\",\"output_index\":0,"
        "\"item\":{\"type\":\"message\",\"id\":\"m\"}}\n\n"
        "data: {\"type\":\"response.output_text.delta\",\"output_index\":0,"
        "\"content_index\":0,\"delta\":\"hi\"}\n\n"
        "data: {\"type\":\"response.output_text.delta\",\"output_index\":7,"
        "\"content_index\":0,\"delta\":\"of no item\"}\n\n"));
    buf_reset(&s.got);
    finish(&s, WIRE_FINISH_STOP);
#define PART                                                                  \
    "{\"type\":\"output_text\",\"annotations\":[],\"logprobs\":[],"           \
    "\"text\":\"hi\"}"
    UNIT_STR(story_bytes(&s),
        OUR("response.output_text.done", 4, OF("m", 0) IN(0)
            ",\"text\":\"hi\",\"logprobs\":[]")
        OUR("response.output_item.done", 5, ",\"output_index\":0,\"item\":"
            "{\"type\":\"message\",\"id\":\"m\",\"content\":[" PART "]}")
        OUR("response.completed", 6, ",\"response\":{\"id\":\"r\",\"output\":"
            "[{\"type\":\"message\",\"id\":\"m\",\"content\":[" PART "]}]}"));
    story_clear(&s);
}

/* More than is kept: the stream goes on, but its end is no answer's. */
static void too_much(void)
{
    enum { PIECE = 1 << 20 };
    struct usage u = USAGE_NONE;
    struct story s;
    char *text = malloc(PIECE + 512);

    CU_ASSERT_FATAL(text != NULL && open_limited(&s));
    story_feed(&s, STR(CREATED ITEM_ADDED(2, 0, MESSAGE("in_progress", ""))));
    for (int i = 0; i < 17; i++) {
        int n = sprintf(text, "event: response.output_text.delta\ndata: {"
                        "\"type\":\"response.output_text.delta\","
                        "\"sequence_number\":%d" OF("m", 0) IN(0)
                        ",\"delta\":\"", i + 3);

        memset(text + n, 'x', PIECE);
        strcpy(text + n + PIECE, "\"}\n\n");
        story_feed(&s, str_of(text));
    }
    CU_ASSERT_EQUAL(s.rc, 0);
    CU_ASSERT_EQUAL(output_finish(s.o, WIRE_FINISH_STOP, &u, true),
                    -ERR_LIMIT);
    story_clear(&s);
    free(text);
}

/* So does an item of more parts than are looked through for each piece. */
static void too_many_parts(void)
{
    struct usage u = USAGE_NONE;

    for (int more = 0; more < 2; more++) {
        struct story s;

        CU_ASSERT_FATAL(open_limited(&s));
        story_feed(&s, STR(CREATED
                           ITEM_ADDED(2, 0, MESSAGE("in_progress", ""))));
        for (int i = 0; i < 256 + more; i++) {
            char text[512];

            snprintf(text, sizeof text,
                     "event: response.output_text.delta\ndata: {\"type\":"
                     "\"response.output_text.delta\",\"sequence_number\":%d"
                     OF("m", 0) ",\"content_index\":%d,\"delta\":\"x\"}\n\n",
                     i + 3, i);
            story_feed(&s, str_of(text));
        }
        UNIT_INT(s.rc, 0);
        UNIT_INT(output_finish(s.o, WIRE_FINISH_STOP, &u, true),
                 more ? -ERR_LIMIT : 0);
        story_clear(&s);
    }
}

UNIT_MAIN("responses_tail", { "watched", watched }, { "masked", masked },
          { "held", held }, { "not ended", not_ended },
          { "stopped", stopped }, { "exact", exact },
          { "beside the text", beside_the_text },
          { "without numbers", without_numbers }, { "too much", too_much },
          { "too many parts", too_many_parts })
