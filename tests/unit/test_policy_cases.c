/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What policies' tests can say of what a policy edits and makes: bodies, heads
 * of tries and answers, an answer's text in chunks, plans of other models.
 */
#include "policy_harness.h"

/* ---- bodies, tries, answers -------------------------------------------- */

static const char edits[] =
    "local M = { api = 1, dialects = { 'openai-chat' } } "
    "function M.validate(req) "
    "if req.model == 'big' then req.model = 'small' req.max_tokens = 10 end "
    "if req.user == 'x' then req.body:set('/user', 7) end "
    "req:each_text({ from = { 'user' } }, function(text) "
    "return (text:gsub('secret', '***')) end) end return M";

static void bodies_are_edited(void)
{
    expect_passed(edits,
                  "ps.test('fields', { req = { model = 'big', user = 'me',"
                  " temperature = 0.5 }, expect = { req = { model = 'small',"
                  " max_tokens = 10, user = 'me', temperature = 0.5 } } })"
                  "ps.test('a table', { req = { body = { model = 'm',"
                  " messages = { { role = 'user', content = 'my secret' },"
                  " { role = 'system', content = 'secret' } } } },"
                  " expect = { body = { model = 'm', messages = {"
                  " { role = 'user', content = 'my ***' },"
                  " { role = 'system', content = 'secret' } } } } })"
                  "ps.test('a text, byte for byte', { req = { body ="
                  " '{ \"model\":\"big\",  \"messages\":[{\"role\":\"user\","
                  "\"content\":\"secret\"}],\"x\":1e2}' }, expect = { body ="
                  " '{ \"model\":\"small\",  \"messages\":[{\"role\":\"user\","
                  "\"content\":\"***\"}],\"x\":1e2,"
                  "\"max_completion_tokens\":10}' } })"
                  "ps.test('fields of a body', { req = { model = 'big',"
                  " body = { messages = { { role = 'user', content = 'a' } }"
                  " } }, expect = { req = { model = 'small' } } })"
                  "ps.test('calls begin anew', { req = { model = 'big' },"
                  " calls = { { expect = { req = { model = 'small' } } },"
                  " { req = { model = 'other' }, expect = { req = {"
                  " model = 'other' } } } } })"
                  "ps.test('the model in a path', { req = {"
                  " dialect = 'gemini', model = 'big' }, expect = {"
                  " req = { model = 'small', max_tokens = 10 } } })",
                  6);
    expect_told(edits,
                "ps.test('a', { req = { body = { model = 'm', messages = {"
                " { role = 'user', content = 'secret' } } } }, expect = {"
                " body = { model = 'm', messages = { { role = 'user',"
                " content = 'secret' } } } } })",
                "  body       {\n               \"messages\": [\n"
                "                 {\n"
                "-                  \"content\": \"secret\",\n"
                "+                  \"content\": \"***\",\n");
    expect_told(edits, "ps.test('a', { expect = { req = { model = 'm' } } })",
                "- req.model  \"m\"\n+ req.model  \"test\"\n");
    expect_told(edits, "ps.test('a', { req = { body = { model = 7 } } })",
                "! req.body: ");
    expect_told(edits, "ps.test('a', { req = { body = '{' } })",
                "! req.body: ");
}

static void bodies_of_other_endpoints(void)
{
    static const char policy[] =
        "return { api = 1, validate = function(req) ps.note(req.dialect .. "
        "' ' .. req.path) req:each_text({}, function(t) ps.note(t) end) "
        "req.model = 'm' end }";

    expect_passed(policy,
                  "ps.test('a', { req = { endpoint = 'embeddings' }, expect ="
                  " { note = 'openai-embeddings /v1/embeddings', req = {"
                  " model = 'm' } } })"
                  "ps.test('b', { req = { path = '/v1/completions', body = {"
                  " model = 'x', prompt = 'say' } }, expect = { note = {"
                  " 'openai-completions', 'say' } } })", 2);
    expect_told(policy, "ps.test('a', { req = { endpoint = 'embeddings',"
                        " max_tokens = 7 } })",
                "! req.body: openai-embeddings has no max_tokens\n");
}

static void tries_and_answers(void)
{
    static const char policy[] =
        "local M = { api = 1 } "
        "function M.attempt(req, conf, try) "
        "if try.n > 1 and try.tried[1].class == 'rate_limit' then "
        "return ps.skip('limited') end "
        "try:header('x-target', try.target.name .. try.credential) end "
        "function M.response(req, conf, resp) "
        "if resp.header['x-bad'] then return ps.deny('no_target') end "
        "resp.header['x-ms'] = tostring(resp.ms) "
        "resp.header['server'] = nil end "
        "function M.admit(req) return ps.answer{ text = 'Hello, ' .. "
        "(req.tags.who or req.model), finish = 'length' } end return M";

    expect_passed(policy,
                  "ps.test('a first try', { phase = 'attempt', try = {"
                  " target = 'gpu/llama' }, expect = { header = {"
                  " ['X-Target'] = 'gpu/llamatest#main' } } })"
                  "ps.test('a second', { phase = 'attempt', try = { tried = {"
                  " { target = 'a/b', class = 'rate_limit', status = 429 } }"
                  " }, expect = { skip = 'limited' } })"
                  "ps.test('an answer', { phase = 'response', resp = {"
                  " header = { server = 'x' }, ms = 7 }, expect = { header ="
                  " { ['x-ms'] = '7', server = ps.null } } })"
                  "ps.test('refused', { phase = 'response', resp = { header ="
                  " { ['x-bad'] = '1' } }, expect = { deny = 'no_target' }})"
                  "ps.test('polite', { phase = 'admit', req = { tags = {"
                  " who = 'Ann' } }, expect = { answer = 'Hello, Ann',"
                  " finish = 'length' } })", 5);
    expect_told(policy, "ps.test('a', { phase = 'attempt', expect = {"
                        " header = { ['x-other'] = '1' } } })",
                "- x-other    1\n+ x-other    (not set)\n");
    expect_told(policy, "ps.test('a', { phase = 'admit', expect = { answer ="
                        " 'Hello, you' } })",
                "  decision   answer\n- answer     Hello, you\n"
                "+ answer     Hello, test\n");
    expect_told(policy, "ps.test('a', { phase = 'attempt', try = { m = 1 } })",
                "! try has no 'm'\n");
}

static void failed_tries(void)
{
    static const char policy[] =
        "return { api = 1, upstream_error = function(req, conf, err) "
        "if err.class == 'quota' then return ps.next{ model = 'spare' } end "
        "if err.class == 'overloaded' then return ps.next() end "
        "if err.retry_after then "
        "return ps.again{ after_ms = err.retry_after * 1000 } end "
        "if err.status == 400 then return ps.give_up() end "
        "if err.attempt == 2 then return ps.again() end "
        "ps.note(err.target.name .. err.scope .. err.ms) end }";

    expect_passed(policy,
                  "ps.test('a', { err = { class = 'quota' }, models = {"
                  " spare = { { name = 'a/b' } } },"
                  " expect = { next = 'spare' } })"
                  "ps.test('b', { err = { class = 'overloaded' },"
                  " expect = { next = true } })"
                  "ps.test('c', { err = { retry_after = 1.5 },"
                  " expect = { again = 1500 } })"
                  "ps.test('d', { err = { status = 400 },"
                  " expect = { give_up = true } })"
                  "ps.test('e', { err = { attempt = 2 },"
                  " expect = { again = true } })"
                  "ps.test('f', { err = { target = 'a/b', ms = 7 },"
                  " expect = { note = 'a/btarget7' } })"
                  "ps.test('g', { err = { class = 'quota' },"
                  " expect = { fails = 'ps.next: ' } })", 7);
    expect_told(policy, "ps.test('a', { err = { retry_after = 1 }, expect ="
                        " { again = 500 } })",
                "- decision   again after 500 ms\n"
                "+ decision   again after 1000 ms\n");
    expect_told(policy, "ps.test('a', { err = { n = 1 } })",
                "! err has no 'n'\n");
}

/* What a plan is at a time, and where a conversation belongs. */
static void targets_as_they_are(void)
{
    static const char policy[] =
        "return { api = 1, schema = { s = 'string', d = 'string' }, "
        "route = function(req, conf, plan) "
        "local n = 0 for _, t in ipairs(ps.targets()) do "
        "ps.note(t.name .. ' ' .. t.state .. ' ' .. t.rest_ms .. ' ' .. "
        "t.in_flight .. ' ' .. tostring(t.latency_ms) .. ' ' .. "
        "tostring(t.disabled)) end "
        "plan:drop('d', function(t) return t.name == conf.d end) "
        "plan:prefer('last', function(t) return t.name == 'x/c' end) "
        "plan:stick(conf.s) end }";

    expect_passed(policy,
                  "local all = { { name = 'x/a', state = 'open' },"
                  " { name = 'x/b', rest_ms = 500, in_flight = 3,"
                  "   latency_ms = 20 },"
                  " { name = 'x/c', state = 'half_open', disabled = true } }"
                  "ps.test('seen', { targets = all, expect = { note = {"
                  " 'x/a open 0 0 nil false', 'x/b closed 500 3 20 false',"
                  " 'x/c half_open 0 0 nil true' },"
                  " targets = { 'x/c', 'x/a', 'x/b' } } })"
                  "ps.test('anew', { calls = { { targets = all }, { targets ="
                  " { { name = 'x/b', in_flight = 1 } }, expect = { note ="
                  " 'x/b closed 0 1 nil false' } } } })", 2);
    /* of three that are well one and the same is first, before preferred
     * ones; what is open, off, at rest or dropped is passed over */
    expect_passed(policy,
                  "for i = 1, 20 do local s = 's' .. i "
                  "local function t(name, more) more = more or {} "
                  " more.name = name return more end "
                  "local ill = { { state = 'open' }, { rest_ms = 9 },"
                  " { disabled = true } } "
                  "ps.test('two ill ' .. i, { conf = { s = s }, targets = {"
                  " t('x/a', ill[i % 3 + 1]), t('x/b'),"
                  " t('x/c', ill[(i + 1) % 3 + 1]) },"
                  " expect = { targets = { 'x/b', 'x/c', 'x/a' } } })"
                  "ps.test('dropped ' .. i, { conf = { s = s, d = 'x/a' },"
                  " targets = { t('x/a'), t('x/b') },"
                  " expect = { targets = { 'x/b' } } })"
                  " end", 40);
    expect_passed(policy,
                  "ps.test('nobody asks', { targets = { 'x/a', 'x/c' },"
                  " expect = { targets = { 'x/c', 'x/a' } } })", 1);
    expect_told(policy, "ps.test('a', { targets = { { name = 'x/a', state ="
                        " 'ill' } } })",
                "! a target's state is closed, open or half_open\n");
    expect_told(policy, "ps.test('a', { targets = { { name = 'x/a', rest_ms"
                        " = -1 } } })",
                "! a target's rest_ms is a whole number from 0 to 3600000\n");
}

/* A secret is found wherever the stream is cut. */
static void chunks_go_through_the_window(void)
{
    static const char policy[] =
        "return { api = 1, window = { hold = 12 }, output = function(r, c, w) "
        "w:replace('secret', '***') "
        "if w.text:find('the end') then return ps.stop() end end }";

    expect_passed(policy,
                  "local whole = 'my secret is no secret at all' "
                  "for i = 1, #whole - 1 do ps.test('cut at ' .. i, {"
                  " chunks = { whole:sub(1, i), whole:sub(i + 1) },"
                  " expect = { text = 'my *** is no *** at all' } }) end "
                  "local each = {} for i = 1, #whole do each[i] ="
                  " whole:sub(i, i) end "
                  "ps.test('byte by byte', { chunks = each, expect = {"
                  " text = 'my *** is no *** at all' } })"
                  "ps.test('stopped', { chunks = { 'a long text of a secret "
                  "', 'and the end' }, expect = { stop = 'content_filter',"
                  " text = 'a long text ' } })"
                  "ps.test('a window', { window = { text = 'secret' },"
                  " expect = { text = '***' } })", 31);
    expect_passed("return { api = 1, window = { hold = 'all' }, "
                  "output = function(r, c, w) ps.note('saw ' .. w.text) end }",
                  "ps.test('all', { chunks = { 'a', 'b', 'c' }, expect = {"
                  " note = 'saw abc', text = 'abc' } })", 1);
    expect_told(policy, "ps.test('a', { chunks = { 'x' }, expect = { text ="
                        " 'y' } })", "- text       y\n+ text       x\n");
    expect_told(policy, "ps.test('a', {})",
                "! window = { text = } or chunks = { ... } is needed");
    expect_told(policy, "ps.test('a', { chunks = {} })",
                "! chunks: at least one is needed\n");
}

static void plans_of_other_models(void)
{
    static const char policy[] =
        "return { api = 1, route = function(req, conf, plan) "
        "plan:use('fast') end }";

    expect_passed(policy,
                  "ps.test('a', { targets = { { name = 'a/1' } }, models = {"
                  " fast = { { name = 'b/2' }, 'c/3' } }, expect = { targets"
                  " = { 'b/2', 'c/3' } } })"
                  "ps.test('b', { targets = { 'a/1' }, expect = {"
                  " fails = 'fast' } })", 2);
}

UNIT_MAIN("policy_cases",
          { "bodies are edited", bodies_are_edited },
          { "bodies of other endpoints", bodies_of_other_endpoints },
          { "failed tries", failed_tries },
          { "targets as they are", targets_as_they_are },
          { "tries and answers", tries_and_answers },
          { "chunks go through the window", chunks_go_through_the_window },
          { "plans of other models", plans_of_other_models })
