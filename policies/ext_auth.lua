-- SPDX-License-Identifier: Apache-2.0
-- Copyright The Penstock Authors
--
-- ext_auth.lua: another service knows who calls
--
--   service "auth" { url = "https://auth.internal", timeout = "500ms" }
--   policies { { "ext_auth", conf = { path = "/verify", ttl = 60 } }, "route" }
--
-- It gets POST { "credential": "..." } and answers 200 with the caller,
-- { "id": "ann", "team": "search", "models": ["fast*"], ... } (the fields of a
-- principal, of which id is needed; others are left alone), or 401, 403 or 404
-- for a credential that it does not know. `service` names another service.
--
-- Verdicts are kept for `ttl` seconds in ps.kv, under the credential's SHA-256:
-- so long a key that was withdrawn still works. A service that is away or says
-- anything else lets nobody in: 503 with retry-after.
local M = { api = 1, schema = { service = "string", path = "string", ttl = "int" } }

local kv = ps.kv("ext_auth")
local FIELDS = { "id", "key", "team", "user", "disabled", "expires", "models", "endpoints",
                 "cidrs", "tags" }

local function unavailable(why)
  ps.note("no verdict: " .. why)
  return ps.deny("auth_unavailable", nil, { retry_after = 1 })
end

-- The principal of a verdict; nil: another policy may know the credential.
local function principal(verdict)
  local said = verdict and ps.json.decode(verdict)
  if not said then return nil end
  local who = {}
  for _, name in ipairs(FIELDS) do
    if said[name] ~= ps.null then who[name] = said[name] end
  end
  return who
end

function M.authenticate(req, conf)
  if not req.credential then return nil end
  local key = ps.sha256(req.credential)
  local verdict = kv:get(key)
  if verdict == nil then
    local answer, why = ps.http(conf.service or "auth"):post(conf.path or "/verify", {
      json = { credential = req.credential } })
    if not answer then return unavailable(why) end
    local known = answer.status == 200
    if not known and answer.status ~= 401 and answer.status ~= 403 and answer.status ~= 404 then
      return unavailable("status " .. answer.status)
    end
    if known and (type(answer.json) ~= "table" or not answer.json.id) then
      return unavailable("an answer without an id")
    end
    verdict = known and answer.body
    if not known or #verdict <= 4096 then kv:set(key, verdict, { ttl = conf.ttl or 60 }) end
  end
  return principal(verdict)
end

return M
