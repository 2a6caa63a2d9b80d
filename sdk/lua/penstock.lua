---@meta penstock
-- SPDX-License-Identifier: Apache-2.0
-- Copyright The Penstock Authors
--
-- What policies can name, for lua-language-server. Put this folder into the
-- workspace's library:
--   "workspace.library": ["/usr/share/penstock/sdk/lua"]
-- Made from core/policy/api.def by docs/generate; do not edit.

---What a policy's file returns. Other keys are refused.
---@class penstock.Policy
---@field api 1 # Needed.
---@field schema table<string, "string"|"int"|"number"|"bool"|"list"|"map"|"model"|"url"|"secret"|"cidrs"|"patterns">? # The keys of conf and their types. One that is not given is nil; one that is not named here is refused.
---@field fail "open"|"closed"|table<string, "open"|"closed">|nil # What an error means: "closed" refuses the request, "open" counts as no opinion. For all phases, or by phase.
---@field dialects string[]? # The dialects whose raw JSON the policy knows: needed for req.body.
---@field window {hold?: integer|"all", of?: ("text"|"tool_args"|"thinking")[], when?: string}? # What output sees of an answer: how many characters are held back until more comes (64; "all": the whole answer), and which kinds of text (all of them). With when, a key of conf whose type is bool: the phase is there only where that key is true.
---@field request nil|fun(req: penstock.Req, conf: table): penstock.Decision? # For what needs neither caller nor body.
---@field authenticate nil|fun(req: penstock.Req, conf: table): penstock.Principal|penstock.Decision|nil # If all policies return nil, the listener's rule for anonymous callers holds, else the answer is 401.
---@field validate nil|fun(req: penstock.Req, conf: table): penstock.Decision? # For what may be asked, and how.
---@field admit nil|fun(req: penstock.Req, conf: table): penstock.Decision? # For who may ask now.
---@field route nil|fun(req: penstock.Req, conf: table, plan: penstock.Plan): penstock.Decision? # Edits the plan.
---@field attempt nil|fun(req: penstock.Req, conf: table, try: penstock.Try): penstock.Decision? # Passes targets over with ps.skip, sets headers and edits the body of the try.
---@field upstream_error nil|fun(req: penstock.Req, conf: table, err: penstock.Err): penstock.Decision? # Of a try that failed, before the client has anything of its answer: says what comes next with ps.again, ps.next or ps.give_up. The gateway's tries, deadline and budget hold all the same.
---@field response nil|fun(req: penstock.Req, conf: table, resp: penstock.Resp): penstock.Decision? # Sets headers of the client's head, or refuses the answer.
---@field output nil|fun(req: penstock.Req, conf: table, w: penstock.Window): penstock.Decision? # Edits the text of the answer, ends it with ps.stop, or refuses it. Called for each piece of a stream, and in the same way for a whole answer.
---@field log nil|fun(req: penstock.Req, conf: table, out: penstock.Out) # For taking notice; it decides nothing.
---@field tick nil|fun(req: nil, conf: table) # For what is done now and then; it needs every. There is no request.
---@field every {interval: string, where?: "one"|"each_worker"}? # How often tick runs ("30s"), and where: in one worker unless it says otherwise.

---The request. Valid during the call that got it: kept for later it raises.
---@class penstock.Req
---@field id string # Ours: in logs and in x-request-id.
---@field endpoint string # "chat", "embeddings", "models", ...
---@field dialect string # "openai-chat", ...
---@field method string # "POST".
---@field path string # As sent, without its query.
---@field client_ip string # Of the caller, behind trusted proxies what they say.
---@field client_cert {subject: string?, issuer: string?, cn: string?, names: string[], sha256: string, expires: integer}? # What the client's certificate says, where the listener asks for one (client_ca) and it was sent: it is verified. names are its alternative names with their kind: "dns:", "uri:", "email:", "ip:".
---@field credential string? # What the caller presented. From authenticate on.
---@field session string? # What holds a conversation together: x-penstock-session, or what agents send for it.
---@field tags table<string, string?> # x-penstock-tags: name=value, name=value.
---@field model string # The model that routes. Can be assigned in validate and admit, as the next four; in attempt all but model and stream can, for that try. What a key may use is judged by the name that the client sent. From validate on.
---@field stream boolean # Does the client want a stream? From validate on.
---@field max_tokens integer? # The client's own limit of the answer. From validate on.
---@field temperature number? # Of sampling. From validate on.
---@field user string? # The end user, as the client names them. From validate on.
---@field body penstock.Body # The raw JSON, in the client's dialect; the policy must declare dialects. From validate on.
---@field body_size integer # Bytes. From validate on.
---@field status integer? # Of the answer; nil where the client left before one. In log.
---@field header table<string, string?> # A field of the head by its name, whatever its case.
---@field principal penstock.Principal # Who calls. From validate on.
---@field ctx table<string, string?> # What the policy keeps of this request from one phase to the next: texts by name, its own alone. At most 4,096 of them, 512 KiB.
local req = {}

---Call f for each text of the conversation, in its order and in every dialect; a string that it returns takes the text's place, in validate, admit and attempt. Without from: everybody's; without kinds: texts. options may be left out, and f may wait. From validate on.
---@param options {from?: ("system"|"user"|"assistant"|"tool")[], kinds?: ("text"|"tool_args"|"thinking")[]}
---@param f fun(text: string, part: penstock.Part): string?
function req:each_text(options, f) end

---Which text each_text came to.
---@class penstock.Part
---@field role "system"|"user"|"assistant"|"tool" # Whose it is; of a role that is none of these: "user".
---@field kind "text"|"tool_args"|"thinking" # "tool_args" are the arguments of a call, JSON in a string.

---The request's JSON by pointers (RFC 6901). Edits are for validate, admit and, of one try, attempt; all that is not edited stays byte for byte, and a policy that fails has edited nothing.
---@class penstock.Body
local body = {}

---The value there, nil for none, as ps.json.decode makes it; raises where that would lose digits, have a name twice or pass 1 MiB. From validate on.
---@param pointer string
---@return any
function body:get(pointer) end

---The text itself, as the client wrote it. From validate on.
---@param pointer string
---@return string?
function body:raw(pointer) end

---Replace a value, or add a member; /list/- appends. The value is written as ps.json.encode does it: {} is an object, ps.json.array() an empty list. In validate admit attempt.
---@param pointer string
---@param value any
function body:set(pointer, value) end

---Take a member or element out; nothing where there is none. In validate admit attempt.
---@param pointer string
function body:remove(pointer) end

---Who calls. The core enforces what it carries; authenticate may return a table with these fields, of which id is needed.
---@class penstock.Principal
---@field id string # Its name, in logs and limits.
---@field key string? # The name of the configured key.
---@field team string? # The team's name.
---@field user string? # A person's name.
---@field disabled boolean? # Is refused.
---@field expires integer? # Seconds since 1970; is refused from then on.
---@field models string[]? # Models it may use, "*" stands for any text; nil: all.
---@field endpoints string[]? # Endpoints it may use; nil: all.
---@field cidrs string[]? # Networks it may call from; nil: all.
---@field tags table<string, string?> # What the configuration says of it.
---@field limits penstock.Limits # What its key may use; the core takes it in admit where no policy named limits does.
---@field team_limits penstock.Limits # What its team may use.

---What a key or a team may use.
---@class penstock.Limits
---@field requests string? # "600/min".
---@field tokens string? # "400k/min".
---@field concurrent integer? # At the same time.

---A row of ps.take. Without a limit, or where the request has nothing of that kind (a user, say), it is left out.
---@class penstock.LimitRow
---@field [1] "requests"|"tokens"|"concurrent" # What is counted.
---@field per "key"|"user"|"team"|"model"|"provider"|"endpoint"|"ip"|string # Whose limit it is; a text of one's own has a colon: "project:" .. name. The provider is known in route and attempt.
---@field limit string|integer|nil # "600/min", "400k/min" (per s, min, h, day); of concurrent a number; "own": what the key or its team carries.
---@field default string|integer|nil # With limit = "own": the limit of those who have none of their own.
---@field burst integer? # Of requests: how many may come at once; a tenth of the limit where it is not given.
---@field stream "finish"|nil # Of tokens: a stream that comes to more than the limit has left ends there, as if at its max_tokens.

---Rows of ps.take, read once; what ps.rows returns.
---@class penstock.Rows

---What ps.take gives where something is used up: a denial that can be returned, with limit and per of the row to wait for.
---@class penstock.Refusal: penstock.Decision
---@field limit "requests"|"tokens"|"concurrent"|nil # nil: there was no room to count.
---@field per string? # "key", ...; "custom" for a text of one's own.

---A target that may be tried: a provider and a model there.
---@class penstock.Target
---@field name string # "openai/gpt-6-luna".
---@field provider string # "openai".
---@field model string # The upstream's name for it.
---@field weight integer # As configured.
---@field tags table<string, string?> # Those of the provider.
---@field state "closed"|"open"|"half_open" # Of its breaker, as all workers know it by now; as the next four.
---@field rest_ms integer # How long it rests because its provider asked for a pause; 0: it does not.
---@field in_flight integer # Calls under way, over all workers.
---@field latency_ms integer? # How soon its streams begin, an average of late; nil: nothing is known.
---@field disabled boolean # An operator took it out: penstock target disable or drain.
---@field resting boolean # All keys of the provider are parked just now, as this worker knows it.

---The targets that the configuration chose, in the order to try. Edits add up; if the policy fails they are undone.
---@class penstock.Plan
local plan = {}

---Drop the targets for which f gives nil or false. why is shown by explain. In route.
---@param why string
---@param f fun(t: penstock.Target): any
function plan:keep(why, f) end

---Drop the targets for which f gives anything else. In route.
---@param why string
---@param f fun(t: penstock.Target): any
function plan:drop(why, f) end

---Put targets first: true counts 1, a number itself, higher is earlier. In route.
---@param why string
---@param f fun(t: penstock.Target): boolean|number|nil
function plan:prefer(why, f) end

---The targets of that model in the place of these; raises where there is no such model. In route.
---@param model string
function plan:use(model) end

---Put the target of that conversation first: the same for the same caller and text, over all workers, while it is well, has room and is not dropped. nil: nothing. In route.
---@param session string?
function plan:stick(session) end

---Is no target left? In route.
---@return boolean
function plan:empty() end

---The try that is to come: one target with one credential.
---@class penstock.Try
---@field n integer # 1 is the first try of the request. In attempt.
---@field target penstock.Target # Where it goes. In attempt.
---@field credential string # The name of the provider's key: "openai#main". In attempt.
---@field elapsed_ms integer # Since the request came. In attempt.
---@field tried {target: string, status?: integer, class?: string}[] # The tries before it; class is that of the fault. In attempt.
local try = {}

---Set a header of this try; nil removes it. In attempt.
---@param name string
---@param value? string
function try:header(name, value) end

---A try that failed before the client had anything of its answer.
---@class penstock.Err
---@field class string # Of the fault: "transient", "overloaded", "rate_limit", "quota", "auth", "model_access", "model_gone", "context_length", "content_filter", "bad_request", "region", "timeout", "connect", "protocol", "unknown". In upstream_error.
---@field scope string # What it is a fault of: "request", "credential", "target", "provider". In upstream_error.
---@field status integer? # The provider's; nil where no answer came. In upstream_error.
---@field message string? # The provider's words, else what went wrong. In upstream_error.
---@field target penstock.Target # Who failed. In upstream_error.
---@field provider string # "openai". In upstream_error.
---@field model string # The upstream's name for it. In upstream_error.
---@field attempt integer # 1: the first try of the request. In upstream_error.
---@field retry_after number? # Seconds that the provider asked for; nil: it did not. In upstream_error.
---@field ms integer # How long the try took. In upstream_error.
---@field elapsed_ms integer # Since the request came. In upstream_error.

---The head of a provider's answer that serves, before the client has anything of it.
---@class penstock.Resp
---@field status integer # The provider's, 200 to 299. In response.
---@field header table<string, string?> # Reads the provider's fields; what is assigned is sent to the client, nil removes. In response.
---@field target penstock.Target # Who answered. In response.
---@field attempt integer # 1: at the first try. In response.
---@field ms integer # From the try's begin to its head. In response.

---What became of the request, for log: the facts of its access line. Nothing of it can be changed.
---@class penstock.Out
---@field status integer? # Of the answer; nil where the client left before one. In log.
---@field ended string # "complete", "error", "answered" (by a policy), "client_gone", "write_stall", "cut". In log.
---@field side "client"|"gateway"|"provider"|nil # Whose fault it was; nil: nobody's. In log.
---@field error string? # The error's code, one of a policy's own as well. In log.
---@field policy string? # Which policy refused it, or answered. In log.
---@field target penstock.Target? # Of the last try; nil: none was made. In log.
---@field attempts {target: string, credential?: string, status?: integer, class?: string, why?: string, ms: integer, first_ms?: integer}[] # The tries, in their order. One without a class served; why is in words, for people; first_ms is the time to its first content. In log.
---@field ms integer # From the request's first byte to the answer's last. In log.
---@field first_ms integer? # From the request's first byte to the first content. In log.
---@field usage {input?: integer, cache_read?: integer, cache_write?: integer, output?: integer, reasoning?: integer} # Tokens as the provider reported them, reasoning being part of output; a field that nobody reported is nil. In log.
---@field cost number? # US dollars of all tries, by the table of prices; nil where a price is not known. In log.

---A piece of the answer's text: what is held of a block, and what is new. Edits hold for what leaves; what stays is seen again as the provider wrote it.
---@class penstock.Window
---@field text string # The text, whole characters only. Can be assigned. In output.
---@field kind "text"|"tool_args"|"thinking" # "tool_args" are the arguments of a call, a JSON text. In output.
---@field block integer # Which block of the answer: that of the choice, or of the call within it; in dialects of content blocks the block's index. In output.
---@field choice integer # Which choice, where the client asked for several; else 0. In output.
---@field final boolean # Is this the last of the block? In output.
local window = {}

---As gsub, in the text itself: replace what matches by f; tells how many. f cannot wait, nor change the text otherwise. In output.
---@param re string|penstock.Re
---@param f string|table|function
---@return integer
function window:replace(re, f) end

---What a phase returns to decide; ps.deny and its kin make one.
---@class penstock.Decision

---What ps.test takes: a configuration, and a request or several. What a test does not say is as in some request of production.
---@class penstock.Test
---@field phase string? # Needed where the policy has several.
---@field req table? # Fields of req; header, tags, principal and client_cert are tables, body is a table or JSON's text.
---@field targets (string|{name: string, provider?: string, model?: string, weight?: integer, tags?: table, state?: string, rest_ms?: integer, in_flight?: integer, latency_ms?: integer, disabled?: boolean})[]? # The plan, and how its targets are just now: well and at rest where nothing is said.
---@field models table<string, table>? # By name, targets: what plan:use finds.
---@field window {text: string, kind?: string, block?: integer, choice?: integer, final?: boolean}? # What output sees; final is true where it is not given. expect.text is what it makes of the text.
---@field chunks string[]? # A block of the answer as it comes, piece by piece, through the window of production; its kind is window.kind. expect.text is all that leaves.
---@field try {n?: integer, target?: string|table, credential?: string, elapsed_ms?: integer, tried?: {target: string, class?: string, status?: integer}[]}? # What attempt gets.
---@field err {class?: string, scope?: string, status?: integer, message?: string, target?: string|table, attempt?: integer, retry_after?: number, ms?: integer, elapsed_ms?: integer}? # What upstream_error gets.
---@field resp {status?: integer, target?: string|table, attempt?: integer, ms?: integer, header?: table}? # What response gets.
---@field out {status?: integer, ended?: string, side?: string, error?: string, policy?: string, target?: string|table, ms?: integer, first_ms?: integer, usage?: table, cost?: number, attempts?: table[]}? # What log gets.
---@field http table<string, table|fun(q: {method: string, path: string, headers: table, body: string, timeout_ms: integer}): table?, string?>? # By name, services: an answer, a list of answers that come one after the other, or a function. An answer is {status, headers, body or json, after_ms}; nil and a text are an error.
---@field redis table<string, table|fun(command: string, ...: string): any, string?>? # By name, Redis: replies by command ("GET key" or "GET"), a list of replies that come one after the other, or a function. {ok = text} is a status, {err = text} an error reply; nil and a text are an error.
---@field ctx table<string, string>? # What req.ctx holds before.
---@field after_ms number? # Time that passes before the request.
---@field tokens integer? # How many the request came to, for what it took of limits. Where it is not given: those that were reserved.
---@field running boolean? # The request still runs when the next comes: what it took stays taken.
---@field expect penstock.Expect? # What must come of it.
---@field calls table[]? # Several requests: each a table of the fields above, and what it does not have it takes over from the test. The policy's locals, kv and clock go on.
---@field conf table? # The policy's conf. This field and those below are of the test, not of a call.
---@field secrets table<string, string>? # Texts for the keys of conf whose type is "secret".
---@field mode "enforce"|"observe"|nil # As in the configuration.
---@field fail "open"|"closed"|nil # As in the configuration.
---@field keys {name: string, key: string, team?: string, user?: string, disabled?: boolean, tags?: table}[]? # Configured keys; key is the secret itself.
---@field jwt table<string, {claims?: table<string, string>, tokens: table<string, table|string>}>? # By name, issuers: claims is the mapping of the configuration; a token's value is its claims, or why it is refused.
---@field kv table<string, table<string, string|number|boolean>>? # By name, what ps.kv holds before.
---@field clock {now?: number, mono_ms?: number}? # Where ps.now and ps.mono_ms begin: 1700000000 and 1000000. Time passes by ps.sleep and after_ms alone.

---What must come. Without principal, deny, skip, again, next, give_up, answer, stop and fails: no opinion. What is not named may be as it likes.
---@class penstock.Expect
---@field principal string? # Its id.
---@field deny string? # The code.
---@field message string? # Of the denial.
---@field status integer? # Of a code of one's own.
---@field retry_after number? # Seconds.
---@field again true|integer|nil # The same target again; the number is its after_ms.
---@field next true|string|nil # Another target; the text is the model's name.
---@field give_up true? # No further try.
---@field skip string? # Why the target is passed over.
---@field answer string? # The text of a polite answer.
---@field finish string? # How that answer ends.
---@field fails string? # It fails, also where that is no opinion, and that is part of the reason; of a file that is refused, too.
---@field text string? # What leaves of the answer: the window's text, or that of all chunks.
---@field stop string? # The reason with which ps.stop ends the answer.
---@field note string|string[]|nil # Each stands in some note.
---@field targets string[]? # Those that are left, in their order.
---@field req {model?: string, stream?: boolean, max_tokens?: integer, temperature?: number, user?: string}? # Fields as the policy leaves them.
---@field body table|string|nil # The body as the policy leaves it: a table is compared as a value, a text byte for byte.
---@field header table<string, string|userdata>? # Fields that attempt or response set; ps.null: taken out.
---@field kv table<string, table<string, any>>? # By name, what ps.kv holds afterwards; ps.null: nothing.
---@field ctx table<string, any>? # What req.ctx holds afterwards; ps.null: nothing.
---@field waited_ms number? # Time that passed in it.

---Values that all workers share; what ps.kv returns. Policies that only observe look, their writes are noted and not made.
---@class penstock.Kv
local kv = {}

---The value.
---@param key string
---@return string|number|boolean|nil
function kv:get(key) end

---Put a value there; it ends after ttl seconds, or never.
---@param key string
---@param value string|number|boolean
---@param options? {ttl?: number}
function kv:set(key, value, options) end

---Put a value where there is none; false where there is one.
---@param key string
---@param value string|number|boolean
---@param options? {ttl?: number}
---@return boolean
function kv:add(key, value, options) end

---Add, and tell the sum. A new number starts at 0 and ends after ttl seconds; later calls do not move its end.
---@param key string
---@param by? integer
---@param options? {ttl?: number}
---@return integer
function kv:incr(key, by, options) end

---Put new where old is; nil stands for no value. Without ttl the end stays.
---@param key string
---@param old string|number|boolean|nil
---@param new string|number|boolean|nil
---@param options? {ttl?: number}
---@return boolean
function kv:cas(key, old, new, options) end

---Remove; was there a value?
---@param key string
---@return boolean
function kv:delete(key) end

---Seconds until it ends; math.huge: never; nil: there is none.
---@param key string
---@return number?
function kv:ttl(key) end

---A service of the configuration; what ps.http returns. A call gives the answer, or nil and why there is none: "timeout", "connect: ...", "tls: ...", "reset: ...", "cut: ...", "too large". Redirects are not followed. A policy that only observes makes GET calls; the others are noted, and give nil, "observe".
---@class penstock.Service
local service = {}

---The path begins with / and is encoded; it is appended to the service's URL. Other requests go on meanwhile.
---@param path string
---@param options? {headers?: table<string, string|number|penstock.Secret>, query?: table<string, string|number|boolean>, timeout_ms?: number}
---@return penstock.Answer?
---@return string?
function service:get(path, options) end

---json = any value of Lua, or body = a text. Other requests go on meanwhile.
---@param path string
---@param options? {json?: any, body?: string, headers?: table<string, string|number|penstock.Secret>, query?: table<string, string|number|boolean>, timeout_ms?: number}
---@return penstock.Answer?
---@return string?
function service:post(path, options) end

---As post. Other requests go on meanwhile.
---@param path string
---@param options? {json?: any, body?: string, headers?: table<string, string|number|penstock.Secret>, query?: table<string, string|number|boolean>, timeout_ms?: number}
---@return penstock.Answer?
---@return string?
function service:put(path, options) end

---As post. Other requests go on meanwhile.
---@param path string
---@param options? {json?: any, body?: string, headers?: table<string, string|number|penstock.Secret>, query?: table<string, string|number|boolean>, timeout_ms?: number}
---@return penstock.Answer?
---@return string?
function service:delete(path, options) end

---What a service answered, whatever its status.
---@class penstock.Answer
---@field status integer # 200, 404, ...
---@field headers table<string, string?> # By name in lower case; several of one name make one list.
---@field body string # As it came.
---@field json any # The body's value, read when it is asked for; nil where it is no JSON, ps.null where it is null.

---A Redis of the configuration; what ps.redis returns. Each command is a method in lower case: r:get(key), r:set(key, value, "PX", 100). It gives a string, an integer, a list (with false for null), nil for null; or nil and a text: Redis's own error, "timeout", "down: ...", "too large". Commands that would block or change the shared connection raise. A policy that only observes reads; writes are noted, and give nil, "observe".
---@class penstock.Redis
---@field [string] fun(self: penstock.Redis, ...: string|number): any, string? # Any command, by its name.
local redis = {}

---A command by name: r:call("SET", key, value). Other requests go on meanwhile.
---@param command string
---@param ... string|number
---@return any
---@return string?
function redis:call(command, ...) end

---A regular expression; what ps.re returns. Its methods mean what those of strings mean.
---@class penstock.Re
local re = {}

---Is there a match?
---@param s string
---@param init? integer
---@return boolean
function re:test(s, init) end

---First and last byte of a match, then the captures.
---@param s string
---@param init? integer
---@return integer?
---@return integer?
---@return string?
function re:find(s, init) end

---The captures, or the whole where there are none.
---@param s string
---@param init? integer
---@return string?
---@return string?
function re:match(s, init) end

---[0] is the whole; captures by number and by name.
---@param s string
---@param init? integer
---@return table<integer|string, string>?
function re:groups(s, init) end

---All matches, for a loop.
---@param s string
---@return fun(): string?
---@return string?
function re:gmatch(s) end

---Replace matches, at most n; %0 to %9 in a text are captures. Tells how many.
---@param s string
---@param replacement string|table|function
---@param n? integer
---@return string
---@return integer
function re:gsub(s, replacement, n) end

---A list of networks, IPv4 and IPv6; what ps.cidr returns, and a key of conf whose type is "cidrs".
---@class penstock.Cidrs
local cidrs = {}

---Is the address in one of them? An IPv4 address that is mapped into IPv6 is in those of IPv4; what is no address is in none.
---@param ip string
---@return boolean
function cidrs:contains(ip) end

---A secret of conf. It has no fields and prints as "secret"; ps.hmac, ps.ct_equal and the headers of ps.http take it as it is.
---@class penstock.Secret

---What a policy can do besides deciding.
---@class ps
---@field null userdata # JSON's null, where nil would mean absent. One value; prints as null.
ps = {}

---One or more requests through the policy beside this file. In NAME_test.lua only.
---@param name string
---@param test penstock.Test
function ps.test(name, test) end

---Answer instead of a model: 200 in the client's dialect, streamed or not. In request it is given once the caller is known and the body read, which says how. In request validate admit.
---@param answer {text: string, finish?: "stop"|"length"|"content_filter"}
---@return penstock.Decision
function ps.answer(answer) end

---The same target once more, after a pause of up to 60000 ms, whatever the class of the fault. Where tries, deadline or the model's budget do not allow for it, the gateway's own rule holds; a target that rests then is passed over. In upstream_error.
---@param options? {after_ms?: number}
---@return penstock.Decision
function ps.again(options) end

---Another target of the plan, whatever the class; with model, the targets of that model, routed again, without those that were tried. In upstream_error.
---@param options? {model?: string}
---@return penstock.Decision
function ps.next(options) end

---No further try, and no on_exhausted: the client gets the error. In upstream_error.
---@return penstock.Decision
function ps.give_up() end

---Not this target: the next one is tried. In attempt.
---@param why string
---@return penstock.Decision
function ps.skip(why) end

---Refuse: a code of the error table, or one of your own (x_...) with a status.
---@param code string
---@param message? string
---@param options? {retry_after?: number, status?: integer}
---@return penstock.Decision
function ps.deny(code, message, options) end

---End the answer, with that reason. What the window holds does not leave. In output.
---@param finish? "content_filter"|"stop"|"length"
---@return penstock.Decision
function ps.stop(finish) end

---Read rows once, for many requests: ps.take and ps.peek take what it gives in the place of the list, at a tenth of the cost. What the list is changed to later does not count.
---@param rows penstock.LimitRow[]
---@return penstock.Rows
function ps.rows(rows) end

---Take one of each limit, or none of them: nil, or a denial to return. What a request has taken once it does not take again; the core settles it when the request ends. A policy that only observes looks and takes nothing. In admit route attempt.
---@param rows penstock.LimitRow[]|penstock.Rows
---@return penstock.Refusal?
function ps.take(rows) end

---What ps.take would return, and how each row stands (false for one that is left out). Nothing is taken. In admit route attempt.
---@param rows penstock.LimitRow[]|penstock.Rows
---@return penstock.Refusal?
---@return {limit: integer, remaining: integer, reset: number, denied: boolean}[]
function ps.peek(rows) end

---Wait until what the last ps.take of this policy was refused can be taken, at the exact time, and go on; the denial where that is not within max_wait_ms (at most an hour). A policy that only observes waits for nothing. In admit.
---@param options {max_wait_ms: number}
---@return penstock.Decision
function ps.queue(options) end

---Hold the request against limits of your own, counted as its dialect counts: nil, or the denial that names the field. What the dialect itself asks for was checked before. In validate admit.
---@param limits {messages?: integer, tools?: integer, images?: integer, max_tokens?: integer}
---@return penstock.Decision?
function ps.validate(limits) end

ps.keys = {}

---The key with that digest, of the configuration or of the store, as a principal. nil and "auth_unavailable" where the store has not been read yet.
---@param sha256 string
---@return penstock.Principal?
---@return string?
function ps.keys.get(sha256) end

---The key whose text is req.credential: what ps.keys.get(ps.sha256(req.credential)) gives, at less cost. nil where nothing was presented. From authenticate on.
---@return penstock.Principal?
---@return string?
function ps.keys.presented() end

---The targets of all model blocks, each once. In a test: those of the test.
---@return penstock.Target[]
function ps.targets() end

---64 hexadecimal digits.
---@param text string
---@return string
function ps.sha256(text) end

---HMAC-SHA-256 as 64 hexadecimal digits.
---@param key string|penstock.Secret
---@param text string
---@return string
function ps.hmac(key, text) end

---The text of a secret of conf, for what takes no secrets. Notes, logs and errors that hold it say [secret].
---@param secret penstock.Secret
---@return string
function ps.secret(secret) end

ps.hex = {}

---Two hexadecimal digits for each byte.
---@param bytes string
---@return string
function ps.hex.encode(bytes) end

---The bytes, or nil and why not.
---@param digits string
---@return string?
---@return string?
function ps.hex.decode(digits) end

ps.b64 = {}

---Base64 with padding.
---@param bytes string
---@return string
function ps.b64.encode(bytes) end

---The bytes, or nil and why not. Padding may be left out.
---@param text string
---@return string?
---@return string?
function ps.b64.decode(text) end

---Base64 for URLs, without padding.
---@param bytes string
---@return string
function ps.b64.url_encode(bytes) end

---The bytes, or nil and why not.
---@param text string
---@return string?
---@return string?
function ps.b64.url_decode(text) end

ps.json = {}

---The value, or nil and why not. Whole numbers are exact, null is ps.null; at most 1 MiB, 64 levels and 100,000 values.
---@param text string
---@return any
---@return string?
function ps.json.decode(text) end

---The text, names sorted; or nil and why there is none.
---@param value any
---@return string?
---@return string?
function ps.json.encode(value) end

---Mark a table as a list, so that an empty one is encoded as []; what decode makes of lists has the mark.
---@param t? table
---@return table
function ps.json.array(t) end

---Are they equal? Takes as long wherever they differ.
---@param a string|penstock.Secret
---@param b string|penstock.Secret
---@return boolean
function ps.ct_equal(a, b) end

---A random UUID, version 4.
---@return string
function ps.uuid() end

---Seconds since 1970, with fractions.
---@return number
function ps.now() end

---Milliseconds of a clock that never steps.
---@return integer
function ps.mono_ms() end

---A remark in this request's access line and in explain.
---@param text string
function ps.note(text) end

---What the request's tries cost in US dollars, by the table of prices; nil where a price is not known. In log.
---@param req penstock.Req
---@return number?
function ps.cost(req) end

---One line in the log.
---@param text string
function ps.log(text) end

---Add to penstock_policy_count_total{policy, name, ...}: 1, or value. At most 3 labels, and 100 series per policy and worker; beyond them labels are "other".
---@param name string
---@param value? integer
---@param labels? table<string, string|number|boolean>
function ps.metric(name, value, labels) end

---Wait. Other requests go on meanwhile.
---@param ms number
function ps.sleep(ms) end

---A service that the configuration declares; another name raises. Its methods are for phases.
---@param name string
---@return penstock.Service
function ps.http(name) end

---A Redis that the configuration declares; another name raises. Its methods are for phases.
---@param name string
---@return penstock.Redis
function ps.redis(name) end

---The claims of a token that the jwt block of that name lets pass, and the block; with nil for a name: that of the issuer which the token names. Or nil and why not; what begins with "unavailable" is no verdict on the token. Waits only where the issuer is asked for a new key. Other requests go on meanwhile.
---@param name string?
---@param token string
---@return table<string, any>?
---@return {name: string, claims: table<string, string>}|string
function ps.jwt(name, token) end

---Values that all workers share, by name; they outlive reloads. Its methods are for phases.
---@param name string
---@return penstock.Kv
function ps.kv(name) end

---Networks (10.0.0.0/8, fd00::/8, one address), read once; raises for what is none.
---@param list string[]
---@return penstock.Cidrs
function ps.cidr(list) end

---A regular expression (PCRE2), compiled once. Flags: i caseless, m lines, s dot takes newlines, x blanks and comments, b bytes.
---@param pattern string
---@param flags? string
---@return penstock.Re
function ps.re(pattern, flags) end
