/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Requests in OpenAI's shapes, read into a neutral ask: chat completions,
 * completions, embeddings. Only what changes the answer is looked at.
 */
#include "mock/mock_read.h"

#define SCHEMA "/response_format/json_schema/schema"

enum { DIMS = 256 };

static int read_messages(struct mock_req *r, struct err *err)
{
    const struct json *j = &r->m->doc;
    struct mock_ask *ask = &r->ask;
    uint32_t list = mock_at(r, "/messages"), i;

    if (mock_type(r, list) != JSON_T_ARRAY || json_length(j, list) == 0)
        return err_at(err, ERR_INVALID_REQUEST, "/messages",
                      "messages is not a list of messages");
    for (i = json_first(j, list); i != JSON_NONE;
         i = json_sibling(j, list, i)) {
        struct str role = json_text(j, json_member(j, i, STR("role")), r->a);
        struct str text =
            mock_content(r, json_member(j, i, STR("content")));

        ask->prompt_tokens += 4 + mock_count(text);
        ask->tool_answer = STR_NULL;
        if (str_is(role, "user") && text.p)
            ask->text = text;
        else if (str_is(role, "tool"))
            ask->tool_answer = text.p ? text : STR("");
    }
    ask->prompt_tokens += 3;
    return 0;
}

static void read_tools(struct mock_req *r)
{
    const struct json *j = &r->m->doc;
    uint32_t fn = mock_tool(r, "/tools", "function",
                            "/tool_choice/function/name");
    struct str choice = json_raw(j, mock_at(r, "/tool_choice"));
    bool forced = str_starts(choice, STR("{")) ||
                  str_is(choice, "\"required\"");

    if (!mock_calls(r, forced) || fn == JSON_NONE ||
        str_is(choice, "\"none\""))
        return;
    r->ask.tool = json_text(j, json_member(j, fn, STR("name")), r->a);
    if (r->ask.tool.p)
        r->ask.args =
            mock_schema_text(r, json_member(j, fn, STR("parameters")));
}

static int read_chat(struct mock_req *r, struct err *err)
{
    int rc = read_messages(r, err);

    if (rc)
        return rc;
    read_tools(r);
    if (mock_json_answer(r, SCHEMA))
        return mock_bad(err, "response_format has a schema beyond the mock");
    return mock_number(r, "/max_completion_tokens", MOCK_TOKENS_MAX,
                  &r->ask.max_tokens, err);
}

static int read_prompt(struct mock_req *r, struct err *err)
{
    uint32_t node = mock_at(r, "/prompt");

    if (mock_type(r, node) == JSON_T_ARRAY)
        node = json_first(&r->m->doc, node);
    if (node == JSON_NONE)
        return mock_bad(err, "prompt is missing");
    if (r->ask.model == MOCK_TOOLS || r->ask.model == MOCK_THINK)
        r->ask.model = MOCK_ECHO; /* there is text only */
    r->ask.text = mock_type(r, node) == JSON_T_STRING
                      ? json_text(&r->m->doc, node, r->a)
                      : json_raw(&r->m->doc, node);
    r->ask.prompt_tokens = mock_count(r->ask.text);
    return mock_json_answer(r, SCHEMA) ? mock_bad(err, "prompt is too long")
                                       : 0;
}

/* A string, a list of strings, of numbers, or of lists of numbers. */
static int read_inputs(struct mock_req *r, uint32_t list)
{
    const struct json *j = &r->m->doc;
    bool one = mock_type(r, list) == JSON_T_STRING ||
               mock_type(r, json_first(j, list)) == JSON_T_NUMBER;
    size_t n = one ? 1 : json_length(j, list);
    uint32_t i = one ? list : json_first(j, list);

    if (n == 0 || n > MOCK_INPUTS_MAX)
        return -ERR_INVALID_REQUEST;
    r->ask.inputs = arena_alloc(r->a, n * sizeof r->ask.inputs[0]);
    if (!r->ask.inputs)
        return -ERR_NOMEM;
    r->ask.n_inputs = n;
    for (size_t k = 0; k < n; k++) {
        bool text = mock_type(r, i) == JSON_T_STRING;

        if (!text && mock_type(r, i) != JSON_T_ARRAY)
            return -ERR_INVALID_REQUEST;
        r->ask.inputs[k] = text ? json_text(j, i, r->a) : json_raw(j, i);
        r->ask.prompt_tokens +=
            text ? mock_count(r->ask.inputs[k]) : json_length(j, i);
        if (!one)
            i = json_sibling(j, list, i);
    }
    return 0;
}

static int read_embeddings(struct mock_req *r, struct err *err)
{
    uint32_t list = mock_at(r, "/input");
    int64_t dims = DIMS;
    int rc = mock_number(r, "/dimensions", MOCK_DIMS_MAX, &dims, err);

    if (rc)
        return rc;
    r->ask.dims = (uint32_t)dims;
    r->ask.base64 = str_is(
        json_raw(&r->m->doc, mock_at(r, "/encoding_format")), "\"base64\"");
    if ((mock_type(r, list) != JSON_T_STRING &&
         mock_type(r, list) != JSON_T_ARRAY) ||
        read_inputs(r, list))
        return err_at(err, ERR_INVALID_REQUEST, "/input",
                      "input is not text, or a list of at most %d",
                      MOCK_INPUTS_MAX);
    return 0;
}

static int read_model(struct mock_req *r, struct err *err)
{
    struct mock_ask *ask = &r->ask;
    bool vectors = r->op == MOCK_EMBEDDINGS;

    ask->name = json_text(&r->m->doc, mock_at(r, "/model"), r->a);
    if (!ask->name.p)
        return err_at(err, ERR_INVALID_REQUEST, "/model",
                      "you must provide a model parameter");
    if (mock_know_model(r, err))
        return -err->code;
    if (vectors != (ask->model == MOCK_EMBED))
        return err_at(err, ERR_INVALID_REQUEST, "/model",
                      "the model `%s` does not do that",
                      mock_model_names[ask->model]);
    return 0;
}

/* GET /v1/models/{name} */
static int read_path(struct mock_req *r, struct err *err)
{
    struct str path = http_req_path(r->q);
    ptrdiff_t i = str_find(path, STR("/models/"));

    if (i < 0)
        return 0;
    r->ask.name = (struct str){ path.p + i + 8, path.n - (size_t)i - 8 };
    return mock_know_model(r, err);
}

int mock_openai_read(struct mock_req *r, struct err *err)
{
    struct mock_ask *ask = &r->ask;
    int64_t choices = 1;
    uint32_t usage;
    int rc;

    if (r->op == MOCK_MODELS)
        return read_path(r, err);
    if (mock_type(r, 0) != JSON_T_OBJECT)
        return mock_bad(err, "the body is not a JSON object");
    ask->stream = mock_type(r, mock_at(r, "/stream")) == JSON_T_TRUE;
    usage = mock_at(r, "/stream_options/include_usage");
    ask->want_usage = mock_type(r, usage) == JSON_T_TRUE;
    rc = read_model(r, err);
    if (rc == 0)
        rc = mock_number(r, "/n", MOCK_CHOICES_MAX, &choices, err);
    if (rc == 0)
        rc = mock_number(r, "/max_tokens", MOCK_TOKENS_MAX, &ask->max_tokens,
                         err);
    ask->choices = (uint32_t)choices;
    if (rc)
        return rc;
    switch (r->op) {
    case MOCK_CHAT:
        return read_chat(r, err);
    case MOCK_TEXT:
        return read_prompt(r, err);
    default:
        ask->stream = false;
        return read_embeddings(r, err);
    }
}
