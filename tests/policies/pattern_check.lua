-- SPDX-License-Identifier: Apache-2.0
-- Copyright The Penstock Authors
-- luacheck: std lua54
--
-- Both libraries against pattern_cases.lua. Arguments: the cases, ours.
local cases, mine = ...

local function show(ok, ...)
  if not ok then return (tostring((...)):gsub("^[^:]+:%d+: ", "")) end
  local out = table.pack(...)
  for i = 1, out.n do out[i] = string.format("%q", out[i]) end
  return table.concat(out, " ")
end

-- The results of all of gmatch's turns.
local function each(lib)
  return function(...)
    local out = {}
    local next_match = lib.gmatch(...)
    for _ = 1, 100 do
      local got = table.pack(next_match())
      if got[1] == nil then return table.unpack(out) end
      table.move(got, 1, got.n, #out + 1, out)
    end
    error("endless")
  end
end

local bad = 0
for _, case in ipairs(cases) do
  for name, lib in pairs({ Lua = string, ours = mine }) do
    local env = setmetatable({ each = each(lib) }, { __index = function(_, k)
      return lib[k] or _G[k]
    end })
    local f = assert(load("return " .. case[1], "=case", "t", env))
    local got = show(pcall(f))
    if got ~= case[2] then
      bad = bad + 1
      print(name .. ": " .. case[1] .. ":\n  " .. got .. "\n  expected " .. case[2])
    end
  end
end
assert(bad == 0, bad .. " differ")
return #cases
