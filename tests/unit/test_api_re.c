/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* ps.re in the engine: methods, hostile bytes, hostile patterns. */
#include "policy_unit.h"

#include "policy/state.h"

static const struct {
    const char *say, *want;
} cases[] = {
    { "ps.re('b+'):find('abbc')", "2 3" },
    { "ps.re('(b)(x)?(c)'):find('abc')", "2 3 b nil c" },
    { "ps.re('b'):find('abab', 3)", "4 4" },
    { "ps.re('b'):find('abab', -1)", "4 4" },
    { "ps.re('b'):find('abab', -99)", "2 2" },
    { "ps.re(''):find('ab', 3)", "3 2" },
    { "ps.re(''):find('ab', 4)", "nil" },
    { "ps.re('^b'):find('ab', 2)", "nil" },
    { "ps.re('(?<=a)b'):find('ab', 2)", "2 2" },
    { "ps.re('x'):find('ab')", "nil" },
    { "ps.re('a.'):match('xab')", "ab" },
    { "ps.re('(a)(.)'):match('xab')", "a b" },
    { "ps.re('x'):match('ab')", "nil" },
    { "ps.re('A', 'i'):test('xa')", "true" },
    { "ps.re('\\xc3\\x84', 'i'):test('\\xc3\\xa4')", "true" },
    { "ps.re('A'):test('xa')", "false" },
    { "ps.re('a.b', 's'):test('a\\nb'), ps.re('a.b'):test('a\\nb')",
      "true false" },
    { "ps.re('^b', 'm'):find('a\\nb')", "3 3" },
    { "ps.re('a b # c', 'x'):test('ab')", "true" },
    { "ps.re('^.$'):test('\\xc3\\xa4'), ps.re('^.$', 'b'):test('\\xc3\\xa4')",
      "true false" },
    { "ps.re('a\\0b'):find('xa\\0b')", "2 4" },
    { "(ps.re('b'):gsub('abab', 'X'))", "aXaX" },
    { "ps.re('b'):gsub('abab', 'X', 1)", "aXab 1" },
    { "ps.re('b'):gsub('abab', 'X', 0)", "abab 0" },
    { "ps.re('(a)(b)?'):gsub('aab', '%2-%1-%0-%%')", "-a-a-%b-a-ab-% 2" },
    { "ps.re('a'):gsub('ba', '[%1]')", "b[a] 1" },
    { "ps.re('[ab]'):gsub('abc', { a = 1, b = false })", "1bc 2" },
    { "ps.re('\\\\w'):gsub('ab', function(c) return c:upper() end)", "AB 2" },
    { "ps.re('(\\\\w)(=)?'):gsub('a=b', function(c, e) return e and c end)",
      "ab 2" },
    { "ps.re('x*'):gsub('abc', '-')", "-a-b-c- 4" },
    { "ps.re('b*'):gsub('abc', '-')", "-a-c- 3" },
    { "ps.re(''):gsub('\\xc3\\xa4', '-')", "-\xc3\xa4- 2" },
    { "ps.re('$'):gsub('a', '.')", "a. 1" },
    { "ps.re('a'):gsub('a', 5)", "5 1" },
    { "ps.re('a') == ps.re('a'), ps.re('a') == ps.re('a', 'i')",
      "true false" },
};

static void as_strings_have_it(void)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char body[512], want[128];

        snprintf(body, sizeof body, "show(%s)", cases[i].say);
        snprintf(want, sizeof want, "p: %s\n", cases[i].want);
        fake_shows(body, want);
    }
}

static void walks_and_groups(void)
{
    fake_shows("local t = {} for w in ps.re('\\\\w+'):gmatch('a bc, d') do"
          " t[#t + 1] = w end show(table.concat(t, '|'))", "p: a|bc|d\n");
    fake_shows("local t, re = {}, ps.re('(\\\\w)=(\\\\w)?')"
               " for k, v in re:gmatch('a=1 b=') do"
               " t[#t + 1] = k .. tostring(v) end"
               " show(table.concat(t, '|'))",
               "p: a1|bnil\n");
    fake_shows("local n = 0 for _ in ps.re('x*'):gmatch('axb') do n = n + 1 end"
          " show(n)", "p: 3\n");
    fake_shows("local it = ps.re('a'):gmatch('a') it() show(it(), it())",
          "p: nil nil\n");
    fake_shows("local g = ps.re('(?<year>\\\\d+)-(?<m>\\\\d+)(x)?'):groups('on "
          "2027-03') show(g[0], g[1], g.year, g.m, g[3], g.none)",
          "p: 2027-03 2027 2027 03 nil nil\n");
    fake_shows("show(ps.re('x'):groups('a'))", "p: nil\n");
    /* a match within a replacement of another */
    fake_shows("local re = ps.re('(\\\\w+)') show(re:gsub('ab cd', function(w)"
          " return (ps.re('\\\\w'):gsub(w, '%0%0')) .. re:match('z') end))",
          "p: aabbz ccddz 2\n");
}

/* Bytes that are no UTF-8: one character each, and kept. */
static void takes_any_bytes(void)
{
    fake_shows("local s = 'a\\xffb\\xc3' show(#s, ps.re('^.{4}$'):test(s),"
          " ps.re('a.b'):find(s))", "p: 4 true 1 3\n");
    fake_shows("local s = ps.re('b'):gsub('\\xff\\xe2\\x82b\\xc3\\xa4', 'x')"
          " show(s == '\\xff\\xe2\\x82x\\xc3\\xa4')", "p: true\n");
    fake_shows("show(ps.re('secret'):test('\\xed\\xa0\\x80 secret \\xf5'))",
          "p: true\n");
    fake_shows("local n, s = 0, '\\xc3\\xa4\\xa4\\xff'"
               " for c in ps.re('.'):gmatch(s) do n = n + 1 end show(n)",
               "p: 3\n");
    /* init within a character: from the next one */
    fake_shows("show(ps.re('.'):find('\\xe2\\x82\\xacx', 2))", "p: 4 4\n");
    fake_shows("show(ps.re('[^a]', 'b'):find('a\\xff'))", "p: 2 2\n");
}

static void random_bytes_do_no_harm(void)
{
    fake_shows("local pats = { '\\\\b\\\\w+\\\\b', '(?i)[\xc3\xa4-\xc3\xbc]+',"
          " '(?<=.).', '\\\\X', '(.)\\\\1', '[^x]*$', '\\\\p{L}+' }\n"
          "local seed, bad = 1, 0\n"
          "for i = 1, 400 do\n"
          "  local t = {}\n"
          "  for k = 1, i % 23 do\n"
          "    seed = (seed * 1103515245 + 12345) % 2147483648\n"
          "    t[k] = string.char(seed // 65536 % 256)\n"
          "  end\n"
          "  local s = table.concat(t)\n"
          "  for _, p in ipairs(pats) do\n"
          "    local back = ps.re(p):gsub(s, '%0')\n"
          "    if back ~= s then bad = bad + 1 end\n"
          "  end\n"
          "end show(bad)", "p: 0\n");
}

/* ---- what must fail --------------------------------------------------- */

static void mistakes_raise(void)
{
    fake_fails("ps.re('a(b')", "closing parenthesis (at byte 4");
    fake_fails("ps.re('a', 'q')", "imsxb");
    fake_fails("ps.re('\\\\C')", "\\C");
    fake_fails("ps.re('(*UTF)a', 'b')", "at byte");
    fake_fails("ps.re(('(a)'):rep(33))", "at most 32 captures");
    fake_fails("ps.re(('a'):rep(70000))", "at byte");
    fake_fails("ps.re(('('):rep(200) .. (')'):rep(200))", "at byte");
    fake_fails("ps.re('a'):gsub('a', '%2')", "number of a capture");
    fake_fails("ps.re('a'):gsub('a', '%')", "number of a capture");
    fake_fails("ps.re('a'):gsub('a', function() return {} end)",
               "no replacement");
    fake_fails("ps.re('a'):gsub('a', true)", "string/function/table");
    fake_fails("ps.re('a'):find()", "string expected");
    fake_fails("ps.re('a').find('a', 'b')", "re expected");
    fake_fails("ps.re('a'):nope('a')", "re:nope does not exist");
    fake_fails("ps.re({})", "string expected");
    fake_fails("ps.re('a'):gsub('a', function() ps.sleep(1) end)",
               "cannot wait");
}

static void refused_while_loading(void)
{
    struct err err = { 0 };
    struct fake f;

    fake_init(&f);
    fake_policy(&f, "p", "local a = ps.re('ok')\nlocal b = ps.re('[z-a]')\n"
                         "return { api = 1 }");
    CU_ASSERT_FALSE(fake_open(&f, &err));
    UNIT_STR(err.at, "p:2");
    CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, "range out of order"));
    fake_clear(&f);
}

#define A_MILLION "local s = ('a'):rep(1048575) .. 'b' "

/* Each stops within the budget, whatever a pcall makes of it; the next call
 * finds a state in order. */
static const char *const catastrophes[] = {
    A_MILLION "ps.re('(a+)+$'):find(s)",
    A_MILLION "pcall(function() ps.re('(a+)+$'):find(s) end)"
              " while true do end",
    A_MILLION "while true do pcall(function() ps.re('(a+)+$'):find(s) end)"
              " end",
    A_MILLION "ps.re('a+$'):find(s)",
    A_MILLION "ps.re('(?:a*+c|a*+d|a*+e)b\\\\b.'):find(s)",
    A_MILLION "ps.re('^(a?){50}a{50}$'):find(s)",
    A_MILLION "ps.re('(a|a)*$'):find(s)",
    A_MILLION "ps.re('(?:a|b)*+c|(?:(?=(a+))a)+$'):find(s)",
    A_MILLION "ps.re('\\\\w+\\\\s'):gsub(s, '')",
    A_MILLION "while true do ps.re('a'):gsub(s, '%0') end",
    A_MILLION "for _ in ps.re('a'):gmatch(s) do ps.re('a+$'):test(s) end",
    A_MILLION "for i = 1, 1e9 do ps.re('x' .. i) end",
    A_MILLION "ps.re('.*?.*?.*?(?!b)(?!a)\\\\w'):find(s)",
    "local t = {} for i = 1, 1e9 do t[i] = ps.re(('(?:a{500}){400}b'):rep(9)"
    " .. i) end",
    "local s = ('\\xff'):rep(1 << 20) s = s .. s .. s while true do"
    " ps.re('a'):test(s) end",
    "ps.re('(?:a{0,1000}){0,1000}z'):find(('a'):rep(1000) .. 'zb')"
    " while true do end",
};

static void catastrophes_stop(void)
{
    for (size_t i = 0; i < sizeof catastrophes / sizeof *catastrophes; i++) {
        double t0 = cpu_ms(), spent;
        struct fake f;

        fake_init(&f);
        fake_ran(&f, catastrophes[i]);
        spent = cpu_ms() - t0;
        UNIT_INT(f.out.verdict, POLICY_FAILED);
        if (spent > 80 * UNIT_CPU_FACTOR || f.out.verdict != POLICY_FAILED)
            printf("\n%zu: %.1f ms, %s", i, spent, f.notes);
        CU_ASSERT_TRUE(spent < 80 * UNIT_CPU_FACTOR); /* loading included */
        CU_ASSERT_TRUE(policy_set_memory(f.set) <= POLICY_MEMORY);
        fake_clear(&f);
    }
}

/* The reason is the budget, or the pattern, and a pcall may take the second. */
static void says_why_it_gave_up(void)
{
    fake_fails("ps.re('^(?:a|b)*$'):find(('ab'):rep(100000))",
          "needs too much memory");
    fake_shows("show(pcall(function() return ps.re('^(?:a|b)*$'):find(("
          "'ab'):rep(100000)) end))",
          "p: false p:7: ps.re: the pattern needs too much memory on this "
          "text\n");
    /* a short text: the tries are used up long before the budget is */
    fake_fails("ps.re('(a+)+$'):find(('a'):rep(24) .. 'b')", "tries too much");
    fake_fails(A_MILLION "ps.re('a+$'):find(s)", "CPU budget");
}

/* A pattern's memory is the policy's, and is given back. */
static void memory_is_counted(void)
{
    struct fake f;
    size_t before, with;

    fake_init(&f);
    fake_ran(&f, "local kept = {} return nil");
    before = policy_set_memory(f.set);
    fake_clear(&f);
    fake_init(&f);
    fake_ran(&f, "ps.re(('abc|'):rep(5000))");
    with = policy_set_memory(f.set);
    CU_ASSERT_TRUE(with > before + 20000);
    fake_clear(&f);
    /* more than fits, in time: what nobody uses is given back */
    fake_init(&f);
    fake_ran(&f, "for i = 1, 250 do\n"
            "  local n = ps.mono_ms() .. ps.uuid()\n"
            "  ps.re(n .. ('abc|'):rep(50))\n"
            "end");
    for (int i = 0; i < 20; i++)
        fake_run(&f, PHASE_REQUEST);
    UNIT_STR(f.notes, "");
    CU_ASSERT_TRUE(policy_set_memory(f.set) <= POLICY_MEMORY);
    fake_clear(&f);
}

UNIT_MAIN("api_re", { "as strings have it", as_strings_have_it },
          { "walks and groups", walks_and_groups },
          { "takes any bytes", takes_any_bytes },
          { "random bytes do no harm", random_bytes_do_no_harm },
          { "mistakes raise", mistakes_raise },
          { "refused while loading", refused_while_loading },
          { "catastrophes stop", catastrophes_stop },
          { "says why it gave up", says_why_it_gave_up },
          { "memory is counted", memory_is_counted })
