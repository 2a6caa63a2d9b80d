-- SPDX-License-Identifier: Apache-2.0
-- Copyright The Penstock Authors
local function chat(n, max_tokens)
  local messages = {}
  for i = 1, n do messages[i] = { role = "user", content = "hi" } end
  return { principal = { id = "x", team = "search" },
           body = { model = "m", max_tokens = max_tokens, messages = messages } }
end

ps.test("without limits all is well", { req = chat(50, 100000) })
ps.test("too many messages", {
  req = chat(3), conf = { max_messages = 2 },
  expect = { deny = "invalid_request" },
})
ps.test("as many as allowed", { req = chat(2), conf = { max_messages = 2 } })
ps.test("a team has limits of its own", {
  req = chat(3), conf = { max_messages = 2, teams = { search = { max_messages = 3 } } },
})
ps.test("other teams have not", {
  req = chat(3), conf = { max_messages = 2, teams = { batch = { max_messages = 3 } } },
  expect = { deny = "invalid_request" },
})
ps.test("too many tokens are refused", {
  req = chat(1, 100), conf = { max_tokens = 50 },
  expect = { deny = "invalid_request" },
})
ps.test("or lowered", {
  req = chat(1, 100), conf = { max_tokens = 50, over = "clamp" },
  expect = { req = { max_tokens = 50 }, note = "50 instead of 100" },
})
ps.test("what asks for less stays", {
  req = chat(1, 20), conf = { max_tokens = 50, over = "clamp" },
  expect = { req = { max_tokens = 20 } },
})
ps.test("a body that is too large", {
  req = chat(40), conf = { max_body = 100 },
  expect = { deny = "too_large" },
})
