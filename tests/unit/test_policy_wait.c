/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Calls that wait for something outside: it comes, comes late, never comes, or
 * comes to a call that was cancelled; what a thousand of them cost.
 */
#include "policy_unit.h"

#include "net/loop.h"
#include "policy/outside.h"
#include "policy/state.h"

#include <malloc.h>

enum { PENDING = 4096 };

/* An outside that answers when the test says so. */
struct later {
    struct policy_env *env;
    uint64_t wait[PENDING]; /* by number - 1 */
    bool cancelled[PENDING];
    size_t n, cancels, freed;
};

static uint64_t later_begin(struct later *l, uint64_t wait)
{
    CU_ASSERT_FATAL(l->n < PENDING);
    l->wait[l->n++] = wait;
    return l->n;
}

static uint64_t later_http(void *ud, uint64_t wait,
                           const struct outside_http *q, struct outcome **now)
{
    (void)q;
    (void)now;
    return later_begin(ud, wait);
}

static uint64_t later_redis(void *ud, uint64_t wait,
                            const struct outside_redis *q,
                            struct outcome **now)
{
    (void)q;
    (void)now;
    return later_begin(ud, wait);
}

static void later_cancel(void *ud, uint64_t number)
{
    struct later *l = ud;

    CU_ASSERT_FALSE(l->cancelled[number - 1]);
    l->cancelled[number - 1] = true;
    l->cancels++;
}

static void later_free(void *ud)
{
    ((struct later *)ud)->freed++;
}

struct waiter {
    struct fake f;
    struct loop *loop;
    struct later later;
    struct conf_redis redis;
    struct conf_service service;
};

static struct loop *running; /* stopped by each wake */

static void wake_and_stop(void *req)
{
    ((struct fake *)req)->wakes++;
    loop_stop(running);
}

static void wait_open(struct waiter *w, const char *body)
{
    static char source[2048];
    struct outside o = { .http = later_http, .redis = later_redis,
                         .cancel = later_cancel, .free = later_free,
                         .ud = &w->later };

    memset(w, 0, sizeof *w);
    fake_init(&w->f);
    snprintf(source, sizeof source,
             "local r = ps.redis('main') local s = ps.http('authz')\n"
             "return { api = 1, admit = function(req)\n%s\nend }", body);
    fake_policy(&w->f, "p", source);
    w->redis = (struct conf_redis){ .name = STR("main") };
    w->service = (struct conf_service){ .name = STR("authz"),
                                        .timeout_ms = 1000 };
    w->f.config.redis = &w->redis;
    w->f.config.services = &w->service;
    w->f.config.n_redis = w->f.config.n_services = 1;
    w->loop = running = loop_new();
    CU_ASSERT_TRUE_FATAL(fake_open(&w->f, NULL));
    policy_set_loop(w->f.set, w->loop);
    policy_set_outside(w->f.set, &o);
    w->later.env = policy_set_env(w->f.set);
    w->f.run.wake = wake_and_stop;
}

static void wait_clear(struct waiter *w)
{
    size_t left = 0;

    fake_clear(&w->f);
    for (size_t i = 0; i < w->later.n; i++)
        left += w->later.wait[i] != 0 && !w->later.cancelled[i];
    UNIT_INT(left, 0); /* all were answered or cancelled */
    UNIT_INT(w->later.freed, 1);
    loop_free(w->loop);
}

static void answer(struct waiter *w, size_t i, struct outcome *o)
{
    uint64_t wait = w->later.wait[i];

    w->later.wait[i] = 0;
    policy_wake(w->later.env, wait, o);
}

static struct outcome *text(const char *z)
{
    struct resp *r = resp_new();

    resp_set_text(r, RESP_STRING, str_of(z));
    return outcome_redis(r);
}

/* ---- it comes --------------------------------------------------------- */

static void goes_on_with_what_came(void)
{
    struct waiter w;

    wait_open(&w, "local a = r:get('a') local b = s:get('/b')\n"
                  "ps.note(a .. b.status) return ps.deny('overloaded', a)");
    UNIT_INT(fake_run(&w.f, PHASE_ADMIT), POLICY_WAIT);
    UNIT_INT(fake_run(&w.f, PHASE_ADMIT), POLICY_WAIT); /* too early */
    answer(&w, 0, text("one"));
    UNIT_INT(w.f.wakes, 1);
    UNIT_INT(fake_run(&w.f, PHASE_ADMIT), POLICY_WAIT);
    answer(&w, 1, outcome_http(204, NULL, 0, STR_NULL));
    UNIT_INT(fake_run(&w.f, PHASE_ADMIT), POLICY_DONE);
    UNIT_INT(w.f.out.verdict, POLICY_DENY);
    UNIT_STR(w.f.notes, "p: one204\n");
    UNIT_INT(w.later.cancels, 0);
    wait_clear(&w);
}

/* Within pcall, and in a function of its own. */
static void waits_anywhere_in_lua(void)
{
    struct waiter w;

    wait_open(&w, "local function f() return (r:get('a')) end\n"
                  "local ok, v = pcall(f) ps.note(tostring(ok) .. v)");
    UNIT_INT(fake_run(&w.f, PHASE_ADMIT), POLICY_WAIT);
    answer(&w, 0, text("x"));
    UNIT_INT(fake_run(&w.f, PHASE_ADMIT), POLICY_DONE);
    UNIT_STR(w.f.notes, "p: truex\n");
    wait_clear(&w);
}

static void no_memory_for_it(void)
{
    struct waiter w;

    wait_open(&w, "r:get('a')");
    UNIT_INT(fake_run(&w.f, PHASE_ADMIT), POLICY_WAIT);
    answer(&w, 0, NULL);
    UNIT_INT(fake_run(&w.f, PHASE_ADMIT), POLICY_DONE);
    UNIT_INT(w.f.out.verdict, POLICY_FAILED);
    CU_ASSERT_PTR_NOT_NULL(strstr(w.f.notes, "not enough memory"));
    wait_clear(&w);
}

/* ---- nobody is there any more ----------------------------------------- */

static void a_late_reply_finds_nothing(void)
{
    struct waiter w;
    uint64_t old;

    wait_open(&w, "ps.note(r:get('a'))");
    UNIT_INT(fake_run(&w.f, PHASE_ADMIT), POLICY_WAIT);
    old = w.later.wait[0];
    policy_cancel(&w.f.run);
    policy_cancel(&w.f.run);
    UNIT_INT(w.later.cancels, 1);
    policy_wake(w.later.env, old, text("late"));
    UNIT_INT(w.f.wakes, 0);
    /* the same call from the pool waits for something else now */
    UNIT_INT(fake_run(&w.f, PHASE_ADMIT), POLICY_WAIT);
    policy_wake(w.later.env, old, text("late"));
    UNIT_INT(w.f.wakes, 0);
    answer(&w, 1, text("new"));
    policy_wake(w.later.env, old, text("late"));
    UNIT_INT(fake_run(&w.f, PHASE_ADMIT), POLICY_DONE);
    UNIT_STR(w.f.notes, "p: new\n");
    policy_wake(w.later.env, 0, text("none"));
    policy_wake(w.later.env, UINT64_MAX, text("none"));
    wait_clear(&w);
}

/* Woken, but the request is cancelled before it runs on. */
static void cancelled_between(void)
{
    struct waiter w;

    wait_open(&w, "ps.note(r:get('a'))");
    UNIT_INT(fake_run(&w.f, PHASE_ADMIT), POLICY_WAIT);
    answer(&w, 0, text("x"));
    policy_cancel(&w.f.run);
    UNIT_INT(w.later.cancels, 0);
    UNIT_STR(w.f.notes, "");
    wait_clear(&w);
}

static void the_set_ends_first(void)
{
    struct waiter w;

    wait_open(&w, "r:get('a')");
    UNIT_INT(fake_run(&w.f, PHASE_ADMIT), POLICY_WAIT);
    wait_clear(&w);
    UNIT_INT(w.later.cancels, 1);
}

static void request_over(void *req)
{
    struct fake *f = req;

    f->wakes++;
    policy_cancel(&f->run);
    policy_set_free(f->set);
    f->set = NULL;
}

/* The request ends when it is woken, and its generation with it. */
static void the_set_ends_within(void)
{
    struct waiter w;

    wait_open(&w, "r:get('a')");
    UNIT_INT(fake_run(&w.f, PHASE_ADMIT), POLICY_WAIT);
    w.f.run.wake = request_over;
    answer(&w, 0, text("x"));
    UNIT_INT(w.f.wakes, 1);
    wait_clear(&w);
}

/* ---- it takes too long ------------------------------------------------ */

/* The wall budget holds over all waits of a call, of whatever kind. */
static void wall_budget_ends_any_wait(void)
{
    struct waiter w;
    uint64_t begin, ms;

    wait_open(&w, "pcall(ps.sleep, 1200) ps.note('slept')\n"
                  "while true do pcall(r.get, r, 'a') ps.note('no') end");
    begin = loop_now_ms(w.loop);
    UNIT_INT(fake_run(&w.f, PHASE_ADMIT), POLICY_WAIT);
    loop_run(w.loop);
    UNIT_INT(fake_run(&w.f, PHASE_ADMIT), POLICY_WAIT);
    UNIT_STR(w.f.notes, "p: slept\n");
    loop_run(w.loop);
    ms = loop_now_ms(w.loop) - begin;
    UNIT_INT(fake_run(&w.f, PHASE_ADMIT), POLICY_DONE);
    UNIT_INT(w.f.out.verdict, POLICY_FAILED);
    CU_ASSERT(ms >= POLICY_WALL_MS - 10 && ms < POLICY_WALL_MS * 3);
    CU_ASSERT_PTR_NOT_NULL(strstr(w.f.notes, "wall budget of 2 s"));
    CU_ASSERT_PTR_NULL(strstr(w.f.notes, "no"));
    UNIT_INT(w.later.cancels, 1);
    wait_clear(&w);
}

/* ---- where nothing can wait ------------------------------------------- */

static void cannot_wait_below_c(void)
{
    static const char *const bodies[] = {
        "string.gsub('x', 'x', function() r:get('a') end)",
        "table.sort({ 2, 1 }, function() s:get('/') return true end)",
        "local t = setmetatable({}, { __index = function() return "
        "(r:get('a')) end }) string.gsub('x', 'x', t)",
    };

    for (size_t i = 0; i < 3; i++) {
        struct waiter w;

        wait_open(&w, bodies[i]);
        UNIT_INT(fake_run(&w.f, PHASE_ADMIT), POLICY_DONE);
        UNIT_INT(w.f.out.verdict, POLICY_FAILED);
        CU_ASSERT_PTR_NOT_NULL(strstr(w.f.notes, "cannot wait inside"));
        UNIT_INT(w.later.n, 0); /* nothing was begun */
        wait_clear(&w);
    }
}

static void cannot_wait_without_wake(void)
{
    struct waiter w;

    wait_open(&w, "r:get('a')");
    w.f.run.wake = NULL;
    UNIT_INT(fake_run(&w.f, PHASE_ADMIT), POLICY_DONE);
    CU_ASSERT_PTR_NOT_NULL(strstr(w.f.notes, "admit cannot wait"));
    UNIT_INT(w.later.n, 0);
    wait_clear(&w);
}

/* ---- what it costs ---------------------------------------------------- */

enum { MANY = 1000, COST_MAX = 2048 };

static size_t c_bytes(void)
{
    return mallinfo2().uordblks;
}

/* Bytes of one call that waits, Lua's and C's together. */
static void a_thousand_wait(const char *what, const char *body)
{
    static struct policy_run runs[MANY];
    struct policy_result out;
    struct waiter w;
    size_t lua, c;

    wait_open(&w, body);
    UNIT_INT(fake_run(&w.f, PHASE_ADMIT), POLICY_WAIT); /* warm */
    policy_cancel(&w.f.run);
    lua = policy_set_memory(w.f.set);
    c = c_bytes();
    for (int i = 0; i < MANY; i++) {
        runs[i] = w.f.run;
        UNIT_INT(policy_run(w.f.set, PHASE_ADMIT, &runs[i], &out),
                 POLICY_WAIT);
    }
    lua = (policy_set_memory(w.f.set) - lua) / MANY;
    c = (c_bytes() - c) / MANY;
    printf("\n%s: %zu bytes a call, %zu of them Lua's", what, c, lua);
#ifndef __SANITIZE_ADDRESS__
    CU_ASSERT(c > lua && c <= COST_MAX); /* malloc'd, Lua's heap included */
#endif
    for (int i = 0; i < MANY; i++)
        policy_cancel(&runs[i]);
    wait_clear(&w);
}

static void what_waiting_costs(void)
{
    a_thousand_wait("ps.sleep", "ps.sleep(1000)");
    a_thousand_wait("ps.redis", "local v = r:get('key:' .. req.id)");
    a_thousand_wait("ps.http", "local a = s:get('/check/' .. req.id)");
}

UNIT_MAIN("policy_wait", { "goes on with what came", goes_on_with_what_came },
          { "waits anywhere in Lua", waits_anywhere_in_lua },
          { "no memory for it", no_memory_for_it },
          { "a late reply finds nothing", a_late_reply_finds_nothing },
          { "cancelled between", cancelled_between },
          { "the set ends first", the_set_ends_first },
          { "the set ends within", the_set_ends_within },
          { "wall budget ends any wait", wall_budget_ends_any_wait },
          { "cannot wait below C", cannot_wait_below_c },
          { "cannot wait without wake", cannot_wait_without_wake },
          { "what waiting costs", what_waiting_costs })
