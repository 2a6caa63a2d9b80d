-- SPDX-License-Identifier: Apache-2.0
-- Copyright The Penstock Authors
--
-- Ways out of the sandbox, and what shuts them: what the error says (false:
-- the phase must come to its end without an opinion), and the body of a phase.
-- test_sandbox.c runs them, with conf = { list = { 1, 2, { a = 1 } },
-- map = { k = "v" } } and a principal that has tags and models.
return {
  -- names that are not there
  { "unknown variable 'io'", [[return io]] },
  { "unknown variable 'debug'", [[return debug]] },
  { "unknown variable 'package'", [[return package]] },
  { "unknown variable 'coroutine'", [[return coroutine]] },
  { "unknown variable 'collectgarbage'", [[return collectgarbage]] },
  { "unknown variable 'loadstring'", [[return loadstring]] },
  { "unknown variable 'loadfile'", [[return loadfile]] },
  { "unknown variable 'dofile'", [[return dofile]] },
  { "unknown variable 'require'", [[return require]] },
  { "unknown variable 'print'", [[return print]] },
  { "unknown variable 'warn'", [[return warn]] },
  { "unknown variable '_G'", [[return _G]] },
  { "os.execute does not exist", [[return os.execute]] },
  { "os.getenv does not exist", [[return os.getenv]] },
  { "os.exit does not exist", [[return os.exit]] },
  { "os.remove does not exist", [[return os.remove]] },
  { "os.tmpname does not exist", [[return os.tmpname]] },
  { "os.setlocale does not exist", [[return os.setlocale]] },
  { "string.dump does not exist", [[return string.dump]] },
  { "string.dump does not exist", [[return ("").dump]] },
  { "math.randomseed does not exist", [[return math.randomseed]] },
  { "ps.nosuch does not exist", [[return ps.nosuch]] },
  -- globals and libraries are frozen
  { "global 'x' cannot be made", [[x = 1]] },
  { "global 'ps' cannot be made", [[ps = nil]] },
  { "global 'string' cannot be made", [[string = {}]] },
  { "global 'y' cannot be made", [[_ENV.y = 1]] },
  { "string cannot be changed (rep)", [[string.rep = 1]] },
  { "string cannot be changed (mine)", [[string.mine = 1]] },
  { "ps cannot be changed (deny)", [[ps.deny = 1]] },
  { "ps.keys cannot be changed (get)", [[ps.keys.get = 1]] },
  { "this table cannot be changed", [[rawset(_ENV, "x", 1)]] },
  { "this table cannot be changed", [[rawset(string, "rep", 1)]] },
  { "this table cannot be changed", [[rawset(ps, "deny", 1)]] },
  { "this table cannot be changed", [[rawset(conf, "a", 1)]] },
  { "protected metatable", [[setmetatable(_ENV, nil)]] },
  { "protected metatable", [[setmetatable(string, {})]] },
  { "protected metatable", [[setmetatable(ps, {})]] },
  { "table expected", [[setmetatable("", {})]] },
  { "table expected", [[setmetatable(req, {})]] },
  { "cannot be changed", [[table.insert(string, 1)]] },
  { "cannot be changed", [[table.move({ 1 }, 1, 1, 1, ps)]] },
  { false, [[table.sort(ps)]] },
  { "cannot be changed", [[for k, v in pairs(string) do string[k] = v end]] },
  { "a nil value", [[local f, t = pairs(string) t.rep = 1]] },
  { false, [[local f, t = pairs(string) assert(f(t) ~= nil)]] },
  { false, [[assert(next(string) == nil)]] },
  { false, [[assert(rawget(string, "rep") == nil)]] },
  -- metatables that scripts must not get hold of
  { false, [[assert(getmetatable("") == false)]] },
  { false, [[assert(getmetatable(string) == false)]] },
  { false, [[assert(getmetatable(_ENV) == false)]] },
  { false, [[assert(getmetatable(req) == false)]] },
  { false, [[assert(getmetatable(req.header) == false)]] },
  { false, [[assert(getmetatable(conf) == false)]] },
  { false, [[assert(getmetatable(ps.deny("rate_limited")) == false)]] },
  { "protected metatable", [[setmetatable(ps.deny("rate_limited"), nil)]] },
  { "attempt to index a boolean", [[getmetatable("").__index = nil]] },
  { "__gc is not allowed", [[setmetatable({}, { __gc = function() end })]] },
  { "__gc is not allowed", [[setmetatable({}, { __gc = true })]] },
  { "__gc is not allowed", [[local mt = {} setmetatable({}, mt) mt.__gc =
                             function() end setmetatable({}, mt)]] },
  -- a forged decision is none
  { "returned a table", [[return { code = "rate_limited", message = "m" }]] },
  { "returned a table", [[return setmetatable({ code = "rate_limited" },
                          {})]] },
  { "without a known code", [[local d = ps.deny("rate_limited")
                              d.code = "x_own" return d]] },
  { "without a known code", [[local d = ps.deny("rate_limited")
                              d.code = {} return d]] },
  -- errors that are not text, or that have methods
  { "no text", [[error(setmetatable({}, { __tostring = function()
                 error("x") end }))]] },
  { "no text", [[error(req)]] },
  { "nil was raised", [[error(nil)]] },
  { "budget of", [[local function f() return f() + 1 end f()]] },
  { false, [[local function f() pcall(f) end f()]] },
  { "overflow", [[local t = setmetatable({}, { __index = function(t, k)
                  return t[k] end }) return t.x]] },
  { false, [[assert(select("#", xpcall(error, function(e) return e, 1 end,
             "x")) == 3)]] },
  { false, [[local ok, e = xpcall(error, function(e) return e .. "!" end,
             "x") assert(not ok and e == "x!")]] },
  { false, [[local ok, a, b = xpcall(function(...) return ... end, error,
             1, 2) assert(ok and a == 1 and b == 2)]] },
  { "handler", [[xpcall(error, error, "handler")]] },
  { "cannot wait", [[ps.sleep(1)]] },
  { "SHA-256 is needed", [[ps.keys.get("short")]] },
  { "SHA-256 is needed", [[ps.keys.get(("z"):rep(64))]] },
  { false, [[assert(ps.keys.get(ps.sha256("nobody")) == nil)]] },
  { false, [[assert(ps.sha256("abc") ==
             "ba7816bf8f01cfea414140de5dae2223b00361a3" ..
             "96177a9cb410ff61f20015ad")]] },
  { false, [[assert(ps.ct_equal("a", "a") and not ps.ct_equal("a", "b")
             and not ps.ct_equal("a", "aa"))]] },
  { false, [[assert(ps.uuid():match("^%x+%-%x+%-4%x+%-[89ab]%x+%-%x+$"))]] },
  { false, [[assert(ps.now() > 1.6e9 and ps.mono_ms() > 0 and ps.null ~=
             nil)]] },
  { false, [[assert(os.time() > 1600000000 and os.clock() >= 0)]] },
  { "os.date does not exist", [[return os.date]] },
  { "os.rename does not exist", [[return os.rename]] },
  { "string.pack does not exist", [[return string.pack]] },
  { "string.debug does not exist", [[return ("").debug]] },
  { "string.__index does not exist", [[return ("").__index]] },
  { "ps.__index does not exist", [[return ps.__index]] },
  { "req.__index does not exist", [[return req.__index]] },
  { "req.__gc does not exist", [[return req.__gc]] },
  { false, [[for name in pairs(_ENV) do
      assert(not (" io debug package coroutine collectgarbage dofile require "
                  .. "loadfile print _G warn "):find(" " .. name .. " ", 1,
                                                     true), name)
    end]] },
  -- bytecode, and text that would get at what is outside
  { "attempt to load a binary chunk", [[assert(load("\27Lua\84\0"))]] },
  { "attempt to load a binary chunk", [[assert(load("\27"))]] },
  { "attempt to load a binary chunk", [[assert(load("\27Lua", "x", "bt"))]] },
  { "attempt to load a text chunk", [[assert(load("return 1", "x", "b"))]] },
  { "attempt to load a text chunk", [[assert(load("\27Lua", "x", "b"))]] },
  { "string expected, got function", [[load(function() return "x" end)]] },
  { "string expected, got no value", [[load()]] },
  { "string expected, got table", [[load({ "return 1" })]] },
  { "string expected, got number", [[load(1)]] },
  { false, [[assert(load("return 1", "\27Lua")() == 1)]] },
  { false, [[assert(load("return ...", "=x", "t")(2) == 2)]] },
  { false, [[assert(load("return _ENV")() == _ENV)]] },
  { "global 'x' cannot be made", [[load("x = 1")()]] },
  { "unknown variable 'io'", [[load("return io")()]] },
  { "unknown variable 'secret'", [[local secret = 1 load("return secret")()]] },
  { "unknown variable 'debug'", [[load("return load('return debug')")()()]] },
  { "string cannot be changed (rep)", [[load("string.rep = 1")()]] },
  { "ps cannot be changed (x)", [[load("x = 1", "=x", "t", ps)()]] },
  { false, [[local env = {} load("x = 1", "=x", "t", env)()
      assert(env.x == 1 and rawget(_ENV, "x") == nil)]] },
  { false, [[assert(load("return io", "=x", "t", {})() == nil)]] },
  { "upvalue '_ENV'", [[load("return x", "=x", "t", nil)()]] },
  { "<eof> expected", [[assert(load("end"))]] },
  { "no visible label 'x'", [[assert(load("goto x do ::x:: end"))]] },
  { "already defined", [[assert(load("::x:: ::x::"))]] },
  { "attempt to assign to const", [[assert(load("local a <const> = 1 a = 2"))]]
  },
  { "too many", [[assert(load("local " .. ("a,"):rep(300) .. "a"))]] },
  { "attempt to index a number", [[local _ENV <const> = 11 X = "hi"]] },
  { "attempt to index a nil", [[local _ENV <const> = {} ps.log("x")]] },
  { false, [[local _ENV = setmetatable({}, { __index = _ENV }) x = 1
      assert(x == 1)]] },
  -- what is frozen stays so, whatever writes
  { "ps cannot be changed (sleep)", [[ps.sleep = function() end]] },
  { "ps cannot be changed (x)", [[function ps.x() end]] },
  { "math cannot be changed (huge)", [[math.huge = 1]] },
  { "global 'f' cannot be made", [[function f() end]] },
  { "global 'load' cannot be made", [[load = nil]] },
  { "this table cannot be changed", [[rawset(math, "pi", 3)]] },
  { "this table cannot be changed", [[rawset(table, "sort", nil)]] },
  { "this table cannot be changed", [[rawset(utf8, 1, 1)]] },
  { "this table cannot be changed", [[rawset(os, "exit", 1)]] },
  { "this table cannot be changed", [[rawset(ps.keys, "get", 1)]] },
  { "this table cannot be changed", [[rawset(conf.map, "k", 1)]] },
  { "this table cannot be changed", [[rawset(conf.list, 1, 9)]] },
  { "conf cannot be changed", [[conf.map = nil]] },
  { "conf cannot be changed", [[conf.map.k = "w"]] },
  { "conf cannot be changed", [[conf.list[1] = 9]] },
  { "conf cannot be changed", [[conf.list[3].a = 9]] },
  { "conf cannot be changed", [[table.insert(conf.list, 9)]] },
  { "conf cannot be changed", [[table.remove(conf.list)]] },
  { "conf cannot be changed", [[table.sort(conf.list, function(a)
                                return type(a) == "table" end)]] },
  { "conf cannot be changed", [[table.move({ 9 }, 1, 1, 1, conf.list)]] },
  { "protected metatable", [[setmetatable(conf, {})]] },
  { "protected metatable", [[setmetatable(conf.list[3], nil)]] },
  { "protected metatable", [[setmetatable(ps.keys, {})]] },
  { "conf.nosuch is not in the schema", [[return conf.nosuch]] },
  { false, [[for k, v in pairs(conf.map) do assert(k == "k" and v == "v") end
      assert(#conf.list == 3 and conf.list[3].a == 1 and next(conf) == nil)
      local a, b, c = table.unpack(conf.list)
      assert(a == 1 and b == 2 and c.a == 1)]] },
  { false, [[local copy = {} for k, v in pairs(conf.map) do copy[k] = v end
      copy.k = "w" assert(conf.map.k == "v")]] },
  { false, [[pcall(function() for k in pairs(conf.map) do conf.map[k] = nil end
      end) assert(conf.map.k == "v")]] },
  { "attempt to index a string", [[local s = "x" s.rep = 1]] },
  -- things of the request
  { "req.x does not exist", [[req.x = 1]] },
  { "req.id cannot be changed", [[req.id = "other"]] },
  { "req.header.x-team cannot be assigned; it is what the client sent", [[req.header["x-team"] = "red"]] },
  { "principal.id cannot be assigned", [[req.principal.id = "root"]] },
  { "tags.team cannot be assigned", [[req.principal.tags.team = "x"]] },
  { "list.1 cannot be assigned", [[req.principal.models[1] = "*"]] },
  { "cannot be assigned", [[table.insert(req.principal.models, "*")]] },
  { "table expected", [[rawset(req, "id", 1)]] },
  { "table expected", [[rawget(req, "id")]] },
  { "table expected", [[next(req)]] },
  { "table expected", [[for _ in pairs(req) do end]] },
  { "table or string", [[return rawlen(req)]] },
  { "attempt to call a userdata", [[req()]] },
  { "table expected", [[table.insert(req, 1)]] },
  { "table expected", [[setmetatable(req.principal, {})]] },
  { false, [[assert(getmetatable(req.principal) == false)]] },
  { false, [[assert(getmetatable(req.principal.tags) == false)]] },
  { false, [[assert(getmetatable(req.principal.models) == false)]] },
  { false, [[assert(table.concat(req.principal.models, ",") == "fast,smart")
      assert(select("#", table.unpack(req.principal.models)) == 2)]] },
  { "tags expected", [[local next_tag = pairs(req.principal.tags)
                       next_tag(req)]] },
  { "tags expected", [[local next_tag = pairs(req.principal.tags)
                       next_tag(setmetatable({}, { __name = "tags" }))]] },
  { false, [[local t = setmetatable({}, { __index = req })
      assert(t.id == req.id)]] },
  { "req.nosuch does not exist", [[return setmetatable({}, { __index = req
                                   }).nosuch]] },
  -- metatables once more
  { "__mode is not allowed", [[setmetatable({}, { __mode = "k" })]] },
  { "nil or table expected", [[setmetatable({}, getmetatable(ps.deny(
                               "overloaded")))]] },
  { "nil or table expected", [[setmetatable({}, false)]] },
  { "returned a table", [[return setmetatable({ code = "overloaded" }, {
      __metatable = false, __name = "deny" })]] },
  { false, [[assert(getmetatable(1) == nil and getmetatable(nil) == nil and
      getmetatable(pcall) == nil and getmetatable(ps.null) == false and
      getmetatable(true) == nil)]] },
  { "table expected", [[setmetatable(ps.null, {})]] },
  { "protected metatable", [[local t = setmetatable({}, { __metatable = 1 })
                             setmetatable(t, {})]] },
  { false, [[local seen local t = setmetatable({}, { __gc2 = 1, __close =
      function() seen = true end }) do local x <close> = t end assert(seen)]] },
  { false, [[assert(getmetatable(ps.re("a")) == false and
      getmetatable(ps.json.array()) == false)]] },
  { "protected metatable", [[setmetatable(ps.json.array(), nil)]] },
  { "table expected", [[setmetatable(ps.re("a"), {})]] },
  { "re.test cannot be assigned", [[ps.re("a").test = 1]] },
  { "re expected", [[ps.re("a").test(req, "x")]] },
  { "re expected", [[ps.re("a").gsub(setmetatable({}, { __name = "re" }), "x",
                     "y")]] },
  { "ps.json cannot be changed", [[ps.json.decode = nil]] },
  { "this table cannot be changed", [[rawset(ps.json, "x", 1)]] },
  { false, [[assert(tostring(ps.re("a")) == "re")]] },
  -- addresses
  { false, [[for _, v in pairs({ {}, pairs, function() end, req, ps,
      conf, string, ps.null, ps.deny("overloaded"), req.header,
      req.principal, ("x"):gmatch("x") }) do
      assert(not tostring(v):find("%d"), tostring(v))
      assert(not ("%s %10.20s"):format(v, v):find("%d"))
    end]] },
  { false, [[for _, key in ipairs({ {}, function() end, req, 1.5, true }) do
      for _, t in ipairs({ req, string, ps, conf, req.principal, _ENV }) do
        local ok, e = pcall(function() return t[key] end)
        assert(not ok and not e:find("0x"), e)
        ok, e = pcall(function() t[key] = 1 end)
        assert(not ok and not e:find("0x"), e)
      end
    end]] },
  { false, [[local function fails(f, ...) local ok, e = pcall(f, ...)
      assert(not ok and not tostring(e):find("0x"), e) end
      fails(table.concat, { {} }) fails(ps.deny, {}) fails(string.rep, {}, 1)
      fails(string.format, "%d", {}) fails(error, {}) fails(pairs(ps), 1, {})
      fails(ps.sha256, {}) fails(ps.keys.get, req) fails(load, {})
      fails(function() return {} .. {} end) fails(function() return {} < {} end)
      fails(function() return #nil end) fails(assert, false)]] },
  { "has no %p", [[("%p"):format({})]] },
  { "has no %p", [[("%-20p"):format("x")]] },
  { false, [[assert(tostring({}) == "table" and tostring(req) == "req" and
      tostring(pcall) == "function" and tostring(ps.null) == "null" and
      tostring(setmetatable({}, { __name = "thing" })) == "thing" and
      #tostring(setmetatable({}, { __name = ("x"):rep(999) })) == 64)]] },
  { "'__tostring' must return a string", [[tostring(setmetatable({}, {
      __tostring = function() return {} end }))]] },
  -- budgets do not end in pcall
  { "memory budget", [[pcall(function() local s = "x" while true do s = s .. s
                       end end) ps.note("went on")]] },
  { "budget of", [[pcall(pcall, function() local t = {} for i = 1, 1e9 do
                       t[i] = {} end end)]] },
  { "memory budget", [[error("not enough memory", 0)]] },
  { "CPU budget", [[pcall(function() while true do end end)
                    ps.note("went on")]] },
  -- waiting where nobody could go on
  { "cannot wait", [[string.gsub("x", "x", function() ps.sleep(1) end)]] },
  { "cannot wait", [[table.sort({ 2, 1 }, function() ps.sleep(1) end)]] },
  { "cannot wait", [[tostring(setmetatable({}, { __tostring = function()
                     ps.sleep(1) end }))]] },
  -- numbers at their ends
  { false, [[assert(("x"):sub(math.mininteger, math.maxinteger) == "x")
      assert(("x"):byte(math.mininteger, math.maxinteger) == 120)
      assert(("x"):rep(-1) == "" and ("x"):rep(math.mininteger) == "")
      assert(table.unpack({}, math.maxinteger, math.maxinteger) == nil)
      assert(table.concat({}, "x", math.maxinteger, math.mininteger) == "")
      for i = math.maxinteger - 1, math.maxinteger do end]] },
  { "out of bounds", [[table.insert({}, math.maxinteger, 1)]] },
  { "out of bounds", [[table.remove({}, math.mininteger)]] },
  { "wrap around", [[table.move({ 1, 2 }, 1, 2, math.maxinteger)]] },
  { "out of range", [[utf8.char(-1)]] },
  { "out of range", [[string.char(256)]] },
  { "out of range", [[select(math.mininteger, 1)]] },
  { "no integer representation", [[("%d"):format(2 ^ 63)]] },
  { "divide by zero", [[return 1 // 0]] },
  { "attempt to add a 'string'", [[return "x" + 1]] },
  { false, [[assert("10" + 1 == 11 and 10 .. 1 == "101" and
      math.mininteger // -1 == math.mininteger)]] },
  { "invalid conversion", [[("%99999s"):format("x")]] },
  { "no value", [[("%s"):format()]] },
  { "string contains zeros", [[("%5s"):format("a\0b")]] },
  -- what policies use every day works
  { false, [[local t = { 3, 1, 2 } table.sort(t) assert(table.concat(t,
             ",") == "1,2,3")]] },
  { false, [[local t = { "b", "a" } table.sort(t, function(a, b) return a
             < b end) table.insert(t, 1, "x") assert(table.remove(t, 1) ==
             "x" and table.unpack(t) == "a" and #table.pack(1, 2) == 2)]] },
  { false, [[assert(("x"):rep(3, "-") == "x-x-x" and
             ("aB"):upper():lower() == "ab")]] },
  { false, [[assert(utf8.len("h\u{e9}") == 2 and utf8.char(233) ==
             "\u{e9}")]] },
  { false, [[assert(math.max(1, 2) == 2 and math.type(1) == "integer")]] },
  { false, [[assert(tostring(12) == "12" and tonumber("0x10") == 16)]] },
  { false, [[assert(("%5.1f|%s"):format(1.25, "x") == "  1.2|x")]] },
  { false, [[local t = setmetatable({}, { __index = { a = 1 } })
             assert(t.a == 1)]] },
  { false, [[assert(getmetatable(setmetatable({}, { __metatable = "mine"
             })) == "mine")]] },
  { false, [[local t = { 1, 2, 3 } table.move(t, 1, 3, 2)
      assert(table.concat(t, "-") == "1-1-2-3" and table.remove(t) == 3)
      assert(table.concat({ 1.5, "x", 2 }, ", ", 2) == "x, 2")]] },
  { false, [[local s = ("x"):rep(1 << 20) s = s .. s .. "y"
      assert(s:byte(-1) == 121 and utf8.codepoint(s, #s) == 121)
      assert(s:sub(-2) == "xy" and #s == (1 << 21) + 1 and s:find("y"))]] },
  { false, [[local f = assert(load("local a, b = ... return a + b"))
      assert(f(1, 2) == 3 and select("#", load("return")()) == 0)]] },
  { false, [[local ok, a, b = pcall(function(...) return ... end, 1, 2)
      assert(ok and a == 1 and b == 2)
      local bad, e = pcall(error, { code = 7 }) assert(not bad and e.code == 7)
      assert(not pcall(pcall) and select("#", pcall(error)) == 2)]] },
  { false, [[assert(("%q %s %d %x %5.2f %c %%"):format("a\n", true, 3, 255, 1,
      65) == '"a\\\n" true 3 ff  1.00 A %')]] },
}