-- SPDX-License-Identifier: Apache-2.0
-- Copyright The Penstock Authors
--
-- Scripts that would hold a worker up: what the error says (false: it may
-- also succeed, but in time), and the body of a phase. test_hostile.c runs
-- them; each gets 60 ms of CPU, takes its fail mode and leaves the policy as
-- good as new.
local CPU, MEMORY, COSTLY = "CPU budget", "memory budget", "too costly"
local EITHER = "budget of" -- whichever is used up first

return {
  -- loops, bare and behind what catches errors
  { CPU, [[while true do end]] },
  { CPU, [[for i = 1, math.huge do end]] },
  { CPU, [[for i in function() return 1 end do end]] },
  { CPU, [[::x:: local a = 1 goto x]] },
  { CPU, [[repeat local ok = pcall(error) until ok]] },
  { CPU, [[local function f() return f() end f()]] },
  { CPU, [[while true do pcall(function() while true do end end) end]] },
  { CPU, [[while true do pcall(pcall, function() while true do end end) end]] },
  { CPU, [[local function f() pcall(f) while true do end end f()]] },
  { CPU, [[local function f() return pcall(f) end while true do f() end]] },
  { CPU, [[while true do xpcall(function() while true do end end,
           function() while true do end end) end]] },
  { CPU, [[xpcall(error, function() while true do end end)]] },
  { CPU, [[xpcall(function() table.sort({ 3, 2, 1 }, function() while true do
           end end) end, function() while true do end end)]] },
  { CPU, [[local ok, e = pcall(function() while true do end end)
           while true do pcall(error, e) end]] },
  { CPU, [[while true do pcall(error, setmetatable({}, { __tostring =
           function() while true do end end })) end]] },
  { CPU, [[while true do select('#', pcall(error, nil)) end]] },

  -- metamethods
  { CPU, [[local t <close> = setmetatable({}, { __close = function() while true
           do end end })]] },
  { CPU, [[local t <close> = setmetatable({}, { __close = function() while true
           do end end }) while true do end]] },
  { "x", [[local t <close> = setmetatable({}, { __close = function() while true
           do end end }) error("x")]] },
  { CPU, [[local t <close> = setmetatable({}, { __close = function() while true
           do end end }) pcall(error)]] },
  { CPU, [[for _ in next, {}, nil, setmetatable({}, { __close = function()
           while true do end end }) do end]] },
  { CPU, [[local t = setmetatable({}, { __index = function() while true do end
           end }) return t.x]] },
  { CPU, [[local t = setmetatable({}, { __newindex = function() while true do
           end end }) t.x = 1]] },
  { CPU, [[local t = setmetatable({}, { __concat = function() while true do end
           end }) return t .. t]] },
  { CPU, [[local mt = { __eq = function() while true do end end }
           return setmetatable({}, mt) == setmetatable({}, mt)]] },
  { CPU, [[local mt = { __lt = function() while true do end end }
           return setmetatable({}, mt) < setmetatable({}, mt)]] },
  { CPU, [[local t = setmetatable({}, { __len = function() while true do end
           end }) return #t]] },
  { CPU, [[local t = setmetatable({}, { __call = function() while true do end
           end }) t()]] },
  { CPU, [[local t = setmetatable({}, { __unm = function() while true do end
           end }) return -t]] },
  { CPU, [[return tostring(setmetatable({}, { __tostring = function() while
           true do end end }))]] },
  { CPU, [[return ("%s"):format(setmetatable({}, { __tostring = function()
           while true do end end }))]] },
  { CPU, [[for _ in pairs(setmetatable({}, { __pairs = function() while true do
           end end })) do end]] },
  { CPU, [[for _ in ipairs(setmetatable({}, { __index = function() return 1 end
           })) do end]] },
  { "loop", [[local t = {} setmetatable(t, { __index = t }) return t.x]] },
  { "overflow", [[local t = setmetatable({}, { __index = function(t, k) return
                  t[k] end }) return t.x]] },
  { CPU, [[local mt = { __lt = function() while true do end end } local t = {}
           for i = 1, 10 do t[i] = setmetatable({}, mt) end table.sort(t)]] },
  { CPU, [[local t = {} for i = 1, 1990 do t = setmetatable({}, { __index = t })
           end while true do local x = t.x end]] },
  { "__gc", [[setmetatable({}, { __gc = function() while true do end end })]] },
  { "__gc", [[local mt = {} setmetatable({}, mt) mt.__gc = function() while true
              do end end setmetatable({}, mt)]] },
  { "__mode", [[setmetatable({}, { __mode = "k" })]] },

  -- unwinding: 90,000 variables to close, and each closer had its time
  { CPU, [[local c = setmetatable({}, { __close = function() while true do end
           end }) local function f(n) local a <close> = c local b <close> = c
           local d <close> = c if n == 0 then while true do end end f(n - 1)
           return 1 end string.gsub("x", "x", function() pcall(f, 30000) end)
           ]] },
  { CPU, [[local c = setmetatable({}, { __close = ("a"):rep(3000):gmatch(
           ".-.-.-b") }) local function f(n) local a <close> = c local b <close>
           = c if n == 0 then while true do end end f(n - 1) return 1 end
           string.gsub("x", "x", function() pcall(f, 30000) end)]] },

  -- functions of C that call functions of C: no instruction in between
  { CPU, [[local t = {} for i = 1, 1990 do t = setmetatable({}, { __index = t })
           end table.move(t, 1, 100000, 1, {})]] },
  { CPU, [[local t = {} for i = 1, 1990 do t = setmetatable({}, { __newindex =
           t }) end while true do table.move({ 1 }, 1, 99999, 1, t) end]] },
  { CPU, [[local t = {} for i = 1, 60000 do t[i] = "x" end for i = 1, 1990 do
           t = setmetatable({}, { __index = t }) end
           table.concat(t, "", 1, 60000)]] },
  { CPU, [[local t = {} for i = 1, 1990 do t = setmetatable({}, { __index = t })
           end while true do table.unpack(t, 1, 8000) end]] },
  { CPU, [[local t = {} for i = 1, 1990 do t = setmetatable({}, { __index = t })
           end string.gsub(("a"):rep(1 << 20), "a", t)]] },
  { EITHER, [[local t = {} for i = 1, 1000 do t[i] = "x" end setmetatable(t, {
           __index = table.concat }) table.move(t, 2001, 102000, 1, {})]] },
  { CPU, [[local t = setmetatable({}, { __index = pcall, __call = ("a"):rep(
           3000):gmatch(".-.-.-b") }) while true do table.move(t, 1, 100000, 1,
           {}) end]] },
  { CPU, [[local mt = { __lt = ("a"):rep(3000):gmatch(".-.-.-b") } local t = {}
           for i = 1, 2000 do t[i] = setmetatable({}, mt) end
           while true do pcall(table.sort, t) end]] },
  { CPU, [[local f = ("a"):rep(3000):gmatch(".-.-.-b")
           while true do pcall(string.gsub, "a", "a", f) end]] },

  -- patterns
  { COSTLY, [[string.find(("a"):rep(300), ".-.-.-b")]] },
  { COSTLY, [[string.find(("a"):rep(40000), (".-"):rep(40) .. "b")]] },
  { COSTLY, [[string.gsub(("a"):rep(20000), ".-b", "")]] },
  { COSTLY, [[for _ in string.gmatch(("a"):rep(20000), ".-b") do end]] },
  { COSTLY, [[string.match(("a"):rep(20000), "a*a*a*b")]] },
  { COSTLY, [[string.find(("("):rep(20000), "%b()")]] },
  { COSTLY, [[string.find(("a"):rep(1 << 20), "^(a*)%1b")]] },
  { false, [[string.match(("a"):rep(1000000), ".-.-b")]] },
  { CPU, [[while true do pcall(string.find, ("a"):rep(300), ".-.-.-b") end]] },
  { CPU, [[string.find(("a"):rep(1 << 20), "[" .. ("b"):rep(1 << 20) .. "]")]] },
  { CPU, [[string.find(("a"):rep(1 << 20), "%f[" .. ("b"):rep(1 << 20) ..
           "]")]] },
  { CPU, [[while true do string.find(("a"):rep(1 << 20), "a*$") end]] },
  { CPU, [[local h = ("a"):rep(1 << 20) h = h .. h h = h .. h
           while true do h:find(("a"):rep(127) .. "b" .. ("a"):rep(128), 1, true)
           end]] },
  { CPU, [[local h = ("a"):rep(1 << 20) local n = ("a"):rep(1 << 18) .. "b"
           h = h .. h while true do h:find(n, 1, true) end]] },
  { CPU, [[string.gsub(("x"):rep(1000), "x", function() while true do end end)
           ]] },
  { CPU, [[string.gsub(("x"):rep(100000), "x", function() pcall(function() while
           true do end end) end)]] },
  { CPU, [[string.gsub(("x"):rep(1000), "x", setmetatable({}, { __index =
           function() while true do end end }))]] },
  { CPU, [[string.gsub(("a"):rep(1 << 20), "(b?)a", ("%1"):rep(300000))]] },
  { CPU, [[local function f() string.gsub("x", "x", f) end
           while true do pcall(f) end]] },
  { CPU, [[while true do for _ in ("a"):gmatch("") do end end]] },

  -- one pass over a text, again and again
  { CPU, [[local s = ("x"):rep(1 << 20) while true do s:upper() end]] },
  { CPU, [[local s = ("x"):rep(1 << 20) while true do s:lower() end]] },
  { CPU, [[local s = ("x"):rep(1 << 20) while true do s:reverse() end]] },
  { CPU, [[local s = ("x"):rep(1 << 20) while true do utf8.len(s) end]] },
  { CPU, [[local s = ("x"):rep(1 << 20) while true do utf8.offset(s, -1) end]] },
  { CPU, [[while true do for _ in utf8.codes(("x"):rep(1 << 20)) do end end]] },
  { "invalid UTF", [[for _ in utf8.codes("a" .. ("\x80"):rep(1 << 20)) do end
                     error("invalid UTF-8 passed")]] },
  { CPU, [[while true do local s = ("a"):rep(1 << 20) end]] },
  { CPU, [[local a = ("x"):rep(1 << 20) local b = a .. "y"
           while true do local _ = a < b end]] },
  { CPU, [[local s, t = ("x"):rep(1 << 20), {} local i = 0
           while true do i = i + 1 local _ = t[s .. i] end]] },
  { CPU, [[local s = ("1"):rep(1 << 20) while true do local _ = s + 1 end]] },
  { CPU, [[local s = "0." .. ("0"):rep(1 << 20) .. "1e1048576"
           while true do tonumber(s) end]] },
  { CPU, [[local s = "0x" .. ("f"):rep(1 << 20) .. ".8p-4000000"
           while true do tonumber(s) end]] },
  { CPU, [[while true do tonumber(("1"):rep(1 << 20), 36) end]] },
  { CPU, [[while true do ps.sha256(("x"):rep(1 << 20)) end]] },
  { CPU, [[local k = ("x"):rep(1 << 20) while true do pcall(function() return
           req[k] end) pcall(function() return string[k] end) end]] },

  -- sizes that are refused
  { "limited", [[("x"):rep((1 << 20) + 1)]] },
  { "limited", [[("x"):rep(1 << 62)]] },
  { "limited", [[("x"):rep(math.maxinteger, ("y"):rep(1 << 20))]] },
  { "limited", [[(("x"):rep(1 << 20) .. "x"):upper()]] },
  { "limited", [[(("x"):rep(1 << 20) .. "x"):lower()]] },
  { "limited", [[(("x"):rep(1 << 20) .. "x"):reverse()]] },
  { "limited", [[utf8.len(("x"):rep(1 << 20) .. "x")]] },
  { "limited", [[utf8.codepoint(("x"):rep(10000), 1, -1)]] },
  { "limited", [[return ("x"):rep(10000):byte(1, -1)]] },
  { "limited", [[table.move({}, 1, 50000000, 2)]] },
  { "limited", [[table.move({}, math.mininteger, math.maxinteger, 2)]] },
  { "limited", [[table.concat({}, "", 1, 1 << 40)]] },
  { "limited", [[table.concat({}, "", math.mininteger, math.maxinteger)]] },
  { "limited", [[table.unpack({}, 1, 1 << 20)]] },
  { "limited", [[table.unpack({}, math.mininteger, math.maxinteger)]] },
  { "limited", [[local t = {} for i = 1, 20001 do t[i] = -i end
                 table.sort(t)]] },
  { "limited", [[local t = {} for i = 1, 100002 do t[i] = i end
                 table.insert(t, 1, 1)]] },
  { "limited", [[local t = {} for i = 1, 100002 do t[i] = i end
                 table.remove(t, 1)]] },
  { "limited", [[load(("x"):rep(16385))]] },
  { "limited", [[string.format(("%d"):rep(1000), table.unpack({}, 1, 1000))]] },
  { "limited", [[local s = ("x"):rep(1 << 20) string.format(("%.1s"):rep(900),
                 table.unpack(setmetatable({}, { __index = function() return s
                 end }), 1, 900))]] },
  { "__len", [[table.concat(setmetatable({}, { __len = function() return 1 << 40
               end }))]] },
  { "__len", [[table.insert(setmetatable({}, { __len = function() return 1 << 40
               end }), 1, 1)]] },
  { "__len", [[table.sort(setmetatable({}, { __len = function() return 1 << 30
               end }), rawequal)]] },
  { "invalid conversion", [[("%99999s"):format("x")]] },
  { "invalid conversion", [[("%0.99999f"):format(1)]] },
  { "invalid", [[("%" .. ("0"):rep(1 << 20) .. "d"):format(1)]] },

  -- sizes that are not, again and again
  { CPU, [[while true do (""):rep(300000000) end]] },
  { CPU, [[local t = {} while true do table.insert(t, 1, 1) end]] },
  { CPU, [[local t = {} for i = 1, 90000 do t[i] = i end
           while true do table.insert(t, 1, table.remove(t, 1)) end]] },
  { CPU, [[local t = {} for i = 1, 200000 do t[i] = i + 0.1 end
           while true do table.concat(t, ",") end]] },
  { CPU, [[while true do table.sort({ 5, 4, 3, 2, 1 }) end]] },
  { CPU, [[local t = {} for i = 1, 20000 do t[i] = i * 7919 % 20011 end
           while true do table.sort(t) table.sort(t, function(a, b) return a > b
           end) end]] },
  { CPU, [[table.sort({ 3, 2, 1 }, function() while true do end end)]] },
  { CPU, [[local t = {} for i = 1, 20000 do t[i] = i end
           while true do pcall(table.sort, t, function() return true end) end]] },
  { CPU, [[local s, t = ("x"):rep(1000000), {} for i = 1, 20000 do t[i] = s end
           table.sort(t)]] },
  { false, [[local t = {} for i = 1, 20000 do t[i] = i end
             table.sort(t, rawequal)]] },
  { CPU, [[local t = {} for i = 1, 7000 do t[i] = i end
           while true do select("#", table.unpack(t)) end]] },
  { CPU, [[local function f(...) for i = 1, select("#", ...) do
           local _ = select(i, ...) end end while true do
           f(table.unpack({}, 1, 7000)) end]] },
  { false, [[local function f(...) return (f(1, ...)) end
             f(table.unpack({}, 1, 7999))]] },
  { CPU, [[local t = {} for i = 1, 999 do t[i] = 1e308 end while true do
           ("%99.99f"):rep(999):format(table.unpack(t)) end]] },
  { CPU, [[while true do ("%q"):format(("\1"):rep(1 << 18)) end]] },
  { "limited", [[("%q%q"):format(("x"):rep(1 << 17), ("x"):rep(140000))]] },
  { CPU, [[while true do local _ = 1 .. 2.5 .. 1e100 .. -0.0 end]] },
  { CPU, [[while true do tostring(1.1) tostring({}) end]] },
  { CPU, [[local t = setmetatable({}, { __name = ("x"):rep(1 << 20) })
           while true do tostring(t) pcall(error, t) pcall(string.rep, t) end
           ]] },
  { CPU, [[local t = {} for i = 1, 200000 do t[i] = 1 end
           for i = 1, 200000 do t[i] = nil end while true do next(t) end]] },
  { CPU, [[local t = {} for k = 1, 100000 do t[1 + k * 2.0 ^ -50] = 1 end]] },
  { CPU, [[local function f(n) if n == 0 then while true do pcall(error, "x",
           30000) end end return 1 + f(n - 1) end f(40000)]] },
  { CPU, [[while true do os.time({ year = 2000, month = 1, day = 1 }) end]] },
  { CPU, [[while true do ps.deny("overloaded") end]] },
  { CPU, [[while true do ps.note("x") ps.log(("x"):rep(1 << 20)) end]] },
  { CPU, [[while true do ps.uuid() ps.now() ps.ct_equal("a", "b") end]] },
  { false, [[error(("x"):rep(1 << 20))]] },
  { false, [[return ps.deny("overloaded", ("x"):rep(1 << 20))]] },

  -- functions of ps
  { CPU, [[local s = ("a"):rep(1 << 20) .. "b" local re = ps.re("a+$")
           while true do re:test(s) end]] },
  { CPU, [[local s = ("a"):rep(1 << 20) local re = ps.re("(a+)+b")
           while true do pcall(re.test, re, s) end]] },
  { CPU, [[local s = ("a"):rep(1 << 20) local re = ps.re("(a*)\\1b")
           while true do pcall(re.test, re, s) end]] },
  { CPU, [[local s = ("("):rep(1 << 20)
           local re = ps.re("(\\((?:[^()]++|(?1))*\\))")
           while true do pcall(re.test, re, s) end]] },
  { CPU, [[local i = 0 while true do i = i + 1
           pcall(ps.re, "((((a{1,60}){1,60}){1,60}){1,60})" .. i) end]] },
  { CPU, [[while true do ps.re(("a?"):rep(2000) .. ("a"):rep(2000)) end]] },
  { CPU, [[local re = ps.re("a") local s = ("a"):rep(1 << 20)
           while true do re:gsub(s, "bb") end]] },
  { CPU, [[ps.re("a"):gsub(("a"):rep(1 << 20), function() while true do end end)
           ]] },
  { CPU, [[local t = {} for i = 1, 1990 do t = setmetatable({}, { __index = t })
           end ps.re("a"):gsub(("a"):rep(1 << 20), t)]] },
  { CPU, [[while true do for _ in ps.re(""):gmatch(("a"):rep(1 << 20)) do end
           end]] },
  { CPU, [[local s = "[" .. ("1,"):rep(260000) .. "1]"
           while true do ps.json.decode(s) end]] },
  { CPU, [[local s = ("["):rep(500000) while true do ps.json.decode(s) end]] },
  { CPU, [[local t = {} for i = 1, 50000 do t[i] = '"k' .. i .. '":1' end
           local s = "{" .. table.concat(t, ",") .. "}"
           while true do ps.json.decode(s) end]] },
  { CPU, [[local s = '"' .. ("\\u0041"):rep(170000) .. '"'
           while true do ps.json.decode(s) end]] },
  { CPU, [[local t = {} for i = 1, 60000 do t["k" .. i] = i + 0.1 end
           while true do ps.json.encode(t) end]] },
  { false, [[local t = { 1 } for i = 1, 60 do t = { t, t } end
             ps.json.encode(t)]] },
  { CPU, [[local t = {} for i = 1, 50000 do t["k" .. i] = 1 end
           for k in pairs(t) do t[k] = nil end
           local all = {} for i = 1, 1000 do all[i] = t end
           while true do ps.json.encode(all) end]] },
  { CPU, [[local s = ("x"):rep(1 << 20)
           while true do ps.b64.decode(ps.b64.encode(s)) end]] },
  { CPU, [[local s = ("!"):rep(1 << 20) while true do ps.b64.decode(s) end]] },
  { CPU, [[local s = ("x"):rep(1 << 20)
           while true do ps.hex.decode(ps.hex.encode(s)) end]] },
  { CPU, [[local s = ("x"):rep(1 << 20) while true do ps.hmac(s, s) end]] },
  { CPU, [[local i = 0 while true do i = i + 1
           pcall(ps.metric, "m" .. i, 1) end]] },
  { CPU, [[while true do ps.answer({ text = "x" }) end]] },
  { CPU, [[while true do pcall(ps.http, "x") pcall(ps.redis, "x")
           pcall(ps.kv, "x") pcall(ps.targets) pcall(ps.stop) end]] },
  { CPU, [[local c = setmetatable({}, { __close = ps.json.array })
           local function f(n) local a <close> = c local b <close> = c
           if n == 0 then while true do end end f(n - 1) return 1 end
           string.gsub("x", "x", function() pcall(f, 30000) end)]] },

  -- load
  { CPU, [[while true do load("return 1")() end]] },
  { CPU, [[while true do load("while true do end")() end]] },
  { CPU, [[while true do pcall(load, ("("):rep(16000)) end]] },
  { CPU, [[local s = "while 1 do " .. ("break "):rep(2600) .. " end"
           while true do assert(load(s)) end]] },
  { CPU, [[local s = "do " .. ("goto a "):rep(2300) .. " ::a:: end"
           while true do assert(load(s)) end]] },
  { CPU, [[local s = "return x" .. (" and x"):rep(2600)
           while true do assert(load(s)) end]] },
  { CPU, [[local v = {} for i = 1, 180 do v[i] = "v" .. i end local s = ("local "
           .. table.concat(v, ",") .. " return function() "):rep(15) ..
           ("x=x "):rep(600) .. (" end"):rep(15)
           while true do assert(load(s)) end]] },
  { "overflow", [[assert(load(("("):rep(16000)))]] },
  { CPU, [[load("local f = ... f(f)")(function(f) while true do f = f end end)
           ]] },

  -- memory
  { EITHER, [[local t = {} for i = 1, 1e9 do t[i] = {} end]] },
  { EITHER, [[local t = nil while true do t = { t } end]] },
  { MEMORY, [[local s = "x" while true do s = s .. s end]] },
  { MEMORY, [[while true do pcall(function() local s = "x" while true do s = s ..
              s end end) end]] },
  { MEMORY, [[while true do xpcall(function() local s = "x" while true do s = s
              .. s end end, function() end) end]] },
  { false, [[local t = {} while true do pcall(function() for i = 1, 1e9 do
             t[#t + 1] = ("x"):rep(1000) .. i end end) end]] },
  { false, [[local t = {} for i = 1, 1e9 do t[i] = i .. ":" end]] },
  { false, [[local t = {} for i = 1, 1e9 do t[i] = function() return i end end
             ]] },
  { EITHER, [[local function f() return 1 + f() end f()]] },
  { EITHER, [[local function f() return 1 + f() end while true do pcall(f) end
              ]] },
  { EITHER, [[local t = {} for i = 1, 9 do t[i] = ("x"):rep(1 << 20) .. i end
              ]] },
  { EITHER, [[table.concat({ ("x"):rep(1 << 20), ("y"):rep(1 << 20) },
              ("z"):rep(1 << 20), 1, 2):rep(1):gsub(".", "%0%0")]] },
  { EITHER, [[string.gsub(("x"):rep(1 << 20), "x", ("y"):rep(1 << 20))]] },
  { CPU, [[local keep = {} for i = 1, 40000 do keep[i] = {} end
           while true do local _ = {} end]] },
  { CPU, [[local t = {} while true do local x for i = 1, 100 do
           t[i] = function() return x end end end]] },
}
