-- SPDX-License-Identifier: Apache-2.0
-- Copyright The Penstock Authors
--
-- route.lua: callers whose tags ask for it stay on targets that have them
--
-- With key "acme" { tags = { residency = "eu" } } only targets of providers
-- with tags = { region = "eu" } are tried. Other pairs of tags:
-- policies { "auth", { "route", conf = { match = { tier = "class" } } } }
local M = { api = 1, schema = { match = "map" }, fail = "closed" }

local MATCH = { residency = "region" }

---@type string[][]
local matches -- { theirs, ours }, in a list; read once

local function all(match)
  local list = {}
  for theirs, ours in pairs(match) do list[#list + 1] = { theirs, ours } end
  return list
end

function M.route(req, conf, plan)
  matches = matches or all(conf.match or MATCH)
  local tags = req.principal.tags
  for i = 1, #matches do
    local theirs, ours = matches[i][1], matches[i][2]
    local want = tags[theirs]
    if want then
      plan:keep(theirs .. " " .. want, function(t) return t.tags[ours] == want end)
      if plan:empty() then
        return ps.deny("no_target", "No target with " .. ours .. " " .. want ..
                       " serves " .. req.model)
      end
    end
  end
end

return M
