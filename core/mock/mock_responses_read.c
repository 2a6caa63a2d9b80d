/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Requests in the shapes of OpenAI's Responses, read into a neutral ask. */
#include "mock/mock_read.h"

#define SCHEMA "/text/format/schema"

static bool is(struct mock_req *r, uint32_t item, const char *name,
               const char *value)
{
    const struct json *j = &r->m->doc;

    return str_is(json_text(j, json_member(j, item, str_of(name)), r->a),
                  value);
}

static void take_item(struct mock_req *r, uint32_t item)
{
    const struct json *j = &r->m->doc;
    bool output = is(r, item, "type", "function_call_output");
    struct str text = mock_content(
        r, json_member(j, item, output ? STR("output") : STR("content")));

    r->ask.prompt_tokens += 4 + mock_count(text);
    r->ask.tool_answer = STR_NULL;
    if (output)
        r->ask.tool_answer = text.p ? text : STR("");
    else if (is(r, item, "role", "user") && text.p)
        r->ask.text = text;
}

static int read_input(struct mock_req *r, struct err *err)
{
    const struct json *j = &r->m->doc;
    uint32_t input = mock_at(r, "/input");

    r->ask.prompt_tokens = 3 + mock_count(
        mock_content(r, mock_at(r, "/instructions")));
    if (mock_type(r, input) == JSON_T_STRING) {
        r->ask.text = json_text(j, input, r->a);
        r->ask.prompt_tokens += 4 + mock_count(r->ask.text);
        return 0;
    }
    if (mock_type(r, input) != JSON_T_ARRAY || json_length(j, input) == 0)
        return err_at(err, ERR_INVALID_REQUEST, "/input",
                      "input is neither a text nor a list of items");
    for (uint32_t i = json_first(j, input); i != JSON_NONE;
         i = json_sibling(j, input, i)) {
        if (mock_type(r, i) != JSON_T_OBJECT)
            return err_at(err, ERR_INVALID_REQUEST, "/input",
                          "an item of input is no object");
        take_item(r, i);
    }
    return 0;
}

static void read_tools(struct mock_req *r)
{
    const struct json *j = &r->m->doc;
    uint32_t tool = mock_tool(r, "/tools", NULL, "/tool_choice/name");
    struct str choice = json_raw(j, mock_at(r, "/tool_choice"));
    bool forced = str_starts(choice, STR("{")) ||
                  str_is(choice, "\"required\"");

    if (!mock_calls(r, forced) || tool == JSON_NONE ||
        !is(r, tool, "type", "function") || str_is(choice, "\"none\""))
        return;
    r->ask.tool = json_text(j, json_member(j, tool, STR("name")), r->a);
    r->ask.args = mock_schema_text(r, json_member(j, tool,
                                                  STR("parameters")));
    if (!r->ask.args.p)
        r->ask.args = STR("{}");
}

int mock_responses_read(struct mock_req *r, struct err *err)
{
    struct mock_ask *ask = &r->ask;
    int rc;

    if (mock_type(r, 0) != JSON_T_OBJECT)
        return mock_bad(err, "the body is not a JSON object");
    ask->name = json_text(&r->m->doc, mock_at(r, "/model"), r->a);
    if (!ask->name.p)
        return err_at(err, ERR_INVALID_REQUEST, "/model",
                      "you must provide a model parameter");
    if (mock_know_model(r, err))
        return -err->code;
    if (ask->model == MOCK_EMBED)
        return mock_bad(err, "the model `embed` does not do that");
    ask->stream = mock_type(r, mock_at(r, "/stream")) == JSON_T_TRUE;
    ask->think = mock_at(r, "/reasoning/effort") != JSON_NONE;
    rc = mock_number(r, "/max_output_tokens", MOCK_TOKENS_MAX,
                     &ask->max_tokens, err);
    rc = rc ? rc : read_input(r, err);
    if (rc)
        return rc;
    read_tools(r);
    if (mock_json_answer(r, SCHEMA))
        return mock_bad(err, "text.format has a schema beyond the mock");
    return 0;
}
