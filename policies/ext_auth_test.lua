-- SPDX-License-Identifier: Apache-2.0
-- Copyright The Penstock Authors
local ann = { credential = "sk-ann" }
local digest = ps.sha256("sk-ann")
local asked

local function knows(q)
  asked = asked + 1
  assert(q.method == "POST" and q.path == "/verify", q.path)
  assert(q.body == '{"credential":"sk-ann"}', q.body)
  return { json = { id = "ann", team = "search", user = ps.null, models = { "fast*" }, plan = "x" } }
end

asked = 0
ps.test("known, and asked once a minute", {
  req = ann, http = { auth = knows },
  calls = {
    { expect = { principal = "ann" } },
    { after_ms = 59000, expect = { principal = "ann" } },
    { after_ms = 1001, expect = { principal = "ann" } },
  },
})
assert(asked == 2, asked)

for _, status in ipairs{ 401, 403, 404 } do
  ps.test("unknown by " .. status .. ", which is kept, too", {
    req = ann, http = { auth = { { status = status } } },
    calls = { { expect = { kv = { ext_auth = { [digest] = false } } } }, {} },
  })
end
for _, answer in ipairs{ { status = 500 }, { status = 302 }, { after_ms = 5000 },
                         { body = "yes" }, { json = { team = "x" } }, { json = "ann" } } do
  ps.test("what is no verdict lets nobody in and is not kept", {
    req = ann, http = { auth = answer },
    expect = { deny = "auth_unavailable", retry_after = 1, note = "no verdict",
               kv = { ext_auth = { [digest] = ps.null } } },
  })
end
ps.test("a principal with a fault is refused", {
  req = ann, http = { auth = { json = { id = "ann", models = ps.json.array() } } },
  expect = { fails = "principal.models" },
})
ps.test("a verdict that is too long is used, and not kept", {
  req = ann, http = { auth = { json = { id = "ann", more = ("x"):rep(5000) } } },
  expect = { principal = "ann", kv = { ext_auth = { [digest] = ps.null } } },
})
ps.test("another service and path", {
  conf = { service = "sso", path = "/who", ttl = 5 }, req = ann,
  http = { sso = function(q)
    assert(q.path == "/who")
    return { json = { id = "sso:ann" } }
  end },
  expect = { principal = "sso:ann" },
})
ps.test("no credential, no question", { req = {}, http = { auth = {} } })
