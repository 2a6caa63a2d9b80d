/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* w and window = {}, as scripts see them. */
#include "output_unit.h"

#define OUTPUT(body)                                                          \
    "return { api = 1, output = function(req, conf, w) " body " end }"

/* Run `body` over "one two" in choice 1, block 2; the text afterwards, or the
 * error, without its place. */
static const char *run(const char *body)
{
    static char got[512];
    char source[4096];
    struct output_text t;
    struct policy_window w = { .kind = WIRE_TOOL_ARGS, .choice = 1,
                               .block = 2, .final = true, .text = &t };
    struct fake f;
    const char *at;

    snprintf(source, sizeof source, OUTPUT("%s"), body);
    fake_init(&f);
    fake_policy(&f, "p", source);
    if (!fake_open(&f, NULL))
        return "not loaded";
    output_text_init(&t, OUTPUT_MAX);
    output_text_set(&t, STR("one two"));
    f.run.window = &w;
    f.run.wake = NULL;
    fake_run(&f, PHASE_OUTPUT);
    at = strstr(f.notes, "closed: ");
    if (at) {
        at += strncmp(at + 8, "p:1: ", 5) == 0 ? 13 : 8;
        snprintf(got, sizeof got, "%.*s", (int)strcspn(at, "\n"), at);
    } else {
        snprintf(got, sizeof got, STR_FMT "%s" STR_FMT,
                 STR_ARG(output_text_now(&t)),
                 f.out.verdict == POLICY_STOP ? " stop " : "",
                 STR_ARG(f.out.code));
    }
    output_text_clear(&t);
    fake_clear(&f);
    return got;
}

static void fields(void)
{
    UNIT_STR(run("assert(w.text == 'one two' and w.kind == 'tool_args' and "
                 "w.block == 2 and w.choice == 1 and w.final == true)"),
             "one two");
    UNIT_STR(run("w.text = w.text:upper()"), "ONE TWO");
    UNIT_STR(run("w.text = ''"), "");
    UNIT_STR(run("local x = w.txt"), "w.txt does not exist");
    UNIT_STR(run("w.kind = 'text'"), "w.kind cannot be changed");
    UNIT_STR(run("w.text = nil"),
             "bad argument #3 to 'newindex' (string expected, got nil)");
    UNIT_STR(run("w.text = ('x'):rep(1 << 20) w.text = w.text:rep(2)"),
             "string.rep's result, in bytes, is limited to 1048576");
}

static void replaced(void)
{
    UNIT_STR(run("assert(w:replace('o', '0') == 2)"), "0ne tw0");
    UNIT_STR(run("assert(w:replace('(%w)(%w+)', '%2%1') == 2)"), "neo wot");
    UNIT_STR(run("w:replace('%w+', function(s) return s == 'one' and 1 end)"),
             "1 two");
    UNIT_STR(run("w:replace('%w+', { two = '2' })"), "one 2");
    UNIT_STR(run("w:replace('^one', '') w:replace('two$', 'x')"), " x");
    UNIT_STR(run("w:replace('', '-')"), "-o-n-e- -t-w-o-");
    UNIT_STR(run("w:replace('o', 'oo') w:replace('oo', '0')"), "0ne tw0");
    UNIT_STR(run("assert(w:replace('z', 'y') == 0)"), "one two");
    UNIT_STR(run("w:replace('[', 'x')"), "malformed pattern (missing ']')");
    UNIT_STR(run("w:replace('o')"),
             "bad argument #2 to 'replace' (string/function/table expected, "
             "got nil)");
    UNIT_STR(run("w:replace(7, 'x')"), "one two");
    UNIT_STR(run("w:replace('o', function() w.text = 'x' end)"),
             "w.text was changed inside of its own w:replace");
    UNIT_STR(run("pcall(w.replace, w, 'o', function() error('x') end) "
                 "w:replace('one', '1')"), "1 two");
    UNIT_STR(run("w:replace('o', function() ps.sleep(1) end)"),
             "cannot wait inside a callback of gsub, sort, plan or a "
             "metamethod");
    UNIT_STR(run("w:replace(req, 'x')"), "bad argument #1 to 'replace' "
                                 "(string expected, got userdata)");
    UNIT_STR(run("assert(w:replace(ps.re('[NO]+', 'i'), '<%0>') == 2)"),
             "<on>e tw<o>");
    UNIT_STR(run("w:replace(ps.re('(t)(w)'), function(a, b) return b .. a "
                 "end)"), "one wto");
    UNIT_STR(run("w:replace(ps.re('o'), function() w.text = 'x' end)"),
             "w.text was changed inside of its own w:replace");
    UNIT_STR(run("w:replace(ps.null, 'x')"), "bad argument #1 to 'replace' "
                                    "(string expected, got userdata)");
}

/* The same as gsub, whatever the pattern begins with. */
static void replaced_as_gsub_does(void)
{
    UNIT_STR(run(
        "local texts = { '', 'a', 'one 2 three', '%d 12-3 (x) b', '  a\\0b ',"
        " 'aaabbb', 'x=1;y=22', '\\255\\128a', 'A-b-C', '((a)b)' }\n"
        "local patterns = { 'a', 'a*', 'a+', 'a-b', 'a?', '%d', '%D', '%d+', "
        "'%d*', '%a%d', '%s', '%S+', '%w+', '%W', '%l', '%u', '%x', '%p', "
        "'%P', '%%', '%-', '%.', '%(', '%b()', '%f[%w]%w', '.', '.-', '[ab]', "
        "'[^ab]', '(a)(b)', '()', '(%w)=(%w)', '^a', '^%s*', 'a$', '$', '', "
        "'%0', '\\0', 'ab', 'x-y', '=%d' }\n"
        "for _, s in ipairs(texts) do for _, p in ipairs(patterns) do\n"
        "  for _, r in ipairs { '', '<%0>', function(x) return x == 'a' and "
        "'!' end, { a = 1 } } do\n"
        "    local ok, want, n = pcall(string.gsub, s, p, r)\n"
        "    w.text = s\n"
        "    local fine, got = pcall(w.replace, w, p, r)\n"
        "    assert(ok == fine, p)\n"
        "    if ok then assert(w.text == want and got == n, p .. '|' .. s) "
        "end\n"
        "  end end end\n"
        "w.text = 'done'"), "done");
}

static void stops(void)
{
    UNIT_STR(run("return ps.stop()"), "one two stop content_filter");
    UNIT_STR(run("return ps.stop('length')"), "one two stop length");
    UNIT_STR(run("return ps.stop('tired')"),
             "ps.stop: stop, length or content_filter");
    UNIT_STR(run("local s = ps.stop() s.finish = 'x' return s"),
             "a stop without a known reason");
    UNIT_STR(run("return true"), "output returned a boolean; it may return "
                                 "nil, ps.stop() or ps.deny()");
}

static const char *phase(const char *source, enum policy_phase p)
{
    static char got[4096];
    struct err err = { 0 };
    struct fake f;

    fake_init(&f);
    fake_policy(&f, "p", source);
    if (fake_open(&f, &err)) {
        fake_run(&f, p);
        snprintf(got, sizeof got, "%s", f.notes);
    } else {
        snprintf(got, sizeof got, "%s", err.msg);
    }
    fake_clear(&f);
    return got;
}

static void elsewhere(void)
{
    UNIT_STR(phase("return { api = 1, admit = function() return ps.stop() end "
                   "}", PHASE_ADMIT),
             "p: failed closed: p:1: admit returned a ps.stop(); it may return "
             "nil, "
             "ps.deny(), ps.answer() or ps.queue()\n");
    UNIT_STR(phase("local kept return { api = 1, output = function(r, c, w) "
                   "kept = w end, admit = function() return kept.text end }",
                   PHASE_ADMIT),
             "p: failed closed: p:1: attempt to index a nil value (upvalue "
             "'kept')\n");
}

static const char *window(const char *value)
{
    char source[256];

    snprintf(source, sizeof source, "return { api = 1, window = %s, output = "
                                    "function() end }", value);
    return phase(source, PHASE_ADMIT);
}

static void windows(void)
{
    UNIT_STR(window("{}"), "");
    UNIT_STR(window("{ hold = 'all', of = { 'text', 'tool_args' } }"), "");
    UNIT_STR(window("{ hold = 0 }"), "");
    UNIT_STR(window("{ hold = -1 }"), "policy p: window.hold: \"all\", or "
                                      "characters from 0 to 4096");
    UNIT_STR(window("{ hold = 'some' }"), "policy p: window.hold: \"all\", or "
                                          "characters from 0 to 4096");
    UNIT_STR(window("{ of = {} }"), "policy p: window.of is empty");
    UNIT_STR(window("{ of = { 'txt' } }"), "policy p: window.of: \"text\", "
             "\"tool_args\" and \"thinking\" are known");
    UNIT_STR(window("{ size = 3 }"), "policy p: window has no 'size' (hold, "
                                     "of, when)");
    UNIT_STR(phase("return { api = 1, window = {}, admit = function() end }",
                   PHASE_ADMIT),
             "policy p: window is for the phase output, which is not there");
}

static void wishes(void)
{
    struct policy_output out;
    struct fake f;

    fake_init(&f);
    fake_policy(&f, "a", OUTPUT("return nil"));
    fake_policy(&f, "b", "return { api = 1, window = { hold = 200, of = { "
                         "'text' } }, output = function() end }");
    fake_policy(&f, "c", "return { api = 1, window = { hold = 'all', of = { "
                         "'thinking' } }, output = function() end }")
        ->observe = true;
    fake_policy(&f, "d", "return { api = 1, window = { hold = 1 }, output = "
                         "function() end }")->endpoints =
        (struct str[]){ STR("completions") };
    f.policies[3].n_endpoints = 1;
    CU_ASSERT_FATAL(fake_open(&f, NULL));
    CU_ASSERT(policy_output_wants(f.set, STR("chat"), &out));
    CU_ASSERT(!out.all && out.all_seen);
    UNIT_INT(out.kinds, 7);
    UNIT_INT(out.acting, 7);
    UNIT_INT(out.hold[WIRE_TEXT], 200);
    UNIT_INT(out.hold[WIRE_THINKING], OUTPUT_HOLD);
    fake_clear(&f);
}

UNIT_MAIN("api_window", { "fields", fields }, { "replaced", replaced },
          { "replaced as gsub does", replaced_as_gsub_does },
          { "stops", stops }, { "elsewhere", elsewhere },
          { "windows", windows }, { "wishes", wishes })
