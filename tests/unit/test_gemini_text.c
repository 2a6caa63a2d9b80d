/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Google's answers through output policies: texts, thoughts and calls in
 * parts, streamed and whole. */
#include "output_unit.h"

#include "wire/gemini.h"

#define EVENT(candidates, rest)                                               \
    "data: {\"candidates\": [" candidates "]" rest ",\"modelVersion\": "     \
    "\"g\"}\r\n\r\n"
#define PARTS(parts)                                                          \
    "{\"content\":{\"parts\":[" parts "],\"role\":\"model\"},\"index\":0}"
#define SAY(parts)                                                            \
    EVENT(PARTS(parts), ",\"usageMetadata\":{\"promptTokenCount\":3}")
#define TEXT(t) "{\"text\":\"" t "\"}"
#define THINK(t) "{\"text\":\"" t "\",\"thought\":true}"
#define CALL(args) "{\"functionCall\":{\"name\":\"f\",\"args\":" args "}}"
/* what the gateway says itself: held text, and an end */
#define OURS(parts)                                                           \
    "data: {\"candidates\":[{\"content\":{\"parts\":[" parts "],\"role\":"    \
    "\"model\"},\"index\":0}],\"modelVersion\": \"g\"}\r\n\r\n"
#define LAST(reason)                                                          \
    EVENT("{\"content\":{\"parts\":[{\"text\":\"\"}],\"role\":\"model\"},"    \
          "\"finishReason\":\"" reason "\",\"index\":0}",                     \
          ",\"usageMetadata\":{\"promptTokenCount\":3,"                       \
          "\"candidatesTokenCount\":2,\"totalTokenCount\":5}")
#define ENDED(reason)                                                         \
    "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"\"}],"       \
    "\"role\":\"model\"},\"finishReason\":\"" reason "\",\"index\":0}],"      \
    "\"usageMetadata\":{\"promptTokenCount\":3,\"candidatesTokenCount\":2,"   \
    "\"totalTokenCount\":5},\"modelVersion\": \"g\"}\r\n\r\n"

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
    s->wire = wire_text_ops(DIALECT_GEMINI);
    return story_open(s);
}

static void parts(void)
{
    struct story s;

    CU_ASSERT_FATAL(begin(&s, mask));
    story_feed(&s, STR(
        SAY(THINK("hm sk-1")) SAY(THINK("234, so")) SAY(TEXT("It is sk-12"))
        SAY(TEXT("34, truly.")) SAY(CALL("{\"k\":\"sk-1234\"}")
        "," CALL("{}") "," CALL("{\"n\":1}")) LAST("STOP")));
    story_end(&s);
    UNIT_STR(story_bytes(&s),
        OURS(THINK("hm [key], so")) SAY(TEXT("It is")) OURS(TEXT(" [key], "
        "truly.")) SAY(CALL("{\"k\":\"[key]\"}") "," CALL("{}") ","
        CALL("{\"n\":1}")) LAST("STOP"));
    UNIT_STR(s.f.notes, "p: thinking0\np: text0\np: tool_args0\n"
                        "p: tool_args2\n");
    story_clear(&s);
}

/* Over one, two or three events, thoughts before it or not. */
static void secrets_at_every_offset(void)
{
    static const char text[] = "say sk-1234 or sk-1234";
    int n = (int)sizeof text - 1;
    struct story s;

    CU_ASSERT_FATAL(begin(&s, mask));
    for (int i = 0; i <= n; i++) {
        for (int k = i; k <= n; k++) {
            char events[4096];

            snprintf(events, sizeof events,
                     SAY(TEXT("%.*s")) SAY(TEXT("%.*s") "," TEXT("%s"))
                     LAST("STOP"), i, text, k - i, text + i, text + k);
            story_begin(&s);
            story_feed(&s, str_of(events));
            story_end(&s);
            CU_ASSERT(strstr(story_bytes(&s), "sk-") == NULL);
            CU_ASSERT(strstr(story_bytes(&s), "or [key]") != NULL);
            CU_ASSERT(strstr(story_bytes(&s), "STOP") != NULL);
        }
    }
    story_clear(&s);
}

/* An event of several lines, as the array form has them, is said on one. */
static void on_one_line(void)
{
    struct story s;

    CU_ASSERT_FATAL(begin(&s, mask));
    story_feed(&s, STR(
        "data: {\r\ndata:   \"candidates\": [{\"content\": {\"parts\": "
        "[{\"text\": \"It\"}]}}],\ndata:  \"usageMetadata\": {},\n"
        "data:  \"responseId\": [1,\ndata: 2]\ndata: }\n\n"));
    story_end(&s);
    UNIT_STR(story_bytes(&s),
        "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"It\"}],"
        "\"role\":\"model\"},\"index\":0}],\"responseId\": [1,2]}\r\n\r\n");
    story_clear(&s);
}

static void stopped(void)
{
    struct story s;

    CU_ASSERT_FATAL(begin(&s, mask));
    story_feed(&s, STR(SAY(TEXT("a long beginning is here, B"))
                       SAY(TEXT("AD")) LAST("STOP")));
    UNIT_STR(story_bytes(&s), SAY(TEXT("a long begi")) ENDED("SAFETY"));
    story_begin(&s); /* nothing was said yet */
    story_feed(&s, STR(SAY(CALL("{\"k\":\"BAD\"}"))));
    UNIT_STR(story_bytes(&s), ENDED("SAFETY"));
    story_clear(&s);
}

/* As at the provider's own limit: what was held, MAX_TOKENS, usage. */
static void finished(void)
{
    struct usage u = USAGE_NONE;
    struct story s;

    CU_ASSERT_FATAL(begin(&s, mask));
    story_feed(&s, STR(SAY(TEXT("It is sk-1234, truly."))));
    u.input = 3;
    u.output = 7;
    u.reasoning = 5;
    u.cache_read = 4;
    CU_ASSERT_EQUAL(output_finish(s.o, WIRE_FINISH_LENGTH, &u, true), 0);
    story_take(&s);
    UNIT_STR(story_bytes(&s),
        SAY(TEXT("It is")) OURS(TEXT(" [key], truly."))
        "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"\"}],"
        "\"role\":\"model\"},\"finishReason\":\"MAX_TOKENS\",\"index\":0}],"
        "\"usageMetadata\":{\"promptTokenCount\":7,\"candidatesTokenCount\":2,"
        "\"cachedContentTokenCount\":4,\"thoughtsTokenCount\":5,"
        "\"totalTokenCount\":14},\"modelVersion\": \"g\"}\r\n\r\n");
    story_clear(&s);
}

/* hold = "all": texts at their places, an end alone after a stop. */
static void held(void)
{
    static const char all[] =
        "return { api = 1, window = { hold = 'all' }, output = "
        "function(r, c, w) w:replace('b', 'B') "
        "if w.text:find('BAD') then return ps.stop('length') end end }";
    struct story s;

    CU_ASSERT_FATAL(begin(&s, all));
    story_feed(&s, STR(SAY(THINK("a")) SAY(THINK("b")) SAY(TEXT("a"))
                       SAY(TEXT("b")) SAY(CALL("{\"k\":\"b\"}"))));
    CU_ASSERT_EQUAL(buf_len(&s.got), 0);
    story_feed(&s, STR(LAST("STOP")));
    story_end(&s);
    UNIT_STR(story_bytes(&s), OURS(THINK("aB")) OURS(TEXT("aB"))
                              SAY(CALL("{\"k\":\"B\"}")) LAST("STOP"));
    story_begin(&s);
    story_feed(&s, STR(SAY(TEXT("bA")) SAY(TEXT("D")) LAST("STOP")));
    story_end(&s);
    UNIT_INT(s.rc, -ERR_CANCELLED);
    story_clear(&s);
}

/* What repeats the text goes where the text may change. */
static void echoes(void)
{
    struct story s;

    CU_ASSERT_FATAL(begin(&s, mask));
    UNIT_STR(story_whole(&s,
        "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}]},"
        "\"logprobsResult\":{\"chosenCandidates\":[{\"token\":\"a\"}]},"
        "\"groundingMetadata\":{\"webSearchQueries\":[\"q\"],"
        "\"groundingSupports\":[{\"segment\":{\"endIndex\":1,\"text\":\"a\"},"
        "\"groundingChunkIndices\":[0]}]},\"finishReason\":\"STOP\"}]}"),
        "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}]},"
        "\"logprobsResult\":null,"
        "\"groundingMetadata\":{\"webSearchQueries\":[\"q\"],"
        "\"groundingSupports\":[{\"segment\":{\"endIndex\":1,\"text\":null},"
        "\"groundingChunkIndices\":[0]}]},\"finishReason\":\"STOP\"}]}");
    story_clear(&s);
}

static const char *whole(struct story *s, const char *body)
{
    story_begin(s);
    return story_whole(s, body);
}

static void whole_answers(void)
{
    struct story s;

    CU_ASSERT_FATAL(begin(&s, mask));
    UNIT_STR(whole(&s,
        "{\"candidates\":[{\"content\":{\"parts\":[" THINK("sk-1234") ","
        TEXT("a sk-") "," TEXT("1234") "," CALL("{\"k\":\"sk-1234\"}")
        ",{\"executableCode\":{\"language\":\"PYTHON\",\"code\":\"sk-1234\"}}"
        ",{\"inlineData\":{\"data\":\"sk-1234\"}}]},\"finishReason\":"
        "\"STOP\"}]}"),
        "{\"candidates\":[{\"content\":{\"parts\":[" THINK("[key]") ","
        TEXT("a ") "," TEXT("[key]") "," CALL("{\"k\":\"[key]\"}")
        ",{\"executableCode\":{\"language\":\"PYTHON\",\"code\":\"[key]\"}}"
        ",{\"inlineData\":{\"data\":\"sk-1234\"}}]},\"finishReason\":"
        "\"STOP\"}]}");
    UNIT_STR(s.f.notes, "p: thinking0\np: text0\np: tool_args0\n"
                        "p: tool_args1\n");
    UNIT_STR(whole(&s,
        "{\"c\\u0061ndidates\":[{\"content\":{\"parts\":[" TEXT("fine") "]},"
        "\"finishReason\":\"STOP\"},{\"index\":1,\"content\":{\"parts\":["
        TEXT("BAD") "]}}],\"responseId\":\"r\"}"),
        "{\"c\\u0061ndidates\":[{\"content\":{\"parts\":[" TEXT("fine") "]},"
        "\"finishReason\":\"STOP\"},{\"content\":{\"parts\":[{\"text\":\"\"}]"
        ",\"role\":\"model\"},\"finishReason\":\"SAFETY\",\"index\":1}],"
        "\"responseId\":\"r\"}");
    UNIT_STR(whole(&s, "[{\"candidates\":[{\"content\":{\"parts\":["
                       TEXT("BAD") "]}}]}]"),
        "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"\"}],"
        "\"role\":\"model\"},\"finishReason\":\"SAFETY\",\"index\":0}]}");
    story_clear(&s);
}

/* Arguments in pieces: a path is a block, the pieces of its string joined. */
#define PIECE(path, rest)                                                     \
    "{\"functionCall\":{\"partialArgs\":[{\"jsonPath\":\"" path "\"," rest   \
    "}],\"willContinue\":true}}"
#define MORE ",\"willContinue\":true"

static void arguments_in_pieces(void)
{
    struct story s;

    CU_ASSERT_FATAL(begin(&s, mask));
    story_feed(&s, STR(
        SAY("{\"functionCall\":{\"name\":\"f\",\"willContinue\":true}}")
        SAY(PIECE("$.a", "\"stringValue\":\"a long text, sk-1\"" MORE))
        SAY(PIECE("$.a", "\"stringValue\":\"234\""))
        SAY(PIECE("$.b", "\"numberValue\":12"))
        SAY("{\"functionCall\":{}}") LAST("STOP")));
    story_end(&s);
    UNIT_STR(story_bytes(&s),
        SAY("{\"functionCall\":{\"name\":\"f\",\"willContinue\":true}}")
        SAY(PIECE("$.a", "\"stringValue\":\"a\"" MORE))
        SAY(PIECE("$.a", "\"stringValue\":\" long text, [key]\""))
        SAY(PIECE("$.b", "\"numberValue\":12"))
        SAY("{\"functionCall\":{}}") LAST("STOP"));
    story_begin(&s); /* cut off: what was held is said with its path */
    story_feed(&s, STR(
        SAY(PIECE("$.a", "\"stringValue\":\"a long text, sk-1\"" MORE))));
    story_end(&s);
    UNIT_STR(story_bytes(&s),
        SAY(PIECE("$.a", "\"stringValue\":\"a\"" MORE))
        OURS(PIECE("$.a", "\"stringValue\":\" long text, sk-1\"" MORE)));
    story_clear(&s);
}

UNIT_MAIN("gemini_text", { "parts", parts },
          { "secrets at every offset", secrets_at_every_offset },
          { "on one line", on_one_line }, { "stopped", stopped },
          { "finished", finished }, { "held", held }, { "echoes", echoes },
          { "whole answers", whole_answers },
          { "arguments in pieces", arguments_in_pieces })
