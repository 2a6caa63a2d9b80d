-- SPDX-License-Identifier: Apache-2.0
-- Copyright The Penstock Authors
local function corp(claims, token)
  return { corp = { claims = claims, tokens = { ["eyJh.eyJp.c2ln"] = token } } }
end
local req = { credential = "eyJh.eyJp.c2ln" }

ps.test("the subject is the caller, under the issuer's name", {
  req = req, jwt = corp(nil, { sub = "ann" }), expect = { principal = "corp:ann" },
})
ps.test("an id may be a number", {
  req = req, jwt = corp({ id = "uid" }, { uid = 7 }), expect = { principal = "corp:7" },
})
ps.test("paths: in lists, in objects, and names with dots", {
  req = req,
  jwt = corp({ id = "a.b[1].c", team = "https://x.test/team", ["tags.dept"] = "d" },
    { a = { b = { 1, { c = "ann" } } }, ["https://x.test/team"] = "search", d = "it" }),
  expect = { principal = "corp:ann" },
})
ps.test("a claim that is mapped must be there", {
  req = req, jwt = corp({ id = "sub", team = "groups[0]" }, { sub = "ann", groups = ps.json.array() }),
  expect = { deny = "not_allowed", message = "The token has no usable claim for team" },
})
ps.test("unless it is optional", {
  req = req, jwt = corp({ id = "sub", team = "groups[0]?" }, { sub = "ann" }),
  expect = { principal = "corp:ann" },
})
ps.test("an optional one of the wrong type is refused all the same", {
  req = req, jwt = corp({ id = "sub", models = "models?" }, { sub = "ann", models = { 1, 2 } }),
  expect = { deny = "not_allowed" },
})
ps.test("no models are not all models", {
  req = req, jwt = corp({ id = "sub", models = "models" }, { sub = "ann", models = ps.json.array() }),
  expect = { deny = "not_allowed" },
})
ps.test("limits, as the configuration has them", {
  req = req,
  jwt = corp({ id = "sub", ["limits.requests"] = "q.r", ["limits.tokens"] = "q.t?",
               ["limits.concurrent"] = "q.c" },
    { sub = "ann", q = { r = "600/min", c = 4 } }),
  expect = { principal = "corp:ann" },
})
for what, value in pairs { requests = 600, tokens = "many", concurrent = "4" } do
  ps.test("no limit is not every limit: " .. what, {
    req = req, jwt = corp({ id = "sub", ["limits." .. what] = "q" }, { sub = "ann", q = value }),
    expect = { deny = "not_allowed", message = "The token has no usable claim for limits." .. what },
  })
end
for _, value in ipairs { "0/min", "6/week", "99999M/s", "1.5k/min", "6" } do
  ps.test("no rate: " .. value, {
    req = req, jwt = corp({ id = "sub", ["limits.requests"] = "q?" }, { sub = "ann", q = value }),
    expect = { deny = "not_allowed" },
  })
end
ps.test("null is no claim", {
  req = req, jwt = corp(nil, { sub = ps.null }), expect = { deny = "not_allowed" },
})
ps.test("a token that is refused", {
  req = req, jwt = corp(nil, "The token has expired."),
  expect = { deny = "invalid_api_key", message = "The token has expired." },
})
ps.test("nobody to ask", {
  req = req, jwt = corp(nil, "unavailable: connect: refused"),
  expect = { deny = "auth_unavailable", retry_after = 1, note = "jwt: unavailable" },
})
ps.test("a key is left to other policies", {
  req = { credential = "sk-one" }, jwt = corp(nil, { sub = "ann" }), expect = {},
})
ps.test("no credential", { req = {}, jwt = corp(nil, { sub = "ann" }), expect = {} })
