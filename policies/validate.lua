-- SPDX-License-Identifier: Apache-2.0
-- Copyright The Penstock Authors
--
-- validate.lua: how large a request may be, for all or by team
--
--   { "validate", conf = { max_messages = 200, max_tokens = 8192, over = "clamp",
--                          teams = { batch = { max_messages = 2000 } } } }
--
-- What a request must look like is its dialect's business and checked by the
-- core before (endpoint "chat" { validate = false } switches that off).
local M = {
  api = 1,
  schema = { max_body = "int", max_messages = "int", max_tools = "int",
             max_images = "int", max_tokens = "int", over = "string", teams = "map" },
}

local plain -- the conf asks for nothing; told once, for it stays as it is

function M.validate(req, conf)
  if plain == nil then
    plain = true
    for _ in pairs(conf) do plain = false end
  end
  if plain then return end
  local own = conf.teams and conf.teams[req.principal.team or ""] or conf
  local function limit(name) return own[name] or conf[name] end

  local body, most = limit("max_body"), limit("max_tokens")
  if body and req.body_size > body then
    return ps.deny("too_large", ("The body is %d bytes; at most %d are allowed here.")
      :format(req.body_size, body))
  end
  if most and limit("over") == "clamp" and (req.max_tokens or 0) > most then
    ps.note(("max_tokens: %d instead of %d"):format(most, req.max_tokens))
    req.max_tokens = most
  end
  local messages, tools, images = limit("max_messages"), limit("max_tools"), limit("max_images")
  if messages or tools or images or most then
    return ps.validate { messages = messages, tools = tools, images = images, max_tokens = most }
  end
end

return M
