-- SPDX-License-Identifier: Apache-2.0
-- Copyright The Penstock Authors
--
-- limits.lua: what a key and its team may use, and what anybody may
--
-- key "ci" { limits = { requests = "600/min", tokens = "400k/min" } } and the
-- same of a team are taken here. Limits for everybody are the policy's conf:
-- policies { "auth", { "limits", conf = { ip = "60/min", stream = "finish" } } }
local M = { api = 1, schema = {
  requests = "string", -- per key, for keys without a limit of their own
  tokens = "string",
  concurrent = "int",
  ip = "string",       -- requests per address; IPv6 by its first 64 bits
  stream = "string",   -- "finish": a stream ends where its tokens are used up
} }

-- made once, filled in for each request: a row without a limit is none
local ip = { "requests", per = "ip" }
local key_requests, team_requests =
  { "requests", per = "key" }, { "requests", per = "team" }
local key_concurrent, team_concurrent =
  { "concurrent", per = "key" }, { "concurrent", per = "team" }
local key_tokens, team_tokens =
  { "tokens", per = "key" }, { "tokens", per = "team" }
local rows = { ip, key_requests, team_requests, key_concurrent,
               team_concurrent, key_tokens, team_tokens }

function M.admit(req, conf)
  local who = req.principal
  local key, team = who.limits, who.team_limits
  ip.limit = conf.ip
  key_requests.limit = key.requests or conf.requests
  key_concurrent.limit = key.concurrent or conf.concurrent
  key_tokens.limit = key.tokens or conf.tokens
  team_requests.limit = team.requests
  team_concurrent.limit = team.concurrent
  team_tokens.limit = team.tokens
  key_tokens.stream, team_tokens.stream = conf.stream, conf.stream
  return ps.take(rows)
end

return M
