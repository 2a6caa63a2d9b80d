-- SPDX-License-Identifier: Apache-2.0
-- Copyright The Penstock Authors
--
-- auth.lua: callers who hold a key of the configuration
--
-- The configuration knows keys by their SHA-256 alone. What a key carries
-- (disabled, expires, cidrs, endpoints, models) is enforced by the core.
local M = { api = 1 }

local presented = ps.keys.presented

function M.authenticate()
  return presented() -- nil: another policy may know it
end

return M
