/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Coverage: lines that can run, lines that did; and that budgets hold. */
#include "unit.h"

#include "policy/cover.h"
#include "policy/test.h"

#include <lauxlib.h>
#include <lua.h>

static const char policy[] =
    "-- a comment\n"                                      /* 1 */
    "local M = { api = 1 }\n"                             /* 2 */
    "\n"                                                  /* 3 */
    "local function never()\n"                            /* 4 */
    "  local deep = function()\n"                         /* 5 */
    "    return 1\n"                                      /* 6 */
    "  end\n"                                             /* 7 */
    "  return deep()\n"                                   /* 8 */
    "end\n"                                               /* 9 */
    "\n"                                                  /* 10 */
    "function M.admit(req)\n"                             /* 11 */
    "  if req.stream then\n"                              /* 12 */
    "    ps.note('streams')\n"                            /* 13 */
    "  elseif req.max_tokens then\n"                      /* 14 */
    "    never()\n"                                       /* 15 */
    "  else\n"                                            /* 16 */
    "    while req.body_size == 1 do end\n"               /* 17 */
    "  end\n"                                             /* 18 */
    "end\n"                                               /* 19 */
    "return M\n";                                         /* 20 */

static void cover(struct policy_cover *c, const char *tests, unsigned passed)
{
    struct policy_test t = { .name = STR("p"), .path = STR("p.lua"),
                             .source = str_of(policy),
                             .tests = str_of(tests),
                             .tests_path = STR("p_test.lua"), .cover = c };
    struct err err = { 0 };

    UNIT_INT(policy_cover_init(c, t.source, &err), 0);
    UNIT_INT(policy_test_run(&t, &err), 0);
    UNIT_STR(err.msg, "");
    UNIT_INT(t.passed, passed);
    UNIT_INT(t.failed, 0);
}

static void missed(struct policy_cover *c, size_t want_ran, const char *want)
{
    struct buf out = BUF_INIT(1024);
    size_t ran, can = policy_cover_count(c, &ran);

    policy_cover_missed(c, &out);
    buf_putc(&out, '\0');
    UNIT_INT(can, 10); /* a local function begins at its end */
    UNIT_INT(ran, want_ran);
    UNIT_STR(buf_str(&out).p, want);
    buf_clear(&out);
    policy_cover_clear(c);
}

static void lines_that_ran(void)
{
    struct policy_cover c;

    cover(&c, "ps.test('a', { req = { stream = true } })", 1);
    missed(&c, 5, "6-8, 14-17");
    cover(&c, "ps.test('a', { calls = { { req = { stream = true } }, {} } })",
          1);
    missed(&c, 7, "6-8, 15");
    cover(&c, "ps.test('a', { req = { stream = true } })"
              "ps.test('b', { req = { max_tokens = 1 } })"
              "ps.test('c', {})", 3);
    missed(&c, 10, "");
}

/* With a line hook set, a loop is stopped all the same. */
static void budgets_hold(void)
{
    struct policy_cover c;

    cover(&c, "ps.test('a', { req = { body_size = 1 },"
              " expect = { fails = 'CPU budget of 50 ms' } })"
              "ps.test('b', { req = { stream = true } })", 2);
    missed(&c, 7, "6-8, 15");
}

static void what_does_not_compile(void)
{
    struct policy_cover c;
    struct err err = { 0 };

    UNIT_INT(policy_cover_init(&c, STR("local = 1"), &err), -ERR_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, "expected"));
    policy_cover_clear(&c);
}

/* What Lua itself says of the functions that can be reached. */
static void as_lua_says(void)
{
    struct buf text = BUF_INIT(1 << 22);
    struct policy_cover c;
    struct err err = { 0 };
    lua_State *L = luaL_newstate();
    lua_Debug ar;
    int n = 0;

    /* long jumps between lines, many constants, varargs */
    buf_puts(&text, "local t, s, f = {}, ..., 1.5\n");
    for (int i = 0; i < 400; i++) {
        buf_printf(&text, "t[%d] = '%d' .. %d.25\n", i, i, i);
        for (int k = 0; k < i % 300; k++)
            buf_putc(&text, '\n');
    }
    buf_puts(&text, "\nlocal x = goto_ or function(...) return ... end\n");
    UNIT_INT(policy_cover_init(&c, buf_str(&text), &err), 0);
    UNIT_INT(luaL_loadbufferx(L, buf_str(&text).p, buf_len(&text), "=x", "t"),
             LUA_OK);
    lua_getinfo(L, ">L", &ar);
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        lua_Integer line = lua_tointeger(L, -2);

        CU_ASSERT(line > (lua_Integer)c.n || c.lines[line] == COVER_CAN);
        n++;
    }
    CU_ASSERT(n > 300);
    lua_close(L);
    policy_cover_clear(&c);
    buf_clear(&text);
}

UNIT_MAIN("policy_cover", { "lines that ran", lines_that_ran },
          { "budgets hold", budgets_hold },
          { "what does not compile", what_does_not_compile },
          { "as Lua says", as_lua_says })
