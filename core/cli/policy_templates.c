/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Templates of policies: each does one useful thing in few lines. */
#include "cli/policy_templates.h"

#include <stddef.h>

#define HEAD(what, schema)                                                     \
    "-- NAME.lua: " what "\n"                                                  \
    "--\n"                                                                     \
    "-- policies { ..., { \"NAME\", conf = { ... } } }\n"                      \
    "---@type penstock.Policy\n"                                               \
    "local M = { api = 1, schema = { " schema " } }\n\n"
#define TAIL "\nreturn M\n"
#define TEST_HEAD                                                              \
    "-- NAME_test.lua: penstock policy test NAME.lua\n"

const struct policy_template policy_templates[] = {
    { "request",
      HEAD("clients that have to be updated", "agent = \"string\"")
      "-- Only the head is known here: not the caller, not the body.\n"
      "function M.request(req, conf)\n"
      "  local agent = req.header[\"user-agent\"] or \"\"\n"
      "  if conf.agent and agent:find(conf.agent, 1, true) then\n"
      "    return ps.deny(\"x_old_client\", \"Please update \" .. conf.agent,\n"
      "                   { status = 426 })\n"
      "  end\n"
      "end\n"
      TAIL,
      TEST_HEAD
      "local conf = { agent = \"old-tool\" }\n\n"
      "ps.test(\"an old client\", {\n"
      "  conf = conf,\n"
      "  req = { header = { [\"user-agent\"] = \"old-tool/1\" } },\n"
      "  expect = { deny = \"x_old_client\", status = 426 },\n"
      "})\n"
      "ps.test(\"others\", {\n"
      "  conf = conf,\n"
      "  req = { header = { [\"user-agent\"] = \"new-tool/2\" } },\n"
      "})\n"
      "ps.test(\"without conf\", {})\n" },
    { "authenticate",
      HEAD("callers with a token of ours", "sha256 = \"string\"")
      "-- nil: another policy may know the caller.\n"
      "function M.authenticate(req, conf)\n"
      "  if not (req.credential and conf.sha256) then return nil end\n"
      "  if ps.ct_equal(ps.sha256(req.credential), conf.sha256) then\n"
      "    return { id = \"NAME\" }\n"
      "  end\n"
      "end\n"
      TAIL,
      TEST_HEAD
      "local conf = { sha256 = ps.sha256(\"secret\") }\n\n"
      "ps.test(\"the token\", {\n"
      "  conf = conf, req = { credential = \"secret\" },\n"
      "  expect = { principal = \"NAME\" },\n"
      "})\n"
      "ps.test(\"another one\", {\n"
      "  conf = conf, req = { credential = \"guess\" },\n"
      "})\n"
      "ps.test(\"none\", { conf = conf })\n" },
    { "validate",
      HEAD("no answers longer than max", "max = \"int\"")
      "-- The body is read: model, stream, max_tokens are known.\n"
      "function M.validate(req, conf)\n"
      "  local max = conf.max or 4096\n"
      "  if (req.max_tokens or 0) > max then\n"
      "    return ps.deny(\"invalid_request\",\n"
      "                   \"max_tokens: at most \" .. max)\n"
      "  end\n"
      "end\n"
      TAIL,
      TEST_HEAD
      "ps.test(\"a short answer\", { req = { max_tokens = 100 } })\n"
      "ps.test(\"no limit given\", {})\n"
      "ps.test(\"too long\", {\n"
      "  req = { max_tokens = 5000 },\n"
      "  expect = { deny = \"invalid_request\",\n"
      "             message = \"max_tokens: at most 4096\" },\n"
      "})\n"
      "ps.test(\"as configured\", {\n"
      "  conf = { max = 8192 }, req = { max_tokens = 5000 },\n"
      "})\n" },
    { "admit",
      HEAD("so many requests a minute for each caller", "limit = \"int\"")
      "local seen = ps.kv(\"NAME\") -- shared by all workers\n\n"
      "function M.admit(req, conf)\n"
      "  local n = seen:incr(req.principal.id, 1, { ttl = 60 })\n"
      "  if n > (conf.limit or 60) then\n"
      "    return ps.deny(\"rate_limited\", \"Too many requests\",\n"
      "                   { retry_after = seen:ttl(req.principal.id) })\n"
      "  end\n"
      "end\n"
      TAIL,
      TEST_HEAD
      "ps.test(\"two a minute\", {\n"
      "  conf = { limit = 2 },\n"
      "  calls = {\n"
      "    {},\n"
      "    { expect = { kv = { [\"NAME\"] = { test = 2 } } } },\n"
      "    { after_ms = 20000,\n"
      "      expect = { deny = \"rate_limited\", retry_after = 40 } },\n"
      "    { after_ms = 40000 },\n"
      "  },\n"
      "})\n"
      "ps.test(\"others have their own\", {\n"
      "  conf = { limit = 2 }, kv = { [\"NAME\"] = { test = 2 } },\n"
      "  req = { principal = { id = \"somebody\" } },\n"
      "})\n" },
    { "route",
      HEAD("targets of one region first, or only", "region = \"string\", "
           "only = \"bool\"")
      "-- plan: what the configuration chose; `why` is shown by explain.\n"
      "function M.route(req, conf, plan)\n"
      "  local function here(t) return t.tags.region == conf.region end\n"
      "  plan:prefer(\"region \" .. conf.region, here)\n"
      "  if conf.only then plan:keep(\"region \" .. conf.region, here) end\n"
      "  if plan:empty() then return ps.deny(\"no_target\") end\n"
      "end\n"
      TAIL,
      TEST_HEAD
      "local targets = {\n"
      "  { name = \"openai/gpt\", tags = { region = \"us\" } },\n"
      "  { name = \"gpu/llama\", tags = { region = \"eu\" } },\n"
      "}\n\n"
      "ps.test(\"first\", {\n"
      "  conf = { region = \"eu\" }, targets = targets,\n"
      "  expect = { targets = { \"gpu/llama\", \"openai/gpt\" } },\n"
      "})\n"
      "ps.test(\"only\", {\n"
      "  conf = { region = \"eu\", only = true }, targets = targets,\n"
      "  expect = { targets = { \"gpu/llama\" } },\n"
      "})\n"
      "ps.test(\"none there\", {\n"
      "  conf = { region = \"cn\", only = true }, targets = targets,\n"
      "  expect = { deny = \"no_target\" },\n"
      "})\n" },
    { "attempt",
      HEAD("no second try at a provider that limits us", "")
      "-- try: what is going to be tried, and what was tried before.\n"
      "function M.attempt(_, _, try)\n"
      "  for _, before in ipairs(try.tried) do\n"
      "    local provider = before.target:match(\"^[^/]+\")\n"
      "    if before.class == \"rate_limit\" and\n"
      "       provider == try.target.provider then\n"
      "      return ps.skip(provider .. \" limits us\")\n"
      "    end\n"
      "  end\n"
      "end\n"
      TAIL,
      TEST_HEAD
      "local limited = { target = \"groq/a\", class = \"rate_limit\" }\n\n"
      "ps.test(\"the first try\", { try = { target = \"groq/a\" } })\n"
      "ps.test(\"the same provider\", {\n"
      "  try = { target = \"groq/b\", tried = { limited } },\n"
      "  expect = { skip = \"groq limits us\" },\n"
      "})\n"
      "ps.test(\"another one\", {\n"
      "  try = { target = \"gpu/a\", tried = { limited } },\n"
      "})\n" },
    { "upstream_error",
      HEAD("a model that is still being loaded is waited for", "")
      "-- err: a try that failed; the client has nothing of it. The gateway's\n"
      "-- own tries and deadline hold, whatever is returned.\n"
      "function M.upstream_error(_, _, err)\n"
      "  local words = err.message or \"\"\n"
      "  if err.status == 503 and words:lower():find(\"loading\") then\n"
      "    return ps.again{ after_ms = 2000 }\n"
      "  end\n"
      "end\n"
      TAIL,
      TEST_HEAD
      "ps.test(\"it is being loaded\", {\n"
      "  err = { status = 503, message = \"Loading model\" },\n"
      "  expect = { again = 2000 },\n"
      "})\n"
      "ps.test(\"it is ill\", { err = { status = 503, message = \"no\" } })\n"
      "ps.test(\"it is not there\", { err = { class = \"connect\" } })\n" },
    { "response",
      HEAD("clients learn who answered, and how soon", "")
      "-- The head of an answer that serves; the client has nothing of it.\n"
      "function M.response(_, _, resp)\n"
      "  resp.header[\"x-served-by\"] = resp.target.name\n"
      "  resp.header[\"x-served-ms\"] = tostring(resp.ms)\n"
      "end\n"
      TAIL,
      TEST_HEAD
      "ps.test(\"two headers\", {\n"
      "  resp = { target = \"gpu/llama\", ms = 120 },\n"
      "  expect = { header = { [\"x-served-by\"] = \"gpu/llama\",\n"
      "                        [\"x-served-ms\"] = \"120\" } },\n"
      "})\n"
      "ps.test(\"at a second try, too\", {\n"
      "  resp = { target = \"groq/llama\", attempt = 2 },\n"
      "  expect = { header = { [\"x-served-by\"] = \"groq/llama\" } },\n"
      "})\n" },
    { "output",
      HEAD("texts of a form do not reach the client", "pattern = \"string\"")
      "-- The answer's text in pieces, streamed or not; the last `hold`\n"
      "-- characters stay until more comes, so that nothing slips through\n"
      "-- between two pieces.\n"
      "M.window = { hold = 64, of = { \"text\" } }\n\n"
      "function M.output(_, conf, w)\n"
      "  local n = w:replace(conf.pattern or \"sk%-%w+\", \"[removed]\")\n"
      "  if n > 0 then ps.note(\"removed from the answer\") end\n"
      "end\n"
      TAIL,
      TEST_HEAD
      "ps.test(\"split between two pieces\", {\n"
      "  chunks = { \"the key is s\", \"k-12\", \"34, keep it\" },\n"
      "  expect = { text = \"the key is [removed], keep it\",\n"
      "             note = \"removed from the answer\" },\n"
      "})\n"
      "ps.test(\"nothing to remove\", {\n"
      "  chunks = { \"hello, \", \"you\" },\n"
      "  expect = { text = \"hello, you\" },\n"
      "})\n"
      "ps.test(\"as configured\", {\n"
      "  conf = { pattern = \"%d+\" }, chunks = { \"a 1\", \"2 b\" },\n"
      "  expect = { text = \"a [removed] b\" },\n"
      "})\n" },
    { "log",
      HEAD("a line for each answer that failed", "from = \"int\"")
      "-- After the last byte: nothing can be changed any more.\n"
      "function M.log(req, conf)\n"
      "  if (req.status or 0) >= (conf.from or 500) then\n"
      "    ps.log(req.path .. \" was answered \" .. req.status)\n"
      "    ps.note(\"failed with \" .. req.status)\n"
      "  end\n"
      "end\n"
      TAIL,
      TEST_HEAD
      "ps.test(\"an answer that failed\", {\n"
      "  req = { status = 503 }, expect = { note = \"failed with 503\" },\n"
      "})\n"
      "ps.test(\"one that did not\", { req = { status = 200 } })\n" },
    { "tick",
      "-- NAME.lua: closed while a service says so; asked every 30 s\n"
      "--\n"
      "-- service \"status\" { url = \"https://status.internal\" }\n"
      "-- policies { ..., { \"NAME\", conf = { service = \"status\" } } }\n"
      "---@type penstock.Policy\n"
      "local M = { api = 1, schema = { service = \"string\" },\n"
      "            every = { interval = \"30s\" } } -- in one worker\n\n"
      "local state = ps.kv(\"NAME\") -- shared by all workers\n\n"
      "function M.tick(_, conf)\n"
      "  local answer = ps.http(conf.service):get(\"/maintenance\")\n"
      "  local closed = answer ~= nil and answer.status == 200\n"
      "  state:set(\"closed\", closed, { ttl = 120 })\n"
      "end\n\n"
      "function M.admit()\n"
      "  if state:get(\"closed\") then\n"
      "    return ps.deny(\"overloaded\", \"Back soon\","
      " { retry_after = 60 })\n"
      "  end\n"
      "end\n"
      TAIL,
      TEST_HEAD
      "local conf = { service = \"status\" }\n\n"
      "ps.test(\"closed, and open again\", {\n"
      "  conf = conf, http = { status = { { status = 200 },"
      " { status = 404 } } },\n"
      "  calls = {\n"
      "    { phase = \"tick\","
      " expect = { kv = { [\"NAME\"] = { closed = true } } } },\n"
      "    { phase = \"admit\", expect = { deny = \"overloaded\" } },\n"
      "    { phase = \"tick\" },\n"
      "    { phase = \"admit\" },\n"
      "  },\n"
      "})\n"
      "ps.test(\"open where the service is away\", {\n"
      "  conf = conf, phase = \"tick\",\n"
      "  http = { status = function() return nil, \"timeout\" end },\n"
      "  expect = { kv = { [\"NAME\"] = { closed = false } } },\n"
      "})\n" },
    { NULL, NULL, NULL },
};
