/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Requests that are what their dialect says, and those that are not. */
#include "unit.h"

#include "wire/validate.h"

#define CHAT DIALECT_OPENAI_CHAT
#define TEXT DIALECT_OPENAI_COMPLETIONS
#define EMBED DIALECT_OPENAI_EMBEDDINGS
#define MSG DIALECT_ANTHROPIC
#define RESP DIALECT_RESPONSES
#define GEM DIALECT_GEMINI
#define COUNT DIALECT_GEMINI_COUNT
#define VECTOR DIALECT_GEMINI_EMBED

static int check(enum dialect d, struct str text,
                 const struct valid_limits *limits, struct err *err)
{
    struct arena *a = arena_new(1 << 16);
    struct json j = { 0 };
    int rc;

    *err = (struct err){ 0 };
    rc = json_scan(&j, text, NULL, err);
    if (rc == 0)
        rc = validate_body(d, &j, limits, a, err);
    json_clear(&j);
    arena_free(a);
    return rc;
}

/* A body in short: what is around it does not matter. */
static const char *body(enum dialect d, const char *more)
{
    static char text[4096];
    const char *frame =
        d == CHAT  ? "{\"model\":\"m\",\"messages\":[{\"role\":\"user\","
                     "\"content\":\"x\"}],%s}"
        : d == MSG ? "{\"model\":\"m\",\"max_tokens\":1,\"messages\":[{"
                     "\"role\":\"user\",\"content\":\"x\"}],%s}"
        : d == GEM ? "{\"contents\":[{\"parts\":[{\"text\":\"x\"}]}],%s}"
                   : "{\"model\":\"m\",%s}";

    if (*more == '{')
        return more;
    snprintf(text, sizeof text, frame, more);
    return text;
}

#define MESSAGE(m) "{\"model\":\"m\",\"max_tokens\":1,\"messages\":[" m "]}"
#define PART(p) MESSAGE("{\"role\":\"user\",\"content\":[" p "]}")

#define CONTENT(c) "{\"contents\":[" c "]}"
#define PARTS(p) CONTENT("{\"role\":\"user\",\"parts\":[" p "]}")
#define CONFIG(c) "\"generationConfig\":{" c "}"

static const struct {
    enum dialect d;
    const char *text;
} good[] = {
    { CHAT, "\"x\":{\"anything\":[1]}" },
    { CHAT, "\"temperature\":2,\"top_p\":1e0,\"n\":1.0,\"seed\":"
            "99999999999999999999" },
    { CHAT, "\"temperature\":null,\"stop\":null,\"tools\":null" },
    { CHAT, "\"max_tokens\":-1,\"max_completion_tokens\":1e2" },
    { CHAT, "\"stop\":\"a\",\"tool_choice\":\"any\",\"tools\":[{\"type\":"
            "\"openrouter:web_search\"},{\"type\":\"function\",\"function\":"
            "{\"name\":\"f\",\"description\":\"\",\"parameters\":{\"type\":"
            "1}}}]" },
    { CHAT, "\"logit_bias\":{\"50256\":-100},\"metadata\":{\"a\":\"b\"}" },
    { CHAT, "\"te\\u006dperature\":1" },
    { CHAT, PART("{\"type\":\"text\",\"text\":\"\",\"image_url\":null},"
                 "{\"type\":\"image_url\",\"image_url\":\"https://x\"},"
                 "{\"type\":\"image_url\",\"image_url\":{\"url\":\"d\"}},"
                 "{\"type\":\"invented\",\"text\":5}") },
    { CHAT, MESSAGE("{\"role\":\"assistant\",\"content\":null,\"tool_calls\":"
                    "[{\"id\":\"c\",\"function\":{\"name\":\"f\","
                    "\"arguments\":\"\"}}]},{\"role\":\"tool\","
                    "\"tool_call_id\":\"c\",\"content\":\"r\"}") },
    { CHAT, MESSAGE("{\"role\":\"tool\",\"content\":\"of the last call\"}") },
    { CHAT, MESSAGE("{\"r\\u006fle\":\"\\u0075ser\",\"content\":\"\"}") },
    { CHAT, MESSAGE("{\"role\":\"assistant\",\"content\":[{\"type\":"
                    "\"thinking\",\"thinking\":[]}]}") },
    { TEXT, "\"prompt\":[1,2],\"logprobs\":5,\"best_of\":20,\"echo\":null" },
    { TEXT, "\"max_tokens\":4" },
    { EMBED, "\"input\":\"x\"" },
    { EMBED, "\"input\":[[1,2],[3]],\"dimensions\":1" },
    { MSG, "\"temperature\":1.0,\"top_k\":0,\"x\":1,\"system\":\"\"" },
    { MSG, "\"thinking\":{\"type\":\"invented\"},\"tools\":[{\"type\":"
           "\"web_search_20250305\",\"name\":\"w\"},{\"name\":\"f\","
           "\"input_schema\":{}},{\"type\":\"mcp_toolset\"}]" },
    { MSG, PART("{\"type\":\"tool_result\",\"tool_use_id\":\"t\",\"content\":"
                "[{\"type\":\"image\",\"source\":{\"type\":\"base64\","
                "\"media_type\":\"image/png\",\"data\":\"\"}}],"
                "\"is_error\":true},{\"type\":\"invented\"},"
                "{\"type\":\"redacted_thinking\",\"data\":\"x\"}") },
    { MSG, PART("{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":"
                "\"s\"}") },
    { RESP, "\"input\":\"x\",\"reasoning\":{\"effort\":\"new\"},"
            "\"text\":null" },
    { RESP, "\"input\":[{\"role\":\"user\",\"content\":\"x\"},{\"type\":"
            "\"invented\",\"x\":5},{\"type\":\"item_reference\","
            "\"id\":\"i\"}]" },
    { GEM, "\"x\":{\"anything\":[1]},\"tools\":[{\"invented\":{}}]" },
    { GEM, CONFIG("\"temperature\":2,\"topK\":40.0,\"maxOutputTokens\":1,"
                  "\"thinkingConfig\":{\"thinkingBudget\":-1},"
                  "\"responseSchema\":{\"type\":1}") },
    { GEM, "\"system_instruction\":{\"parts\":{\"text\":\"x\"}},"
           "\"generation_config\":{\"max_output_tokens\":null}" },
    { GEM, PARTS("{\"functionCall\":{\"name\":\"f\",\"args\":{}},"
                 "\"thoughtSignature\":\"s\"},{\"functionResponse\":{"
                 "\"name\":\"f\",\"response\":{}}},{\"inlineData\":{"
                 "\"mimeType\":\"image/png\",\"data\":\"\"}},"
                 "{\"invented\":5}") },
    { COUNT, "{\"generateContentRequest\":{\"contents\":[{\"parts\":["
             "{\"text\":\"x\"}]}]}}" },
    { VECTOR, "{\"content\":{\"parts\":[{\"text\":\"x\"}]},"
              "\"outputDimensionality\":256}" },
};

static void takes_what_is_right(void)
{
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        const char *text = body(good[i].d, good[i].text);
        struct err err;

        if (check(good[i].d, str_of(text), NULL, &err))
            printf("\n%s: %s", text, err.msg);
        UNIT_INT(err.code, 0);
    }
}

static const struct {
    enum dialect d;
    const char *text, *at, *msg;
} bad[] = {
    { CHAT, "[]", "", "The body must be a JSON object." },
    { CHAT, "{\"model\":\"m\"}", "messages",
      "Missing required parameter: 'messages'." },
    { CHAT, "{\"model\":\"m\",\"messages\":[]}", "messages",
      "Invalid 'messages': array too short. Expected minimum length 1, but "
      "got length 0 instead." },
    { CHAT, MESSAGE("\"hi\""), "messages[0]",
      "Invalid type for 'messages[0]': expected an object, but got a string "
      "instead." },
    { CHAT, MESSAGE("{\"content\":\"x\"}"), "messages[0].role",
      "Missing required parameter: 'messages[0].role'." },
    { CHAT, MESSAGE("{\"role\":\"user\",\"content\":\"x\"},{\"role\":\"bot\","
                    "\"content\":\"x\"}"), "messages[1].role",
      "Invalid value for 'messages[1].role': \"bot\". Supported values are: "
      "'developer', 'system', 'user', 'assistant', 'tool' or 'function'." },
    { CHAT, MESSAGE("{\"role\":\"user\",\"content\":5}"),
      "messages[0].content",
      "Invalid type for 'messages[0].content': expected a string or an "
      "array, but got a number instead." },
    { CHAT, MESSAGE("{\"role\":\"user\",\"content\":null}"),
      "messages[0].content", NULL },
    { CHAT, MESSAGE("{\"role\":\"user\"}"), "messages[0].content", NULL },
    { CHAT, MESSAGE("{\"role\":\"tool\",\"tool_call_id\":5,\"content\":"
                    "\"\"}"),
      "messages[0].tool_call_id", NULL },
    { CHAT, MESSAGE("{\"role\":\"assistant\",\"tool_calls\":[{\"function\":"
                    "{\"arguments\":\"\"}}]}"),
      "messages[0].tool_calls[0].function.name", NULL },
    { CHAT, PART("{\"text\":\"x\"}"), "messages[0].content[0].type", NULL },
    { CHAT, PART("{\"type\":\"text\",\"text\":\"x\"},{\"type\":\"text\"}"),
      "messages[0].content[1].text", NULL },
    { CHAT, PART("{\"type\":\"image_url\",\"image_url\":{}}"),
      "messages[0].content[0].image_url.url", NULL },
    { CHAT, "\"temperature\":2.5", "temperature",
      "Invalid 'temperature': above maximum value. Expected a value <= 2, but "
      "got 2.5 instead." },
    { CHAT, "\"temperature\":\"1\"", "temperature",
      "Invalid type for 'temperature': expected a decimal, but got a string "
      "instead." },
    { CHAT, "\"temperature\":1e400", "temperature", NULL },
    { CHAT, "\"te\\u006dperature\":9", "temperature", NULL },
    { CHAT, "\"top_p\":-0.1", "top_p", NULL },
    { CHAT, "\"n\":0", "n",
      "Invalid 'n': below minimum value. Expected a value >= 1, but got 0 "
      "instead." },
    { CHAT, "\"n\":1.5", "n", NULL },
    { CHAT, "\"n\":1e-1", "n", NULL },
    { CHAT, "\"stop\":[\"a\",1]", "stop[1]",
      "Invalid type for 'stop[1]': expected a string, but got a number "
      "instead." },
    { CHAT, "\"logit_bias\":{\"1\":\"x\"}", "logit_bias.1", NULL },
    { CHAT, "\"metadata\":{\"a\":1}", "metadata.a", NULL },
    { CHAT, "\"tool_choice\":\"maybe\"", "tool_choice", NULL },
    { CHAT, "\"tools\":[{\"type\":\"function\"}]", "tools[0].function", NULL },
    { CHAT, "\"tools\":[{\"type\":\"function\",\"function\":{}}]",
      "tools[0].function.name", NULL },
    { CHAT, "\"tools\":{}", "tools", NULL },
    { CHAT, "\"response_format\":{}", "response_format.type", NULL },
    { TEXT, "\"prompt\":{}", "prompt", NULL },
    { TEXT, "\"best_of\":21", "best_of", NULL },
    { EMBED, "\"input\":[]", "input", NULL },
    { EMBED, "\"input\":[null]", "input[0]", NULL },
    { EMBED, "\"input\":\"\"", "input", NULL },
    { EMBED, "\"input\":\"x\",\"dimensions\":0", "dimensions", NULL },
    { MSG, "{\"model\":\"m\",\"max_tokens\":1}", "messages",
      "messages: Field required" },
    { MSG, MESSAGE(""), "messages",
      "messages: List should have at least 1 items, not 0" },
    { MSG, MESSAGE("{\"role\":\"tool\",\"content\":\"x\"}"),
      "messages.0.role",
      "messages.0.role: Input should be 'user', 'assistant' or 'system'" },
    { MSG, MESSAGE("{\"role\":\"user\"}"), "messages.0.content",
      "messages.0.content: Field required" },
    { MSG, MESSAGE("{\"role\":\"user\",\"content\":null}"),
      "messages.0.content",
      "messages.0.content: Input should be a valid string or list" },
    { MSG, PART("\"x\""), "messages.0.content.0",
      "messages.0.content.0: Input should be a valid dictionary" },
    { MSG, PART("{\"type\":\"text\",\"text\":\"\"}"),
      "messages.0.content.0.text",
      "messages.0.content.0.text: String should have at least 1 characters, "
      "not 0" },
    { MSG, PART("{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"n\","
                "\"input\":\"{}\"}"), "messages.0.content.0.input", NULL },
    { MSG, PART("{\"type\":\"tool_result\",\"tool_use_id\":\"t\",\"content\":"
                "[{\"type\":\"image\"}]}"),
      "messages.0.content.0.content.0.source", NULL },
    { MSG, PART("{\"type\":\"thinking\",\"signature\":\"x\"}"),
      "messages.0.content.0.thinking", NULL },
    { MSG, PART("{\"type\":\"image\",\"source\":{\"type\":\"url\"}}"),
      "messages.0.content.0.source.url", NULL },
    { MSG, PART("{\"type\":\"text\",\"text\":\"x\",\"cache_control\":{}}"),
      "messages.0.content.0.cache_control.type", NULL },
    { MSG, "\"temperature\":1.1", "temperature",
      "temperature: Input should be less than or equal to 1" },
    { MSG, "\"top_k\":-1", "top_k",
      "top_k: Input should be greater than or equal to 0" },
    { MSG, "\"thinking\":{\"type\":\"enabled\"}", "thinking.budget_tokens",
      NULL },
    { MSG, "\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":1000}",
      "thinking.budget_tokens", NULL },
    { MSG, "\"tools\":[{\"name\":\"f\"}]", "tools.0.input_schema", NULL },
    { MSG, "\"tools\":[{\"type\":\"custom\",\"input_schema\":{}}]",
      "tools.0.name", NULL },
    { MSG, "\"tool_choice\":{\"type\":\"required\"}", "tool_choice.type",
      NULL },
    { MSG, "\"tool_choice\":{\"type\":\"tool\"}", "tool_choice.name", NULL },
    { MSG, "\"stop_sequences\":\"x\"", "stop_sequences", NULL },
    { MSG, "\"system\":[\"x\"]", "system.0", NULL },
    { RESP, "\"input\":5", "input", NULL },
    { RESP, "\"input\":[{\"type\":\"function_call\",\"name\":\"f\","
            "\"arguments\":\"\"}]", "input[0].call_id",
      "Missing required parameter: 'input[0].call_id'." },
    { RESP, "\"input\":\"x\",\"max_output_tokens\":0", "max_output_tokens",
      NULL },
    { GEM, "{}", "contents",
      "* GenerateContentRequest.contents: is not specified" },
    { GEM, "{\"contents\":[]}", "contents",
      "* GenerateContentRequest.contents: must not be empty." },
    { GEM, CONTENT("\"hi\""), "contents[0]",
      "Invalid value at 'contents[0]': expected an object, but got a "
      "string." },
    { GEM, CONTENT("{\"role\":\"user\"}"), "contents[0].parts",
      "* GenerateContentRequest.contents[0].parts: is not specified" },
    { GEM, CONTENT("{\"role\":\"assistant\",\"parts\":[{\"text\":\"\"}]}"),
      "contents[0].role",
      "Invalid value at 'contents[0].role': \"assistant\". Valid are 'user', "
      "'model', 'function' or 'tool'." },
    { GEM, PARTS("{\"text\":\"a\"},{\"text\":5}"),
      "contents[0].parts[1].text", NULL },
    { GEM, PARTS("{\"functionCall\":{\"args\":{}}}"),
      "contents[0].parts[0].function_call.name", NULL },
    { GEM, PARTS("{\"functionResponse\":{\"name\":\"f\",\"response\":"
                 "\"x\"}}"),
      "contents[0].parts[0].function_response.response", NULL },
    { GEM, PARTS("{\"inlineData\":{\"mimeType\":\"image/png\"}}"),
      "contents[0].parts[0].inline_data.data", NULL },
    { GEM, CONFIG("\"temperature\":2.5"), "generation_config.temperature",
      "* GenerateContentRequest.generation_config.temperature: must be less "
      "than or equal to 2, not 2.5" },
    { GEM, CONFIG("\"maxOutputTokens\":\"9\""),
      "generation_config.max_output_tokens",
      "Invalid value at 'generation_config.max_output_tokens': expected an "
      "integer, but got a string." },
    { GEM, "\"generation_config\":{\"top_p\":2}", "generation_config.top_p",
      NULL },
    { GEM, CONFIG("\"stopSequences\":[1]"),
      "generation_config.stop_sequences[0]", NULL },
    { GEM, CONFIG("\"candidateCount\":9"),
      "generation_config.candidate_count", NULL },
    { GEM, "\"tools\":[{\"functionDeclarations\":[{}]}]",
      "tools[0].function_declarations[0].name", NULL },
    { COUNT, "{\"generateContentRequest\":{}}",
      "generate_content_request.contents",
      "* CountTokensRequest.generate_content_request.contents: is not "
      "specified" },
    { VECTOR, "{\"content\":{}}", "content.parts",
      "* EmbedContentRequest.content.parts: is not specified" },
};

static void refuses_what_is_not(void)
{
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *text = *bad[i].text == '[' ? bad[i].text
                                               : body(bad[i].d, bad[i].text);
        struct err err;

        UNIT_INT(check(bad[i].d, str_of(text), NULL, &err),
                 -ERR_INVALID_REQUEST);
        if (strcmp(err.at, bad[i].at) != 0)
            printf("\n%s: %s", text, err.msg);
        UNIT_STR(err.at, bad[i].at);
        if (bad[i].msg)
            UNIT_STR(err.msg, bad[i].msg);
    }
}

static const struct {
    enum dialect d;
    struct valid_limits limits;
    const char *text, *at; /* at NULL: fine */
} limited[] = {
    { CHAT, { .messages = 1 }, "\"x\":1", NULL },
    { CHAT, { .messages = 1 },
      MESSAGE("{\"role\":\"user\",\"content\":\"\"},{\"role\":\"user\","
              "\"content\":\"\"}"), "messages" },
    { CHAT, { .tools = 1 }, "\"tools\":[{}]", NULL },
    { CHAT, { .tools = 1 }, "\"tools\":[{},{}]", "tools" },
    { CHAT, { .tools = 1 }, "\"functions\":[{},{}]", "functions" },
    { CHAT, { .max_tokens = 9 }, "\"max_tokens\":9", NULL },
    { CHAT, { .max_tokens = 9 }, "\"max_completion_tokens\":10",
      "max_completion_tokens" },
    { CHAT, { .images = 1 },
      PART("{\"type\":\"image_url\",\"image_url\":\"a\"}"), NULL },
    { CHAT, { .images = 1 },
      PART("{\"type\":\"image_url\",\"image_url\":\"a\"},{\"type\":\"text\","
           "\"text\":\"\"},{\"type\":\"image_url\",\"image_url\":\"b\"}"),
      "messages[0].content[2]" },
    { CHAT, { .images = 1 },
      PART("{\"type\":\"image_url\",\"image_url\":\"a\"},{\"type\":"
           "\"im\\u0061ge_url\",\"image_url\":\"b\"}"),
      "messages[0].content[1]" },
    { MSG, { .images = 1 },
      PART("{\"type\":\"image\",\"source\":{\"type\":\"x\"}},{\"type\":"
           "\"tool_result\",\"tool_use_id\":\"t\",\"content\":[{\"type\":"
           "\"image\",\"source\":{\"type\":\"x\"}}]}"),
      "messages.0.content.1.content.0" },
    { CHAT, { .max_tokens = 9 }, "\"max_tokens\":1e3", "max_tokens" },
    { CHAT, { .max_tokens = 9 }, "\"max_tokens\":\"3\"", "max_tokens" },
    { CHAT, { .max_tokens = 9 }, "\"max_tokens\":null", NULL },
    { CHAT, { .nothing_else = true, .tools = 1 },
      "\"temperature\":9,\"n\":\"x\",\"messages2\":1", NULL },
    { CHAT, { .nothing_else = true, .images = 1 },
      MESSAGE("{\"role\":\"bot\"},5,{\"role\":\"user\",\"content\":[{"
              "\"type\":\"image_url\"},{\"type\":\"image_url\"}]}"),
      "messages[2].content[1]" },
    { RESP, { .max_tokens = 9 }, "\"max_output_tokens\":10",
      "max_output_tokens" },
    { GEM, { .messages = 1 },
      CONTENT("{\"parts\":[{\"text\":\"\"}]},{\"parts\":[{\"text\":\"\"}]}"),
      "contents" },
    { GEM, { .tools = 1 }, "\"tools\":[{\"functionDeclarations\":[{\"name\":"
      "\"a\"},{\"name\":\"b\"}]}]", "tools" },
    { GEM, { .tools = 1 }, "\"tools\":[{\"googleSearch\":{}}]", NULL },
    { GEM, { .max_tokens = 9 }, CONFIG("\"maxOutputTokens\":10"),
      "generation_config.max_output_tokens" },
    { GEM, { .max_tokens = 9 },
      "\"generation_config\":{\"max_output_tokens\":10}",
      "generation_config.max_output_tokens" },
    { GEM, { .images = 1 },
      PARTS("{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"\"}},"
            "{\"inline_data\":{\"mime_type\":\"audio/wav\",\"data\":\"\"}},"
            "{\"file_data\":{\"mime_type\":\"IMAGE/png\"}}"),
      "contents[0].parts[2]" },
    { MSG, { .max_tokens = 5 },
      "{\"model\":\"m\",\"max_tokens\":6,\"messages\":[]}", "max_tokens" },
};

static void keeps_the_operators_limits(void)
{
    for (size_t i = 0; i < sizeof limited / sizeof *limited; i++) {
        const char *text = body(limited[i].d, limited[i].text);
        struct err err;

        check(limited[i].d, str_of(text), &limited[i].limits, &err);
        UNIT_STR(err.at, limited[i].at ? limited[i].at : "");
    }
}

/* As deep as the scanner lets them: no end in sight, and no fall. */
static void goes_deep(void)
{
    struct buf b = BUF_INIT(1 << 20);
    struct err err;

    buf_puts(&b, "{\"model\":\"m\",\"max_tokens\":1,\"messages\":[{\"role\":"
                 "\"user\",\"content\":[");
    for (int i = 0; i < 61; i++)
        buf_puts(&b, "{\"type\":\"tool_result\",\"tool_use_id\":\"t\","
                     "\"content\":[");
    buf_puts(&b, "{\"type\":\"text\",\"text\":\"\"}");
    for (int i = 0; i < 61; i++)
        buf_puts(&b, "]}");
    buf_puts(&b, "]}]}");
    UNIT_INT(check(MSG, buf_str(&b), NULL, &err), -ERR_INVALID_REQUEST);
    CU_ASSERT(str_starts(str_of(err.at), STR("messages.0.content.0.content")));
    buf_clear(&b);
}

/* What the tables know of the top of a chat; "" begins another scope. */
#define VALID_SCOPE(id, told) { "", #id },
#define VALID_ROW(member, types, need, lo, hi, each, sub, set)                \
    { member, #types },
#define VALID_END
#define VALID_CASES(scope)
#define VALID_CASE(text, sub, counts)
#define VALID_CASES_END
static const struct {
    const char *member, *types;
} known[] = {
#include "wire/validate_openai.def"
};

/* Each known member is looked at, and none that is as long but another. */
static void knows_every_name(void)
{
    size_t i = 1;

    UNIT_STR(known[0].types, "CHAT");
    for (; known[i].member[0]; i++) {
        bool odd = strstr(known[i].types, "VALID_BOOL") != NULL;
        char name[64], text[128];
        struct err err;

        if (str_is(str_of(known[i].member), "messages"))
            continue; /* stands twice, then */
        snprintf(name, sizeof name, "%s", known[i].member);
        snprintf(text, sizeof text, "{\"messages\":[{\"role\":\"user\","
                 "\"content\":\"\"}],\"%s\":%s}", name,
                 odd ? "\"x\"" : "true");
        UNIT_INT(check(CHAT, str_of(text), NULL, &err), -ERR_INVALID_REQUEST);
        UNIT_STR(err.at, known[i].member);
        name[strlen(name) - 1] ^= 1;
        snprintf(text, sizeof text, "\"%s\":%s", name,
                 odd ? "\"x\"" : "true");
        UNIT_INT(check(CHAT, str_of(body(CHAT, text)), NULL, &err), 0);
    }
    CU_ASSERT(i > 30);
}

UNIT_MAIN("validate", { "takes what is right", takes_what_is_right },
          { "refuses what is not", refuses_what_is_not },
          { "knows every name", knows_every_name },
          { "keeps the operator's limits", keeps_the_operators_limits },
          { "goes deep", goes_deep })
