/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* ps.kv in the engine: methods, ends by a clock of ours, observe mode. */
#include "policy_unit.h"

#include "engine/kv.h"

static uint64_t now_ms;

static uint64_t on_clock(void *ud)
{
    (void)ud;
    return now_ms;
}

static const struct policy_clock clock_of_ours = { on_clock, on_clock, NULL };

/** Run the body of validate(); its notes are the result. */
static const char *ran(struct fake *f, struct kv *kv, const char *body,
                       bool observe)
{
    static char source[8192];

    snprintf(source, sizeof source,
             "local kv = ps.kv('t')\n"
             "local function show(...)\n"
             "  local t = table.pack(...)\n"
             "  for i = 1, t.n do t[i] = tostring(t[i]) end\n"
             "  ps.note(table.concat(t, ' '))\n"
             "end\n"
             "return { api = 1, validate = function()\n%s\nend }",
             body);
    fake_init(f);
    fake_policy(f, "p", source)->observe = observe;
    if (!fake_open(f, NULL))
        return "";
    policy_set_kv(f->set, kv);
    policy_set_clock(f->set, &clock_of_ours);
    fake_run(f, PHASE_VALIDATE);
    return f->notes;
}

static void shows(struct kv *kv, const char *body, const char *want)
{
    struct fake f;

    UNIT_STR(ran(&f, kv, body, false), want);
    fake_clear(&f);
}

static void observes(struct kv *kv, const char *body, const char *want)
{
    struct fake f;

    UNIT_STR(ran(&f, kv, body, true), want);
    fake_clear(&f);
}

static struct kv *memory(void)
{
    now_ms = 1000000;
    return kv_new(1 << 20, false, NULL);
}

static void all_methods(void)
{
    struct kv *kv = memory();

    shows(kv, "show(kv:get('a')) kv:set('a', 'x') show(kv:get('a'))",
          "p: nil\np: x\n");
    shows(kv, "kv:set('a', 1.5) show(kv:get('a')) kv:set('a', 2)"
              " show(kv:get('a'), math.type(kv:get('a')))"
              " kv:set('a', false) show(kv:get('a'))",
          "p: 1.5\np: 2 integer\np: false\n");
    shows(kv, "show(kv:add('a', 1), kv:add('b', 1), kv:get('b'))",
          "p: false true 1\n");
    shows(kv, "show(kv:incr('b'), kv:incr('b', 5), kv:incr('b', -7),"
              " kv:incr('c'))",
          "p: 2 7 0 1\n");
    shows(kv, "show(kv:cas('c', 2, 3), kv:cas('c', 1, 'now'), kv:get('c'))"
              " show(kv:cas('c', 'now', nil), kv:get('c'),"
              " kv:cas('c', nil, 1))",
          "p: false true now\np: true nil true\n");
    shows(kv, "show(kv:delete('c'), kv:delete('c'), kv:get('c'))",
          "p: true false nil\n");
    shows(kv, "local other = ps.kv('u') show(other:get('b'), kv:get('b'))",
          "p: nil 0\n");
    kv_free(kv);
}

static void ends_by_the_clock(void)
{
    struct kv *kv = memory();

    shows(kv, "kv:set('a', 1, { ttl = 1.5 }) kv:set('b', 1)"
              " show(kv:ttl('a'), kv:ttl('b'), kv:ttl('c'))",
          "p: 1.5 inf nil\n");
    now_ms += 1499;
    shows(kv, "show(kv:get('a'), kv:ttl('a'))", "p: 1 0.001\n");
    now_ms += 1;
    shows(kv, "show(kv:get('a'), kv:get('b'))", "p: nil 1\n");
    shows(kv, "show(kv:incr('w', 1, { ttl = 60 }))", "p: 1\n");
    now_ms += 59999;
    shows(kv, "show(kv:incr('w', 1, { ttl = 60 }), kv:ttl('w'))",
          "p: 2 0.001\n");
    now_ms += 1;
    shows(kv, "show(kv:incr('w', 1, { ttl = 60 }))", "p: 1\n");
    shows(kv, "show(ps.mono_ms(), ps.now())", "p: 1061500 1061.5\n");
    kv_free(kv);
}

static void only_looks_when_observing(void)
{
    struct kv *kv = memory();

    shows(kv, "kv:set('n', 5) kv:set('s', 'x')", "");
    observes(kv, "kv:set('a', 1) show(kv:get('a'))",
             "p: would set kv t \"a\"\np: nil\n");
    observes(kv, "show(kv:add('n', 1), kv:add('a', 1))",
             "p: would add kv t \"a\"\np: false true\n");
    observes(kv, "show(kv:incr('n', 2), kv:incr('z'))",
             "p: would add to kv t \"n\"\np: would add to kv t \"z\"\n"
             "p: 7 1\n");
    observes(kv, "show(kv:cas('n', 4, 5), kv:cas('n', 5, 6))",
             "p: would swap kv t \"n\"\np: false true\n");
    observes(kv, "show(kv:delete('a'), kv:delete('s'))",
             "p: would delete kv t \"s\"\np: false true\n");
    shows(kv, "show(kv:get('n'), kv:get('s'), kv:get('a'), kv:get('z'))",
          "p: 5 x nil nil\n");
    kv_free(kv);
}

static void fails(struct kv *kv, const char *body, const char *part)
{
    struct fake f;
    const char *got = ran(&f, kv, body, false);

    if (!strstr(got, part))
        printf("\n%s: '%s', not '%s'", body, got, part);
    CU_ASSERT_PTR_NOT_NULL(strstr(got, part));
    UNIT_INT(f.out.verdict, POLICY_FAILED);
    fake_clear(&f);
}

static void mistakes_raise(void)
{
    struct kv *kv = memory();

    fails(kv, "kv:set('a', {})", "string, number or boolean");
    fails(kv, "kv:set('a', nil)", "nil is no value");
    fails(kv, "kv:set('a')", "value expected");
    fails(kv, "kv:set({}, 1)", "string expected");
    fails(kv, "kv:set(('k'):rep(513), 1)", "512 bytes");
    fails(kv, "kv:set('a', ('v'):rep(4097))", "4096 bytes");
    fails(kv, "kv:set('a', 1, { tll = 5 })", "ttl");
    fails(kv, "kv:set('a', 1, { ttl = 0 })", "ttl");
    fails(kv, "kv:set('a', 1, { ttl = 0/0 })", "ttl");
    fails(kv, "kv:set('a', 1, 5)", "table expected");
    fails(kv, "kv:set('a', 'x') kv:incr('a')", "no integer");
    fails(kv, "kv:set('a', math.maxinteger) kv:incr('a')", "too large");
    fails(kv, "kv:incr('a', 1.5)", "integer");
    fails(kv, "kv:cas('a', 1)", "value expected");
    fails(kv, "kv:gett('a')", "kv:gett does not exist");
    fails(kv, "kv.get = 1", "kv.get cannot be assigned");
    fails(kv, "kv.get(ps, 'a')", "kv expected");
    fails(kv, "ps.kv('')", "1 to 64");
    fails(kv, "ps.kv(('n'):rep(65))", "1 to 64");
    fails(NULL, "kv:get('a')", "no shared memory");
    kv_free(kv);
}

static void not_while_loading(void)
{
    struct err err = { 0 };
    struct fake f;

    fake_init(&f);
    fake_policy(&f, "p", "ps.kv('t'):get('a') return { api = 1 }");
    CU_ASSERT_FALSE(fake_open(&f, &err));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, "only a phase"));
    fake_clear(&f);
}

UNIT_MAIN("api_kv", { "all methods", all_methods },
          { "ends by the clock", ends_by_the_clock },
          { "only looks when observing", only_looks_when_observing },
          { "mistakes raise", mistakes_raise },
          { "not while loading", not_while_loading })
