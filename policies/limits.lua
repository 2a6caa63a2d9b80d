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

function M.admit(req, conf)
  local who, finish = req.principal, conf.stream
  local key, team = who.limits, who.team_limits
  return ps.take {
    { "requests", per = "ip", limit = conf.ip },
    { "requests", per = "key", limit = key.requests or conf.requests },
    { "requests", per = "team", limit = team.requests },
    { "concurrent", per = "key", limit = key.concurrent or conf.concurrent },
    { "concurrent", per = "team", limit = team.concurrent },
    { "tokens", per = "key", limit = key.tokens or conf.tokens, stream = finish },
    { "tokens", per = "team", limit = team.tokens, stream = finish },
  }
end

return M
