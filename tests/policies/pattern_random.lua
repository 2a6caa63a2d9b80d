-- SPDX-License-Identifier: Apache-2.0
-- Copyright The Penstock Authors
-- luacheck: std lua54
--
-- Random patterns on random texts: Lua's library and ours must give the same
-- results and the same errors. Arguments: rounds, seed, ours. Returns a text
-- of what happened, and what never did (which would make this vacuous).
local rounds, seed, mine = ...
math.randomseed(seed)

local letters = { "a", "b", "a", "b", "c", " ", "1", "]", "[", "-", "\0", "%",
                  "(", ")", "^", "$", ".", "x", "Z", "\200", "\n" }
local singles = { "a", "b", ".", "%a", "%d", "%s", "%w", "%u", "%p", "%c",
                  "%x", "%g", "%l", "%z", "%A", "%D", "%S", "%W", "%U", "%P",
                  "%C", "%X", "%G", "%L", "%Z", "[ab]", "[^a]", "[a-c]",
                  "[]]", "[^]]", "[%a%d]", "[a-]", "[%-a]", "[^%s]", "[a-%d]",
                  "[%]b]", "[\0-\31]", "[^%z]", "%%", "%.", "%-", "\0", "\200",
                  "-", "^", "$" }
local groups = { "(", ")", "()", "(a*)", "(.-)", "(b?)", "(.)", "(%w+)",
                 "((.)b)", "%b()", "%bab", "%b[]", "%f[%w]", "%f[^a]",
                 "%f[%z]", "%1", "%2", "%0" }
local broken = { "%", "[", "[^", "[a", "[%", "%b", "%ba", "%f", "%fa", "%3" }
local quantifiers = { "", "", "*", "+", "-", "?" }
local replacements = { "<%0>", "%1", "x", "%%", "%2", "%", "", "%0%0", "%x" }

local used = {} -- item: how many matches had it
local function pick(t) return t[math.random(#t)] end

local function item()
  local kind = math.random(20)
  if kind == 1 then return pick(broken) end
  if kind <= 7 then return pick(groups) end
  return pick(singles) .. pick(quantifiers)
end

local function pattern(most)
  local items = {}
  for i = 1, math.random(0, most) do items[i] = item() end
  local first = math.random(6) == 1 and "^" or ""
  local last = math.random(8) == 1 and "$" or ""
  return first .. table.concat(items) .. last, items
end

local function text(n)
  local out = {}
  for i = 1, n do out[i] = pick(letters) end
  return table.concat(out)
end

local function show(ok, ...)
  local out = table.pack(ok, ...)
  for i = 1, out.n do out[i] = math.type(out[i]) or type(out[i]) end
  for i = 1, select("#", ...) do
    out[#out + 1] = tostring((select(i, ...)))
  end
  return table.concat(out, "|")
end

local function all(lib, ...)
  local out, n = {}, 0
  for a, b, c in lib.gmatch(...) do
    n = n + 1
    if n > 2000 then error("endless") end
    out[n] = show(a, b, c)
  end
  if n == 0 then return nil end
  return table.concat(out, ";")
end

local function replace(a, b) return b or a == "a" and "Z" end

local ways = {
  find = function(l, s, p, i) return l.find(s, p, i) end,
  plain = function(l, s, p, i) return l.find(s, p, i, true) end,
  match = function(l, s, p, i) return l.match(s, p, i) end,
  gmatch = function(l, s, p, i) return all(l, s, p, i) end,
  gsub = function(l, s, p, _, r) return l.gsub(s, p, r) end,
  gsub_n = function(l, s, p, i) return l.gsub(s, p, "<%0>", i) end,
  gsub_function = function(l, s, p) return l.gsub(s, p, replace) end,
  gsub_table = function(l, s, p)
    return l.gsub(s, p, { a = "1", b = 2, ab = false, [1] = "one" })
  end,
}

local counts, messages, costly = {}, {}, 0
for name in pairs(ways) do counts[name] = { hit = 0, miss = 0, error = 0 } end

local function count(name, items, ok, first, second)
  local c = counts[name]
  if not ok then
    c.error = c.error + 1
    local stem = first:gsub("^.-:%d+: ", ""):gsub("%%%d", "%%n")
    messages[stem] = (messages[stem] or 0) + 1
  elseif not first or second == 0 then
    c.miss = c.miss + 1
  else
    c.hit = c.hit + 1
    for _, it in ipairs(items) do used[it] = (used[it] or 0) + 1 end
  end
end

for n = 1, rounds do
  local long = n % 25 == 0
  local s = text(math.random(0, 14))
  local p, items = pattern(long and 3 or 6)
  local i, r = math.random(-4, 6), pick(replacements)
  if long then s = text(8):rep(70) .. s end -- sets become maps
  for name, way in pairs(ways) do
    local got = show(pcall(way, mine, s, p, i, r))
    if got:find("pattern too costly", 1, true) then
      costly = costly + 1
    else
      local want = table.pack(pcall(way, string, s, p, i, r))
      local as_text = show(table.unpack(want, 1, want.n))
      if as_text ~= got then
        error(string.format("%s(%q, %q, %d, %q):\n  Lua  %s\n  ours %s", name,
                            s, p, i, r, as_text, got))
      end
      count(name, items, table.unpack(want, 1, want.n))
    end
  end
end

local said, missing = {}, {}
for name, c in pairs(counts) do
  said[#said + 1] = string.format("%s: %d hits, %d misses, %d errors", name,
                                  c.hit, c.miss, c.error)
  local errors = name == "plain" and 0 or rounds // 100
  if c.hit < rounds // 20 or c.miss < rounds // 20 or c.error < errors then
    missing[#missing + 1] = name
  end
end
for _, list in ipairs({ groups, singles }) do
  for _, it in ipairs(list) do
    for _, q in ipairs(list == singles and quantifiers or { "" }) do
      local can = it ~= "(" and it ~= ")" and it ~= "%0"
      if can and not used[it .. q] then missing[#missing + 1] = it .. q end
    end
  end
end
for _, stem in ipairs({
  "malformed pattern (ends with '%')", "malformed pattern (missing ']')",
  "malformed pattern (missing arguments to '%b')",
  "missing '[' after '%f' in pattern", "unfinished capture",
  "invalid pattern capture", "invalid capture index %n",
  "invalid use of '%' in replacement string",
}) do
  if not messages[stem] then missing[#missing + 1] = stem end
end
if costly > rounds // 100 then missing[#missing + 1] = "costly ones" end
table.sort(said)
said[#said + 1] = costly .. " too costly for ours, and not compared"
return table.concat(said, "\n"), table.concat(missing, " ")
