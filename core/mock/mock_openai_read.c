/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Requests in OpenAI's shapes, read into a neutral ask: chat completions,
 * completions, embeddings. Only what changes the answer is looked at.
 */
#include "mock/mock_impl.h"

enum { DIMS = 256 };

static uint32_t at(const struct mock_req *r, const char *pointer)
{
    return json_at(&r->m->doc, str_of(pointer));
}

static uint8_t type_of(const struct mock_req *r, uint32_t node)
{
    return node == JSON_NONE ? 0 : r->m->doc.nodes[node].type;
}

static int bad(struct err *err, const char *what)
{
    return err_set(err, ERR_INVALID_REQUEST, "%s", what);
}

/* A whole number in a range, or `none` where the member is not there. */
static int number(struct mock_req *r, const char *pointer, int64_t max,
                  int64_t *out, struct err *err)
{
    uint32_t node = at(r, pointer);

    if (node == JSON_NONE || type_of(r, node) == JSON_T_NULL)
        return 0;
    if (!json_int(&r->m->doc, node, out) || *out < 1 || *out > max)
        return err_at(err, ERR_INVALID_REQUEST, pointer,
                      "%s is not a number from 1 to %lld", pointer + 1,
                      (long long)max);
    return 0;
}

/* Text of a content: a string, or the text parts of a list, joined. */
static struct str content_text(struct mock_req *r, uint32_t node)
{
    const struct json *j = &r->m->doc;
    struct str all = STR_NULL;
    uint32_t i;

    if (type_of(r, node) == JSON_T_STRING)
        return json_text(j, node, r->a);
    if (type_of(r, node) != JSON_T_ARRAY)
        return STR_NULL;
    for (i = json_first(j, node); i != JSON_NONE;
         i = json_sibling(j, node, i)) {
        struct str t = json_text(j, json_member(j, i, STR("text")), r->a);

        if (!t.p)
            continue;
        all = all.p ? arena_fmt(r->a, STR_FMT " " STR_FMT, STR_ARG(all),
                                STR_ARG(t))
                    : t;
    }
    return all;
}

static int read_messages(struct mock_req *r, struct err *err)
{
    const struct json *j = &r->m->doc;
    struct mock_ask *ask = &r->ask;
    uint32_t list = at(r, "/messages"), i;

    if (type_of(r, list) != JSON_T_ARRAY || json_length(j, list) == 0)
        return err_at(err, ERR_INVALID_REQUEST, "/messages",
                      "messages is not a list of messages");
    for (i = json_first(j, list); i != JSON_NONE;
         i = json_sibling(j, list, i)) {
        struct str role = json_text(j, json_member(j, i, STR("role")), r->a);
        struct str text =
            content_text(r, json_member(j, i, STR("content")));

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

/* JSON made from the schema at `node`, kept in the arena. */
static struct str from_schema(struct mock_req *r, uint32_t node)
{
    struct buf b = BUF_INIT(1 << 20);
    struct str s = STR_NULL;

    if (mock_from_schema(&r->m->doc, node, &b) == 0)
        s = arena_dup(r->a, buf_str(&b));
    buf_clear(&b);
    return s;
}

static void read_tools(struct mock_req *r)
{
    const struct json *j = &r->m->doc;
    uint32_t fn = at(r, "/tools/0/function");
    struct str choice = json_raw(j, at(r, "/tool_choice"));

    if (r->ask.model != MOCK_TOOLS || str_is(choice, "\"none\""))
        return;
    r->ask.tool = json_text(j, json_member(j, fn, STR("name")), r->a);
    if (r->ask.tool.p)
        r->ask.args =
            from_schema(r, json_member(j, fn, STR("parameters")));
}

static int read_format(struct mock_req *r)
{
    uint32_t schema = at(r, "/response_format/json_schema/schema");
    struct buf b = BUF_INIT(MOCK_BODY_MAX);
    int rc = 0;

    if (r->ask.model != MOCK_JSON)
        return 0;
    if (schema != JSON_NONE) {
        r->ask.json = from_schema(r, schema);
        return r->ask.json.p ? 0 : -ERR_NOMEM;
    }
    rc = buf_puts(&b, "{\"answer\":");
    if (rc == 0)
        rc = buf_json_str(&b, r->ask.text);
    if (rc == 0)
        rc = buf_putc(&b, '}');
    r->ask.json = rc ? STR_NULL : arena_dup(r->a, buf_str(&b));
    buf_clear(&b);
    return r->ask.json.p ? 0 : -ERR_NOMEM;
}

static int read_chat(struct mock_req *r, struct err *err)
{
    int rc = read_messages(r, err);

    if (rc)
        return rc;
    read_tools(r);
    if (read_format(r))
        return bad(err, "response_format has a schema beyond the mock");
    return number(r, "/max_completion_tokens", MOCK_TOKENS_MAX,
                  &r->ask.max_tokens, err);
}

static int read_prompt(struct mock_req *r, struct err *err)
{
    uint32_t node = at(r, "/prompt");

    if (type_of(r, node) == JSON_T_ARRAY)
        node = json_first(&r->m->doc, node);
    if (node == JSON_NONE)
        return bad(err, "prompt is missing");
    if (r->ask.model == MOCK_TOOLS || r->ask.model == MOCK_THINK)
        r->ask.model = MOCK_ECHO; /* there is text only */
    r->ask.text = type_of(r, node) == JSON_T_STRING
                      ? json_text(&r->m->doc, node, r->a)
                      : json_raw(&r->m->doc, node);
    r->ask.prompt_tokens = mock_count(r->ask.text);
    return read_format(r) ? bad(err, "prompt is too long") : 0;
}

/* A string, a list of strings, of numbers, or of lists of numbers. */
static int read_inputs(struct mock_req *r, uint32_t list)
{
    const struct json *j = &r->m->doc;
    bool one = type_of(r, list) == JSON_T_STRING ||
               type_of(r, json_first(j, list)) == JSON_T_NUMBER;
    size_t n = one ? 1 : json_length(j, list);
    uint32_t i = one ? list : json_first(j, list);

    if (n == 0 || n > MOCK_INPUTS_MAX)
        return -ERR_INVALID_REQUEST;
    r->ask.inputs = arena_alloc(r->a, n * sizeof r->ask.inputs[0]);
    if (!r->ask.inputs)
        return -ERR_NOMEM;
    r->ask.n_inputs = n;
    for (size_t k = 0; k < n; k++) {
        bool text = type_of(r, i) == JSON_T_STRING;

        if (!text && type_of(r, i) != JSON_T_ARRAY)
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
    uint32_t list = at(r, "/input");
    int64_t dims = DIMS;
    int rc = number(r, "/dimensions", MOCK_DIMS_MAX, &dims, err);

    if (rc)
        return rc;
    r->ask.dims = (uint32_t)dims;
    r->ask.base64 =
        str_is(json_raw(&r->m->doc, at(r, "/encoding_format")), "\"base64\"");
    if ((type_of(r, list) != JSON_T_STRING &&
         type_of(r, list) != JSON_T_ARRAY) ||
        read_inputs(r, list))
        return err_at(err, ERR_INVALID_REQUEST, "/input",
                      "input is not text, or a list of at most %d",
                      MOCK_INPUTS_MAX);
    return 0;
}

static int know_model(struct mock_req *r, struct err *err)
{
    struct mock_ask *ask = &r->ask;

    ask->model = mock_model_of(ask->name);
    if (r->m->o.lenient)
        ask->model = r->op == MOCK_EMBEDDINGS ? MOCK_EMBED : MOCK_ECHO;
    if (ask->model != MOCK_UNKNOWN)
        return 0;
    return err_at(err, ERR_MODEL_NOT_FOUND, "/model",
                  "The model `%.*s` does not exist",
                  (int)(ask->name.n > 100 ? 100 : ask->name.n), ask->name.p);
}

static int read_model(struct mock_req *r, struct err *err)
{
    struct mock_ask *ask = &r->ask;
    bool vectors = r->op == MOCK_EMBEDDINGS;

    ask->name = json_text(&r->m->doc, at(r, "/model"), r->a);
    if (!ask->name.p)
        return err_at(err, ERR_INVALID_REQUEST, "/model",
                      "you must provide a model parameter");
    if (know_model(r, err))
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
    return know_model(r, err);
}

int mock_openai_read(struct mock_req *r, struct err *err)
{
    struct mock_ask *ask = &r->ask;
    int64_t choices = 1;
    int rc;

    if (r->op == MOCK_MODELS)
        return read_path(r, err);
    if (type_of(r, 0) != JSON_T_OBJECT)
        return bad(err, "the body is not a JSON object");
    ask->stream = type_of(r, at(r, "/stream")) == JSON_T_TRUE;
    ask->want_usage =
        type_of(r, at(r, "/stream_options/include_usage")) == JSON_T_TRUE;
    rc = read_model(r, err);
    if (rc == 0)
        rc = number(r, "/n", MOCK_CHOICES_MAX, &choices, err);
    if (rc == 0)
        rc = number(r, "/max_tokens", MOCK_TOKENS_MAX, &ask->max_tokens, err);
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
