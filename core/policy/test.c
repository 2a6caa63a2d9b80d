/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Running test files. The file itself runs in a state of its own, with the
 * sandbox of policies; each ps.test() loads the policy anew, runs one phase
 * through policy_run, and compares.
 */
#include "policy/test.h"

#include "net/hash.h"
#include "policy/api.h"
#include "policy/sandbox.h"
#include "policy/test_case.h"

#include <stdlib.h>

enum { ARENA = 4 << 20, NOTES = 64 << 10 };

/* What tests can reach: the runner and an environment for ps.sha256. */
struct runner {
    struct policy_state st; /* first: policy_state_of() finds it */
    struct policy_env env;
    struct policy_test *t;
};

static struct runner *runner_of(lua_State *L)
{
    return (struct runner *)policy_state_of(L);
}

/* ---- the request as the policy sees it --------------------------------- */

static void on_field(void *req, enum policy_field f, struct policy_value *out)
{
    *out = ((struct test_case *)req)->fields[f];
}

static struct str on_header(void *req, struct str name)
{
    const struct test_case *c = req;

    for (size_t i = 0; i < c->n_headers; i++) {
        if (str_ieq(c->headers[i].key, name))
            return c->headers[i].value;
    }
    return STR_NULL;
}

static void on_note(void *req, struct str policy, struct str text)
{
    struct test_case *c = req;

    (void)policy;
    buf_put(&c->notes, text);
    buf_putc(&c->notes, '\n');
}

static const struct policy_view view = { on_field, on_header, on_note };

/* ---- one test ---------------------------------------------------------- */

/* The phase that the test names, or the only one that the policy has. */
static int phase_of(const struct policy_set *s, struct str name)
{
    int only = -1;

    for (int p = 0; p < PHASE_COUNT; p++) {
        if (name.n && str_is(name, policy_phase_name(p)))
            return policy_set_has(s, p) ? p : -1;
        if (!name.n && policy_set_has(s, p)) {
            if (only >= 0)
                return -1;
            only = p;
        }
    }
    return only;
}

/* What came, in the words of `expect`. */
static struct str outcome(struct test_case *c, const struct policy_result *r)
{
    switch (r->verdict) {
    case POLICY_DENY:
        return arena_fmt(c->arena, "deny " STR_FMT, STR_ARG(r->code));
    case POLICY_PRINCIPAL:
        return arena_fmt(c->arena, "principal " STR_FMT,
                         STR_ARG(r->principal->id));
    case POLICY_STOP:
        return arena_fmt(c->arena, "stop " STR_FMT, STR_ARG(r->code));
    case POLICY_FAILED: return STR("a failure");
    case POLICY_NONE: break;
    }
    return STR("no opinion");
}

static struct str wanted(struct test_case *c)
{
    const struct test_expect *e = &c->expect;

    if (e->deny.n)
        return arena_fmt(c->arena, "deny " STR_FMT, STR_ARG(e->deny));
    if (e->principal.n)
        return arena_fmt(c->arena, "principal " STR_FMT, STR_ARG(e->principal));
    return e->fails.n ? STR("a failure") : STR("no opinion");
}

static struct str left(struct test_case *c)
{
    struct str all = STR("");

    for (size_t i = 0; i < c->plan.n; i++) {
        if (!c->list[i].dropped)
            all = arena_fmt(c->arena, STR_FMT "%s" STR_FMT, STR_ARG(all),
                            all.n ? " " : "",
                            STR_ARG(c->list[i].target->name));
    }
    return all;
}

/* Why the test failed, or an empty text. */
static struct str compare(struct test_case *c, const struct policy_result *r)
{
    const struct test_expect *e = &c->expect;
    struct str want = wanted(c), got = outcome(c, r);
    struct str notes = buf_str(&c->notes);

    if (!str_eq(want, got))
        return arena_fmt(c->arena, "expected " STR_FMT ", got " STR_FMT
                         "; notes: " STR_FMT, STR_ARG(want), STR_ARG(got),
                         STR_ARG(notes));
    if (e->message.n && !str_eq(e->message, r->message))
        return arena_fmt(c->arena, "expected message '" STR_FMT "', got '"
                         STR_FMT "'", STR_ARG(e->message), STR_ARG(r->message));
    if (e->status != 0 && (int)e->status != r->status)
        return arena_fmt(c->arena, "expected status %d, got %d",
                         (int)e->status, r->status);
    if (e->retry_after != 0 &&
        (uint64_t)(e->retry_after * 1000) != r->retry_after_ms)
        return arena_fmt(c->arena, "expected retry_after %g, got %g",
                         e->retry_after, (double)r->retry_after_ms / 1000);
    if (e->fails.n && str_find(notes, e->fails) < 0)
        return arena_fmt(c->arena, "expected failure '" STR_FMT "', got "
                         STR_FMT, STR_ARG(e->fails), STR_ARG(notes));
    if (e->note.n && str_find(notes, e->note) < 0)
        return arena_fmt(c->arena, "expected note '" STR_FMT "', got " STR_FMT,
                         STR_ARG(e->note), STR_ARG(notes));
    if (e->has_targets && !str_eq(e->targets, left(c)))
        return arena_fmt(c->arena, "expected targets '" STR_FMT "', got '"
                         STR_FMT "'", STR_ARG(e->targets), STR_ARG(left(c)));
    return STR("");
}

/* Load and run; why it failed, or an empty text. */
static struct str run_case(struct test_case *c)
{
    struct policy_run run = { .req = c, .view = &view, .arena = c->arena,
                              .endpoint = c->fields[FIELD_ENDPOINT].s,
                              .principal = c->principal,
                              .plan = c->plan.n ? &c->plan : NULL };
    struct policy_result r;
    struct err err = { 0 };
    struct policy_set *s;
    struct str why;
    int phase;

    c->config.policies = &c->policy;
    c->config.n_policies = 1;
    s = policy_set_new(&c->config, &err);
    if (!s)
        return c->expect.fails.n && strstr(err.msg, c->expect.fails.p)
                   ? STR("")
                   : arena_fmt(c->arena, "%s: %s", err.at, err.msg);
    phase = phase_of(s, c->phase);
    if (phase < 0) {
        policy_set_free(s);
        return STR("phase = is needed: the name of one that the policy has");
    }
    policy_run(s, (enum policy_phase)phase, &run, &r);
    why = compare(c, &r);
    policy_set_free(s);
    return why;
}

/* Fields that no test names: as in a request whose body is read. */
static struct test_case *case_new(const struct policy_test *t)
{
    struct arena *a = arena_new(ARENA);
    struct test_case *c = a ? arena_alloc(a, sizeof *c) : NULL;

    if (!c) {
        arena_free(a);
        return NULL;
    }
    c->arena = a;
    buf_init(&c->notes, NOTES);
    buf_init(&c->scratch, NOTES);
    c->policy = (struct conf_policy){ .name = t->name, .path = t->path,
                                      .source = t->source };
    c->fields[FIELD_ID] = (struct policy_value){ VALUE_STRING, STR("test"), 0 };
    c->fields[FIELD_ENDPOINT] =
        (struct policy_value){ VALUE_STRING, STR("chat"), 0 };
    return c;
}

static void case_free(struct test_case *c)
{
    buf_clear(&c->notes);
    buf_clear(&c->scratch);
    arena_free(c->arena);
}

/* 1: the case, 2: the test's table; below lua_pcall */
static int read_case(lua_State *L)
{
    test_case_read(L, lua_touserdata(L, 1), 2);
    return 0;
}

/* ps.test(name, { ... }) */
static int fn_test(lua_State *L)
{
    struct policy_test *t = runner_of(L)->t;
    const char *name = luaL_checkstring(L, 1);
    struct test_case *c;
    struct str why;

    luaL_checktype(L, 2, LUA_TTABLE);
    c = case_new(t);
    if (!c)
        return luaL_error(L, "no memory");
    lua_pushcfunction(L, read_case);
    lua_pushlightuserdata(L, c);
    lua_pushvalue(L, 2);
    why = lua_pcall(L, 2, 0, 0) == LUA_OK ? run_case(c) : policy_error_text(L);
    if (why.n)
        t->failed++;
    else
        t->passed++;
    if (t->out && why.n)
        fprintf(t->out, "FAIL " STR_FMT ": %s: " STR_FMT "\n",
                STR_ARG(t->name), name, STR_ARG(why));
    else if (t->out)
        fprintf(t->out, "ok   " STR_FMT ": %s\n", STR_ARG(t->name), name);
    case_free(c);
    return 0;
}

/* ---- the test file ----------------------------------------------------- */

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
    if (luaL_loadbufferx(L, t->tests.p, t->tests.n, chunk, "t") != LUA_OK)
        return lua_error(L);
    sandbox_push_env(L);
    lua_setupvalue(L, -2, 1);
    lua_call(L, 0, 0);
    return 0;
}

int policy_test_run(struct policy_test *t, struct err *err)
{
    struct runner r = { .t = t };
    lua_State *L = luaL_newstate();
    int rc = 0;

    r.st.env = &r.env;
    r.env.hash = hash_new();
    if (L && r.env.hash) {
        *(struct policy_state **)lua_getextraspace(L) = &r.st;
        lua_pushcfunction(L, run_file);
        if (lua_pcall(L, 0, 0, 0) != LUA_OK) {
            struct str why = policy_error_text(L);

            rc = err_set(err, ERR_CONFIG, STR_FMT, STR_ARG(why));
        }
    } else {
        rc = err_set(err, ERR_NOMEM, "no memory for tests of policies");
    }
    if (L)
        lua_close(L);
    hash_free(r.env.hash);
    return rc;
}
