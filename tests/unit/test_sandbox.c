/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What policies cannot name, change or reach. Each row is a script; `nil`
 * rows must return nil, the others must fail with that text. After each the
 * state must still serve.
 */
#include "policy_unit.h"

static const struct escape {
    const char *body, *says; /* NULL: it must come to its end */
} escapes[] = {
    /* names that are not there */
    { "return io", "unknown variable 'io'" },
    { "return debug", "unknown variable 'debug'" },
    { "return package", "unknown variable 'package'" },
    { "return coroutine", "unknown variable 'coroutine'" },
    { "return collectgarbage", "unknown variable 'collectgarbage'" },
    { "return load", "unknown variable 'load'" },
    { "return loadstring", "unknown variable 'loadstring'" },
    { "return loadfile", "unknown variable 'loadfile'" },
    { "return dofile", "unknown variable 'dofile'" },
    { "return require", "unknown variable 'require'" },
    { "return print", "unknown variable 'print'" },
    { "return warn", "unknown variable 'warn'" },
    { "return _G", "unknown variable '_G'" },
    { "return os.execute", "os.execute does not exist" },
    { "return os.getenv", "os.getenv does not exist" },
    { "return os.exit", "os.exit does not exist" },
    { "return os.remove", "os.remove does not exist" },
    { "return os.tmpname", "os.tmpname does not exist" },
    { "return os.setlocale", "os.setlocale does not exist" },
    { "return string.dump", "string.dump does not exist" },
    { "return ('').dump", "string.dump does not exist" },
    { "return math.randomseed", "math.randomseed does not exist" },
    { "return ps.nosuch", "ps.nosuch does not exist" },
    /* globals and libraries are frozen */
    { "x = 1", "global 'x' cannot be made" },
    { "ps = nil", "global 'ps' cannot be made" },
    { "string = {}", "global 'string' cannot be made" },
    { "_ENV.y = 1", "global 'y' cannot be made" },
    { "string.rep = 1", "string cannot be changed (rep)" },
    { "string.mine = 1", "string cannot be changed (mine)" },
    { "ps.deny = 1", "ps cannot be changed (deny)" },
    { "ps.keys.get = 1", "ps.keys cannot be changed (get)" },
    { "rawset(_ENV, 'x', 1)", "this table cannot be changed" },
    { "rawset(string, 'rep', 1)", "this table cannot be changed" },
    { "rawset(ps, 'deny', 1)", "this table cannot be changed" },
    { "rawset(conf, 'a', 1)", "this table cannot be changed" },
    { "setmetatable(_ENV, nil)", "protected metatable" },
    { "setmetatable(string, {})", "protected metatable" },
    { "setmetatable(ps, {})", "protected metatable" },
    { "setmetatable('', {})", "table expected" },
    { "setmetatable(req, {})", "table expected" },
    { "table.insert(string, 1)", "cannot be changed" },
    { "table.move({ 1 }, 1, 1, 1, ps)", "cannot be changed" },
    { "table.sort(ps)", NULL },
    { "for k, v in pairs(string) do string[k] = v end", "cannot be changed" },
    { "local f, t = pairs(string) t.rep = 1", "a nil value" },
    { "local f, t = pairs(string) assert(f(t) ~= nil)", NULL },
    { "assert(next(string) == nil)", NULL },
    { "assert(rawget(string, 'rep') == nil)", NULL },
    /* metatables that scripts must not get hold of */
    { "assert(getmetatable('') == false)", NULL },
    { "assert(getmetatable(string) == false)", NULL },
    { "assert(getmetatable(_ENV) == false)", NULL },
    { "assert(getmetatable(req) == false)", NULL },
    { "assert(getmetatable(req.header) == false)", NULL },
    { "assert(getmetatable(conf) == false)", NULL },
    { "assert(getmetatable(ps.deny('rate_limited')) == false)", NULL },
    { "setmetatable(ps.deny('rate_limited'), nil)", "protected metatable" },
    { "getmetatable('').__index = nil", "attempt to index a boolean" },
    { "setmetatable({}, { __gc = function() end })", "__gc is not allowed" },
    { "setmetatable({}, { __gc = true })", "__gc is not allowed" },
    { "local mt = {} setmetatable({}, mt) mt.__gc = function() end "
      "setmetatable({}, mt)", "__gc is not allowed" },
    /* a forged decision is none */
    { "return { code = 'rate_limited', message = 'm' }", "returned a table" },
    { "return setmetatable({ code = 'rate_limited' }, {})",
      "returned a table" },
    { "local d = ps.deny('rate_limited') d.code = 'x_own' return d",
      "without a known code" },
    { "local d = ps.deny('rate_limited') d.code = {} return d",
      "without a known code" },
    /* errors that are not text, or that have methods */
    { "error(setmetatable({}, { __tostring = function() error('x') end }))",
      "no text" },
    { "error(req)", "no text" },
    { "error(nil)", "nil was raised" },
    { "local function f() return f() + 1 end f()", "memory" },
    { "local function f() pcall(f) end f()", NULL },
    { "local t = setmetatable({}, { __index = function(t, k) return t[k] end })"
      " return t.x", "overflow" },
    { "assert(select('#', xpcall(error, function(e) return e, 1 end, 'x')) == "
      "3)", NULL },
    { "local ok, e = xpcall(error, function(e) return e .. '!' end, 'x') "
      "assert(not ok and e == 'x!')", NULL },
    { "local ok, a, b = xpcall(function(...) return ... end, error, 1, 2) "
      "assert(ok and a == 1 and b == 2)", NULL },
    { "xpcall(error, error, 'handler')", "handler" },
    { "ps.sleep(1)", "cannot wait" },
    { "ps.keys.get('short')", "SHA-256 is needed" },
    { "ps.keys.get(('z'):rep(64))", "SHA-256 is needed" },
    { "assert(ps.keys.get(ps.sha256('nobody')) == nil)", NULL },
    { "assert(ps.sha256('abc') == 'ba7816bf8f01cfea414140de5dae2223b00361a3961"
      "77a9cb410ff61f20015ad')", NULL },
    { "assert(ps.ct_equal('a', 'a') and not ps.ct_equal('a', 'b') and not "
      "ps.ct_equal('a', 'aa'))", NULL },
    { "assert(ps.uuid():match('^%x+%-%x+%-4%x+%-[89ab]%x+%-%x+$'))", NULL },
    { "assert(ps.now() > 1.6e9 and ps.mono_ms() > 0 and ps.null ~= nil)",
      NULL },
    { "assert(os.time() > 1600000000 and os.clock() >= 0)", NULL },
    /* what policies use every day works */
    { "local t = { 3, 1, 2 } table.sort(t) assert(table.concat(t, ',') == "
      "'1,2,3')", NULL },
    { "local t = { 'b', 'a' } table.sort(t, function(a, b) return a < b end) "
      "table.insert(t, 1, 'x') assert(table.remove(t, 1) == 'x' and "
      "table.unpack(t) == 'a' and #table.pack(1, 2) == 2)", NULL },
    { "assert(('x'):rep(3, '-') == 'x-x-x' and ('aB'):upper():lower() == 'ab')",
      NULL },
    { "assert(utf8.len('h\\u{e9}') == 2 and utf8.char(233) == '\\u{e9}')",
      NULL },
    { "assert(math.max(1, 2) == 2 and math.type(1) == 'integer')", NULL },
    { "assert(tostring(12) == '12' and tonumber('0x10') == 16)", NULL },
    { "assert(('%5.1f|%s'):format(1.25, 'x') == '  1.2|x')", NULL },
    { "local t = setmetatable({}, { __index = { a = 1 } }) assert(t.a == 1)",
      NULL },
    { "assert(getmetatable(setmetatable({}, { __metatable = 'mine' })) == "
      "'mine')", NULL },
};

/* A policy whose admit is the script and whose request always answers. */
static void try_escape(const struct escape *e, size_t i)
{
    struct fake f;
    char source[1024];

    fake_init(&f);
    snprintf(source, sizeof source,
             "return { api = 1, admit = function(req, conf)\n%s\nend, "
             "request = function() return ps.deny('overloaded') end }",
             e->body);
    fake_policy(&f, "p", source);
    if (fake_open(&f, NULL))
        fake_run(&f, PHASE_ADMIT);
    if (!e->says && f.out.verdict != POLICY_NONE)
        printf("\n%zu: %s", i, f.notes);
    if (e->says && !strstr(f.notes, e->says))
        printf("\n%zu: '%s' is not in '%s'", i, e->says, f.notes);
    if (e->says) {
        UNIT_INT(f.out.verdict, POLICY_FAILED);
        CU_ASSERT_PTR_NOT_NULL(strstr(f.notes, e->says));
    } else {
        UNIT_INT(f.out.verdict, POLICY_NONE);
    }
    fake_run(&f, PHASE_REQUEST);
    UNIT_INT(f.out.err_code, ERR_OVERLOADED);
    fake_clear(&f);
}

static void nothing_escapes(void)
{
    for (size_t i = 0; i < sizeof escapes / sizeof escapes[0]; i++)
        try_escape(&escapes[i], i);
}

/* A file's changes to what all share must not be seen by another state. */
static void states_are_apart(void)
{
    struct fake f;

    fake_init(&f);
    fake_policy(&f, "a", "local n = 0 return { api = 1, admit = function() "
                         "n = n + 1 ps.note('a' .. n) end }");
    fake_policy(&f, "b", "local n = 0 return { api = 1, admit = function() "
                         "n = n + 1 ps.note('b' .. n) end }");
    CU_ASSERT_TRUE(fake_open(&f, NULL));
    fake_run(&f, PHASE_ADMIT);
    fake_run(&f, PHASE_ADMIT);
    UNIT_STR(f.notes, "a: a1\nb: b1\na: a2\nb: b2\n");
    fake_clear(&f);
}

UNIT_MAIN("sandbox", { "nothing escapes", nothing_escapes },
          { "states are apart", states_are_apart })
