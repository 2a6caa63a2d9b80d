/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Hashes, hexadecimal and base64 as scripts see them. */
#include "policy_unit.h"

static void hashes(void)
{
    fake_shows("show(ps.sha256('abc'))",
               "p: ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20"
               "015ad\n");
    fake_shows("show(ps.hmac('Jefe', 'what do ya want for nothing?'))",
               "p: 5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964e"
               "c3843\n");
    fake_shows("show(ps.hmac('', '') == ps.hmac('a', ''))", "p: false\n");
    fake_shows("show(ps.ct_equal('ab', 'ab'), ps.ct_equal('ab', 'ac'),"
               " ps.ct_equal('a', 'ab'), ps.ct_equal('', ''))",
               "p: true false false true\n");
    fake_fails("ps.hmac('key')", "string expected");
    fake_fails("ps.sha256({})", "string expected");
}

static void hexadecimal(void)
{
    fake_shows("show(ps.hex.encode('\\0a\\xff'), ps.hex.encode(''))",
               "p: 0061ff \n");
    fake_shows("show(ps.hex.decode('6162'), ps.hex.decode(''))", "p: ab \n");
    fake_shows("show(ps.hex.decode('6'))", "p: nil no hexadecimal digits\n");
    fake_shows("show(ps.hex.decode('6g'))", "p: nil no hexadecimal digits\n");
    fake_shows("local s = ('\\xfe'):rep(5000)"
               " show(ps.hex.decode(ps.hex.encode(s)) == s)", "p: true\n");
}

static void base64(void)
{
    fake_shows("show(ps.b64.encode('\\xfb\\xff'), ps.b64.url_encode("
               "'\\xfb\\xff'))", "p: +/8= -_8\n");
    fake_shows("show(ps.b64.decode('+/8=') == '\\xfb\\xff',"
               " ps.b64.url_decode('-_8') == '\\xfb\\xff')", "p: true true\n");
    fake_shows("show(ps.b64.decode('-_8'))", "p: nil no base64\n");
    fake_shows("show(ps.b64.url_decode('a b'))", "p: nil no base64\n");
    fake_shows("for _, n in ipairs { 0, 1, 2, 3, 1000, 1001 } do"
               " local s = ('\\xfe'):rep(n)"
               " assert(ps.b64.decode(ps.b64.encode(s)) == s)"
               " assert(ps.b64.url_decode(ps.b64.url_encode(s)) == s) end", "");
    fake_fails("ps.b64.encoode('x')", "ps.b64.encoode does not exist");
    fake_fails("ps.b64.encode = 1", "cannot be changed");
}

static void notes_are_bounded(void)
{
    struct fake f;
    int lines = 0;

    fake_init(&f);
    fake_ran(&f, "for i = 1, 100 do ps.note(i) ps.log('x') end");
    for (const char *at = f.notes; (at = strchr(at, '\n')); at++)
        lines++;
    UNIT_INT(lines, 16); /* 32 of notes and log lines together */
    fake_clear(&f);
    fake_init(&f);
    fake_ran(&f, "ps.note(('\xc3\xa4'):rep(1000)) ps.note('')"
                 " ps.note('a' .. ('\xc3\xa4'):rep(1000))");
    UNIT_INT(strlen(f.notes), 3 + 512 + 1 + 3 + 1 + 3 + 511 + 1);
    CU_ASSERT_TRUE(str_utf8_valid(str_of(f.notes)));
    fake_clear(&f);
}

static void random_names(void)
{
    fake_shows("local a, b = ps.uuid(), ps.uuid() show(#a, a ~= b,"
               " a:find('^%x+-%x+-4%x+-[89ab]%x+-%x+$'))",
               "p: 36 true 1 36\n");
}

UNIT_MAIN("api_text", { "hashes", hashes }, { "hexadecimal", hexadecimal },
          { "base64", base64 }, { "notes are bounded", notes_are_bounded },
          { "random names", random_names })
