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

-- made once, filled in for each request
local ip = { "requests", per = "ip" }
local key_requests, team_requests =
  { "requests", per = "key" }, { "requests", per = "team" }
local key_concurrent, team_concurrent =
  { "concurrent", per = "key" }, { "concurrent", per = "team" }
local key_tokens, team_tokens =
  { "tokens", per = "key" }, { "tokens", per = "team" }
local rows, n = {}, 0

local function add(row, limit)
  if limit then
    n = n + 1
    rows[n], row.limit = row, limit
  end
end

local all -- the conf, read once: it stays as it is

function M.admit(req, conf)
  if not all then
    all = { ip = conf.ip, requests = conf.requests, tokens = conf.tokens, concurrent = conf.concurrent }
    key_tokens.stream, team_tokens.stream = conf.stream, conf.stream
  end
  local who, before = req.principal, n
  local key, team = who.limits, who.team_limits
  n = 0
  add(ip, all.ip)
  add(key_requests, key.requests or all.requests)
  add(team_requests, team.requests)
  add(key_concurrent, key.concurrent or all.concurrent)
  add(team_concurrent, team.concurrent)
  add(key_tokens, key.tokens or all.tokens)
  add(team_tokens, team.tokens)
  for i = n + 1, before do rows[i] = nil end
  if n > 0 then return ps.take(rows) end
end

return M
