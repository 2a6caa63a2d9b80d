-- SPDX-License-Identifier: Apache-2.0
-- Copyright The Penstock Authors
--
-- jwt.lua: callers who hold a token of an issuer of the configuration
--
-- The core has checked signature, issuer, audience and times when ps.jwt gives
-- claims; here they become a principal, as the block's `claims` say. What is no
-- token is left to other policies.
local M = { api = 1 }

local token = ps.re([[^e[yw][\w-]*\.[\w-]+\.[\w-]*$]])

-- "realm.roles[0]"; a claim that has such a name itself goes first
local function claim(claims, path)
  local found = claims[path]
  if found == nil then
    found = claims
    for name, index in path:gmatch("([^%.%[%]]+)%[?(%d*)%]?") do
      if type(found) ~= "table" then return nil end
      found = found[name]
      if index ~= "" then
        if type(found) ~= "table" then return nil end
        found = found[tonumber(index) + 1]
      end
    end
  end
  if found == ps.null or found == "" then return nil end
  return found
end

local function text(value)
  if type(value) == "string" then return value end
  if type(value) == "number" or type(value) == "boolean" then
    return tostring(value)
  end
end

local function list(value)
  if type(value) == "string" then return { value } end
  if type(value) ~= "table" or #value == 0 then return nil end
  for _, v in ipairs(value) do
    if type(v) ~= "string" then return nil end
  end
  return value
end

-- "600/min", as in the configuration; what could not be taken is none
local rate = ps.re([[^[1-9](\d{0,9}|\d{0,6}k|\d{0,3}M)/(s|min|h|day)$]])

local function limit(name, value)
  if name ~= "concurrent" then
    return type(value) == "string" and rate:test(value) and value or nil
  end
  local n = math.type(value) and math.tointeger(value)
  return n and n >= 1 and n <= 1000000 and n or nil
end

local function put(who, field, value)
  local what = field:match("^limits%.(.+)$")
  if what then
    who.limits = who.limits or {}
    who.limits[what] = limit(what, value)
    return who.limits[what]
  end
  local tag = field:match("^tags%.(.+)$")
  if tag then
    who.tags = who.tags or {}
    who.tags[tag] = text(value)
    return who.tags[tag]
  end
  local of = (field == "models" or field == "endpoints") and list or text
  who[field] = of(value)
  return who[field]
end

function M.authenticate(req)
  local presented = req.credential
  if not presented or not token:test(presented) then return nil end
  local claims, block = ps.jwt(nil, presented)
  if not claims then
    if block:find("^unavailable") then
      ps.note("jwt: " .. block)
      return ps.deny("auth_unavailable", nil, { retry_after = 1 })
    end
    return ps.deny("invalid_api_key", block)
  end
  local who = {}
  for field, path in pairs(block.claims) do
    local optional = path:sub(-1) == "?"
    local value = claim(claims, optional and path:sub(1, -2) or path)
    local taken = value ~= nil and put(who, field, value)
    -- what limits a caller may not be left out, or be of another type
    if not taken and not (optional and value == nil) then
      return ps.deny("not_allowed", "The token has no usable claim for " .. field)
    end
  end
  -- a name of its own: a subject "ci" is not the key "ci"
  who.id = block.name .. ":" .. who.id
  return who
end

return M
