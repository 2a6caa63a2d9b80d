/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* req.ctx: of one request and one policy, from phase to phase, bounded. */
#include "policy_unit.h"

#include "policy/ctx.h"

static void keeps(void)
{
    fake_shows("show(req.ctx.a) req.ctx.a = 'x' show(req.ctx.a)"
               " req.ctx.a = 'longer' show(req.ctx.a) req.ctx.a = ''"
               " show(#req.ctx.a) req.ctx.a = nil show(req.ctx.a)"
               " req.ctx.a = 'y' show(req.ctx.a) req.ctx.b = nil",
               "p: nil\np: x\np: longer\np: 0\np: nil\np: y\n");
    fake_shows("req.ctx['a\\0b'] = 'c\\0d' show(#req.ctx['a\\0b'],"
               " req.ctx.a)", "p: 3 nil\n");
}

static void raises(void)
{
    fake_fails("req.ctx.n = 1", "req.ctx.n: a text is needed, not a number");
    fake_fails("req.ctx[1] = 'x'", "names are strings, not a number");
    fake_fails("return req.ctx[{}]", "names are strings, not a table");
    fake_fails("req.ctx[('x'):rep(513)] = 'x'", "limited to 512 bytes");
    fake_fails("req.ctx = {}", "req.ctx");
    fake_fails("for i = 1, 4097 do req.ctx['k' .. i] = 'v' end", "4096 texts");
    fake_fails("req.ctx.a = ('x'):rep(525000)", "512 KiB");
    fake_fails("for i = 1, 9 do req.ctx.a = ('x'):rep(1000 << i) end",
               "512 KiB");
}

/* What fits in the room of before takes none. */
static void overwriting_takes_no_room(void)
{
    fake_shows("for i = 1, 30000 do req.ctx.n = tostring(i) end"
               " show(req.ctx.n)", "p: 30000\n");
}

#define TWO                                                                   \
    "return { api = 1, request = function(req) req.ctx.x ="                   \
    " (req.ctx.x or '') .. 'r' end,"                                          \
    " validate = function(req) ps.note(req.ctx.x) req.ctx.x = 'v' error('no')"\
    " end, log = function(req) ps.note(req.ctx.x or 'nil') end }"

static void phases_and_requests(void)
{
    struct fake f;

    fake_init(&f);
    fake_policy(&f, "p", TWO);
    fake_policy(&f, "q", TWO);
    CU_ASSERT_TRUE(fake_open(&f, NULL));
    fake_run(&f, PHASE_REQUEST);
    fake_run(&f, PHASE_LOG); /* each its own */
    UNIT_STR(f.notes, "p: r\nq: r\n");
    f.notes[0] = '\0';
    fake_run(&f, PHASE_VALIDATE); /* as with kv, an error undoes nothing */
    fake_run(&f, PHASE_LOG);
    CU_ASSERT_PTR_NOT_NULL(strstr(f.notes, "p: v\nq: r\n"));
    f.notes[0] = '\0';
    f.run = (struct policy_run){ .req = &f, .view = &fake_view,
                                 .arena = f.arena, .endpoint = STR("chat"),
                                 .wake = fake_wake };
    fake_run(&f, PHASE_LOG); /* another request */
    UNIT_STR(f.notes, "p: nil\nq: nil\n");
    fake_clear(&f);
}

static void kept_for_later(void)
{
    struct fake f;

    fake_init(&f);
    fake_policy(&f, "p", "local old return { api = 1, request = function(req)"
                         " old = req.ctx end, log = function() return old.x"
                         " end }");
    CU_ASSERT_TRUE(fake_open(&f, NULL));
    fake_run(&f, PHASE_REQUEST);
    fake_run(&f, PHASE_LOG);
    CU_ASSERT_PTR_NOT_NULL(strstr(f.notes, "req.ctx is over"));
    fake_clear(&f);
}

/* Where memory is out, it says so and nothing has changed. */
static void without_memory(void)
{
    struct arena *a = arena_new(64 << 10);
    struct policy_run run = { .arena = a };
    static char big[64 << 10];

    memset(big, 'x', sizeof big);
    UNIT_INT(ctx_set(&run, &run, STR("a"), STR("b")), 0);
    UNIT_INT(ctx_set(&run, &run, STR("a"),
                     (struct str){ big, sizeof big }), -ERR_NOMEM);
    CU_ASSERT_TRUE(str_is(ctx_get(&run, &run, STR("a")), "b"));
    CU_ASSERT_PTR_NULL(ctx_get(&run, a, STR("a")).p);
    arena_free(a);
}

#define WHEN(schema, window)                                                  \
    "return { api = 1, schema = { " schema " }, window = { " window " },"     \
    " log = function() end, output = function() end }"

/* window.when: the phase is there where conf says so. */
static void output_when(void)
{
    static const struct {
        const char *source, *conf, *refused;
        bool there;
    } cases[] = {
        { WHEN("o = 'bool'", "when = 'o'"), "{\"o\":true}", NULL, true },
        { WHEN("o = 'bool'", "when = 'o'"), "{\"o\":false}", NULL, false },
        { WHEN("o = 'bool'", "when = 'o'"), "{}", NULL, false },
        { WHEN("o = 'bool'", "hold = 1"), "{}", NULL, true },
        { WHEN("o = 'string'", "when = 'o'"), "{}",
          "window.when: the schema has no o = \"bool\"", false },
        { WHEN("", "when = 'o'"), "{}", "the schema has no o", false },
        { WHEN("", "when = 1"), "{}", "the name of a key of conf", false },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err = { 0 };
        struct fake f;

        fake_init(&f);
        fake_policy(&f, "p", cases[i].source)->conf = str_of(cases[i].conf);
        CU_ASSERT_EQUAL(fake_open(&f, &err), !cases[i].refused);
        if (cases[i].refused)
            CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, cases[i].refused));
        if (f.set)
            CU_ASSERT_EQUAL(policy_set_has(f.set, PHASE_OUTPUT),
                            cases[i].there);
        fake_clear(&f);
    }
}

UNIT_MAIN("api_ctx", { "keeps", keeps }, { "raises", raises },
          { "overwriting takes no room", overwriting_takes_no_room },
          { "phases and requests", phases_and_requests },
          { "kept for later", kept_for_later },
          { "without memory", without_memory },
          { "output when", output_when })
