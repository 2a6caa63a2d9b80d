/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The mock's models, streamed and not, in OpenAI's shapes. */
#include "mock_client.h"

#define USER(text) "\"messages\":[{\"role\":\"user\",\"content\":" text "}]"
#define WEATHER                                                                \
    "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"weather\","    \
    "\"parameters\":{\"type\":\"object\",\"required\":[\"city\",\"days\"],"    \
    "\"properties\":{\"city\":{\"type\":\"string\"},\"unit\":{\"enum\":"       \
    "[\"C\"]},\"days\":{\"type\":\"integer\",\"minimum\":3}}}}}]"

/* Join the content deltas of a stream; counts its events. */
static int join(struct rig *r, const char *member, char *out, size_t size)
{
    struct str rest = buf_str(&r->p.body);
    char pointer[64];
    int events = 0;

    snprintf(pointer, sizeof pointer, "/choices/0/%s", member);
    out[0] = '\0';
    while (rest.n) {
        ptrdiff_t end = str_find(rest, STR("\n\n"));
        struct str data = { rest.p + 6, (size_t)end - 6 };
        struct json j = { 0 };
        struct arena *a = arena_new(1 << 20);
        struct str s;

        CU_ASSERT_FATAL(end > 6 && str_starts(rest, STR("data: ")));
        rest.p += end + 2;
        rest.n -= (size_t)end + 2;
        events++;
        if (!str_is(data, "[DONE]")) {
            CU_ASSERT(json_scan(&j, data, NULL, NULL) == 0);
            s = json_text(&j, json_at(&j, str_of(pointer)), a);
            if (s.p)
                snprintf(out + strlen(out), size - strlen(out), STR_FMT,
                         STR_ARG(s));
        } else {
            UNIT_INT(rest.n, 0);
        }
        json_clear(&j);
        arena_free(a);
    }
    return events;
}

static void echo(void)
{
    struct rig r;

    rig_init(&r);
    UNIT_INT(chat(&r, "{\"model\":\"echo\","
                      USER("\"Hello  big\\nworld\"") "}"), 200);
    UNIT_STR(r.p.type, "application/json");
    if (scan(&r)) {
        UNIT_STR(raw_at(&r, "/choices/0/message/content"),
                 "\"Hello  big\\nworld\"");
        UNIT_STR(raw_at(&r, "/choices/0/finish_reason"), "\"stop\"");
        UNIT_STR(raw_at(&r, "/usage/prompt_tokens"), "10");
        UNIT_STR(raw_at(&r, "/usage/completion_tokens"), "3");
        UNIT_STR(raw_at(&r, "/object"), "\"chat.completion\"");
        UNIT_STR(raw_at(&r, "/model"), "\"echo\"");
    }
    /* the last text counts, and the text parts of a list */
    chat(&r, "{\"model\":\"echo\",\"n\":2,\"messages\":["
             "{\"role\":\"user\",\"content\":\"no\"},"
             "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":"
             "\"a\"},{\"type\":\"image_url\",\"image_url\":{\"url\":\"x\"}},"
             "{\"type\":\"text\",\"text\":\"b\"}]},"
             "{\"role\":\"assistant\",\"content\":\"x\"}]}");
    if (scan(&r))
        UNIT_STR(raw_at(&r, "/choices/1/message/content"), "\"a b\"");
    chat(&r, "{\"model\":\"echo\",\"max_tokens\":2," USER("\"a b c\"") "}");
    if (scan(&r)) {
        UNIT_STR(raw_at(&r, "/choices/0/message/content"), "\"a b\"");
        UNIT_STR(raw_at(&r, "/choices/0/finish_reason"), "\"length\"");
    }
    rig_clear(&r);
}

/* which target spoke is seen in its text; max_tokens counts its name, too */
static void echo_named(void)
{
    struct rig r;

    rig_init(&r);
    UNIT_INT(chat(&r, "{\"model\":\"echo-t1\"," USER("\"a b\"") "}"), 200);
    if (scan(&r)) {
        UNIT_STR(raw_at(&r, "/choices/0/message/content"), "\"echo-t1 a b\"");
        UNIT_STR(raw_at(&r, "/model"), "\"echo-t1\"");
        UNIT_STR(raw_at(&r, "/usage/completion_tokens"), "3");
    }
    chat(&r, "{\"model\":\"echo-t1\",\"max_tokens\":2," USER("\"a b\"")
             "}");
    if (scan(&r))
        UNIT_STR(raw_at(&r, "/choices/0/message/content"), "\"echo-t1 a\"");
    UNIT_INT(chat(&r, "{\"model\":\"echoes\"," USER("\"a b\"") "}"), 404);
    rig_clear(&r);
}

static void echo_streamed(void)
{
    char text[256];
    struct rig r;

    rig_init(&r);
    UNIT_INT(chat(&r, "{\"model\":\"echo\",\"stream\":true,"
                      USER("\"one two \xc3\xa9\"") "}"), 200);
    UNIT_STR(r.p.type, "text/event-stream; charset=utf-8");
    /* role, three words, finish, [DONE] */
    UNIT_INT(join(&r, "delta/content", text, sizeof text), 6);
    UNIT_STR(text, "one two \xc3\xa9");
    CU_ASSERT(str_find(buf_str(&r.p.body), STR("usage")) < 0);
    chat(&r, "{\"model\":\"echo\",\"stream\":true,\"stream_options\":"
             "{\"include_usage\":true}," USER("\"one two\"") "}");
    UNIT_INT(join(&r, "delta/content", text, sizeof text), 6);
    CU_ASSERT(str_find(buf_str(&r.p.body),
                       STR("\"choices\":[],\"usage\":{\"prompt_tokens\":9,"
                           "\"completion_tokens\":2,\"total_tokens\":11")) >
              0);
    rig_clear(&r);
}

static void lorem(void)
{
    struct rig r;
    char text[512];

    rig_init(&r);
    chat(&r, "{\"model\":\"lorem\",\"stream\":true,\"max_tokens\":40,"
             USER("\"x\"") "}");
    UNIT_INT(join(&r, "delta/content", text, sizeof text), 43);
    CU_ASSERT(strncmp(text, "Lorem ipsum dolor", 17) == 0);
    chat(&r, "{\"model\":\"lorem\"," USER("\"x\"") "}");
    if (scan(&r))
        UNIT_STR(raw_at(&r, "/usage/completion_tokens"), "64");
    /* a long one comes whole through a small window */
    chat(&r, "{\"model\":\"lorem\",\"stream\":true,\"max_completion_tokens\":"
             "50000," USER("\"x\"") "}");
    UNIT_INT(r.p.r.fail, HTTP_OK);
    CU_ASSERT(r.p.bytes > 50000 * 150);
    rig_clear(&r);
}

static void tools(void)
{
    char text[256];
    struct rig r;

    rig_init(&r);
    chat(&r, "{\"model\":\"tools\"," USER("\"x\"") "," WEATHER "}");
    if (scan(&r)) {
        UNIT_STR(raw_at(&r, "/choices/0/message/tool_calls/0/function/name"),
                 "\"weather\"");
        UNIT_STR(
            raw_at(&r, "/choices/0/message/tool_calls/0/function/arguments"),
            "\"{\\\"city\\\":\\\"text\\\",\\\"days\\\":3}\"");
        UNIT_STR(raw_at(&r, "/choices/0/message/content"), "null");
        UNIT_STR(raw_at(&r, "/choices/0/finish_reason"), "\"tool_calls\"");
    }
    chat(&r, "{\"model\":\"tools\",\"stream\":true," USER("\"x\"") "," WEATHER
             "}");
    join(&r, "delta/tool_calls/0/function/arguments", text, sizeof text);
    UNIT_STR(text, "{\"city\":\"text\",\"days\":3}");
    join(&r, "delta/tool_calls/0/function/name", text, sizeof text);
    UNIT_STR(text, "weather");
    chat(&r, "{\"model\":\"tools\",\"messages\":[{\"role\":\"user\","
             "\"content\":\"x\"},{\"role\":\"tool\",\"tool_call_id\":\"1\","
             "\"content\":\"rain\"}]," WEATHER "}");
    if (scan(&r))
        UNIT_STR(raw_at(&r, "/choices/0/message/content"),
                 "\"The tool said: rain\"");
    chat(&r, "{\"model\":\"tools\",\"tool_choice\":\"none\"," USER("\"x\"")
             "," WEATHER "}");
    if (scan(&r))
        UNIT_STR(raw_at(&r, "/choices/0/finish_reason"), "\"stop\"");
    rig_clear(&r);
}

static void think(void)
{
    char text[256];
    struct rig r;

    rig_init(&r);
    chat(&r, "{\"model\":\"think\"," USER("\"a b\"") "}");
    if (scan(&r)) {
        UNIT_STR(raw_at(&r, "/choices/0/message/content"), "\"a b\"");
        UNIT_STR(raw_at(&r, "/choices/0/message/reasoning_content"),
                 "\"They wrote: a b I say it back.\"");
        UNIT_STR(raw_at(&r, "/usage/completion_tokens_details/"
                            "reasoning_tokens"), "8");
    }
    chat(&r, "{\"model\":\"think\",\"stream\":true," USER("\"a b\"") "}");
    join(&r, "delta/reasoning_content", text, sizeof text);
    UNIT_STR(text, "They wrote: a b I say it back.");
    join(&r, "delta/content", text, sizeof text);
    UNIT_STR(text, "a b");
    rig_clear(&r);
}

static void json_answers(void)
{
    struct rig r;

    rig_init(&r);
    chat(&r, "{\"model\":\"json\",\"response_format\":{\"type\":\"json_object\""
             "}," USER("\"q\\\"\"") "}");
    if (scan(&r))
        UNIT_STR(raw_at(&r, "/choices/0/message/content"),
                 "\"{\\\"answer\\\":\\\"q\\\\\\\"\\\"}\"");
    chat(&r, "{\"model\":\"json\",\"response_format\":{\"type\":"
             "\"json_schema\",\"json_schema\":{\"name\":\"p\",\"schema\":"
             "{\"type\":\"object\",\"required\":[\"t\",\"k\",\"l\"],"
             "\"properties\":{\"t\":{\"$ref\":\"#/$defs/t\"},\"k\":{\"enum\":"
             "[2,3]},\"l\":{\"type\":\"array\",\"minItems\":2,\"items\":"
             "{\"type\":\"boolean\"}}},\"$defs\":{\"t\":{\"anyOf\":[{\"type\":"
             "[\"string\",\"null\"]}]}}}}}," USER("\"x\"") "}");
    if (scan(&r))
        UNIT_STR(raw_at(&r, "/choices/0/message/content"),
                 "\"{\\\"t\\\":\\\"text\\\",\\\"k\\\":2,\\\"l\\\":"
                 "[true,true]}\"");
    chat(&r, "{\"model\":\"json\",\"tool_choice\":{\"type\":\"function\","
             "\"function\":{\"name\":\"b\"}},\"tools\":[{\"type\":"
             "\"function\",\"function\":{\"name\":\"a\"}},{\"type\":"
             "\"function\",\"function\":{\"name\":\"b\",\"parameters\":{"
             "\"type\":\"object\",\"required\":[\"n\"],\"properties\":{"
             "\"n\":{\"type\":\"integer\"}}}}}]," USER("\"x\"") "}");
    if (scan(&r)) {
        UNIT_STR(raw_at(&r, "/choices/0/finish_reason"), "\"tool_calls\"");
        UNIT_STR(raw_at(&r, "/choices/0/message/tool_calls/0/function"),
                 "{\"name\":\"b\",\"arguments\":\"{\\\"n\\\":1}\"}");
    }
    rig_clear(&r);
}

static void embeddings(void)
{
    struct rig r;
    char first[64];

    rig_init(&r);
    UNIT_INT(ask(&r, "POST", "/v1/embeddings",
                 "{\"model\":\"embed\",\"dimensions\":3,\"input\":[\"a b\","
                 "\"c\"]}"), 200);
    if (scan(&r)) {
        UNIT_STR(raw_at(&r, "/usage/total_tokens"), "3");
        UNIT_STR(raw_at(&r, "/data/1/index"), "1");
        CU_ASSERT(raw_at(&r, "/data/0/embedding/2")[0] != '\0');
        UNIT_STR(raw_at(&r, "/data/0/embedding/3"), "");
        snprintf(first, sizeof first, "%.60s",
                 raw_at(&r, "/data/0/embedding/0"));
    }
    ask(&r, "POST", "/v1/embeddings",
        "{\"model\":\"embed\",\"dimensions\":3,\"input\":\"a b\"}");
    if (scan(&r))
        UNIT_STR(raw_at(&r, "/data/0/embedding/0"), first);
    ask(&r, "POST", "/v1/embeddings",
        "{\"model\":\"embed\",\"dimensions\":4,\"encoding_format\":\"base64\","
        "\"input\":[1,2,3]}");
    if (scan(&r)) {
        UNIT_INT(strlen(raw_at(&r, "/data/0/embedding")), 24 + 2);
        UNIT_STR(raw_at(&r, "/usage/prompt_tokens"), "3");
        UNIT_STR(raw_at(&r, "/data/1"), "");
    }
    rig_clear(&r);
}

static void other_doors(void)
{
    struct rig r;

    rig_init(&r);
    UNIT_INT(ask(&r, "GET", "/v1/models", NULL), 200);
    if (scan(&r))
        UNIT_STR(raw_at(&r, "/data/0/id"), "\"echo\"");
    UNIT_INT(ask(&r, "GET", "/v1/models/think", NULL), 200);
    UNIT_INT(ask(&r, "GET", "/v1/models/gpt", NULL), 404);
    UNIT_INT(ask(&r, "POST", "/v1/completions",
                 "{\"model\":\"echo\",\"prompt\":\"a b\"}"), 200);
    if (scan(&r))
        UNIT_STR(raw_at(&r, "/choices/0/text"), "\"a b\"");
    UNIT_INT(ask(&r, "POST", "/v1/completions",
                 "{\"model\":\"echo\",\"prompt\":\"a b\",\"stream\":true}"),
             200);
    rig_clear(&r);
}

static void refusals(void)
{
    static const struct {
        const char *path, *body;
        int status;
        const char *code;
    } t[] = {
        { "/v1/chat/completions", "{\"model\":\"gpt\"," USER("\"x\"") "}", 404,
          "\"model_not_found\"" },
        { "/v1/chat/completions", "{\"model\":\"echo\"}", 400, "null" },
        { "/v1/chat/completions", "{" USER("\"x\"") "}", 400, "null" },
        { "/v1/chat/completions", "{\"model\":", 400, "null" },
        { "/v1/chat/completions", "[]", 400, "null" },
        { "/v1/chat/completions",
          "{\"model\":\"echo\",\"max_tokens\":0," USER("\"x\"") "}", 400,
          "null" },
        { "/v1/chat/completions", "{\"model\":\"embed\"," USER("\"x\"") "}",
          400, "null" },
        { "/v1/embeddings", "{\"model\":\"echo\",\"input\":\"x\"}", 400,
          "null" },
        { "/v1/embeddings", "{\"model\":\"embed\",\"input\":[]}", 400,
          "null" },
        { "/v1/embeddings", "{\"model\":\"embed\",\"input\":{}}", 400,
          "null" },
        { "/v1/nothing", "{}", 404, "null" },
    };
    struct rig r;

    rig_init(&r);
    for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
        UNIT_INT(ask(&r, "POST", t[i].path, t[i].body), t[i].status);
        if (scan(&r)) {
            UNIT_STR(raw_at(&r, "/error/code"), t[i].code);
            CU_ASSERT(strlen(raw_at(&r, "/error/message")) > 4);
        }
    }
    rig_clear(&r);
}

UNIT_MAIN("mock", { "echo", echo }, { "echo-NAME", echo_named },
          { "echo streamed", echo_streamed },
          { "lorem", lorem }, { "tools", tools }, { "think", think },
          { "json", json_answers }, { "embeddings", embeddings },
          { "other doors", other_doors }, { "refusals", refusals })
