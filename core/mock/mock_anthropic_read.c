/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Messages in Anthropic's shape, read into a neutral ask. Beside what changes
 * the answer, the rules are kept on which tool loops with thinking break:
 * thoughts come back with the bytes that were signed, and before the call.
 */
#include "mock/mock_anthropic.h"

#include "mock/mock_read.h"

#include <stdio.h>

uint64_t mock_sign(uint64_t sum, struct str more)
{
    for (size_t i = 0; i < more.n; i++)
        sum = (sum ^ (unsigned char)more.p[i]) * 0x100000001b3u;
    return sum;
}

void mock_signature(uint64_t sum, char to[MOCK_SIGNATURE_BYTES])
{
    snprintf(to, MOCK_SIGNATURE_BYTES, "sim+%016llx",
             (unsigned long long)sum);
}

static struct str text_of(struct mock_req *r, uint32_t node, const char *name)
{
    const struct json *j = &r->m->doc;

    return json_text(j, json_member(j, node, str_of(name)), r->a);
}

/* Where the reader stands, for errors. */
struct place {
    struct mock_req *r;
    uint32_t message, block;
    bool thoughtless; /* the last turn that called did so without a thought */
    struct err *err;
};

static int wrong(const struct place *at, const char *what)
{
    return err_set(at->err, ERR_INVALID_REQUEST,
                   "messages.%u.content.%u: %s", at->message, at->block,
                   what);
}

static int check_thoughts(const struct place *at, uint32_t block)
{
    struct str thoughts = text_of(at->r, block, "thinking");
    struct str signature = text_of(at->r, block, "signature");
    char want[MOCK_SIGNATURE_BYTES];

    mock_signature(mock_sign(MOCK_SIGN_START, thoughts), want);
    if (str_is(signature, want))
        return 0;
    return wrong(at, "Invalid `signature` in `thinking` block");
}

/* The content of the answer to a call: text, or blocks of it. */
static void take_result(const struct place *at, uint32_t block)
{
    const struct json *j = &at->r->m->doc;
    struct str text =
        mock_content(at->r, json_member(j, block, STR("content")));

    at->r->ask.tool_answer = text.p ? text : STR("");
    at->r->ask.prompt_tokens += mock_count(text);
}

/* One block of a turn; `thought`: an earlier one of it was a thought. */
static int take_block(struct place *at, uint32_t block, bool *thought)
{
    struct str type = text_of(at->r, block, "type");

    if (str_is(type, "tool_result"))
        take_result(at, block);
    else if (str_is(type, "thinking") && check_thoughts(at, block))
        return -at->err->code;
    *thought |= str_is(type, "thinking") || str_is(type, "redacted_thinking");
    if (str_is(type, "tool_use"))
        at->thoughtless = !*thought;
    if (str_is(type, "text") && !text_of(at->r, block, "text").n)
        return wrong(at, "text content blocks must be non-empty");
    return 0;
}

static int take_blocks(struct place *at, uint32_t content)
{
    const struct json *j = &at->r->m->doc;
    bool thought = false;
    int rc = 0;

    if (mock_type(at->r, content) != JSON_T_ARRAY)
        return 0;
    at->block = 0;
    for (uint32_t i = json_first(j, content); i != JSON_NONE && !rc;
         i = json_sibling(j, content, i), at->block++)
        rc = take_block(at, i, &thought);
    return rc;
}

static int take_message(struct place *at, uint32_t message)
{
    const struct json *j = &at->r->m->doc;
    struct mock_ask *ask = &at->r->ask;
    uint32_t content = json_member(j, message, STR("content"));
    struct str role = text_of(at->r, message, "role");
    struct str text = mock_content(at->r, content);

    if (!str_is(role, "user") && !str_is(role, "assistant") &&
        !str_is(role, "system"))
        return err_set(at->err, ERR_INVALID_REQUEST,
                       "messages.%u.role: Input should be 'user' or "
                       "'assistant'", at->message);
    ask->prompt_tokens += 4 + mock_count(text);
    ask->tool_answer = STR_NULL;
    if (str_is(role, "user") && text.p)
        ask->text = text;
    return take_blocks(at, content);
}

static int read_messages(struct mock_req *r, struct err *err)
{
    const struct json *j = &r->m->doc;
    uint32_t list = mock_at(r, "/messages"), i;
    struct place at = { .r = r, .err = err };
    int rc = 0;

    if (mock_type(r, list) != JSON_T_ARRAY || json_length(j, list) == 0)
        return mock_bad(err, "messages: at least one message is required");
    for (i = json_first(j, list); i != JSON_NONE && !rc;
         i = json_sibling(j, list, i), at.message++)
        rc = take_message(&at, i);
    if (!rc && r->ask.think && r->ask.tool_answer.p && at.thoughtless)
        return mock_bad(err, "messages: Expected `thinking` or "
                             "`redacted_thinking`, but found `tool_use`");
    r->ask.prompt_tokens += 3 + mock_count(mock_content(
                                    r, mock_at(r, "/system")));
    return rc;
}

static void read_tools(struct mock_req *r)
{
    const struct json *j = &r->m->doc;
    uint32_t tool = mock_tool(r, "/tools", NULL, "/tool_choice/name");
    struct str choice = json_raw(j, mock_at(r, "/tool_choice/type"));
    bool forced = str_is(choice, "\"any\"") || str_is(choice, "\"tool\"");

    if (!mock_calls(r, forced) || tool == JSON_NONE ||
        str_is(choice, "\"none\""))
        return;
    r->ask.tool = json_text(j, json_member(j, tool, STR("name")), r->a);
    if (r->ask.tool.p)
        r->ask.args = mock_schema_text(
            r, json_member(j, tool, STR("input_schema")));
}

static bool thinks(const struct mock_req *r)
{
    struct str type =
        json_raw(&r->m->doc, mock_at(r, "/thinking/type"));

    return str_is(type, "\"enabled\"") || str_is(type, "\"adaptive\"");
}

static int read_max_tokens(struct mock_req *r, struct err *err)
{
    if (r->op == MOCK_COUNT)
        return 0;
    if (mock_at(r, "/max_tokens") == JSON_NONE)
        return mock_bad(err, "max_tokens: Field required");
    return mock_number(r, "/max_tokens", MOCK_TOKENS_MAX, &r->ask.max_tokens,
                       err);
}

int mock_anthropic_read(struct mock_req *r, struct err *err)
{
    struct mock_ask *ask = &r->ask;
    int rc;

    if (mock_type(r, 0) != JSON_T_OBJECT)
        return mock_bad(err, "the body is not a JSON object");
    ask->name = json_text(&r->m->doc, mock_at(r, "/model"), r->a);
    if (!ask->name.p)
        return mock_bad(err, "model: Field required");
    if (mock_know_model(r, err))
        return -err->code;
    if (ask->model == MOCK_EMBED)
        return mock_bad(err, "model: this one does not do that");
    ask->stream = mock_type(r, mock_at(r, "/stream")) == JSON_T_TRUE;
    ask->think = thinks(r);
    rc = read_max_tokens(r, err);
    if (rc == 0)
        rc = read_messages(r, err);
    if (rc)
        return rc;
    read_tools(r);
    if (mock_json_answer(r, "/output_config/format/schema"))
        return mock_bad(err, "output_config: a schema beyond the mock");
    return 0;
}
