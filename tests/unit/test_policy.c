/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Loading policies, running phases, decisions, fail modes, observe, plans. */
#include "policy_unit.h"



/* ---- loading -------------------------------------------------------- */

static const struct refusal {
    const char *source, *at, *says;
} refusals[] = {
    { "return 1", "bad", "not a table" },
    { "x = 1", "bad:1", "global 'x' cannot be made" },
    { "local M = { api = 1 }\nfunction helper() end\nreturn M", "bad:2",
      "write 'local helper'" },
    { "return { api = 2 }", "bad", "api = 1 is needed" },
    { "return { api = 1, schema = {} }", "bad", "the file has no phase" },
    { "return { api = 1, autenticate = function() end }", "bad",
      "unknown key 'autenticate'; did you mean 'authenticate'?" },
    { "return { api = 1, Request = function() end }", "bad",
      "did you mean 'request'?" },
    { "return { api = 1, windows = {} }", "bad", "did you mean 'window'?" },
    { "return { api = 1, something = 1 }", "bad", "or a phase" },
    { "return { api = 1, schema = 'int' }", "bad", "schema: a table" },
    { "return { api = 1, dialects = 'x' }", "bad", "dialects: a list" },
    { "return { api = 1, fail = true }", "bad", "not a boolean" },
    { "return { api = 1, every = '5s', tick = function() end }", "bad",
      "every: { interval" },
    { "return { api = 1, window = 64, output = function() end }", "bad",
      "window: a table" },
    { "return { api = 1, window = { of = 'text' } }", "bad",
      "window.of: a list" },
    { "local json = require('json')", "bad:1", "a policy is one file" },
    { "\xef\xbb\xbf\r\nlocal x = y\r\n", "bad:2", "unknown variable 'y'" },
    { "return { api = 1, cache = function() end }", "bad",
      "this version does not call that phase" },
    { "return { api = 1, route = 7 }", "bad", "a function is needed" },
    { "return { api = 1, fail = 'maybe' }", "bad", "\"open\" or \"closed\"" },
    { "return { api = 1, fail = { nap = 'open' } }", "bad", "names of phases" },
    { "return { api = 1, schema = { a = 'text' } }", "bad", "schema.a" },
    { "local M = {\n  api = = 1 }", "bad:2", "unexpected symbol" },
    { "local t = nosuch.field", "bad:1", "unknown variable 'nosuch'" },
    { "while true do end", "bad", "CPU budget" },
    { "local t = {} for i = 1, 1e9 do t[i] = {} end", "bad", "memory" },
    { "\x1bLua", "bad", "binary" },
    { "ps.note('x')", "bad:1", "only a phase can do this" },
};

static void refuses_bad_files(void)
{
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        struct fake f;
        struct err err = { 0 };

        fake_init(&f);
        fake_policy(&f, "bad", refusals[i].source);
        CU_ASSERT_FALSE(fake_open(&f, &err));
        UNIT_INT(err.code, ERR_CONFIG);
        if (strcmp(err.at, refusals[i].at) != 0)
            printf("\n%zu", i);
        UNIT_STR(err.at, refusals[i].at);
        if (!strstr(err.msg, refusals[i].says))
            printf("\n%zu: %s", i, err.msg);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, refusals[i].says));
        fake_clear(&f);
    }
}

static void checks_conf(void)
{
    static const struct {
        const char *conf, *says;
    } cases[] = {
        { "{\"a\":\"x\",\"l\":[1,2],\"n\":1.5}", NULL },
        { "{\"b\":1}", "conf.b: the policy's schema has no such key" },
        { "{\"a\":1}", "conf.a: a string is needed" },
        { "{\"n\":\"1\"}", "conf.n: a number is needed" },
        { "{\"u\":\"ftp://x\"}", "conf.u: a URL" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fake f;
        struct err err = { 0 };

        fake_init(&f);
        fake_policy(&f, "p",
                    "return { api = 1, schema = { a = 'string', l = 'list', "
                    "n = 'number', u = 'url' }, request = function(req, conf) "
                    "ps.note(conf.a .. #conf.l .. conf.l[2] .. conf.n .. "
                    "tostring(conf.u)) conf.a = 1 end }")
            ->conf = str_of(cases[i].conf);
        CU_ASSERT_EQUAL(fake_open(&f, &err), cases[i].says == NULL);
        if (cases[i].says)
            CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, cases[i].says));
        if (f.set) {
            fake_run(&f, PHASE_REQUEST);
            UNIT_INT(f.out.verdict, POLICY_FAILED); /* conf is read-only */
            CU_ASSERT_PTR_NOT_NULL(strstr(f.notes, "p: x221.5nil\n"));
        }
        fake_clear(&f);
    }
}

/* ---- decisions ------------------------------------------------------ */

/* One policy that is M.<phase> = function(req, conf, plan) <body> end. */
static void run_body(struct fake *f, enum policy_phase p, const char *body,
                     const char *extra)
{
    static char source[8192];

    snprintf(source, sizeof source,
             "local M = { api = 1%s }\nfunction M.%s(req, conf, plan)\n%s\n"
             "end return M", extra, policy_phase_name(p), body);
    fake_init(f);
    fake_policy(f, "p", source);
    if (fake_open(f, NULL))
        UNIT_INT(fake_run(f, p), POLICY_DONE);
    CU_ASSERT_PTR_NOT_NULL(f->set);
}

static void reads_decisions(void)
{
    static const struct {
        const char *body;
        enum policy_verdict verdict;
        const char *says; /* message, principal or part of a note */
    } cases[] = {
        { "", POLICY_NONE, "" },
        { "return nil", POLICY_NONE, "" },
        { "return ps.deny('rate_limited', 'slow down', { retry_after = 1.5 })",
          POLICY_DENY, "slow down" },
        { "return ps.deny('x_blocked', 'no', { status = 451 })", POLICY_DENY,
          "no" },
        { "return ps.deny('x_blocked', 'no')", POLICY_FAILED,
          "needs { status = }" },
        { "return ps.deny('nosuch')", POLICY_FAILED, "unknown code 'nosuch'" },
        { "return true", POLICY_FAILED,
          "p:2: authenticate returned a boolean" },
        { "return 'deny'", POLICY_FAILED, "returned a string" },
        { "return { code = 'rate_limited' }", POLICY_FAILED,
          "a principal has no 'code'" },
        { "return { id = 'bob', team = 't', models = { 'a', 'b' }, "
          "tags = { x = 'y' } }", POLICY_PRINCIPAL, "bob" },
        { "return { team = 't' }", POLICY_FAILED, "needs an id" },
        { "return { id = 'b', models = {} }", POLICY_FAILED,
          "leave it out to allow all" },
        { "return { id = 'b', models = 'x' }", POLICY_FAILED, "a list" },
        { "error('broken')", POLICY_FAILED, "p:3: broken" },
        { "error({})", POLICY_FAILED, "no text" },
        { "error()", POLICY_FAILED, "nil was raised" },
        { "return req.model", POLICY_FAILED,
          "req.model: the body is not read in authenticate" },
        { "return req.nosuch", POLICY_FAILED, "req.nosuch does not exist" },
        { "req.id = 'x'", POLICY_FAILED, "cannot be changed" },
        { "return req.principal", POLICY_FAILED, "nobody is authenticated" },
        { "ps.note(req.header['x-team'] .. tostring(req.header['x-no']))",
          POLICY_NONE, "p: bluenil" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fake f;
        struct str said;

        run_body(&f, PHASE_AUTHENTICATE, cases[i].body, "");
        UNIT_INT(f.out.verdict, cases[i].verdict);
        said = f.out.verdict == POLICY_DENY        ? f.out.message
               : f.out.verdict == POLICY_PRINCIPAL ? f.out.principal->id
                                                   : str_of(f.notes);
        if (str_find(said, str_of(cases[i].says)) < 0)
            printf("\n%zu: " STR_FMT, i, STR_ARG(said));
        CU_ASSERT(str_find(said, str_of(cases[i].says)) >= 0);
        fake_clear(&f);
    }
}

static void fills_a_denial(void)
{
    struct fake f;

    run_body(&f, PHASE_ADMIT,
             "return ps.deny('x_own', nil, { status = 418, retry_after = 2 })",
             "");
    UNIT_INT(f.out.verdict, POLICY_DENY);
    UNIT_INT(f.out.err_code, ERR_NONE);
    UNIT_INT(f.out.status, 418);
    UNIT_INT(f.out.retry_after_ms, 2000);
    CU_ASSERT(str_is(f.out.code, "x_own"));
    CU_ASSERT(str_is(f.out.policy, "p"));
    fake_clear(&f);
    run_body(&f, PHASE_ADMIT, "return ps.deny('budget_exceeded')", "");
    UNIT_INT(f.out.err_code, ERR_BUDGET_EXCEEDED);
    UNIT_INT(f.out.status, 0);
    CU_ASSERT(str_is(f.out.message, "The budget is used up."));
    fake_clear(&f);
}

static const struct {
    enum policy_phase p;
    enum dialect d;
    const char *body;
    enum policy_verdict verdict;
    const char *says; /* the text, or part of a note */
    enum wire_finish finish;
} polite[] = {
    { PHASE_ADMIT, DIALECT_OPENAI_CHAT, "return ps.answer{ text = 'no' }",
      POLICY_ANSWER, "no", WIRE_FINISH_STOP },
    { PHASE_REQUEST, DIALECT_OPENAI_COMPLETIONS,
      "return ps.answer{ text = 'no', finish = 'content_filter' }",
      POLICY_ANSWER, "no", WIRE_FINISH_FILTER },
    { PHASE_VALIDATE, DIALECT_OPENAI_CHAT,
      "return ps.answer{ text = '', finish = 'length' }", POLICY_ANSWER,
      "", WIRE_FINISH_LENGTH },
    { PHASE_ADMIT, DIALECT_OPENAI_EMBEDDINGS,
      "return ps.answer{ text = 'no' }", POLICY_FAILED,
      "openai-embeddings has no text to answer with", 0 },
    { PHASE_AUTHENTICATE, DIALECT_OPENAI_CHAT,
      "return ps.answer{ text = 'no' }", POLICY_FAILED,
      "authenticate returned a ps.answer(); it may return nil, a "
      "principal or ps.deny()", 0 },
    { PHASE_ADMIT, DIALECT_OPENAI_CHAT, "return ps.answer('no')",
      POLICY_FAILED, "table expected", 0 },
    { PHASE_ADMIT, DIALECT_OPENAI_CHAT, "return ps.answer{}",
      POLICY_FAILED, "needs { text = }", 0 },
    { PHASE_ADMIT, DIALECT_OPENAI_CHAT, "return ps.answer{ text = 7 }",
      POLICY_FAILED, "text is a string", 0 },
    { PHASE_ADMIT, DIALECT_OPENAI_CHAT,
      "return ps.answer{ text = 'x', finish = 'end' }", POLICY_FAILED,
      "finish is stop, length or content_filter", 0 },
    { PHASE_ADMIT, DIALECT_OPENAI_CHAT,
      "return ps.answer{ text = 'x', status = '200' }", POLICY_FAILED,
      "has no option 'status'", 0 },
    { PHASE_ADMIT, DIALECT_OPENAI_CHAT,
      "return ps.answer{ text = ('x'):rep(70000) }", POLICY_FAILED,
      "at most 65536 bytes", 0 },
    { PHASE_ADMIT, DIALECT_OPENAI_CHAT, "return { text = 'x' }",
      POLICY_FAILED, "returned a table; it may return nil, ps.deny(), "
      "ps.answer() or ps.queue()", 0 },
};

static void answers(void)
{
    for (size_t i = 0; i < sizeof polite / sizeof polite[0]; i++) {
        struct fake f;
        char source[512];
        struct str said;

        fake_init(&f);
        f.run.dialect = polite[i].d;
        snprintf(source, sizeof source,
                 "return { api = 1, %s = function() %s end }",
                 policy_phase_name(polite[i].p), polite[i].body);
        fake_policy(&f, "p", source);
        CU_ASSERT_TRUE(fake_open(&f, NULL));
        fake_run(&f, polite[i].p);
        UNIT_INT(f.out.verdict, polite[i].verdict);
        said = f.out.verdict == POLICY_ANSWER ? f.out.message
                                              : str_of(f.notes);
        if (str_find(said, str_of(polite[i].says)) < 0)
            printf("\n%zu: " STR_FMT, i, STR_ARG(said));
        CU_ASSERT(str_find(said, str_of(polite[i].says)) >= 0);
        UNIT_INT(f.out.finish, polite[i].finish);
        f.policies[0].observe = true;
        fake_run(&f, polite[i].p);
        UNIT_INT(f.out.verdict, POLICY_NONE);
        if (polite[i].verdict == POLICY_ANSWER)
            CU_ASSERT_PTR_NOT_NULL(strstr(f.notes, "p: would answer"));
        fake_clear(&f);
    }
}

static void fails_as_declared(void)
{
    static const struct {
        enum policy_phase p;
        const char *extra, *conf_fail;
        bool observe;
        enum policy_verdict want;
    } cases[] = {
        { PHASE_REQUEST, "", "", false, POLICY_FAILED },
        { PHASE_AUTHENTICATE, "", "", false, POLICY_FAILED },
        { PHASE_VALIDATE, "", "", false, POLICY_FAILED },
        { PHASE_ADMIT, "", "", false, POLICY_FAILED },
        { PHASE_ROUTE, "", "", false, POLICY_NONE },
        { PHASE_LOG, "", "", false, POLICY_NONE },
        { PHASE_ADMIT, ", fail = 'open'", "", false, POLICY_NONE },
        { PHASE_ROUTE, ", fail = { route = 'closed' }", "", false,
          POLICY_FAILED },
        { PHASE_ADMIT, ", fail = { route = 'open' }", "", false,
          POLICY_FAILED },
        { PHASE_ADMIT, "", "open", false, POLICY_NONE },
        { PHASE_ADMIT, ", fail = 'open'", "closed", false, POLICY_FAILED },
        { PHASE_ADMIT, "", "", true, POLICY_NONE },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fake f;
        char source[256];

        fake_init(&f);
        snprintf(source, sizeof source,
                 "return { api = 1, %s = function() error('no') end%s }",
                 policy_phase_name(cases[i].p), cases[i].extra);
        fake_policy(&f, "p", source);
        f.policies[0].fail = str_of(cases[i].conf_fail);
        f.policies[0].observe = cases[i].observe;
        CU_ASSERT_TRUE(fake_open(&f, NULL));
        fake_run(&f, cases[i].p);
        UNIT_INT(f.out.verdict, cases[i].want);
        if (cases[i].want == POLICY_FAILED)
            UNIT_INT(f.out.err_code, ERR_POLICY_FAILED);
        CU_ASSERT_PTR_NOT_NULL(strstr(f.notes, "no"));
        fake_clear(&f);
    }
}

static void first_decision_wins(void)
{
    struct fake f;

    fake_init(&f);
    fake_policy(&f, "a", "return { api = 1, admit = function(req) "
                         "ps.note('a') end }");
    fake_policy(&f, "b", "return { api = 1, admit = function(req) "
                         "return ps.deny('overloaded') end }")
        ->observe = true;
    fake_policy(&f, "c", "return { api = 1, admit = function(req) "
                         "return ps.deny('rate_limited') end }");
    fake_policy(&f, "d", "return { api = 1, admit = function(req) "
                         "ps.note('d') end }");
    CU_ASSERT_TRUE(fake_open(&f, NULL));
    CU_ASSERT_TRUE(policy_set_has(f.set, PHASE_ADMIT));
    CU_ASSERT_FALSE(policy_set_has(f.set, PHASE_ROUTE));
    fake_run(&f, PHASE_ADMIT);
    UNIT_INT(f.out.err_code, ERR_RATE_LIMITED);
    UNIT_STR(f.notes, "a: a\nb: would deny: overloaded\n");
    f.policies[2].endpoints = (struct str[]){ STR("embeddings") };
    f.policies[2].n_endpoints = 1;
    fake_run(&f, PHASE_ADMIT);
    UNIT_INT(f.out.verdict, POLICY_NONE);
    CU_ASSERT_PTR_NOT_NULL(strstr(f.notes, "d: d\n"));
    fake_clear(&f);
}

/* ---- plans ---------------------------------------------------------- */

struct plan_fixture {
    struct conf_provider provider[3];
    struct provider open[3];
    struct target targets[3];
    struct candidate list[3];
    struct plan plan;
};

static struct conf_pair eu[] = { { STR("region"), STR("eu") } };
static struct conf_pair us[] = { { STR("region"), STR("us") } };

static void plan_init(struct plan_fixture *x)
{
    static const char *const names[] = { "a", "b", "c" };

    memset(x, 0, sizeof *x);
    for (int i = 0; i < 3; i++) {
        x->provider[i].name = str_of(names[i]);
        x->provider[i].tags = i == 1 ? eu : us;
        x->provider[i].n_tags = 1;
        x->open[i].conf = &x->provider[i];
        x->targets[i] = (struct target){ .name = str_of(names[i]),
                                         .provider = &x->open[i],
                                         .model = STR("m"), .weight = 1 };
        x->list[i].target = &x->targets[i];
    }
    x->plan = (struct plan){ .list = x->list, .n = 3, .model = STR("smart") };
}

static void order(const struct plan *p, char *out)
{
    for (size_t i = 0; i < p->n; i++) {
        if (!p->list[i].dropped)
            *out++ = p->list[i].target->name.p[0];
    }
    *out = '\0';
}

static void edits_plans(void)
{
    static const struct {
        const char *body, *order;
        bool observe;
        enum policy_verdict verdict;
    } cases[] = {
        { "", "abc", false, POLICY_NONE },
        { "plan:keep('eu', function(t) return t.tags.region == 'eu' end)", "b",
          false, POLICY_NONE },
        { "plan:drop('eu', function(t) return t.tags.region == 'eu' end)",
          "ac", false, POLICY_NONE },
        { "plan:prefer('c', function(t) return t.name == 'c' end)", "cab",
          false, POLICY_NONE },
        { "plan:prefer('w', function(t) return t.provider == 'b' and 2 or "
          "t.weight end) plan:drop('c', function(t) return t.name == 'c' end)",
          "ba", false, POLICY_NONE },
        { "plan:drop('all', function() return true end) if plan:empty() then "
          "return ps.deny('no_target') end", "", false, POLICY_DENY },
        { "plan:drop('all', function() return true end) error('x')", "abc",
          false, POLICY_NONE },
        { "plan:drop('all', function() return true end)", "abc", true,
          POLICY_NONE },
        { "plan:drop('x', function(t) return t.nosuch end)", "abc", false,
          POLICY_NONE },
        { "plan.nosuch()", "abc", false, POLICY_NONE },
        { "plan.keep(req, 'x', print)", "abc", false, POLICY_NONE },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct plan_fixture x;
        struct fake f;
        char source[512], left[8];

        plan_init(&x);
        fake_init(&f);
        f.run.plan = &x.plan;
        snprintf(source, sizeof source,
                 "return { api = 1, route = function(req, conf, plan) %s end }",
                 cases[i].body);
        fake_policy(&f, "p", source)->observe = cases[i].observe;
        CU_ASSERT_TRUE(fake_open(&f, NULL));
        fake_run(&f, PHASE_ROUTE);
        UNIT_INT(f.out.verdict, cases[i].verdict);
        order(&x.plan, left);
        UNIT_STR(left, cases[i].order);
        fake_clear(&f);
    }
}

/* ---- stale things --------------------------------------------------- */

static void stale_things_raise(void)
{
    struct fake f;

    fake_init(&f);
    fake_policy(&f, "p",
                "local kept, header\nlocal M = { api = 1 }\n"
                "function M.request(req) kept, header = req, req.header end\n"
                "function M.admit(req) return kept.id end\n"
                "function M.validate(req) return header['x-team'] end\n"
                "return M");
    CU_ASSERT_TRUE(fake_open(&f, NULL));
    fake_run(&f, PHASE_REQUEST);
    UNIT_INT(f.out.verdict, POLICY_NONE);
    fake_run(&f, PHASE_ADMIT);
    UNIT_INT(f.out.verdict, POLICY_FAILED);
    fake_run(&f, PHASE_VALIDATE);
    UNIT_INT(f.out.verdict, POLICY_FAILED);
    CU_ASSERT_PTR_NOT_NULL(strstr(f.notes, "req is over"));
    CU_ASSERT_PTR_NOT_NULL(strstr(f.notes, "req.header is over"));
    fake_clear(&f);
}

/* ---- in parts -------------------------------------------------------- */

static void loads_in_parts(void)
{
    const char *fine = "return { api = 1, request = function() end }";
    struct err err = { 0 };
    struct fake f;

    fake_init(&f);
    fake_policy(&f, "a", fine);
    fake_policy(&f, "b", fine);
    f.set = policy_set_begin(&f.config, NULL, &err);
    UNIT_INT(policy_set_step(f.set, &err), 1);
    UNIT_INT(policy_set_step(f.set, &err), 0);
    UNIT_INT(policy_set_step(f.set, &err), 0);
    UNIT_INT(fake_run(&f, PHASE_REQUEST), POLICY_DONE);
    CU_ASSERT_TRUE(policy_set_shed(f.set));
    CU_ASSERT_TRUE(policy_set_shed(f.set));
    CU_ASSERT_FALSE(policy_set_shed(f.set));
    policy_set_free(f.set);

    fake_policy(&f, "c", "return {");
    f.set = policy_set_begin(&f.config, NULL, &err);
    UNIT_INT(policy_set_step(f.set, &err), 1);
    UNIT_INT(policy_set_step(f.set, &err), 1);
    UNIT_INT(policy_set_step(f.set, &err), -ERR_CONFIG);
    UNIT_STR(err.at, "c:1");
    fake_clear(&f); /* one that was begun */
}

UNIT_MAIN("policy", { "refuses bad files", refuses_bad_files },
          { "checks conf", checks_conf },
          { "reads decisions", reads_decisions },
          { "fills a denial", fills_a_denial },
          { "answers", answers },
          { "fails as declared", fails_as_declared },
          { "first decision wins", first_decision_wins },
          { "edits plans", edits_plans },
          { "stale things raise", stale_things_raise },
          { "loads in parts", loads_in_parts })
