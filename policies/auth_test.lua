-- SPDX-License-Identifier: Apache-2.0
-- Copyright The Penstock Authors
local keys = {
  { name = "ci", key = "sk-one", team = "search" },
  { name = "old", key = "sk-two", disabled = true },
}

ps.test("a key that is configured", {
  req = { credential = "sk-one" }, keys = keys,
  expect = { principal = "ci" },
})
ps.test("a disabled key is known too: the core refuses it, and says why", {
  req = { credential = "sk-two" }, keys = keys,
  expect = { principal = "old" },
})
ps.test("an unknown key is left to other policies", {
  req = { credential = "sk-three" }, keys = keys,
})
ps.test("the digest itself is no key", {
  req = { credential = ps.sha256("sk-one") }, keys = keys,
})
ps.test("no credential", { req = {}, keys = keys })
ps.test("no keys at all", { req = { credential = "sk-one" } })
