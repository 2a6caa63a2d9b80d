/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The tick phase: when it runs, what it may do, what stops it. */
#include "policy_unit.h"

#include "engine/kv.h"
#include "engine/metrics_column.h"
#include "net/loop.h"
#include "policy/tick.h"

static struct loop *loop;
static struct kv *kv;
static bool leading;

static bool leads(void *ud)
{
    (void)ud;
    return leading;
}

static void on_stop(void *ud)
{
    (void)ud;
    loop_stop(loop);
}

static void run_for(uint64_t ms)
{
    struct loop_timer t;

    loop_timer_init(&t, loop, on_stop, NULL);
    loop_timer_set(&t, ms);
    loop_run(loop);
    loop_timer_stop(&t);
}

static int64_t counted(const char *key)
{
    const struct kv_at at = { STR("t"), str_of(key), 1 };
    struct kv_found f;

    return kv_get(kv, &at, &f) == 0 ? f.value.i : 0;
}

/** A policy whose tick() is that body, started. */
static struct policy_set *start(struct fake *f, const char *every,
                                const char *body, struct err *err)
{
    static const struct policy_ticker who = { leads, NULL };
    static char source[4096];

    snprintf(source, sizeof source,
             "local kv = ps.kv('t') return { api = 1, every = %s,"
             " tick = function(req, conf) %s end }", every, body);
    loop = loop_new();
    kv = kv_new(KV_MEMORY_MIN, false, NULL);
    leading = true;
    fake_init(f);
    fake_policy(f, "p", source);
    if (!fake_open(f, err))
        return NULL;
    policy_set_loop(f->set, loop);
    policy_set_kv(f->set, kv);
    UNIT_INT(policy_ticks_start(f->set, &who), 0);
    UNIT_INT(policy_ticks_start(f->set, &who), 0); /* again: nothing */
    return f->set;
}

static void end(struct fake *f)
{
    fake_clear(f);
    loop_free(loop);
    kv_free(kv);
}

static void runs_every_so_often(void)
{
    struct fake f;

    start(&f, "{ interval = '100ms' }", "assert(req == nil) kv:incr('n')",
          NULL);
    UNIT_INT(counted("n"), 0);
    run_for(550);
    CU_ASSERT_TRUE(counted("n") >= 2 && counted("n") <= 5);
    policy_ticks_stop(f.set);
    policy_ticks_stop(f.set);
    f.wakes = (int)counted("n");
    run_for(250);
    UNIT_INT(counted("n"), f.wakes);
    end(&f);
}

static void one_or_each(void)
{
    struct fake f;

    start(&f, "{ interval = '100ms', where = 'one' }", "kv:incr('n')", NULL);
    leading = false;
    run_for(350);
    UNIT_INT(counted("n"), 0);
    leading = true;
    run_for(250);
    CU_ASSERT_TRUE(counted("n") >= 1);
    end(&f);
    start(&f, "{ interval = '100ms', where = 'each_worker' }",
          "kv:incr('n')", NULL);
    leading = false;
    run_for(350);
    CU_ASSERT_TRUE(counted("n") >= 1);
    end(&f);
}

/* 250 ms of waiting under an interval of 100: never two at once. */
static void one_at_a_time(void)
{
    struct fake f;

    start(&f, "{ interval = '100ms' }",
          "if kv:incr('now') > 1 then kv:incr('overlap') end ps.sleep(250)"
          " kv:incr('now', -1) kv:incr('n')", NULL);
    run_for(1000);
    UNIT_INT(counted("overlap"), 0);
    CU_ASSERT_TRUE(counted("n") >= 1 && counted("n") <= 4);
    /* freed while one waits: nothing is left behind */
    run_for(150);
    end(&f);
}

/** Errors that the engine counted in a column. */
static uint64_t errors_in(const struct metrics_column *c)
{
    for (uint32_t at = 0; at < METRICS_INDEX; at++) {
        const struct metrics_series *s = metrics_series_at(c, at);

        if (s && s->id == METRIC_POLICY_ERRORS)
            return atomic_load(&s->values[0]);
    }
    return 0;
}

/* An error, a loop without an end, a decision: the next one comes. */
static void goes_on_after_failures(void)
{
    static const char *const bodies[] = {
        "kv:incr('n') error('no')",
        "kv:incr('n') while true do end",
        "kv:incr('n') return ps.deny('no_target')",
        "kv:incr('n') local x = req.id",
        "kv:incr('n') ps.note('x')",
        "kv:incr('n') ps.sleep(1) error('late')",
        "kv:incr('n') ps.log('fine')",
    };
    const size_t fine = sizeof bodies / sizeof *bodies - 1;

    for (size_t i = 0; i <= fine; i++) {
        struct metrics_column *c = calloc(1, sizeof *c);
        struct fake f;

        metrics_here(c);
        start(&f, "{ interval = '100ms' }", bodies[i], NULL);
        run_for(550);
        if (counted("n") < 2)
            printf("\n%s: %d", bodies[i], (int)counted("n"));
        CU_ASSERT_TRUE(counted("n") >= 2);
        CU_ASSERT_EQUAL(errors_in(c) >= 2, i != fine);
        end(&f);
        metrics_here(NULL);
        free(c);
    }
}

static void only_observes(void)
{
    struct fake f;

    loop = loop_new();
    kv = kv_new(KV_MEMORY_MIN, false, NULL);
    fake_init(&f);
    fake_policy(&f, "p",
                "local kv = ps.kv('t') return { api = 1, every = { interval ="
                " '100ms' }, tick = function() kv:incr('n') end }")
        ->observe = true;
    CU_ASSERT_TRUE(fake_open(&f, NULL));
    policy_set_loop(f.set, loop);
    policy_set_kv(f.set, kv);
    policy_ticks_start(f.set, &(struct policy_ticker){ NULL, NULL });
    run_for(300);
    UNIT_INT(counted("n"), 0);
    end(&f);
}

static void every_is_checked(void)
{
    static const struct {
        const char *source, *says;
    } bad[] = {
        { "tick = function() end", "tick and every need each other" },
        { "every = { interval = '1s' }", "tick and every need each other" },
        { "every = {}, tick = function() end", "interval is needed" },
        { "every = { interval = 30 }, tick = function() end", "\"100ms\" to" },
        { "every = { interval = '10ms' }, tick = function() end",
          "\"100ms\" to" },
        { "every = { interval = '25h' }, tick = function() end",
          "\"100ms\" to" },
        { "every = { interval = '1s', where = 'all' }, tick = function() end",
          "\"one\" or \"each_worker\"" },
        { "every = { intervall = '1s' }, tick = function() end",
          "every has no 'intervall'" },
        { "every = '1s', tick = function() end", "every: { interval" },
    };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char source[256];
        struct err err = { 0 };
        struct fake f;

        snprintf(source, sizeof source, "return { api = 1, %s }",
                 bad[i].source);
        fake_init(&f);
        fake_policy(&f, "p", source);
        CU_ASSERT_FALSE(fake_open(&f, &err));
        if (!strstr(err.msg, bad[i].says))
            printf("\n%s: %s", bad[i].source, err.msg);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, bad[i].says));
        fake_clear(&f);
    }
}

UNIT_MAIN("tick", { "runs every so often", runs_every_so_often },
          { "one or each", one_or_each }, { "one at a time", one_at_a_time },
          { "goes on after failures", goes_on_after_failures },
          { "only observes", only_observes },
          { "every is checked", every_is_checked })
