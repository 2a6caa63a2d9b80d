-- SPDX-License-Identifier: Apache-2.0
-- Copyright The Penstock Authors
local function chat(...)
  local messages = {}
  for i, text in ipairs{ ... } do messages[i] = { role = "user", content = text } end
  return { body = { model = "m", messages = messages } }
end

-- What becomes of a prompt.
local function masks(name, conf, text, want, ctx)
  ps.test(name, {
    phase = "validate", conf = conf, req = chat(text),
    expect = { body = chat(want).body, ctx = ctx },
  })
end

masks("e-mail addresses, the same one with the same number", {},
      "Ann <ann@example.org>, bob.b+x@mail.example.co.uk; ann@example.org!",
      "Ann <[EMAIL_1]>, [EMAIL_2]; [EMAIL_1]!",
      { ["[EMAIL_1]"] = "ann@example.org", ["[EMAIL_2]"] = "bob.b+x@mail.example.co.uk" })
masks("cards that pass Luhn's check", {},
      "4111 1111 1111 1111, 4111-1111-1111-1112 and 5500005555555559",
      "[CARD_1], 4111-1111-1111-1112 and [CARD_2]")
masks("IBANs whose check holds", {},
      "DE89 3704 0044 0532 0130 00, GB82WEST12345698765432, DE88370400440532013000",
      "[IBAN_1], [IBAN_2], DE88370400440532013000")
masks("telephone numbers", {}, "+49 (0)170 123-4567, (555) 123-4567, 2026-11-26, 123456",
      "[PHONE_1], [PHONE_2], 2026-11-26, 123456")
masks("social security numbers only where they are asked for", {}, "078-05-1120", "078-05-1120")
masks("by configuration", { mask = { "ssn" } }, "078-05-1120, 666-05-1120, ann@example.org",
      "[SSN_1], 666-05-1120, ann@example.org")
masks("patterns of one's own come first", { mask = {}, patterns = { badge = [[\bEMP-\d{6}\b]] } },
      "EMP-123456 ann@example.org", "[BADGE_1] ann@example.org")
masks("nothing to mask", {}, "plain text, 4 words", "plain text, 4 words", { ["[EMAIL_1]"] = ps.null })

ps.test("numbers go on over messages and roles, and JSON stays JSON", {
  phase = "validate",
  req = { body = { model = "m", messages = {
    { role = "system", content = "for a@example.org" },
    { role = "user", content = "b@example.org or a@example.org" },
    { role = "assistant", tool_calls = { { id = "c", type = "function",
      ["function"] = { name = "f", arguments = '{"to": "b@example.org", "card":4111111111111111,"n":1e2}' } } } },
    { role = "tool", tool_call_id = "c", content = "c@example.org" },
  } } },
  expect = { body = { model = "m", messages = {
    { role = "system", content = "for [EMAIL_1]" },
    { role = "user", content = "[EMAIL_2] or [EMAIL_1]" },
    { role = "assistant", tool_calls = { { id = "c", type = "function",
      ["function"] = { name = "f", arguments = '{"to": "[EMAIL_2]", "card":"[CARD_1]","n":1e2}' } } } },
    { role = "tool", tool_call_id = "c", content = "[EMAIL_3]" },
  } } },
})
ps.test("in Anthropic's dialect", {
  phase = "validate",
  req = { endpoint = "messages", body = { model = "m", max_tokens = 9, system = "a@example.org",
    messages = { { role = "user", content = "a@example.org" } } } },
  expect = { body = { model = "m", max_tokens = 9, system = "[EMAIL_1]",
    messages = { { role = "user", content = "[EMAIL_1]" } } } },
})

local kept = { ["[EMAIL_1]"] = "ann@example.org", ["[BADGE_12]"] = 'a "b" \\' }

ps.test("the answer has the text again, however it is cut", {
  phase = "output", ctx = kept, chunks = { "write to [EM", "AIL_", "1", "], not [EMAIL_2]" },
  expect = { text = "write to ann@example.org, not [EMAIL_2]" },
})
ps.test("arguments of calls stay JSON", {
  phase = "output", ctx = kept, window = { text = '{"x":"[BADGE_12]"}', kind = "tool_args" },
  expect = { text = [[{"x":"a \"b\" \\"}]] },
})
ps.test("a kind that does not exist", {
  phase = "validate", conf = { mask = { "email", "name" } }, req = chat("x"),
  expect = { fails = "conf.mask: there is no 'name'" },
})
ps.test("a name that is no word", {
  phase = "validate", conf = { patterns = { ["a-1"] = "x" } }, req = chat("x"),
  expect = { fails = "conf.patterns: names are letters" },
})
