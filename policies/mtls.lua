-- SPDX-License-Identifier: Apache-2.0
-- Copyright The Penstock Authors
--
-- mtls.lua: callers who show a certificate
--
--   listen "0.0.0.0:8443" { tls = { … }, client_ca = "/etc/penstock/clients.pem",
--                           client_auth = "optional" }
--   policies { "auth", { "mtls", conf = { callers = {
--     ["uri:spiffe://example.com/search"] = { team = "search" },
--     ["dns:ci.example.com"] = { id = "ci", models = { "fast" } },
--     ["cn:backup"] = { limits = { requests = "60/min" } } } } }, "limits", "route" }
--
-- The core has verified the certificate when it is seen here. It is looked for
-- by its alternative names in their order, its common name ("cn:"), its subject
-- ("subject:CN=a,O=b") and its digest ("sha256:"); the first that `callers` has
-- makes the principal, whose id is that name unless it says another. A caller
-- who sends a key as well is whom the key says: that is another policy's matter.
local M = { api = 1, schema = { callers = "map" } }

local function copy(t)
  if type(t) ~= "table" then return t end
  local new = {}
  for k, v in pairs(t) do new[k] = copy(v) end
  return new
end

local function find(callers, cert)
  for _, name in ipairs(cert.names) do
    if callers[name] then return name end
  end
  for _, kind in ipairs { "cn", "subject", "sha256" } do
    local name = cert[kind] and kind .. ":" .. cert[kind]
    if name and callers[name] then return name end
  end
end

function M.authenticate(req, conf)
  local cert = req.client_cert
  if not cert or req.credential then return nil end
  local name = find(conf.callers or {}, cert)
  if not name then
    ps.note("no caller has the certificate of " .. (cert.subject or cert.sha256))
    return nil
  end
  local who = copy(conf.callers[name])
  who.id = who.id or name
  return who
end

return M
