/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The runner of policies' tests, and the shipped policies' own tests. */
#include "unit.h"

#include "policy/policy.h"
#include "policy/test.h"

static void run(struct policy_test *t, const char *policy, const char *tests,
                struct err *err)
{
    *t = (struct policy_test){ .name = STR("p"), .path = STR("p.lua"),
                               .source = str_of(policy),
                               .tests = str_of(tests),
                               .tests_path = STR("p_test.lua") };
    policy_test_run(t, err);
}

static const char admit[] =
    "return { api = 1, schema = { n = 'int' }, admit = function(req, conf) "
    "ps.note('seen ' .. req.model) if req.max_tokens then error('so many') end "
    "if req.header['X-Bad'] then return "
    "ps.deny('x_bad', 'bad', { status = 422, retry_after = conf.n }) end end }";

static void counts_both(void)
{
    static const struct {
        const char *body;
        bool passes;
    } cases[] = {
        { "req = { model = 'm' }, expect = { note = 'seen m' }", true },
        { "req = { model = 'm' }, expect = { note = 'seen n' }", false },
        { "req = { model = 'm' }, expect = { deny = 'x_bad' }", false },
        { "req = { model = 'm', header = { ['x-bad'] = '1' } }, "
          "conf = { n = 2 }, expect = { deny = 'x_bad', status = 422, "
          "retry_after = 2, message = 'bad' }", true },
        { "req = { model = 'm', header = { ['x-bad'] = '1' } }", false },
        { "req = { model = 'm', header = { ['x-bad'] = '1' } }, "
          "expect = { deny = 'x_bad', status = 400 }", false },
        { "req = { max_tokens = 7 }, expect = { fails = 'so many' }", true },
        { "req = { max_tokens = 7 }, expect = { fails = 'so few' }", false },
        { "req = { max_tokens = 7 }", false },
        { "expect = { fails = 'so many' }", false },
        { "fail = 'open', req = { max_tokens = 7 }", false },
        { "fail = 'open', req = { max_tokens = 7 }, "
          "expect = { fails = 'so many' }", true },
        { "mode = 'observe', req = { max_tokens = 7 }", false },
        { "mode = 'observe', req = { max_tokens = 7 }, "
          "expect = { fails = 'so many' }", true },
        { "req = { model = 'failed open: ' }", true },
        { "req = { modell = 'm' }", false },
        { "expectt = {}", false },
        { "phase = 'route'", false },
        { "phase = 'admit', req = { model = 'x' }", true },
        { "conf = { n = 'x' }, expect = { fails = 'a whole number' }", true },
        { "conf = { n = 'x' }", false },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct policy_test t;
        struct err err = { 0 };
        char tests[512];

        snprintf(tests, sizeof tests, "ps.test('one', { %s })", cases[i].body);
        run(&t, admit, tests, &err);
        UNIT_INT(err.code, 0);
        if (t.passed != cases[i].passes)
            printf("\n%zu: %s", i, cases[i].body);
        UNIT_INT(t.passed, cases[i].passes);
        UNIT_INT(t.failed, !cases[i].passes);
    }
}

static const char output[] =
    "return { api = 1, output = function(req, conf, w) "
    "w:replace('%d+', '#') ps.note(w.kind .. w.block .. tostring(w.final)) "
    "if w.text == 'end' then return ps.stop('length') end end }";

static void windows(void)
{
    static const struct {
        const char *body;
        bool passes;
    } cases[] = {
        { "window = { text = 'a12b3' }, expect = { text = 'a#b#' }", true },
        { "window = { text = 'a12b3' }, expect = { text = 'a#b3' }", false },
        { "window = { text = '' }, expect = { text = '' }", true },
        { "window = { text = 'x', kind = 'thinking', block = 2, final = false "
          "}, expect = { note = 'thinking2false' }", true },
        { "window = { text = 'x' }, expect = { note = 'text0true' }", true },
        { "window = { text = 'end' }, expect = { stop = 'length' }", true },
        { "window = { text = 'end' }, expect = { stop = 'stop' }", false },
        { "window = { text = 'end' }", false },
        { "expect = { text = '' }", false },
        { "window = {}", false },
        { "window = { text = 'x', kind = 'txt' }", false },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct policy_test t;
        struct err err = { 0 };
        char tests[512];

        snprintf(tests, sizeof tests, "ps.test('one', { %s })", cases[i].body);
        run(&t, output, tests, &err);
        if (t.passed != cases[i].passes)
            printf("\n%s", cases[i].body);
        UNIT_INT(t.passed, cases[i].passes);
    }
}

static void broken_files_are_errors(void)
{
    struct policy_test t;
    struct err err = { 0 };

    run(&t, admit, "ps.test('one', {", &err);
    UNIT_INT(err.code, ERR_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, "p_test.lua:1"));
    err.code = 0;
    run(&t, admit, "ps.test('one')", &err);
    UNIT_INT(err.code, ERR_CONFIG);
}

/* A file below the source's top, or "". */
static char *slurp(const char *path)
{
    const char *src = getenv("PENSTOCK_SRC");
    char whole[4096];
    char *text = calloc(1, 1 << 16);
    FILE *f;

    snprintf(whole, sizeof whole, "%s/%s", src ? src : ".", path);
    f = fopen(whole, "r");
    if (f && fread(text, 1, (1 << 16) - 1, f) == 0)
        text[0] = '\0';
    if (f)
        fclose(f);
    return text;
}

static void what_says_nothing_is_an_error(void)
{
    struct policy_test t = { .name = STR("p"), .path = STR("p.lua"),
                             .source = str_of(admit), .cpu_ms = 20,
                             .tests = STR("local n\nwhile true do n = 1 end"),
                             .tests_path = STR("p_test.lua") };
    struct err err = { 0 };

    UNIT_INT(policy_test_run(&t, &err), -ERR_CONFIG);
    UNIT_STR(err.msg, "p_test.lua:2: the tests of this file take more than "
                      "20 ms of CPU");
    err.code = 0;
    run(&t, admit, "-- none yet", &err);
    UNIT_INT(err.code, ERR_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, "p_test.lua: it has no test"));
}

static void shipped_policies_pass(void)
{
    static const char *const names[] = { "auth", "route", "validate" };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[2][64];
        char *policy, *tests;
        struct policy_test t;
        struct err err = { 0 };

        snprintf(path[0], sizeof path[0], "policies/%s.lua", names[i]);
        snprintf(path[1], sizeof path[1], "policies/%s_test.lua", names[i]);
        policy = slurp(path[0]);
        tests = slurp(path[1]);
        t = (struct policy_test){ .name = str_of(names[i]),
                                  .path = str_of(path[0]),
                                  .source = str_of(policy),
                                  .tests = str_of(tests),
                                  .tests_path = str_of(path[1]),
                                  .out = stdout };
        UNIT_INT(policy_test_run(&t, &err), 0);
        UNIT_STR(err.msg, "");
        UNIT_INT(t.failed, 0);
        CU_ASSERT(t.passed >= 6);
        free(policy);
        free(tests);
    }
}

/* ---- the guide's examples ---------------------------------------------- */

/* The next block of Lua, NUL-terminated in place; NULL after the last. */
static char *next_block(char **rest)
{
    char *from = strstr(*rest, "```lua\n"), *end;

    if (!from)
        return NULL;
    from += strlen("```lua\n");
    end = strstr(from, "```");
    if (!end)
        return NULL;
    *end = '\0';
    *rest = end + 3;
    return from;
}

/* "-- NAME.lua" on the first line is a policy, "-- NAME_test.lua" tests of
 * the policy before it. Returns how many of both passed. */
static int try_block(const char *block, const char **policy)
{
    const char *line = strchr(block, '\n');
    struct err err = { 0 };
    struct policy_test t;

    if (strncmp(block, "-- ", 3) != 0 || !line ||
        !memmem(block, (size_t)(line - block), ".lua", 4))
        return 0;
    if (!memmem(block, (size_t)(line - block), "_test", 5)) {
        struct conf_policy p = { .name = STR("guide"),
                                 .source = str_of(block) };
        struct conf_service service = { .name = STR("authz") };
        struct conf_redis redis = { .name = STR("main") };
        struct config c = { .policies = &p, .n_policies = 1,
                            .services = &service, .n_services = 1,
                            .redis = &redis, .n_redis = 1 };
        struct policy_set *s = policy_set_new(&c, &err);

        UNIT_STR(err.msg, "");
        CU_ASSERT_PTR_NOT_NULL(s);
        policy_set_free(s);
        *policy = block;
        return 1;
    }
    run(&t, *policy, block, &err);
    UNIT_STR(err.msg, "");
    UNIT_INT(t.failed, 0);
    return t.passed > 0;
}

static void guide_is_true(void)
{
    char *text = slurp("docs/guide/policies.md"), *rest = text, *block;
    const char *policy = "";
    int good = 0;

    while ((block = next_block(&rest)))
        good += try_block(block, &policy);
    CU_ASSERT(good >= 5);
    free(text);
}

UNIT_MAIN("policy_test", { "counts both", counts_both },
          { "windows", windows },
          { "broken files are errors", broken_files_are_errors },
          { "what says nothing is an error", what_says_nothing_is_an_error },
          { "shipped policies pass", shipped_policies_pass },
          { "guide is true", guide_is_true })
