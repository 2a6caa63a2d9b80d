-- SPDX-License-Identifier: Apache-2.0
-- Copyright The Penstock Authors
local targets = {
  { name = "openai/gpt", tags = { region = "us" } },
  { name = "gpu/llama", tags = { region = "eu", class = "gold" } },
  { name = "groq/llama" },
}
local eu = { id = "acme", tags = { residency = "eu" } }

ps.test("a caller without tags goes anywhere", {
  req = { model = "smart", principal = { id = "ci" } }, targets = targets,
  expect = { targets = { "openai/gpt", "gpu/llama", "groq/llama" } },
})
ps.test("residency keeps targets of that region", {
  req = { model = "smart", principal = eu }, targets = targets,
  expect = { targets = { "gpu/llama" }, note = "residency eu: 2 of 3 dropped" },
})
ps.test("no target of that region", {
  req = { model = "smart", principal = eu }, targets = { targets[1] },
  expect = { deny = "no_target",
             message = "No target with region eu serves smart" },
})
ps.test("other pairs of tags", {
  conf = { match = { tier = "class" } },
  req = { model = "smart", principal = { id = "x", tags = { tier = "gold" } } },
  targets = targets, expect = { targets = { "gpu/llama" } },
})
ps.test("residency means nothing where match does not name it", {
  conf = { match = { tier = "class" } },
  req = { model = "smart", principal = eu }, targets = targets,
  expect = { targets = { "openai/gpt", "gpu/llama", "groq/llama" } },
})
ps.test("all of several pairs must hold", {
  conf = { match = { residency = "region", tier = "class" } },
  req = { model = "smart",
          principal = { id = "x", tags = { tier = "gold", residency = "us" } } },
  targets = targets, expect = { deny = "no_target" },
})
ps.test("match is a map", { conf = { match = "eu" }, expect = { fails = "conf.match" } })
