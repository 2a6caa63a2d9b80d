-- SPDX-License-Identifier: Apache-2.0
-- Copyright The Penstock Authors
--
-- pii.lua: personal data stay here; the provider sees [EMAIL_1] in their place
--
--   policies { "auth", { "pii", conf = {
--     mask = { "email", "phone", "card", "iban", "ssn" },
--     patterns = { badge = [[\bEMP-\d{6}\b]] } } }, "route" }
--
-- Texts of all roles and arguments of calls are masked; the same text has the
-- same placeholder in all of a request, numbered as they come, so that a longer
-- conversation begins as the one before (prompt caches). In the answer, streamed
-- or not, placeholders become the text again. Without `mask` all but ssn. Cards
-- must pass Luhn's check, IBANs theirs. `patterns` are PCRE2, named by letters.
-- What was masked is kept in req.ctx alone and ends with the request. Reasoning
-- is left as the provider wrote it: it is signed, and goes back as it came. Looking
-- costs 0.2 ms for a KB that has an @ and digits, 0.004 without: a request that
-- needs more than a call's 50 ms, some 300 KB of the first kind, is refused.
local M = { api = 1, schema = { mask = "list", patterns = "map" },
            window = { hold = 32, of = { "text", "tool_args" } } }

local function luhn(card)
  local sum, double = 0, false
  for d in card:gsub("%D", ""):reverse():gmatch("%d") do
    local n = double and 2 * d or d // 1
    sum, double = sum + (n > 9 and n - 9 or n), not double
  end
  return sum % 10 == 0
end

local function mod97(iban)
  local rest = 0
  for c in iban:gsub(" ", ""):gsub("^(....)(.*)$", "%2%1"):gmatch(".") do
    local n = tonumber(c, 36)
    rest = (rest * (n > 9 and 100 or 10) + n) % 97
  end
  return rest == 1
end

local KINDS = {
  { "email", [[(?<![\w.%+-])[\w.%+-]++@[\w-]++(?:\.[\w-]++)++]] },
  { "iban", [[\b[A-Z]{2}\d\d(?: ?[A-Z0-9]){11,30}\b]], mod97 },
  { "card", [[(?<!\d)\d(?:[ -]?\d){12,18}(?!\d)]], luhn },
  { "ssn", [[(?<!\d)(?!000|666|9)\d{3}-(?!00)\d\d-(?!0000)\d{4}(?!\d)]] },
  { "phone", [[(?<![\w.])(?:\+\d(?:[ ()./-]{0,2}\d){7,14}|\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4})(?!\d)]] },
}
local TOKEN = ps.re([["[^"\\]*+(?:\\.[^"\\]*+)*+"|-?\d[\d.eE+-]*+]])

-- A function that masks one text.
local function masker(req, conf)
  local wanted, list, names, counts = { email = true, phone = true, card = true, iban = true }, {}, {}, {}
  if conf.mask then wanted = {} end
  for _, kind in ipairs(conf.mask or {}) do wanted[kind] = true end
  for name, pattern in pairs(conf.patterns or {}) do
    if not name:find("^%a+$") or #name > 24 then error("conf.patterns: names are letters, 24 at most") end
    list[#list + 1] = { name, pattern, own = true }
  end
  table.sort(list, function(a, b) return a[1] < b[1] end)
  for _, kind in ipairs(KINDS) do
    if wanted[kind[1]] then list[#list + 1] = kind end
    wanted[kind[1]] = nil
  end
  if next(wanted) then error("conf.mask: there is no '" .. tostring(next(wanted)) .. "'") end
  return function(text)
    local at, digit = text:find("@", 1, true), text:find("%d")
    for _, kind in ipairs(list) do
      local may = kind.own or (kind[1] == "email" and at or kind[1] ~= "email" and digit)
      text = not may and text or ps.re(kind[2]):gsub(text, function(found)
        if kind[3] and not kind[3](found) then return nil end
        if not names[found] then
          counts[kind[1]] = (counts[kind[1]] or 0) + 1
          names[found] = "[" .. kind[1]:upper() .. "_" .. counts[kind[1]] .. "]"
          req.ctx[names[found]] = found
          ps.metric("masked", 1, { kind = kind[1] })
        end
        return names[found]
      end)
    end
    return text
  end
end

function M.validate(req, conf)
  local mask = masker(req, conf)
  req:each_text({ kinds = { "text", "tool_args" } }, function(text, part)
    if part.kind == "text" then return mask(text) end
    return TOKEN:gsub(text, function(token) -- JSON stays JSON
      local plain = token:sub(1, 1) == '"' and ps.json.decode(token) or token
      local masked = mask(plain)
      if masked ~= plain then return ps.json.encode(masked) end
    end)
  end)
end

function M.output(req, _, w)
  w:replace("%[%u+_%d+%]", function(name)
    local text = req.ctx[name]
    if text and w.kind == "tool_args" then return ps.json.encode(text):sub(2, -2) end
    return text
  end)
end

return M
