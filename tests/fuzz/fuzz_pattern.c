/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A pattern, a text and a replacement, with a byte FF between them, behind
 * one byte of where to start. Captures lie in the text, steps are bounded, a
 * place that is skipped does not match, and the four functions give what
 * Lua's own give, unless ours says that it is too much.
 */
#include "policy/pattern.h"
#include "policy/pattern_lib.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_PATTERN = 256, MAX_TEXT = 2048, MAX_REPLACEMENT = 64 };
enum { FEW_STEPS = 50000 };

#define MUST(x)                                                               \
    do {                                                                      \
        if (!(x)) {                                                           \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x);           \
            abort();                                                          \
        }                                                                     \
    } while (0)

/* Returns compare(text, pattern, start, replacement), which raises where the
 * two libraries differ. */
static const char script[] =
    "local mine = ...\n"
    "local function show(ok, ...)\n"
    "  local out = table.pack(ok, ...)\n"
    "  for i = 1, out.n do\n"
    "    out[i] = (math.type(out[i]) or type(out[i])) .. tostring(out[i])\n"
    "  end\n"
    "  return table.concat(out, '|')\n"
    "end\n"
    "local function all(lib, s, p, i)\n"
    "  local out, n = {}, 0\n"
    "  for a, b, c in lib.gmatch(s, p, i) do\n"
    "    n = n + 1\n"
    "    out[n] = show(a, b, c)\n"
    "    if n == 20 then break end\n"
    "  end\n"
    "  return table.concat(out, ';')\n"
    "end\n"
    "local function f(a, b) return b or a == 'a' and 'Z' end\n"
    "local t = { a = '1', b = 2, ab = false, [1] = 'one' }\n"
    "local ways = {\n"
    "  function(l, s, p, i) return l.find(s, p, i) end,\n"
    "  function(l, s, p, i) return l.find(s, p, i, true) end,\n"
    "  function(l, s, p, i) return l.match(s, p, i) end,\n"
    "  function(l, s, p, i) return all(l, s, p, i) end,\n"
    "  function(l, s, p, i, r) return l.gsub(s, p, r, 20) end,\n"
    "  function(l, s, p, i) return l.gsub(s, p, '<%0%1>', i) end,\n"
    "  function(l, s, p) return l.gsub(s, p, f, 20) end,\n"
    "  function(l, s, p) return l.gsub(s, p, t, 20) end,\n"
    "}\n"
    "return function(s, p, i, r)\n"
    "  for n, way in ipairs(ways) do\n"
    "    local ours = show(pcall(way, mine, s, p, i, r))\n"
    "    if not ours:find('pattern too co', 1, true) then\n"
    "      local theirs = show(pcall(way, string, s, p, i, r))\n"
    "      if ours ~= theirs and not theirs:find('too complex', 1, true) then\n"
    "        error(string.format('%d(%q, %q, %d, %q):\\nLua  %s\\nours %s',\n"
    "                            n, s, p, i, r, theirs, ours))\n"
    "      end\n"
    "    end\n"
    "  end\n"
    "end\n";

static lua_State *open_state(void)
{
    lua_State *L = luaL_newstate();

    MUST(L);
    luaL_openlibs(L);
    MUST(luaL_loadstring(L, script) == LUA_OK);
    lua_newtable(L);
    pattern_lib(L);
    lua_call(L, 1, 1);
    return L; /* compare is at 1 */
}

static void compare(struct str text, struct str pattern, int at, struct str r)
{
    static lua_State *L; /* reachable at the end: no leak */

    if (!L)
        L = open_state();
    lua_pushvalue(L, 1);
    lua_pushlstring(L, text.p, text.n);
    lua_pushlstring(L, pattern.p, pattern.n);
    lua_pushinteger(L, at);
    lua_pushlstring(L, r.p, r.n);
    if (lua_pcall(L, 4, 0, 0) != LUA_OK) {
        fprintf(stderr, "%s\n", lua_tostring(L, -1));
        abort();
    }
}

static void check_match(struct pattern *p, size_t at)
{
    uint64_t most = PATTERN_STEPS + 8 * (uint64_t)p->subject.n;
    ptrdiff_t end = pattern_match(p, at);

    MUST(p->steps <= most);
    MUST((end == PATTERN_FAULT) == (p->fault != NULL));
    if (end < 0)
        return;
    MUST((size_t)end >= at && (size_t)end <= p->subject.n);
    MUST(p->level >= 0 && p->level <= PATTERN_CAPTURES);
    for (int i = 0; i < p->level; i++) {
        const struct capture *c = &p->captures[i];
        const char *s = p->subject.p;

        MUST(c->at >= s + at && c->at <= s + end);
        MUST(c->n >= CAPTURE_POSITION && c->n <= s + end - c->at);
    }
}

/* Every place that pattern_next passes by does not match. False when that
 * took more than a few steps: Lua's own would take as many, eight times. */
static bool check_skips(struct str text, struct str pattern)
{
    struct pattern p, other;
    size_t next;

    pattern_init(&p, text, pattern);
    p.steps = FEW_STEPS;
    for (size_t at = 0; at <= text.n; at = next + 1) {
        next = pattern_next(&p, at);
        MUST(next >= at && next <= text.n);
        for (; at < next; at++) {
            pattern_init(&other, text, pattern);
            MUST(pattern_match(&other, at) == PATTERN_NO);
        }
        check_match(&p, next);
        if (p.fault)
            return strstr(p.fault, "costly") == NULL;
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = { (const char *)data, size }, pattern, text;
    int at;

    if (size == 0)
        return 0;
    at = (int8_t)data[0];
    rest.p++;
    rest.n--;
    pattern = str_split(&rest, '\xFF');
    text = rest.n ? str_split(&rest, '\xFF') : rest;
    if (pattern.n > MAX_PATTERN || text.n > MAX_TEXT ||
        rest.n > MAX_REPLACEMENT)
        return 0;
    if (!text.n)
        text = STR("");
    if (!pattern.n)
        pattern = STR("");
    if (check_skips(text, pattern))
        compare(text, pattern, at, rest);
    return 0;
}
