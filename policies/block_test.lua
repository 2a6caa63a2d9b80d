-- SPDX-License-Identifier: Apache-2.0
-- Copyright The Penstock Authors
local patterns = { [[\bproject\W+bluebird\b]], "PRIVATE KEY" }
local refuse = { patterns = patterns, outputs = true }

local function chat(text)
  return { body = { model = "m", messages = { { role = "user", content = text } } } }
end

ps.test("a match is refused, and its text is not in the notes", {
  phase = "validate", conf = refuse, req = chat("about Project  Bluebird, please"),
  expect = { deny = "x_blocked", status = 422, note = "prompt matches pattern 1" },
})
ps.test("others pass", { phase = "validate", conf = refuse, req = chat("project blackbird") })
ps.test("arguments of earlier calls count, too", {
  phase = "validate", conf = refuse,
  req = { body = { model = "m", messages = {
    { role = "user", content = "go on" },
    { role = "assistant", tool_calls = { { id = "c", type = "function",
      ["function"] = { name = "f", arguments = '{"q":"a private key"}' } } } },
    { role = "tool", tool_call_id = "c", content = "nothing" },
  } } },
  expect = { deny = "x_blocked", note = "pattern 2" },
})
ps.test("in Anthropic's dialect", {
  phase = "validate", conf = refuse,
  req = { endpoint = "messages", body = { model = "m", max_tokens = 9, system = "PRIVATE KEY",
    messages = { { role = "user", content = "hi" } } } },
  expect = { deny = "x_blocked" },
})
ps.test("a polite answer", {
  phase = "validate", conf = { patterns = patterns, action = "answer", text = "No." },
  req = chat("private key"), expect = { answer = "No." },
})
ps.test("noted alone", {
  phase = "validate", conf = { patterns = patterns, action = "observe" },
  req = chat("private key"), expect = { note = "prompt matches pattern 2" },
})
ps.test("a misspelt action fails, whatever is asked", {
  phase = "validate", conf = { patterns = patterns, action = "refuse" }, req = chat("hi"),
  expect = { fails = "conf.action" },
})
ps.test("a broken pattern fails", {
  phase = "validate", conf = { patterns = { "(" } }, req = chat("hi"),
  expect = { fails = "ps.re" },
})
ps.test("an answer ends where it matches, however it is cut", {
  phase = "output", conf = refuse, chunks = { "the pri", "vate ", "key is" },
  expect = { stop = "content_filter", text = "", note = "answer matches pattern 2" },
})
ps.test("an answer may be observed alone", {
  phase = "output", conf = { patterns = patterns, outputs = true, action = "observe" },
  window = { text = "a private key" },
  expect = { text = "a private key", note = "answer matches pattern 2" },
})
ps.test("harmless answers pass", {
  phase = "output", conf = refuse, chunks = { "hello ", "world" }, expect = { text = "hello world" },
})
