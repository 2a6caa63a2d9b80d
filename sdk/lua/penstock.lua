---@meta
-- SPDX-License-Identifier: Apache-2.0
-- Copyright The Penstock Authors
--
-- What policies can name, for lua-language-server. Put this folder into the
-- workspace's library:
--   "workspace.library": ["/usr/share/penstock/sdk/lua"]

---The request. Valid during the call that got it.
---@class penstock.Req
---@field id string ours, in logs and x-request-id
---@field endpoint "chat"|"responses"|"completions"|"embeddings"|"messages"|"models"|string
---@field dialect string "openai-chat", ...
---@field method string
---@field path string without its query
---@field client_ip string
---@field credential string? what the caller presented
---@field model string the name that the client sent; once the body is read
---@field stream boolean once the body is read
---@field max_tokens integer? once the body is read
---@field body_size integer once the body is read
---@field status integer in log
---@field header table<string, string?> by name, whatever its case
---@field principal penstock.Principal after authenticate

---Who calls. What it may do is enforced by the core.
---@class penstock.Principal
---@field id string
---@field key string?
---@field team string?
---@field user string?
---@field disabled boolean?
---@field expires integer? seconds since 1970
---@field models string[]? globs; absent: all
---@field endpoints string[]? absent: all
---@field cidrs string[]? absent: all
---@field tags table<string, string?>

---A target that may be tried.
---@class penstock.Target
---@field name string "openai/gpt-6-luna"
---@field provider string
---@field model string the upstream's name
---@field weight integer
---@field tags table<string, string?> the provider's

---The candidates that the configuration chose, in the order to try.
---@class penstock.Plan
local plan = {}

---Drop the targets for which f is false.
---@param why string shown by explain
---@param f fun(t: penstock.Target): any
function plan:keep(why, f) end

---Drop the targets for which f is true.
---@param why string
---@param f fun(t: penstock.Target): any
function plan:drop(why, f) end

---Put targets first: true is 1, a number is itself, higher is earlier.
---@param why string
---@param f fun(t: penstock.Target): boolean|number|nil
function plan:prefer(why, f) end

---Is no target left?
---@return boolean
function plan:empty() end

---@class penstock.Denial
---@field code string
---@field message string?
---@field retry_after number?
---@field status integer?

---@class penstock.Policy
---@field api 1
---@field schema table<string, "string"|"int"|"number"|"bool"|"list"|"map"|"model"|"url">?
---@field fail "open"|"closed"|table<string, "open"|"closed">|nil
---@field request nil|fun(req: penstock.Req, conf: table): penstock.Denial?
---@field authenticate nil|fun(req: penstock.Req, conf: table): penstock.Principal|penstock.Denial|nil
---@field validate nil|fun(req: penstock.Req, conf: table): penstock.Denial?
---@field admit nil|fun(req: penstock.Req, conf: table): penstock.Denial?
---@field route nil|fun(req: penstock.Req, conf: table, plan: penstock.Plan): penstock.Denial?
---@field log nil|fun(req: penstock.Req, conf: table)

ps = {}

---A refusal. Codes of your own start with x_ and need a status.
---@param code string
---@param message string?
---@param options { retry_after: number?, status: integer? }?
---@return penstock.Denial
function ps.deny(code, message, options) end

---Into this request's access line and explain.
---@param text string
function ps.note(text) end

---A line in the log.
---@param text string
function ps.log(text) end

---Wait. Other requests go on meanwhile.
---@param ms number
function ps.sleep(ms) end

---@param text string
---@return string hex 64 digits
function ps.sha256(text) end

---Compare secrets: the time tells nothing but their lengths.
---@param a string
---@param b string
---@return boolean
function ps.ct_equal(a, b) end

---@return string
function ps.uuid() end

---@return number seconds since 1970
function ps.now() end

---@return integer
function ps.mono_ms() end

---JSON's null.
---@type lightuserdata
ps.null = nil

ps.keys = {}

---A configured key, to be returned by authenticate.
---@param sha256 string 64 hex digits or 32 bytes
---@return penstock.Principal?
function ps.keys.get(sha256) end

---In NAME_test.lua only: one request through the policy beside it.
---@param name string
---@param case penstock.Test
function ps.test(name, case) end

---@class penstock.Test
---@field phase string? needed where the policy has several
---@field req table fields of req; header = {}, principal = {}
---@field conf table?
---@field keys { name: string, key: string, team: string?, user: string?, disabled: boolean?, tags: table? }[]?
---@field targets { name: string, provider: string?, model: string?, weight: integer?, tags: table? }[]?
---@field expect { principal: string?, deny: string?, message: string?, status: integer?, retry_after: number?, fails: string?, note: string?, targets: string[]? }?
