/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The bounded matcher gives what Lua's own gives: the library is the oracle,
 * over seeded random patterns (malformed ones too) and texts, and over the
 * examples of the manual. Then: what it must refuse to do.
 */
#include "unit.h"

#include "policy/pattern.h"
#include "policy/pattern_lib.h"

#include <lauxlib.h>
#include <lualib.h>

static const char compare[] =
    "local rounds, seed = ...\n"
    "math.randomseed(seed)\n"
    "local text = {'a','b','a','b','c',' ','1',']','[','-','\\0','%','(',')',"
    "'^','$','.','x','\\200'}\n"
    "local items = {'a','b','.','%a','%d','%s','%w','%u','%p','%c','%x','%g',"
    "'%l','[ab]','[^a]','[a-c]','[]]','[^]]','[%a%d]','[a-]','[%-a]','[^%s]',"
    "'%b()','%bab','%b','%f[%w]','%f[a]','%f','%1','%2','%0','(',')','()',"
    "'(a*)','(.-)','(b?)','(.)','(%w+)','$','^','%','[','[^',']','[%',"
    "'[a-%d]','-','*','+','?','%%','%.','\\0','%W','%S'}\n"
    "local counts = {'','','*','+','-','?'}\n"
    "local function pick(t) return t[math.random(#t)] end\n"
    "local function make(n, f) local r = {} for i = 1, n do r[i] = f() end "
    "return table.concat(r) end\n"
    "local function pattern() return (math.random(6) == 1 and '^' or '') .. "
    "make(math.random(0, 6), function() return pick(items) .. pick(counts) "
    "end) end\n"
    "local function show(ok, ...) local r = { tostring(ok) } "
    "for i = 1, select('#', ...) do local v = select(i, ...) "
    "r[#r + 1] = math.type(v) or type(v) r[#r + 1] = tostring(v) end "
    "return table.concat(r, '|') end\n"
    "local function all(lib, ...) local r = {} "
    "for a, b, c in lib.gmatch(...) do r[#r + 1] = show(a, b, c) "
    "if #r > 100 then error('endless') end end return table.concat(r, ';') "
    "end\n"
    "local function upper(a, b) return b or a == 'a' and 'Z' end\n"
    "local ways = {\n"
    "  find = function(l, s, p, i) return l.find(s, p, i) end,\n"
    "  plain = function(l, s, p, i) return l.find(s, p, i, true) end,\n"
    "  match = function(l, s, p, i) return l.match(s, p, i) end,\n"
    "  gmatch = function(l, s, p, i) return all(l, s, p, i) end,\n"
    "  gsub = function(l, s, p, i, r) return l.gsub(s, p, r) end,\n"
    "  gsubn = function(l, s, p, i) return l.gsub(s, p, '<%0>', i) end,\n"
    "  gsubf = function(l, s, p, i) return l.gsub(s, p, upper) end,\n"
    "  gsubt = function(l, s, p) return l.gsub(s, p, {a='1',b=2,ab=false}) "
    "end }\n"
    "local texts = {'<%0>','%1','x','%%','%2','%','','%0%0'}\n"
    "for n = 1, rounds do\n"
    "  local s = make(math.random(0, 12), function() return pick(text) end)\n"
    "  local p, i, r = pattern(), math.random(-4, 6), pick(texts)\n"
    "  for name, way in pairs(ways) do\n"
    "    local want = show(pcall(way, string, s, p, i, r))\n"
    "    local got = show(pcall(way, mine, s, p, i, r))\n"
    "    if want ~= got then error(string.format('%s(%q, %q, %d, %q):\\n"
    "  Lua  %s\\n  ours %s', name, s, p, i, r, want, got)) end\n"
    "  end\n"
    "end\n";

static const char manual[] =
    "local s = mine\n"
    "local function is(want, ...) local got = table.concat({...}, ',') "
    "if got ~= want then error(want .. ' expected, got ' .. got, 2) end end\n"
    "is('hello hello world world', (s.gsub('hello world', '(%w+)', '%1 %1')))\n"
    "is('hello hello world', (s.gsub('hello world', '%w+', '%0 %0', 1)))\n"
    "is('world hello Lua from', (s.gsub('hello world from Lua', "
    "'(%w+)%s*(%w+)', '%2 %1')))\n"
    "is('home = $HOME', (s.gsub('home = $HOME', '%$(%w+)', {})))\n"
    "is('x^y', (s.gsub('x y', ' ', '^')))\n"
    "is('THE (quick) fox', s.match('x THE (quick) fox', 'THE .*'))\n"
    "is('5,11,(quick),quick', s.find('THE (quick) fox', '(%((%a+)%))'))\n"
    "is('(quick)', s.match('THE (quick) fox', '%b()'))\n"
    "is('3,5', s.match('flaaap', '()aa()'))\n"
    "is('13', (s.find('THE (quick) fox', '%f[%a]%a+%f[%A]$')))\n"
    "is('key,value', s.match('  key = value ', '^%s*(%S+)%s*=%s*(%S+)%s*$'))\n"
    "is('a,b,c', s.match('a.b.c', '^([^.]+)%.([^.]+)%.([^.]+)$'))\n"
    "is('2026,11,23', s.match('2026-11-23', '(%d+)-(%d+)-(%d+)'))\n";

static lua_State *open_state(void)
{
    lua_State *L = luaL_newstate();

    luaL_openlibs(L);
    lua_newtable(L);
    pattern_lib(L);
    lua_setglobal(L, "mine");
    return L;
}

static void run(const char *script, int rounds, int seed)
{
    lua_State *L = open_state();

    CU_ASSERT_EQUAL(luaL_loadstring(L, script), LUA_OK);
    lua_pushinteger(L, rounds);
    lua_pushinteger(L, seed);
    if (lua_pcall(L, 2, 0, 0) != LUA_OK) {
        printf("\n%s\n", lua_tostring(L, -1));
        CU_FAIL("the matchers differ");
    }
    lua_close(L);
}

static void same_as_lua(void)
{
    run(compare, 15000, 20260101);
}

static void manual_examples(void)
{
    run(manual, 0, 0);
}

/* Steps needed to find that `pattern` is not in n times 'a'. */
static ptrdiff_t try_match(struct pattern *p, const char *pattern, size_t n)
{
    static char as[200001];

    memset(as, 'a', n);
    pattern_init(p, (struct str){ as, n }, str_of(pattern));
    return pattern_match(p, 0);
}

static void is_bounded(void)
{
    struct pattern p;
    char deep[2 * PATTERN_CHOICES + 64];

    UNIT_INT(try_match(&p, ".-.-.-b", 1000), PATTERN_FAULT);
    UNIT_STR(p.fault, "pattern too costly for this text");
    UNIT_INT(try_match(&p, "a*a*a*a*b", 1000), PATTERN_FAULT);
    UNIT_INT(try_match(&p, ".*b", 200000), PATTERN_NO);
    for (size_t i = 0; i < sizeof deep - 2; i += 2)
        memcpy(deep + i, "a-", 3);
    memcpy(deep + sizeof deep - 3, "b", 2);
    UNIT_INT(try_match(&p, deep, 1000), PATTERN_FAULT);
    deep[2 * (PATTERN_CHOICES - 1)] = '\0';
    UNIT_INT(try_match(&p, deep, 1000), 0);
}

UNIT_MAIN("pattern", { "same as Lua", same_as_lua },
          { "manual examples", manual_examples }, { "is bounded", is_bounded })
