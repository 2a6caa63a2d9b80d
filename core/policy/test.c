/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Running test files. The file itself runs in a state of its own, with the
 * sandbox of policies; each ps.test() loads the policy anew and runs its
 * calls through policy_run.
 */
#include "policy/test.h"

#include "engine/kv.h"
#include "net/hash.h"
#include "policy/api.h"
#include "policy/cover.h"
#include "policy/sandbox.h"
#include "policy/test_case.h"

#include <stdlib.h>

enum {
    ARENA = 32 << 20,
    NOTES = 64 << 10,
    KV_BYTES = 1 << 20,
    HOOK_EVERY = 1000000, /* instructions */
};

/* What tests can reach: the runner and an environment for ps.sha256. */
struct runner {
    struct policy_state st; /* first: policy_state_of() finds it */
    struct policy_env env;
    struct policy_test *t;
    clock_t began;
};

static struct runner *runner_of(lua_State *L)
{
    return (struct runner *)policy_state_of(L);
}

/* ---- one test --------------------------------------------------------- */

/* The phase that the call names, or the only one that the policy has; or
 * PHASE_COUNT. */
static enum policy_phase phase_of(const struct policy_set *s, struct str name)
{
    int only = PHASE_COUNT;

    for (int p = 0; p < PHASE_COUNT; p++) {
        if (!policy_set_has(s, p))
            continue;
        if (name.n && str_is(name, policy_phase_name(p)))
            return (enum policy_phase)p;
        if (!name.n)
            only = only == PHASE_COUNT ? p : -1;
    }
    return only < 0 ? PHASE_COUNT : (enum policy_phase)only;
}

/* Below lua_pcall; 1: the case, TEST_TABLE */
static int read_case(lua_State *L)
{
    test_case_read(L, lua_touserdata(L, 1));
    return 0;
}

static int fill_kv(lua_State *L)
{
    test_kv_fill(L, lua_touserdata(L, 1));
    return 0;
}

/* 4: the call's table, where there is one */
static int compare_kv(lua_State *L)
{
    if (lua_getfield(L, 4, "expect") == LUA_TTABLE)
        test_kv_compare(L, lua_touserdata(L, 1));
    return 0;
}

/* 1: the case, TEST_TABLE, 3: number; returns the call's table or nil */
static int read_call(lua_State *L)
{
    struct test_case *t = lua_touserdata(L, 1);

    if (!test_call_push(L, (int)lua_tointeger(L, 3)))
        return 0;
    test_call_read(L, t, t->call);
    return 1;
}

/* The stack holds the test's arguments and perhaps the call's table. */
static bool protect(lua_State *L, struct test_case *t, lua_CFunction fn, int n)
{
    int top = lua_gettop(L);

    lua_pushcfunction(L, fn);
    lua_pushlightuserdata(L, t);
    lua_pushvalue(L, TEST_TABLE);
    lua_pushinteger(L, n);
    if (top >= CALL_TABLE)
        lua_pushvalue(L, CALL_TABLE);
    else
        lua_pushnil(L);
    if (lua_pcall(L, 4, 1, 0) == LUA_OK)
        return true;
    test_line(t, '!', STR_FMT, STR_ARG(policy_error_text(L)));
    return false;
}

/* What ps.targets is to tell: the plan's. */
static bool show_targets(struct policy_set *s, struct test_case *t)
{
    const struct target *targets[TEST_TARGETS];
    const struct plan *p = &t->call->plan;

    for (size_t i = 0; i < p->n; i++)
        targets[i] = p->list[i].target;
    if (policy_set_targets(s, targets, p->n) == 0)
        return true;
    test_line(t, '!', "the test takes too much memory");
    return false;
}

static void run_phase(struct test_case *t, struct policy_set *s,
                      enum policy_phase phase)
{
    struct test_call *c = t->call;
    struct policy_run run = { .req = t, .view = &test_view, .arena = t->arena,
                              .wake = test_wake };
    struct policy_result r;

    if (!show_targets(s, t) || !test_request_fill(t, phase))
        return;
    run.endpoint = c->fields[FIELD_ENDPOINT].s;
    run.dialect = c->dialect;
    run.body = c->open ? &c->body : NULL;
    run.attempt = phase == PHASE_ATTEMPT ? &c->try : NULL;
    run.failed = phase == PHASE_UPSTREAM_ERROR ? &c->err : NULL;
    run.response = phase == PHASE_RESPONSE ? &c->resp : NULL;
    run.ended = phase == PHASE_LOG ? &c->out : NULL;
    run.principal = phase > PHASE_AUTHENTICATE ? c->principal : NULL;
    run.plan = phase == PHASE_ROUTE ? &c->plan : NULL;
    run.claim = test_limits_open(t);
    if (!test_ctx_fill(t, &run, policy_set_state(s, phase, 0)))
        return;
    if (phase == PHASE_OUTPUT) {
        test_window_run(t, s, &run, &r);
    } else if (policy_run(s, phase, &run, &r) == POLICY_WAIT) {
        policy_cancel(&run);
        test_line(t, '!', "it waits for what no test can give");
        return;
    }
    if (r.verdict == POLICY_QUEUE)
        test_limits_wait(t, &r);
    test_limits_close(t, r.verdict == POLICY_NONE);
    test_compare(t, phase, &r);
    test_ctx_compare(t, &run, policy_set_state(s, phase, 0));
    protect(t->L, t, compare_kv, 0);
    if (t->differs)
        test_show_notes(t);
    if (t->broken.n)
        test_line(t, '!', STR_FMT, STR_ARG(t->broken));
}

/* One request; false when there is none any more, or the test has failed. */
static bool run_call(lua_State *L, struct test_case *t, struct policy_set *s,
                     int i)
{
    enum policy_phase phase;

    t->call = arena_alloc(t->arena, sizeof *t->call);
    lua_settop(L, TEST_TABLE);
    if (!t->call) {
        test_line(t, '!', "the test takes too much memory");
        return false;
    }
    t->call->expect.waited_ms = -1;
    t->call->tokens = -1;
    test_out_init(&t->call->out);
    if (!protect(L, t, read_call, i) || lua_isnil(L, CALL_TABLE))
        return false;
    if (i > 0)
        test_line(t, ' ', "in call %d", i + 1);
    buf_reset(&t->notes);
    t->wall_ms += (uint64_t)t->call->after_ms;
    t->mono_ms += (uint64_t)t->call->after_ms;
    t->call_began_ms = t->mono_ms;
    phase = phase_of(s, t->call->phase);
    if (phase == PHASE_COUNT)
        test_line(t, '!', "phase = is needed: the name of one that the "
                          "policy has");
    else
        run_phase(t, s, phase);
    test_body_close(t->call);
    return !t->differs;
}

/* The policy was refused; a test may expect it. */
static void refused(lua_State *L, struct test_case *t, const struct err *err)
{
    struct test_call c = { .expect.waited_ms = -1 };

    t->call = &c;
    if (!protect(L, t, read_call, 0))
        return;
    if (!c.expect.fails.n || !strstr(err->msg, c.expect.fails.p))
        test_line(t, '!', "%s: %s", err->at, err->msg);
}

static void run_case(lua_State *L, struct test_case *t)
{
    const struct policy_clock clock = { test_mono_ms, test_wall_ms, t };
    struct outside outside = test_outside(t);
    struct err err = { 0 };
    struct policy_set *s;

    t->config.policies = &t->policy;
    t->config.n_policies = 1;
    s = policy_set_probed(&t->config, t->probe, &err);
    if (!s) {
        refused(L, t, &err);
        return;
    }
    policy_set_outside(s, &outside);
    policy_set_clock(s, &clock);
    policy_set_kv(s, t->kv);
    for (int i = 0; run_call(L, t, s, i); i++)
        t->n_lines = 0; /* only the call that fails is told of */
    policy_set_free(s);
}

/* ---- ps.test ------------------------------------------------------------ */

static struct test_case *case_new(lua_State *L, const struct policy_test *t)
{
    struct arena *a = arena_new(ARENA);
    struct err err = { 0 };
    struct test_case *c = a ? arena_alloc(a, sizeof *c) : NULL;

    if (!c) {
        arena_free(a);
        return NULL;
    }
    c->arena = a;
    c->L = L;
    c->wall_ms = TEST_NOW_MS;
    c->mono_ms = TEST_MONO_MS;
    c->kv = kv_new(KV_BYTES, false, &err);
    c->limiter = test_limits_new();
    c->lines = arena_alloc(a, TEST_LINES * sizeof *c->lines);
    buf_init(&c->notes, NOTES);
    buf_init(&c->scratch, TEST_JSON_MAX);
    c->probe = t->cover ? &t->cover->probe : NULL;
    c->policy = (struct conf_policy){ .name = t->name, .path = t->path,
                                      .source = t->source };
    return c;
}

static void case_free(struct test_case *c)
{
    buf_clear(&c->notes);
    buf_clear(&c->scratch);
    health_free(c->health);
    kv_free(c->kv);
    limiter_free(c->limiter);
    arena_free(c->arena);
}

static void tell(struct policy_test *t, const struct test_case *c,
                 struct str name, int line)
{
    const struct policy_test_report r = { .name = name, .line = line,
                                          .passed = !c->differs,
                                          .lines = c->lines,
                                          .n_lines = c->n_lines };

    if (c->differs)
        t->failed++;
    else
        t->passed++;
    if (t->out)
        policy_test_print(t->out, &r);
    if (t->report)
        t->report(t->ud, &r);
}

/* ps.test(name, { ... }) */
static int fn_test(lua_State *L)
{
    struct policy_test *t = runner_of(L)->t;
    struct test_case *c;
    lua_Debug ar = { .currentline = 0 };
    struct str name;

    name.p = luaL_checklstring(L, 1, &name.n);
    luaL_checktype(L, TEST_TABLE, LUA_TTABLE);
    luaL_checkstack(L, 16, "ps.test");
    lua_settop(L, TEST_TABLE);
    if (lua_getstack(L, 1, &ar))
        lua_getinfo(L, "l", &ar);
    c = case_new(L, t);
    if (!c || !c->lines || !c->kv || !c->limiter) {
        if (c)
            case_free(c);
        return luaL_error(L, "no memory");
    }
    if (protect(L, c, read_case, 0) && protect(L, c, fill_kv, 0))
        run_case(L, c);
    tell(t, c, name, ar.currentline);
    case_free(c);
    return 0;
}

/* ---- the test file ---------------------------------------------------- */

static double cpu_ms_since(clock_t began)
{
    return (double)(clock() - began) * 1000 / CLOCKS_PER_SEC;
}

/* luaL_error would name the caller's line; the file's own has C below it. */
static int stop_at(lua_State *L, int most_ms)
{
    luaL_where(L, 0);
    lua_pushfstring(L, "the tests of this file take more than %d ms of CPU",
                    most_ms);
    lua_concat(L, 2);
    return lua_error(L);
}

/* Raises again and again, so that pcall does not help. */
static void on_count(lua_State *L, lua_Debug *ar)
{
    const struct runner *r = runner_of(L);

    (void)ar;
    if (cpu_ms_since(r->began) > r->t->cpu_ms)
        stop_at(L, (int)r->t->cpu_ms);
}

static int run_file(lua_State *L)
{
    struct policy_test *t = runner_of(L)->t;
    const char *chunk;

    sandbox_open(L);
    lua_newtable(L);
    api_ps_open(L);
    lua_pushcfunction(L, fn_test);
    lua_setfield(L, -2, "test");
    sandbox_add(L, "ps");
    sandbox_close(L);
    chunk = lua_pushfstring(L, "@%s", t->tests_path.p);
    if (chunk_file(L, t->tests, chunk) != LUA_OK)
        return lua_error(L);
    sandbox_push_env(L);
    lua_setupvalue(L, -2, 1);
    lua_call(L, 0, 0);
    return 0;
}

int policy_test_run(struct policy_test *t, struct err *err)
{
    struct runner r = { .t = t, .began = clock() };
    lua_State *L;
    int rc = 0;

    if (!t->cpu_ms)
        t->cpu_ms = POLICY_TEST_MS;
    r.st.env = &r.env;
    r.st.heap.cap = POLICY_TEST_MEMORY;
    r.env.hash = hash_new();
    L = lua_newstate(policy_heap_alloc, &r.st.heap);
    if (L && r.env.hash) {
        *(struct policy_state **)lua_getextraspace(L) = &r.st;
        lua_sethook(L, on_count, LUA_MASKCOUNT, HOOK_EVERY);
        lua_pushcfunction(L, run_file);
        if (lua_pcall(L, 0, 0, 0) != LUA_OK)
            rc = err_set(err, ERR_CONFIG, STR_FMT,
                         STR_ARG(policy_error_text(L)));
    } else {
        rc = err_set(err, ERR_NOMEM, "no memory for tests of policies");
    }
    if (!rc && !t->passed && !t->failed)
        rc = err_set(err, ERR_CONFIG, STR_FMT ": it has no test: ps.test is "
                     "never called", STR_ARG(t->tests_path));
    if (L)
        lua_close(L);
    policy_heap_clear(&r.st.heap);
    hash_free(r.env.hash);
    return rc;
}
