-- SPDX-License-Identifier: Apache-2.0
-- Copyright The Penstock Authors
-- The bench's job in nginx: key check, model check, token bucket, usage.
local cjson = require "cjson.safe"

local M = {}
local keys = {}
local models = { ["gpt-6-luna"] = true }

for i = 1, 1000 do
  keys[string.format("sk-test-%016d", i)] = { id = "k" .. i, models = models }
end
keys["sk-test-0123456789abcdef"] = { id = "bench", models = models }

local function refuse(status, message)
  ngx.status = status
  ngx.header.content_type = "application/json"
  ngx.say(cjson.encode { error = { message = message } })
  return ngx.exit(status)
end

local function take(id)
  local bucket, now = ngx.shared.bucket, ngx.now()
  local left = bucket:get(id .. ":n") or 1e9
  local at = bucket:get(id .. ":t") or now
  left = math.min(1e9, left + (now - at) * 1e8)
  if left < 1 then return false end
  bucket:set(id .. ":n", left - 1)
  bucket:set(id .. ":t", now)
  return true
end

function M.access()
  local auth = ngx.var.http_authorization
  local key = auth and auth:sub(1, 7) == "Bearer " and keys[auth:sub(8)]
  if not key then return refuse(401, "bad key") end
  ngx.req.read_body()
  local body = cjson.decode(ngx.req.get_body_data() or "")
  if not body then return refuse(400, "bad json") end
  if not key.models[body.model] then return refuse(404, "no such model") end
  if type(body.messages) ~= "table" then return refuse(400, "messages") end
  if not take(key.id) then return refuse(429, "rate limit") end
  ngx.ctx.key, ngx.ctx.stream = key, body.stream
end

function M.body()
  local chunk, ctx = ngx.arg[1], ngx.ctx
  if not ctx.key or not chunk or chunk == "" then return end
  if not ctx.stream then
    ctx.parts = ctx.parts or {}
    ctx.parts[#ctx.parts + 1] = chunk
  elseif chunk:find('"usage":', 1, true) then
    ctx.last = chunk
  end
end

function M.log()
  local ctx = ngx.ctx
  if not ctx.key then return end
  local text = ctx.parts and table.concat(ctx.parts)
    or ctx.last and ctx.last:match("(%b{})")
  local answer = text and cjson.decode(text)
  local u = answer and answer.usage
  if not u then return end
  local usage, id = ngx.shared.usage, ctx.key.id
  usage:incr(id .. ":in", u.prompt_tokens or 0, 0)
  usage:incr(id .. ":out", u.completion_tokens or 0, 0)
  usage:incr(id .. ":n", 1, 0)
end

return M
