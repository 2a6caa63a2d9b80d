/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The budgets of a call: CPU over all of its parts, memory that pcall cannot
 * hide, waiting; and what is left behind. Scripts that try to get round them
 * are in test_hostile.c.
 */
#include "policy_unit.h"

#include "net/loop.h"
#include "policy/budget.h"

#include <lauxlib.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>

enum { CPU_MS = 60 * UNIT_CPU_FACTOR };

static void open_admit(struct fake *f, const char *body)
{
    static char source[2048];

    fake_init(f);
    snprintf(source, sizeof source,
             "return { api = 1, admit = function(req)\n%s\nend, "
             "request = function() return ps.deny('overloaded') end }", body);
    fake_policy(f, "p", source);
    CU_ASSERT_TRUE_FATAL(fake_open(f, NULL));
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

/* What one call keeps in vain is no reason to fail the next: a heap full of
 * garbage is collected before a call, and buffers collect before they fail. */
static void garbage_is_not_held_against_the_next(void)
{
    struct fake f;
    int failed = 0;

    open_admit(&f, "local keep = {} for i = 1, 28 do keep[i] = "
                   "('k'):rep(100000 + i) end local s = ('x'):rep(500000) "
                   "for i = 1, 12 do s = s:upper() s = s:lower() "
                   "s = table.concat({ (s:gsub('^x', 'X')), 'x' }) end");
    for (int i = 0; i < 20; i++) {
        fake_run(&f, PHASE_ADMIT);
        failed += strstr(f.notes, "memory") != NULL;
        f.notes[0] = '\0';
    }
    UNIT_INT(failed, 0);
    fake_clear(&f);
}

static void pcall_hides_no_memory_error(void)
{
    struct fake f;

    open_admit(&f, "pcall(function() local s = 'x' while true do s = s .. s "
                   "end end) ps.note('went on')");
    fake_run(&f, PHASE_ADMIT);
    UNIT_INT(f.out.verdict, POLICY_FAILED);
    UNIT_STR(f.notes, "p: failed closed: memory budget of 8 MiB used up\n");
    fake_run(&f, PHASE_REQUEST);
    UNIT_INT(f.out.err_code, ERR_OVERLOADED);
    fake_clear(&f);
}

/* While a file is loaded nothing can be left: the hook only raises. */
static void a_file_has_budgets_too(void)
{
    static const struct { const char *source, *says; } rows[] = {
        { "while true do end", "CPU budget" },
        { "while true do pcall(function() while true do end end) end",
          "CPU budget" },
        { "while true do xpcall(error, function() while true do end end) end",
          "CPU budget" },
        { "local t <close> = setmetatable({}, { __close = function() "
          "while true do end end }) while true do end", "CPU budget" },
        { "while true do load('while true do end')() end", "CPU budget" },
        { "pcall(function() local s = 'x' while true do s = s .. s end end) "
          "return { api = 1 }", "memory budget" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct err err = { 0 };
        struct fake f;
        double t0 = cpu_ms();

        fake_init(&f);
        fake_policy(&f, "p", rows[i].source);
        CU_ASSERT_FALSE(fake_open(&f, &err));
        UNIT_INT(err.code, ERR_CONFIG);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, rows[i].says));
        CU_ASSERT(cpu_ms() - t0 < 550 * UNIT_CPU_FACTOR);
        fake_clear(&f);
    }
}

/* A policy costs nothing in phases that it has not. */
static void other_phases_are_free(void)
{
    struct fake f;
    size_t before;

    open_admit(&f, "");
    CU_ASSERT_FALSE(policy_set_has(f.set, PHASE_VALIDATE));
    CU_ASSERT_FALSE(policy_set_has(f.set, PHASE_LOG));
    before = policy_set_memory(f.set);
    for (int i = 0; i < 1000; i++)
        UNIT_INT(fake_run(&f, PHASE_VALIDATE), POLICY_DONE);
    UNIT_INT(policy_set_memory(f.set), before); /* no coroutine, nothing */
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
    sigset_t all, old;
    struct fake f;
    double t0;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    open_admit(&f, "while true do end");
    t0 = cpu_ms();
    fake_run(&f, PHASE_ADMIT);
    CU_ASSERT(cpu_ms() - t0 < 10 * CPU_MS);
    CU_ASSERT_PTR_NOT_NULL(strstr(f.notes, "CPU budget"));
    fake_clear(&f);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

/* The parts of a call are short; together they use its budget up. */
static void waiting_renews_nothing(void)
{
    struct waiter w;
    int rc, turns = 0;
    double t0;

    wait_open(&w, "while true do for i = 1, 100000 do end "
                  "pcall(ps.sleep, 0) end");
    t0 = cpu_ms();
    while ((rc = fake_run(&w.f, PHASE_ADMIT)) == POLICY_WAIT && turns++ < 3000)
        loop_run(w.loop);
    UNIT_INT(rc, POLICY_DONE);
    UNIT_INT(w.f.out.verdict, POLICY_FAILED);
    CU_ASSERT_PTR_NOT_NULL(strstr(w.f.notes, "CPU budget"));
    CU_ASSERT(turns > 5);
    printf("\n%d waits, %.0f ms of CPU", turns, cpu_ms() - t0);
    CU_ASSERT(cpu_ms() - t0 < 4 * CPU_MS); /* the loop's own work counts in */
    wait_clear(&w);
}

/* Each call has a budget of its own. */
static void the_next_call_has_its_own(void)
{
    struct fake f;

    open_admit(&f, "local t = os.clock() while os.clock() < t + 0.02 do end");
    for (int i = 0; i < 10; i++) {
        fake_run(&f, PHASE_ADMIT);
        UNIT_INT(f.out.verdict, POLICY_NONE);
    }
    UNIT_STR(f.notes, "");
    fake_clear(&f);
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

static void burn(uint64_t ms)
{
    struct timespec ts;
    uint64_t end = 0, now;

    do {
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
        now = (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
        end = end ? end : now + ms;
    } while (now < end);
}

/* the kernel looks at CPU timers when it comes to it */
static void a_late_tick_is_not_the_scripts(void)
{
    lua_State *L = luaL_newstate();
    sigset_t prof, before;
    struct budget b;

    CU_ASSERT_PTR_NOT_NULL_FATAL(L);
    UNIT_INT(budget_timer_start(), 0);
    budget_init(&b, L, 50);
    sigemptyset(&prof);
    sigaddset(&prof, SIGPROF);
    pthread_sigmask(SIG_BLOCK, &prof, &before);
    burn(80);
    budget_enter(&b);
    pthread_sigmask(SIG_UNBLOCK, &prof, NULL); /* it comes now */
    CU_ASSERT_FALSE(budget_expired());
    burn(80);
    CU_ASSERT_TRUE(budget_expired());
    budget_leave(&b);
    budget_timer_stop();
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    lua_close(L);
}

UNIT_MAIN("budget",
          { "blocked signals do not matter", blocked_signals_do_not_matter },
          { "a late tick is not the script's",
            a_late_tick_is_not_the_scripts },
          { "waiting renews nothing", waiting_renews_nothing },
          { "the next call has its own", the_next_call_has_its_own },
          { "memory is capped", memory_is_capped },
          { "garbage is not held against the next",
            garbage_is_not_held_against_the_next },
          { "pcall hides no memory error", pcall_hides_no_memory_error },
          { "a file has budgets too", a_file_has_budgets_too },
          { "other phases are free", other_phases_are_free },
          { "nothing is left behind", nothing_is_left_behind },
          { "sleeps and goes on", sleeps_and_goes_on },
          { "cannot wait below C", cannot_wait_below_c },
          { "wall budget ends a sleep", wall_budget_ends_a_sleep },
          { "cancel forgets a sleep", cancel_forgets_a_sleep },
          { "freed while it waits", freed_while_it_waits })
