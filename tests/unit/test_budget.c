/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Hostile and careless scripts: each is stopped within its CPU budget of
 * 50 ms (10 ms more for one tick and one call of C), takes its fail mode, and
 * leaves the state usable. CPU time is measured, not wall time.
 */
#include "policy_unit.h"

#include "net/loop.h"

#include <signal.h>

#if defined(__SANITIZE_ADDRESS__) /* single steps are longer */
#define UNIT_CPU_FACTOR 5
#else
#define UNIT_CPU_FACTOR 1
#endif

enum { CPU_MS = 60 };

#define STOPPED "CPU budget"

static const struct script {
    const char *body, *says; /* NULL: it may succeed, but in time */
} scripts[] = {
    { "while true do end", STOPPED },
    { "while true do pcall(function() while true do end end) end", STOPPED },
    { "while true do pcall(pcall, function() while true do end end) end",
      STOPPED },
    { "while true do xpcall(function() while true do end end, "
      "function() while true do end end) end", STOPPED },
    { "local function f() pcall(f) while true do end end f()", STOPPED },
    { "local function f() return pcall(f) end while true do f() end", STOPPED },
    { "repeat local ok = pcall(error) until ok", STOPPED },
    { "goto x ::x:: goto x", NULL },
    { "for i = 1, math.huge do end", STOPPED },
    { "for i in function() return 1 end do end", STOPPED },
    { "string.find(('a'):rep(40000), ('.-'):rep(40) .. 'b')", "too costly" },
    { "string.find(('a'):rep(300), '.-.-.-b')", "too costly" },
    { "string.gsub(('a'):rep(20000), '.-b', '')", "too costly" },
    /* steps or time, whichever this machine reaches first */
    { "string.match(('a'):rep(1000000), '.-.-b')", "failed closed" },
    { "for _ in string.gmatch(('a'):rep(20000), '.-b') do end", "too costly" },
    { "while true do pcall(string.find, ('a'):rep(300), '.-.-.-b') end",
      STOPPED },
    { "string.gsub(('x'):rep(1000), 'x', function() while true do end end)",
      STOPPED },
    { "string.gsub(('x'):rep(100000), 'x', function() pcall(function() while "
      "true do end end) end)", STOPPED },
    { "xpcall(function() table.sort({ 3, 2, 1 }, function() while true do end "
      "end) end, function() while true do end end)", STOPPED },
    { "table.sort({ 3, 2, 1 }, function() while true do end end)", STOPPED },
    { "local t = {} for i = 1, 20000 do t[i] = i end table.sort(t, rawequal)",
      NULL },
    { "local s, t = ('x'):rep(1000000), {} for i = 1, 20000 do t[i] = s end "
      "table.sort(t)", STOPPED },
    { "table.sort(setmetatable({}, { __len = function() return 1e9 // 1 | 0 "
      "end }), rawequal)", "__len" },
    { "local t = {} for i = 1, 20001 do t[i] = -i end table.sort(t)",
      "limited to 20000" },
    { "while true do table.sort({ 5, 4, 3, 2, 1 }) end", STOPPED },
    { "return (''):rep(300000000) and nil", NULL },
    { "return ('a'):rep(1 << 30)", "limited" },
    { "return ('a'):rep(1 << 20, ('b'):rep(1 << 20))", "limited" },
    { "while true do local s = ('a'):rep(1 << 20) end", STOPPED },
    { "return ('a'):rep((1 << 20) + 1)", "limited" },
    { "table.move({}, 1, 50000000, 2)", "limited" },
    { "table.move({}, math.mininteger, math.maxinteger, 2)", "limited" },
    { "table.concat({}, '', 1, 1 << 40)", "limited" },
    { "table.concat(setmetatable({}, { __len = function() return 1 << 40 end "
      "}))", "__len" },
    { "table.insert(setmetatable({}, { __len = function() return 1 << 40 end "
      "}), 1, 1)", "__len" },
    { "table.remove(setmetatable({}, { __len = function() return 1 << 40 end "
      "}), 1)", "__len" },
    { "local t = {} while true do table.insert(t, 1, 1) end", STOPPED },
    { "table.unpack({}, 1, 1 << 20)", "limited" },
    { "local s = ('x'):rep(1 << 20) while true do s:upper() end", STOPPED },
    { "local s = ('x'):rep(1 << 20) while true do utf8.len(s) end", STOPPED },
    { "utf8.len(('x'):rep((1 << 20) + 1))", "limited" },
    { "for _, c in utf8.codes(('x'):rep(1 << 20)) do end while true do end",
      STOPPED },
    { "local t <close> = setmetatable({}, { __close = function() while true do "
      "end end })", STOPPED },
    { "local t <close> = setmetatable({}, { __close = function() while true do "
      "end end }) while true do end", STOPPED },
    { "local t <close> = setmetatable({}, { __close = function() while true do "
      "end end }) error('x')", NULL },
    { "local t = setmetatable({}, { __index = function() while true do end end "
      "}) return t.x", STOPPED },
    { "local t = setmetatable({}, { __eq = function() while true do end end, "
      "__concat = function() while true do end end }) return t .. t", STOPPED },
    { "return tostring(setmetatable({}, { __tostring = function() while true "
      "do end end }))", STOPPED },
    { "for k in pairs(setmetatable({}, { __pairs = function() while true do "
      "end end })) do end", STOPPED },
    { "plan_does_not_exist = 1", "cannot be made" },
    { "local t = {} for i = 1, 1e9 do t[i] = {} end", NULL },
    { "local t = {} while true do pcall(function() for i = 1, 1e9 do t[#t + 1] "
      "= ('x'):rep(1000) .. i end end) end", NULL },
    { "local s = 'x' while true do s = s .. s end", "memory" },
    { "local t = {} t = setmetatable(t, { __index = t }) return t.x", NULL },
    { "return (select('#', table.unpack({}, 1, 7000)))", "returned a number" },
    { "while true do ps.sha256('x') end", STOPPED },
    { "while true do ps.note('x') end", STOPPED },
    { "while true do ps.deny('overloaded') end", STOPPED },
    { "return error(('x'):rep(100000))", NULL },
};

/* CPU milliseconds that the script took; all else is checked. */
static double run_script(const struct script *s, size_t i)
{
    struct fake f;
    char source[1024];
    double t0, spent;

    fake_init(&f);
    snprintf(source, sizeof source,
             "return { api = 1, admit = function(req, conf)\n%s\nend, "
             "request = function() return ps.deny('overloaded') end }",
             s->body);
    fake_policy(&f, "p", source);
    if (!fake_open(&f, NULL))
        return 1e9;
    t0 = cpu_ms();
    fake_run(&f, PHASE_ADMIT);
    spent = cpu_ms() - t0;
    if (s->says) {
        UNIT_INT(f.out.verdict, POLICY_FAILED);
        if (!strstr(f.notes, s->says))
            printf("\n%zu: '%s' is not in '%s'", i, s->says, f.notes);
        CU_ASSERT_PTR_NOT_NULL(strstr(f.notes, s->says));
    }
    fake_run(&f, PHASE_REQUEST);
    UNIT_INT(f.out.err_code, ERR_OVERLOADED);
    fake_clear(&f);
    return spent;
}

/* On a shared machine the host's pauses are charged to us too: a script is
 * too slow only if it was so three times. */
static void all_are_stopped(void)
{
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        double spent = 1e9;

        for (int n = 0; n < 3 && spent > CPU_MS * UNIT_CPU_FACTOR; n++)
            spent = run_script(&scripts[i], i);
        if (spent > CPU_MS * UNIT_CPU_FACTOR)
            printf("\n%zu: %.1f ms: %s", i, spent, scripts[i].body);
        CU_ASSERT(spent <= CPU_MS * UNIT_CPU_FACTOR);
    }
}

static void memory_is_capped(void)
{
    struct fake f;
    int failed = 0;

    fake_init(&f);
    fake_policy(&f, "p", "local kept = {} return { api = 1, admit = function() "
                         "for i = 1, 2000 do kept[#kept + 1] = ('x'):rep(1000) "
                         ".. #kept end end, request = function() kept = {} "
                         "end }");
    CU_ASSERT_TRUE(fake_open(&f, NULL));
    for (int i = 0; i < 10; i++) {
        fake_run(&f, PHASE_ADMIT);
        failed += f.out.verdict == POLICY_FAILED;
        CU_ASSERT(policy_set_memory(f.set) <= 8 << 20);
    }
    CU_ASSERT(failed > 0);
    for (int i = 0; i < 3; i++) { /* 50 ms may pass on a busy machine */
        fake_run(&f, PHASE_REQUEST);
        UNIT_INT(f.out.verdict, POLICY_NONE);
        fake_run(&f, PHASE_ADMIT);
        if (f.out.verdict == POLICY_NONE)
            break;
    }
    UNIT_INT(f.out.verdict, POLICY_NONE);
    fake_clear(&f);
}

/* Threads of stopped calls are collected, those of others used again. */
static void nothing_is_left_behind(void)
{
    struct fake f;
    size_t before;

    fake_init(&f);
    fake_policy(&f, "p", "return { api = 1, admit = function() error('x') end, "
                         "request = function() end }");
    CU_ASSERT_TRUE(fake_open(&f, NULL));
    for (int i = 0; i < 1000; i++)
        fake_run(&f, PHASE_REQUEST);
    before = policy_set_memory(f.set);
    for (int i = 0; i < 20000; i++) {
        fake_run(&f, i % 2 ? PHASE_REQUEST : PHASE_ADMIT);
        f.notes[0] = '\0';
        if (i % 100 == 0) {
            arena_free(f.arena);
            f.run.arena = f.arena = arena_new(1 << 20);
        }
    }
    CU_ASSERT(policy_set_memory(f.set) < before + 512 * 1024);
    fake_clear(&f);
}

/* ---- waiting -------------------------------------------------------- */

struct waiter {
    struct fake f;
    struct loop *loop;
};

static void wake_and_stop(void *req)
{
    struct fake *f = req;

    f->wakes++;
    loop_stop((struct loop *)f->run.plan); /* borrowed as a place for it */
}

static void wait_open(struct waiter *w, const char *body)
{
    static char source[1024];

    fake_init(&w->f);
    snprintf(source, sizeof source,
             "return { api = 1, admit = function(req)\n%s\nend }", body);
    fake_policy(&w->f, "p", source);
    w->loop = loop_new();
    CU_ASSERT_TRUE(fake_open(&w->f, NULL));
    policy_set_loop(w->f.set, w->loop);
    w->f.run.wake = wake_and_stop;
    w->f.run.plan = (struct plan *)w->loop;
}

static void wait_clear(struct waiter *w)
{
    fake_clear(&w->f);
    loop_free(w->loop);
}

static void sleeps_and_goes_on(void)
{
    struct waiter w;
    int turns = 0, rc;

    wait_open(&w, "pcall(ps.sleep, 5) ps.note('slept') ps.sleep(1) return "
                  "ps.deny('overloaded', req.id)");
    while ((rc = fake_run(&w.f, PHASE_ADMIT)) == POLICY_WAIT && turns++ < 10) {
        UNIT_INT(fake_run(&w.f, PHASE_ADMIT), POLICY_WAIT); /* too early */
        loop_run(w.loop);
    }
    UNIT_INT(rc, POLICY_DONE);
    UNIT_INT(w.f.wakes, 2);
    UNIT_INT(w.f.out.verdict, POLICY_DENY);
    CU_ASSERT(str_is(w.f.out.message, "r-1"));
    UNIT_STR(w.f.notes, "p: slept\n");
    wait_clear(&w);
}

static void cannot_wait_below_c(void)
{
    struct waiter w;

    wait_open(&w, "string.gsub('x', 'x', function() ps.sleep(1) end)");
    UNIT_INT(fake_run(&w.f, PHASE_ADMIT), POLICY_DONE);
    CU_ASSERT_PTR_NOT_NULL(strstr(w.f.notes, "cannot wait inside a callback"));
    wait_clear(&w);
}

static void wall_budget_ends_a_sleep(void)
{
    struct waiter w;
    int rc, turns = 0;

    wait_open(&w, "while true do pcall(ps.sleep, 1500) end");
    while ((rc = fake_run(&w.f, PHASE_ADMIT)) == POLICY_WAIT && turns++ < 10)
        loop_run(w.loop);
    UNIT_INT(rc, POLICY_DONE);
    UNIT_INT(turns, 2);
    UNIT_INT(w.f.out.verdict, POLICY_FAILED);
    CU_ASSERT_PTR_NOT_NULL(strstr(w.f.notes, "wall budget of 2 s"));
    wait_clear(&w);
}

static void cancel_forgets_a_sleep(void)
{
    struct waiter w;

    wait_open(&w, "ps.sleep(1) ps.note('too late')");
    for (int i = 0; i < 100; i++) {
        UNIT_INT(fake_run(&w.f, PHASE_ADMIT), POLICY_WAIT);
        policy_cancel(&w.f.run);
        policy_cancel(&w.f.run);
    }
    UNIT_INT(fake_run(&w.f, PHASE_ADMIT), POLICY_WAIT);
    loop_run(w.loop);
    UNIT_INT(fake_run(&w.f, PHASE_ADMIT), POLICY_DONE);
    UNIT_INT(w.f.wakes, 1);
    UNIT_STR(w.f.notes, "p: too late\n");
    wait_clear(&w);
}

static void blocked_signals_do_not_matter(void)
{
    static const struct script loop = { "while true do end", STOPPED };
    sigset_t all, old;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    CU_ASSERT(run_script(&loop, 0) < 10 * CPU_MS);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

/* The end of a set while a call waits: its timer fires for nobody. */
static void freed_while_it_waits(void)
{
    struct waiter w;
    struct loop_timer t;

    wait_open(&w, "ps.sleep(1)");
    UNIT_INT(fake_run(&w.f, PHASE_ADMIT), POLICY_WAIT);
    policy_set_free(w.f.set);
    w.f.set = NULL;
    loop_timer_init(&t, w.loop, wake_and_stop, &w.f);
    loop_timer_set(&t, 20);
    loop_run(w.loop);
    UNIT_INT(w.f.wakes, 1); /* the test's own timer */
    wait_clear(&w);
}

UNIT_MAIN("budget", { "all are stopped", all_are_stopped },
          { "blocked signals do not matter", blocked_signals_do_not_matter },
          { "memory is capped", memory_is_capped },
          { "nothing is left behind", nothing_is_left_behind },
          { "sleeps and goes on", sleeps_and_goes_on },
          { "cannot wait below C", cannot_wait_below_c },
          { "wall budget ends a sleep", wall_budget_ends_a_sleep },
          { "cancel forgets a sleep", cancel_forgets_a_sleep },
          { "freed while it waits", freed_while_it_waits })
