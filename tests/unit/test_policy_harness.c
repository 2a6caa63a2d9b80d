/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What policies' tests can say, and what they are told when they fail: fakes,
 * the clock, several calls, differences line by line.
 */
#include "policy_harness.h"

/* ---- how it ended ------------------------------------------------------ */

static const char logging[] =
    "return { api = 1, log = function(req, conf, out) "
    "ps.note(table.concat({ tostring(out.status), tostring(req.status), "
    "out.ended, tostring(out.side), tostring(out.error), tostring(out.cost), "
    "tostring(ps.cost(req)), tostring(out.target and out.target.name), "
    "tostring(out.usage.input), tostring(out.first_ms) }, ' ')) "
    "for i, t in ipairs(out.attempts) do ps.note(t.target .. "
    "tostring(t.status) .. tostring(t.class) .. t.ms) end end }";

static void the_end_is_told(void)
{
    expect_passed(logging,
                  "ps.test('usual', { expect = { note = "
                  "'200 200 complete nil nil nil nil test/model nil nil' } })"
                  "ps.test('status', { req = { status = 502 }, expect = { "
                  "note = '502 502 error nil nil' } })"
                  "ps.test('left', { out = { ended = 'client_gone' }, "
                  "expect = { note = 'nil nil client_gone' } })"
                  "ps.test('all', { out = { status = 503, side = 'provider', "
                  "error = 'overloaded', cost = 0.25, target = 'b/y', "
                  "usage = { input = 7 }, first_ms = 3, attempts = { "
                  "{ target = 'a/x', class = 'connect', ms = 9 }, "
                  "{ target = 'b/y', status = 503, ms = 8 } } }, "
                  "expect = { note = { '503 503 error provider overloaded "
                  "0.25 0.25 b/y 7 3', 'a/xnilconnect9', 'b/y503nil8' } } })",
                  4);
    expect_told(logging, "ps.test('a', { out = { sides = 1 } })",
                "! out has no 'sides'\n");
    expect_told(logging, "ps.test('a', { out = { cost = -1 } })",
                "US dollars are needed\n");
    expect_passed("return { api = 1, log = function(req, conf, out) "
                  "out.status = 1 end }",
                  "ps.test('a', { fail = 'closed', expect = { fails = "
                  "'out.status cannot be changed: the request is over' } })",
                  1);
    expect_passed("return { api = 1, log = function(req, conf, out) "
                  "return out.state end }",
                  "ps.test('a', { fail = 'closed', expect = { fails = "
                  "'out.state does not exist' } })", 1);
}

/* ---- large bodies; lists of patterns ----------------------------------- */

static void bodies_are_large(void)
{
    expect_passed("return { api = 1, admit = function(req) "
                  "ps.note(tostring(req.body_size)) end }",
                  "ps.test('table', { req = { body = { model = 'm', messages ="
                  " { { role = 'user', content = ('x'):rep(128 << 10) } } } },"
                  " expect = { note = '131' } })"
                  "ps.test('text', { req = { body = '{\"model\":\"m\","
                  "\"messages\":[{\"role\":\"user\",\"content\":\"' .. "
                  "('x'):rep(1 << 20) .. '\"}]}' },"
                  " expect = { note = '1048' } })", 2);
    expect_told("return { api = 1, admit = function() end }",
                "ps.test('a', { req = { body = { model = 'm', messages = "
                "{ { role = 'user', content = ('\\0'):rep(1 << 20) } } } } })",
                "req.body: more than 4194304 bytes");
}

static void patterns_are_checked(void)
{
    static const char policy[] =
        "return { api = 1, schema = { deny = 'patterns' }, admit = "
        "function(req, conf) ps.note(conf.deny[2]) end }";

    expect_passed(policy,
                  "ps.test('good', { conf = { deny = { 'a+', '(b|c)' } }, "
                  "expect = { note = '(b|c)' } })"
                  "ps.test('bad', { conf = { deny = { 'a+', '(b' } }, "
                  "expect = { fails = 'conf.deny[2]: ' } })"
                  "ps.test('no text', { conf = { deny = { 7 } }, "
                  "expect = { fails = 'conf.deny[1]: a text' } })"
                  "ps.test('no list', { conf = { deny = 'a' }, expect = { "
                  "fails = 'a list of regular expressions' } })", 4);
}

/* ---- a secret in pieces -------------------------------------------------- */

/* Its stand-in begins as it does itself: what has left of the one must not be
 * taken for the other's. By pattern, by ps.re, by gsub of both, and by hand. */
static const char masking[] =
    "local M = { api = 1, schema = { how = 'string' }, window = { hold = 20 } }"
    "local re = ps.re('sk-[0-9a-f]+') local how = {"
    "replace = function(w) w:replace('sk%-%x+', 'secret') end,"
    "re = function(w) w:replace(re, 'secret') end,"
    "gsub = function(w) w.text = w.text:gsub('sk%-%x+', 'secret') end,"
    "re_gsub = function(w) w.text = re:gsub(w.text, 'secret') end,"
    "twice = function(w) w.text = w.text:gsub('sk%-', 'sk+')"
    ":gsub('sk%+%x+', 'secret') end,"
    "hand = function(w) local t, out = w.text, '' while true do "
    "local i, j = t:find('sk%-%x+') if not i then break end "
    "out, t = out .. t:sub(1, i - 1) .. 'secret', t:sub(j + 1) end "
    "w.text = out .. t end }"
    "function M.output(req, conf, w) how[conf.how](w) end return M";

static void secrets_in_pieces(void)
{
    expect_passed(masking,
        "local text = 'a sk-1234567890abcde, and sk-0123456789 then sk-000000"
        " and a lot more of text; sk-1234 at the end' "
        "local want = text:gsub('sk%-%x+', 'secret') "
        "for _, how in ipairs { 'replace', 're', 'gsub', 're_gsub', 'twice',"
        " 'hand' } do for size = 1, 9 do for first = 0, size - 1 do "
        "local chunks = { text:sub(1, first) } "
        "for i = first + 1, #text, size do "
        "chunks[#chunks + 1] = text:sub(i, i + size - 1) end "
        "ps.test(how .. size .. first, { conf = { how = how }, "
        "chunks = chunks, expect = { text = want } }) end end end", 6 * 45);
}

/* ---- several calls, one clock ----------------------------------------- */

static const char counting[] =
    "local n = 0 return { api = 1, admit = function(req) n = n + 1 "
    "if n > 2 then return ps.deny('rate_limited') end end }";

static void calls_share_the_policy(void)
{
    expect_passed(counting,
                  "ps.test('a', { calls = { {}, {},"
                  " { expect = { deny = 'rate_limited' } } } })"
                  "ps.test('anew', {})", 2);
    expect_told(counting,
                "ps.test('a', { calls = { {}, {}, {}, {} } })",
                "FAIL a\n  in call 3\n- decision   no opinion\n"
                "+ decision   deny rate_limited\n");
    expect_told(counting, "ps.test('a', { calls = {} })",
                "! calls: at least one is needed\n");
    expect_told(counting, "ps.test('a', { calls = { { conf = {} } } })",
                "! a call has no 'conf'\n");
    expect_told(counting, "ps.test('a', { calls = { 7 } })",
                "! calls: tables are needed\n");
}

static void calls_take_over(void)
{
    static const char policy[] =
        "return { api = 1, admit = function(req) ps.note(req.model .. "
        "(req.header.x or '-')) end }";

    expect_passed(policy,
                  "ps.test('a', { req = { model = 'm', header = { x = '1' } },"
                  " expect = { note = 'm1' }, calls = { {},"
                  " { req = { model = 'n' }, expect = { note = 'n-' } } } })",
                  1);
}

static void time_is_the_test_s(void)
{
    static const char policy[] =
        "return { api = 1, admit = function(req) ps.sleep(req.body_size) "
        "ps.note('slept') end }";

    expect_passed(policy,
                  "ps.test('a', { req = { body_size = 1500 },"
                  " expect = { note = 'slept', waited_ms = 1500 } })", 1);
    expect_told(policy,
                "ps.test('a', { req = { body_size = 1 },"
                " expect = { waited_ms = 2 } })",
                "- waited_ms  2\n+ waited_ms  1\n  noted      slept\n");
    /* as long as production would let it */
    expect_passed(policy,
                  "ps.test('a', { req = { body_size = 2001 },"
                  " expect = { fails = 'wall budget of 2 s' } })", 1);
    expect_told(policy, "ps.test('a', { after_ms = -1 })",
                "! after_ms: milliseconds");
}

static void kv_is_the_test_s(void)
{
    static const char policy[] =
        "local seen = ps.kv('seen') return { api = 1, admit = function(req) "
        "local n = seen:incr(req.client_ip, 1, { ttl = 60 }) "
        "if n > 2 then return ps.deny('rate_limited') end end }";

    expect_passed(policy,
                  "ps.test('a', { kv = { seen = { ['127.0.0.1'] = 1 } },"
                  " calls = { { expect = { kv = { seen = {"
                  " ['127.0.0.1'] = 2, other = ps.null } } } },"
                  " { expect = { deny = 'rate_limited' } } } })"
                  "ps.test('anew, and it ends', { calls = { {}, {},"
                  " { after_ms = 60000, expect = { kv = { seen = {"
                  " ['127.0.0.1'] = 1 } } } } } })", 2);
    expect_told(policy,
                "ps.test('a', { expect = { kv = { seen = { ['127.0.0.1'] = "
                "'1' } } } })",
                "- kv seen 127.0.0.1 \"1\"\n+ kv seen 127.0.0.1 1\n");
    expect_told(policy,
                "ps.test('a', { expect = { kv = { seen = { b = true } } } })",
                "- kv seen b  true\n+ kv seen b  (none)\n");
    expect_told(policy, "ps.test('a', { kv = { seen = { b = {} } } })",
                "! kv: strings, numbers, booleans or ps.null are needed, not "
                "a table\n");
    expect_told(policy, "ps.test('a', { kv = { seen = 1 } })",
                "! kv: { name = { key = value } } is needed\n");
}

static void clocks_are_the_test_s(void)
{
    expect_passed("return { api = 1, admit = function(req) "
                  "ps.sleep(250) ps.note(string.format('%.2f %d', ps.now(), "
                  "ps.mono_ms())) end }",
                  "ps.test('a', { expect = { note = "
                  "'1700000000.25 1000250' } })"
                  "ps.test('b', { clock = { now = 5.5, mono_ms = 7 },"
                  " after_ms = 1000, expect = { note = '6.75 1257' } })", 2);
}

/* ---- what is outside --------------------------------------------------- */

static const char asks[] =
    "local authz = ps.http('authz') return { api = 1, admit = function(req) "
    "local a, why = authz:post('/check', { json = { user = req.model }, "
    "headers = { ['x-tag'] = 'v' } }) "
    "if not a then return ps.deny('auth_unavailable', why) end "
    "ps.note(a.status .. ' ' .. (a.headers['x-who'] or '-')) "
    "if not a.json or not a.json.allow then "
    "return ps.deny('not_allowed') end end }";

static void services_are_the_test_s(void)
{
    expect_passed(asks,
                  "local seen "
                  "ps.test('a function', { req = { model = 'ann' },"
                  " http = { authz = function(q) seen = q return {"
                  " status = 201, headers = { ['X-Who'] = 'me' },"
                  " json = { allow = true } } end },"
                  " expect = { note = '201 me' } })"
                  "assert(seen.method == 'POST' and seen.path == '/check')"
                  "assert(seen.body == '{\"user\":\"ann\"}', seen.body)"
                  "assert(seen.headers['x-tag'] == 'v')"
                  "assert(seen.timeout_ms > 0)"
                  "ps.test('a table', { http = { authz = { json = {"
                  " allow = false } } }, expect = { deny = 'not_allowed' } })"
                  "ps.test('an error', { http = { authz = function()"
                  " return nil, 'reset' end }, expect = { message = 'reset',"
                  " deny = 'auth_unavailable' } })"
                  "ps.test('too late', { http = { authz = { after_ms = 5000,"
                  " json = { allow = true } } }, expect = { waited_ms = 1000,"
                  " message = 'timeout', deny = 'auth_unavailable' } })"
                  "ps.test('in time', { http = { authz = { after_ms = 300,"
                  " body = '{\"allow\": true}' } },"
                  " expect = { waited_ms = 300 } })"
                  "ps.test('one after the other', { http = { authz = {"
                  " { json = { allow = true } }, { status = 500 } } },"
                  " calls = { {}, { expect = { deny = 'not_allowed' } } } })",
                  6);
}

/* Waits add up as they do in production. */
static void waits_are_bounded_together(void)
{
    static const char policy[] =
        "local authz = ps.http('authz') return { api = 1, admit = "
        "function(req) for _ = 1, req.max_tokens do authz:get('/') end "
        "ps.sleep(500) ps.note('through') end }";

    expect_passed(policy,
                  "local http = { authz = { after_ms = 700 } } "
                  "ps.test('two', { http = http, req = { max_tokens = 2 },"
                  " expect = { note = 'through', waited_ms = 1900 } })"
                  "ps.test('three', { http = http, req = { max_tokens = 3 },"
                  " expect = { fails = 'wall budget of 2 s' } })", 2);
}

static void redis_is_the_test_s(void)
{
    static const char policy[] =
        "local r = ps.redis('main') return { api = 1, admit = function(req) "
        "local n, why = r:incr('n') if not n then "
        "return ps.deny('auth_unavailable', why) end "
        "local all = r:call('lrange', 'l', 0, -1) "
        "ps.note(n .. ' ' .. tostring(r:get('k')) .. ' ' .. "
        "table.concat(all or {}, ',')) end }";

    expect_passed(policy,
                  "local log = {} "
                  "ps.test('a function', { redis = { main = function(cmd, ...)"
                  " log[#log + 1] = table.concat({ cmd, ... }, ' ')"
                  " if cmd == 'INCR' then return 3 end"
                  " if cmd == 'LRANGE' then return { 'a', 'b' } end end },"
                  " expect = { note = '3 nil a,b' } })"
                  "assert(table.concat(log, '|') == "
                  "'INCR n|LRANGE l 0 -1|GET k', table.concat(log, '|'))"
                  "ps.test('by name', { redis = { main = { ['GET k'] = 'v',"
                  " GET = 'other', INCR = 7, LRANGE = { ok = 'x' } } },"
                  " expect = { fails = 'table expected' } })"
                  "ps.test('in order', { redis = { main = { 1, { 'x' }, 'v' }"
                  " }, expect = { note = '1 v x' } })"
                  "ps.test('an error reply', { redis = { main = { INCR = {"
                  " err = 'WRONGTYPE no' } } }, expect = { message ="
                  " 'WRONGTYPE no', deny = 'auth_unavailable' } })"
                  "ps.test('lost', { redis = { main = function() return nil,"
                  " 'timeout' end }, expect = { message = 'timeout',"
                  " deny = 'auth_unavailable' } })", 5);
}

static void fakes_that_are_wrong(void)
{
    expect_told(asks, "ps.test('a', {})",
                "no service \"authz\" is configured");
    expect_told(asks, "ps.test('a', { http = { authz = {} }, calls = { {"
                      " http = {} } } })", "! this call has no http.authz\n");
    expect_told(asks, "ps.test('a', { http = { authz = function() return 7"
                      " end } })",
                "! authz gave a number; a table is needed, or nil and the "
                "error\n");
    expect_told(asks, "ps.test('a', { http = { authz = function()"
                      " error('oops') end } })", "! p_test.lua:1: oops\n");
    expect_told(asks, "ps.test('a', { http = { authz = { stats = 1 } } })",
                "! bad argument");
    expect_told(asks, "ps.test('a', { http = { authz = { { json = {"
                      " allow = true } } } }, calls = { {}, {} } })",
                "! authz: asked 2 times; the test has 1 replies\n");
    expect_told(asks, "ps.test('a', { http = { authz = 1 } })",
                "! http: functions or tables of replies are needed\n");
    expect_told("local r = ps.redis('main') return { api = 1, admit = "
                "function(req) r:get('k') end }",
                "ps.test('a', { redis = { main = { SET = 1 } } })",
                "! redis: the test has no reply to 'GET k'\n");
}

/* ---- what a request is like ------------------------------------------- */

static void fields_come_in_their_phase(void)
{
    expect_passed("return { api = 1, authenticate = function(req) "
                  "return req.model and nil end }",
                  "ps.test('a', { req = { model = 'm' },"
                  " expect = { fails = 'the body is not read' } })", 1);
    expect_passed("return { api = 1, request = function(req) "
                  "return req.principal and nil end }",
                  "ps.test('a', { expect = { fails = 'nobody is' } })", 1);
    expect_passed("return { api = 1, admit = function(req) ps.note(req.method "
                  ".. req.principal.id .. tostring(req.stream)) end }",
                  "ps.test('a', { expect = { note = 'POSTtestfalse' } })", 1);
    expect_passed("return { api = 1, log = function(req) ps.note('was ' .. "
                  "req.status) end }",
                  "ps.test('a', { expect = { note = 'was 200' } })", 1);
}

static void modes(void)
{
    static const char policy[] =
        "return { api = 1, admit = function(req) if req.stream then "
        "error('x') end return ps.deny('rate_limited') end }";

    expect_passed(policy,
                  "ps.test('a', { mode = 'observe', expect = { note = "
                  "'would deny: rate_limited' } })", 1);
    expect_passed(policy,
                  "ps.test('a', { fail = 'open', req = { stream = true },"
                  " expect = { fails = 'p.lua:1: x' } })", 1);
    expect_told(policy, "ps.test('a', { mode = 'watch' })",
                "! mode: \"enforce\" or \"observe\" is needed\n");
}

/* ---- what is told ----------------------------------------------------- */

static void differences(void)
{
    static const char route[] =
        "return { api = 1, route = function(req, conf, plan) "
        "plan:drop('why', function(t) return t.name == 'b/2' end) end }";

    expect_told(route,
                "ps.test('a', { targets = { { name = 'a/1' },"
                " { name = 'b/2' }, { name = 'c/3' } },"
                " expect = { targets = { 'a/1', 'b/2', 'c/3' } } })",
                "  decision   no opinion\n  targets    a/1\n"
                "-            b/2\n             c/3\n"
                "  noted      why: 1 of 3 dropped\n");
    expect_told("return { api = 1, admit = function() return "
                "ps.deny('x_no', 'No', { status = 422 }) end }",
                "ps.test('a', { expect = { deny = 'x_no', status = 400,"
                " message = 'Yes' } })",
                "  decision   deny x_no\n- message    Yes\n+ message    No\n"
                "- status     400\n+ status     422\n");
    expect_told(counting, "ps.test('a', { expect = { note = { 'x' } } })",
                "- note       x\n");
}

static void mistakes(void)
{
    expect_told(counting, "ps.test('a', { expectt = {} })",
                "! ps.test has no 'expectt'\n");
    expect_told(counting, "ps.test('a', { expect = { denny = 'x' } })",
                "! expect has no 'denny'\n");
    expect_told(counting, "ps.test('a', { phase = 'route' })",
                "! phase = is needed");
    expect_told(counting, "ps.test('a', { clock = { now = 'x' } })",
                "! bad argument");
    expect_told("return { api = 2 }", "ps.test('a', {})",
                "! p.lua: policy p: api = 1 is needed");
    expect_told(counting, "x = 1", "p_test.lua:1: global 'x' cannot be made");
    expect_told(counting, "while true do pcall(error) end",
                "take more than 200 ms of CPU");
}

UNIT_MAIN("policy_harness",
          { "calls share the policy", calls_share_the_policy },
          { "calls take over", calls_take_over },
          { "time is the test's", time_is_the_test_s },
          { "kv is the test's", kv_is_the_test_s },
          { "clocks are the test's", clocks_are_the_test_s },
          { "services are the test's", services_are_the_test_s },
          { "waits are bounded together", waits_are_bounded_together },
          { "redis is the test's", redis_is_the_test_s },
          { "fakes that are wrong", fakes_that_are_wrong },
          { "fields come in their phase", fields_come_in_their_phase },
          { "modes", modes },
          { "differences", differences },
          { "the end is told", the_end_is_told },
          { "bodies are large", bodies_are_large },
          { "patterns are checked", patterns_are_checked },
          { "secrets in pieces", secrets_in_pieces },
          { "mistakes", mistakes })
