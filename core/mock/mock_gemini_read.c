/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Requests in Google's shapes, read into a neutral ask. */
#include "mock/mock_gemini.h"
#include "mock/mock_read.h"

#define SCHEMA "/generationConfig/responseSchema"
#define JSON_SCHEMA "/generationConfig/responseJsonSchema"

/* "models/NAME:method" behind the version. */
static int read_path(struct mock_req *r, struct err *err)
{
    struct str path = http_req_path(r->q), method;
    size_t from = (size_t)str_find(path, STR("/models/")) +
                  sizeof "/models/" - 1;
    size_t colon = path.n;

    while (path.p[colon - 1] != ':')
        colon--;
    method = (struct str){ path.p + colon, path.n - colon };
    r->ask.name = (struct str){ path.p + from, colon - 1 - from };
    r->ask.stream = str_is(method, "streamGenerateContent");
    if (r->ask.stream && str_find(http_req_query(r->q), STR("alt=sse")) < 0)
        r->d = &mock_gemini_array;
    if (mock_know_model(r, err))
        return -err->code;
    return r->ask.model == MOCK_EMBED
               ? mock_bad(err, "the model does not support generateContent")
               : 0;
}

static void take_content(struct mock_req *r, uint32_t content)
{
    const struct json *j = &r->m->doc;
    uint32_t parts = json_member(j, content, STR("parts"));
    struct str text = mock_content(r, parts);
    struct str role = json_text(j, json_member(j, content, STR("role")),
                                r->a);

    r->ask.prompt_tokens += 4 + mock_count(text);
    r->ask.tool_answer = STR_NULL;
    if (!str_is(role, "model") && text.p)
        r->ask.text = text;
    if (mock_type(r, parts) != JSON_T_ARRAY)
        return;
    for (uint32_t p = json_first(j, parts); p != JSON_NONE;
         p = json_sibling(j, parts, p)) {
        uint32_t gave = json_member(j, p, STR("functionResponse"));

        if (mock_type(r, gave) == JSON_T_OBJECT)
            r->ask.tool_answer =
                json_raw(j, json_member(j, gave, STR("response")));
    }
}

static int read_contents(struct mock_req *r, const char *at, struct err *err)
{
    const struct json *j = &r->m->doc;
    uint32_t list = mock_at(r, at);

    if (mock_type(r, list) != JSON_T_ARRAY || json_length(j, list) == 0)
        return mock_bad(err, "* GenerateContentRequest.contents: contents is "
                             "not specified");
    for (uint32_t c = json_first(j, list); c != JSON_NONE;
         c = json_sibling(j, list, c)) {
        if (mock_type(r, c) != JSON_T_OBJECT)
            return mock_bad(err, "Invalid value at 'contents'");
        take_content(r, c);
    }
    r->ask.prompt_tokens += 3 + mock_count(mock_content(
                                    r, mock_at(r, "/systemInstruction/"
                                                  "parts")));
    return 0;
}

/* Arguments are an object, whatever words a schema is written in. */
static void read_tools(struct mock_req *r)
{
    const struct json *j = &r->m->doc;
    uint32_t fn = mock_tool(r, "/tools/0/functionDeclarations", NULL,
                            "/toolConfig/functionCallingConfig/"
                            "allowedFunctionNames/0"), schema;
    struct str mode = json_raw(j, mock_at(r, "/toolConfig/"
                                             "functionCallingConfig/mode"));

    if (!mock_calls(r, str_is(mode, "\"ANY\"")) || fn == JSON_NONE ||
        str_is(mode, "\"NONE\""))
        return;
    r->ask.tool = json_text(j, json_member(j, fn, STR("name")), r->a);
    schema = json_member(j, fn, STR("parametersJsonSchema"));
    if (schema == JSON_NONE)
        schema = json_member(j, fn, STR("parameters"));
    r->ask.args = schema == JSON_NONE ? STR("{}")
                                      : mock_schema_text(r, schema);
    if (!r->ask.args.p || r->ask.args.p[0] != '{')
        r->ask.args = STR("{}");
}

int mock_gemini_read(struct mock_req *r, struct err *err)
{
    bool nested = r->op == MOCK_COUNT &&
                  mock_at(r, "/generateContentRequest") != JSON_NONE;
    uint32_t thoughts;
    int rc;

    if (mock_type(r, 0) != JSON_T_OBJECT)
        return mock_bad(err, "the body is not a JSON object");
    rc = read_path(r, err);
    rc = rc ? rc : read_contents(r, nested ? "/generateContentRequest/contents"
                                           : "/contents", err);
    rc = rc ? rc : mock_number(r, "/generationConfig/maxOutputTokens",
                               MOCK_TOKENS_MAX, &r->ask.max_tokens, err);
    if (rc)
        return rc;
    read_tools(r);
    thoughts = mock_at(r, "/generationConfig/thinkingConfig/includeThoughts");
    r->ask.think = mock_type(r, thoughts) == JSON_T_TRUE;
    if (mock_json_answer(r, mock_at(r, JSON_SCHEMA) != JSON_NONE ? JSON_SCHEMA
                                                                 : SCHEMA))
        return mock_bad(err, "generationConfig has a schema beyond the mock");
    return 0;
}
