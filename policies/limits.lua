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

local take = ps.take
local rows

-- read once; a row without a limit is none
local function all(conf)
  return ps.rows {
    { "requests", per = "ip", limit = conf.ip },
    { "requests", per = "key", limit = "own", default = conf.requests },
    { "requests", per = "team", limit = "own" },
    { "concurrent", per = "key", limit = "own", default = conf.concurrent },
    { "concurrent", per = "team", limit = "own" },
    { "tokens", per = "key", limit = "own", default = conf.tokens, stream = conf.stream },
    { "tokens", per = "team", limit = "own", stream = conf.stream },
  }
end

function M.admit(req, conf)
  rows = rows or all(conf)
  return take(rows)
end

return M
