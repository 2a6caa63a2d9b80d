-- SPDX-License-Identifier: Apache-2.0
-- Copyright The Penstock Authors
--
-- block.lua: what may not be asked, and if wanted not be answered
--
--   policies { "auth", { "block", conf = {
--     patterns = { [[\bproject\W+bluebird\b]], [[BEGIN (RSA|EC) PRIVATE KEY]] },
--     action = "answer", text = "I cannot talk about that.",
--     outputs = true } }, "route" }
--
-- `patterns` are regular expressions (PCRE2, caseless) over all texts of the
-- conversation and the arguments of calls. `action` says what a match does:
-- "deny" refuses, "answer" gives `text` as a model would, "observe" notes it.
-- With `outputs` answers are looked at as well, streamed or not, and end with
-- content_filter. A match of more than 256 characters may have begun to leave.
-- The access line tells the number of the pattern, never the text.
local M = {
  api = 1,
  schema = { patterns = "patterns", action = "string", text = "string", outputs = "bool" },
  window = { hold = 256, of = { "text", "tool_args" }, when = "outputs" },
}
local DEFAULT = "This cannot be processed."

local function found(text, conf)
  for i, pattern in ipairs(conf.patterns) do
    if ps.re(pattern, "i"):test(text) then return i end
  end
end

-- What shall come of it: nil where it is only noted.
local function verdict(conf, n, where)
  local action = conf.action or "deny"
  if action ~= "deny" and action ~= "answer" and action ~= "observe" then
    error("conf.action: \"deny\", \"answer\" or \"observe\" is needed")
  end
  if not n then return nil end
  ps.note(where .. " matches pattern " .. n)
  ps.metric("matched", 1, { pattern = n, where = where })
  return action ~= "observe" and action or nil
end

function M.validate(req, conf)
  local n
  req:each_text({ kinds = { "text", "tool_args" } }, function(text)
    n = n or found(text, conf)
  end)
  local action = verdict(conf, n, "prompt")
  if action == "answer" then return ps.answer{ text = conf.text or DEFAULT } end
  if action == "deny" then return ps.deny("x_blocked", conf.text or DEFAULT, { status = 422 }) end
end

function M.output(_, conf, w)
  local n = found(w.text, conf)
  if n and verdict(conf, n, "answer") then return ps.stop("content_filter") end
end

return M
