-- SPDX-License-Identifier: Apache-2.0
-- Copyright The Penstock Authors
local conf = { callers = {
  ["uri:spiffe://example.com/search"] = { team = "search" },
  ["dns:ci.example.com"] = { id = "ci", models = { "fast" }, tags = { site = "b" } },
  ["cn:backup"] = { limits = { requests = "60/min" } },
  ["subject:CN=old,O=Example"] = { disabled = true },
  ["sha256:ab12"] = { id = "pinned" },
} }

local function shows(name, cert, id, credential)
  ps.test(name, {
    conf = conf, req = { client_cert = cert, credential = credential },
    expect = id and { principal = id } or nil,
  })
end

shows("an URI", { names = { "uri:spiffe://example.com/search" } },
      "uri:spiffe://example.com/search")
shows("an id of its own", { names = { "dns:other", "dns:ci.example.com" } }, "ci")
shows("the first name that is known", {
  names = { "dns:ci.example.com", "uri:spiffe://example.com/search" } }, "ci")
shows("alternative names before the common name", {
  cn = "backup", names = { "dns:ci.example.com" } }, "ci")
shows("the common name", { cn = "backup", names = {} }, "cn:backup")
shows("the subject", { cn = "old", subject = "CN=old,O=Example", names = {} },
      "subject:CN=old,O=Example")
shows("the digest", { sha256 = "ab12", names = {} }, "pinned")
shows("a kind is not another", {
  cn = "ci.example.com", sha256 = "cd", names = { "uri:backup" } })
shows("no certificate", nil)
shows("a key that is sent goes first", { cn = "backup", names = {} }, nil, "sk-x")

ps.test("who is not known is noted, and left to others", {
  conf = conf, req = { client_cert = { cn = "x", subject = "CN=x", names = {} } },
  expect = { note = "no caller has the certificate of CN=x" },
})
ps.test("without callers nobody is known", {
  req = { client_cert = { cn = "backup", sha256 = "cd", names = {} } },
})
