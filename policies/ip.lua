-- SPDX-License-Identifier: Apache-2.0
-- Copyright The Penstock Authors
--
-- ip.lua: who may call, by address
--
--   policies { { "ip", conf = { allow = { "10.0.0.0/8", "fd00::/8" },
--                               deny = { "10.9.0.7" } } }, "auth", "route" }
--
-- Networks of IPv4 and IPv6; an IPv4 address that comes mapped into IPv6 counts
-- as the IPv4 that it is. `deny` wins; without `allow` everybody else may call.
-- The address is the connection's, or behind a proxy that the listener names
-- in `trusted_proxies` what that proxy says. Callers on a Unix socket have none:
-- they are in no list, and with `allow` they are refused.
local M = { api = 1, schema = { allow = "cidrs", deny = "cidrs" } }

function M.request(req, conf)
  local ip = req.client_ip
  if conf.deny and conf.deny:contains(ip) or
     conf.allow and not conf.allow:contains(ip) then
    ps.metric("refused")
    return ps.deny("not_allowed", "Your address may not call this gateway")
  end
end

return M
