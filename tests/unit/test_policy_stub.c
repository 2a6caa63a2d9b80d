/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What is made from api.def is of today, and api.def says what the engine
 * has: nothing more, nothing less.
 */
#include "config_fixture.h"
#include "net/hash.h"
#include "policy/api_light.h"
#include "policy/api_table.h"
#include "policy/sandbox.h"
#include "policy/test_case.h"

/* ---- files -------------------------------------------------------------- */

static void source(const char *name, struct buf *out)
{
    FILE *f = fopen(fixture_source(name), "r");
    char chunk[4096];
    size_t n;

    while (f && (n = fread(chunk, 1, sizeof chunk, f)) > 0)
        buf_put(out, (struct str){ chunk, n });
    if (f)
        fclose(f);
}

/* Is the file what was made? It must be Lua, too. */
static void same(const char *name, struct buf *made)
{
    struct buf file = BUF_INIT(1 << 20);
    lua_State *L = luaL_newstate();

    source(name, &file);
    CU_ASSERT(buf_len(made) > 1000);
    if (!str_eq(buf_str(&file), buf_str(made)))
        printf("\n%s is stale: run docs/generate", name);
    CU_ASSERT_TRUE(str_eq(buf_str(&file), buf_str(made)));
    UNIT_INT(luaL_loadbufferx(L, buf_str(made).p, buf_len(made), name, "t"),
             LUA_OK);
    lua_close(L);
    buf_clear(&file);
    buf_clear(made);
}

static void files_are_of_today(void)
{
    struct buf made = BUF_INIT(1 << 20), page = BUF_INIT(1 << 20);
    struct err err = { 0 };

    UNIT_INT(api_help_stub(&made), 0);
    same("sdk/lua/penstock.lua", &made);
    UNIT_INT(api_help_luacheck(&made, &err), 0);
    UNIT_STR(err.msg, "");
    same("sdk/lua/luacheckrc", &made);
    UNIT_INT(api_help_mdoc(&made), 0);
    source("docs/man/penstock-policy.7", &page);
    if (str_find(buf_str(&page), buf_str(&made)) < 0)
        printf("\ndocs/man/penstock-policy.7 is stale: run docs/generate");
    CU_ASSERT(str_find(buf_str(&page), buf_str(&made)) > 0);
    buf_clear(&page);
    buf_clear(&made);
}

/* ---- the engine --------------------------------------------------------- */

struct engine {
    struct config config;
    struct conf_policy policy;
    struct policy_env env;
    struct policy_state *st;
};

static lua_State *engine_open(struct engine *e)
{
    struct err err = { 0 };

    memset(e, 0, sizeof *e);
    e->policy = (struct conf_policy){ .name = STR("p"),
                                      .source = STR("return { api = 1, "
                                                    "log = function() "
                                                    "end }") };
    e->env.config = &e->config;
    e->env.hash = hash_new();
    e->st = policy_state_new(&e->env, &e->policy, &err);
    UNIT_STR(err.msg, "");
    return e->st ? e->st->L : NULL;
}

static void engine_close(struct engine *e)
{
    policy_state_free(e->st);
    hash_free(e->env.hash);
}

static void no_row(const char *name)
{
    printf("\napi.def has no row for %s, which scripts can use", name);
    CU_FAIL("a name without a row");
}

/* The table below a read-only view on top takes its place. */
static bool below_view(lua_State *L)
{
    if (!lua_istable(L, -1) || !lua_getmetatable(L, -1))
        return false;
    lua_getfield(L, -1, "__index");
    lua_replace(L, -3);
    lua_pop(L, 1);
    return lua_istable(L, -1);
}

/* Each member of the table on top has a row "prefix.name", or is a table
 * whose members have. */
static int members(lua_State *L, const char *prefix)
{
    int n = 0;

    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        char name[128];

        snprintf(name, sizeof name, "%s.%s", prefix, lua_tostring(L, -2));
        if (api_row_find(str_of(name)))
            n++;
        else if (below_view(L))
            n += members(L, name);
        else
            no_row(name);
    }
    return n;
}

/* "ps.keys.get" in the environment on top. */
static bool reaches(lua_State *L, const char *name)
{
    struct str rest = str_of(name);
    int top = lua_gettop(L);
    bool there = true;

    lua_pushvalue(L, top);
    while (there && rest.p) {
        struct str part = str_split(&rest, '.');

        there = below_view(L);
        lua_pushlstring(L, part.p, part.n);
        if (there)
            there = lua_rawget(L, -2) != LUA_TNIL;
    }
    lua_settop(L, top);
    return there;
}

static void ps_has_what_the_rows_say(void)
{
    struct engine e;
    lua_State *L = engine_open(&e);
    int rows = 0;

    sandbox_push_env(L);
    for (const struct api_row *r = api_rows; r->cls; r++) {
        if (!api_row_is_of(r, "ps") || strcmp(r->phases, "test") == 0)
            continue;
        rows++;
        if (!reaches(L, r->name))
            printf("\n%s does not exist", r->name);
        CU_ASSERT(reaches(L, r->name));
    }
    CU_ASSERT_FALSE(reaches(L, "ps.test"));
    CU_ASSERT_FALSE(reaches(L, "ps.keys.put"));
    below_view(L);
    lua_getfield(L, -1, "ps");
    below_view(L);
    UNIT_INT(members(L, "ps"), rows);
    CU_ASSERT(rows > 10);
    engine_close(&e);
}

/* The members that a metatable on top knows, as a table on top: the names are
 * an upvalue of __index (which one, api_light.h says), or __index is the table
 * of methods. */
static void names_of(lua_State *L, const char *cls)
{
    int upvalue = strcmp(cls, "principal") == 0 ? UP_PRINCIPAL
                  : strcmp(cls, "plan") == 0    ? UP_PLAN
                                                : UP_REQ;

    if (lua_getfield(L, -1, "__index") != LUA_TTABLE)
        CU_ASSERT_PTR_NOT_NULL(lua_getupvalue(L, -1, upvalue));
}

static bool has_row(const char *cls, const char *name)
{
    char field[128], method[128];

    snprintf(field, sizeof field, "%s.%s", cls, name);
    snprintf(method, sizeof method, "%s:%s", cls, name);
    if (api_row_find(str_of(field)) || api_row_find(str_of(method)))
        return true;
    no_row(field);
    return false;
}

/* Rows and names of the class, whose table of names is on top. */
static void compare_class(lua_State *L, const char *cls)
{
    int n = 0, rows = 0;

    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1))
        n += has_row(cls, lua_tostring(L, -2));
    for (const struct api_row *r = api_rows; r->cls; r++) {
        if (!api_row_is_of(r, cls) || api_row_short(r)[0] == '[')
            continue; /* a row for any name is none of a name */
        rows++;
        lua_pushstring(L, api_row_short(r));
        if (lua_rawget(L, -2) == LUA_TNIL)
            printf("\n%s does not exist", r->name);
        lua_pop(L, 1);
    }
    UNIT_INT(rows, n);
    CU_ASSERT(rows > 0);
}

/* Plain tables, opaque values, and ps, which has a test of its own. */
static bool is_data(const char *cls)
{
    static const char *const data[] = { "policy", "test", "expect",
                                        "decision", "part", "secret", "ps",
                                        "limit_row", "rows", "refusal" };

    for (size_t i = 0; i < sizeof data / sizeof data[0]; i++) {
        if (strcmp(cls, data[i]) == 0)
            return true;
    }
    return false;
}

static bool push_class(lua_State *L, struct policy_call *c, const char *cls)
{
    static const struct {
        enum api_kind kind;
        const char *cls;
    } kinds[] = { { API_REQ, "req" },
                  { API_PRINCIPAL, "principal" },
                  { API_PLAN, "plan" },
                  { API_TARGET, "target" },
                  { API_BODY, "body" },
                  { API_TRY, "try" },
                  { API_ERR, "err" },
                  { API_RESP, "resp" },
                  { API_OUT, "out" },
                  { API_LIMITS, "limits" },
                  { API_WINDOW, "window" } };

    if (luaL_getmetatable(L, cls) == LUA_TTABLE)
        return true;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(kinds[i].cls, cls) != 0)
            continue;
        api_push(L, c, kinds[i].kind, NULL, 0);
        return lua_getmetatable(L, -1);
    }
    return false;
}

static void classes_have_what_the_rows_say(void)
{
    struct engine e;
    lua_State *L = engine_open(&e);
    struct policy_run run = { .at = 0 };
    struct policy_call c = { .st = e.st, .run = &run };
    int n = 0;

    for (const struct api_row *r = api_rows; r->cls; r++) {
        bool there;

        if (r->kind != API_ROW_CLASS || is_data(r->name))
            continue;
        there = push_class(L, &c, r->name);
        if (!there)
            printf("\nwhere are the names of class %s?", r->name);
        CU_ASSERT_TRUE(there);
        if (there) {
            names_of(L, r->name);
            compare_class(L, r->name);
            n++;
        }
        lua_settop(L, 0);
    }
    CU_ASSERT(n >= 5);
    engine_close(&e);
}

static size_t count_rows(const struct test_row *rows, const char *cls)
{
    size_t n = 0;

    for (; rows->name; rows++, n++)
        has_row(cls, rows->name);
    return n;
}

/* What a test may say: as many rows as the runner takes, each of them one. */
static void tests_have_what_the_rows_say(void)
{
    size_t test = count_rows(test_case_rows, "test") +
                  count_rows(test_call_rows, "test"), rows = 0;
    size_t expect = count_rows(test_expect_rows, "expect"), wanted = 0;

    for (const struct api_row *r = api_rows; r->cls; r++) {
        rows += api_row_is_of(r, "test");
        wanted += api_row_is_of(r, "expect");
    }
    UNIT_INT(rows, test);
    UNIT_INT(wanted, expect);
}

/* Fields and methods stand under a class. */
static void classes_have_rows(void)
{
    for (const struct api_row *r = api_rows; r->cls; r++) {
        size_t n = strcspn(r->name, ".:");
        const struct api_row *cls =
            api_row_find((struct str){ r->name, n });

        if (!cls || cls->kind != API_ROW_CLASS)
            printf("\n%s: there is no API_CLASS for it", r->name);
        CU_ASSERT(cls && cls->kind == API_ROW_CLASS);
    }
}

/* ---- the rows themselves ------------------------------------------------ */

static bool class_exists(struct str lua_name)
{
    bool there = false;

    for (const struct api_row *r = api_rows; r->cls && !there; r++) {
        struct buf name = BUF_INIT(128);

        if (r->kind == API_ROW_CLASS)
            api_class_name(&name, r->name);
        there = str_eq(buf_str(&name), lua_name);
        buf_clear(&name);
    }
    return there;
}

/* Every penstock.X in a text is a class. */
static void types_exist(const char *text)
{
    const char *at = text;

    while (at && (at = strstr(at, "penstock."))) {
        size_t n = strspn(at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRST"
                              "UVWXYZ.");

        if (!class_exists((struct str){ at, n }))
            printf("\nno class %.*s", (int)n, at);
        CU_ASSERT_TRUE(class_exists((struct str){ at, n }));
        at += n;
    }
}

static bool phases_exist(const char *text)
{
    struct str rest = str_of(text), word;

    if (strcmp(text, "any") == 0 || strcmp(text, "load") == 0 ||
        strcmp(text, "test") == 0)
        return true;
    if (rest.n > 2 && strcmp(text + rest.n - 2, "..") == 0)
        rest.n -= 2;
    do {
        word = str_split(&rest, ' ');
        if (phase_find(word) == PHASE_COUNT)
            return false;
    } while (rest.p);
    return true;
}

static void rows_are_well_formed(void)
{
    for (const struct api_row *r = api_rows; r->cls; r++) {
        size_t n = strlen(r->help);

        bool ends = n >= 4 && strchr(".?", r->help[n - 1]);

        if (!ends)
            printf("\n%s: the help is no sentence", r->name);
        CU_ASSERT_TRUE(ends);
        CU_ASSERT_PTR_EQUAL(api_row_find(str_of(r->name)), r); /* once */
        types_exist(r->params);
        types_exist(r->returns);
        types_exist(r->type);
        if (r->kind == API_ROW_CLASS)
            continue;
        if (!phases_exist(r->phases))
            printf("\n%s: no such phase: %s", r->name, r->phases);
        CU_ASSERT_TRUE(phases_exist(r->phases));
    }
}

static void phases_have_rows(void)
{
    for (int p = 0; p < PHASE_COUNT; p++) {
        char name[64];

        snprintf(name, sizeof name, "policy.%s",
                 phase_info((enum policy_phase)p)->name);
        if (phase_info((enum policy_phase)p)->called &&
            !api_row_find(str_of(name)))
            no_row(name);
    }
    for (const struct api_row *r = api_rows; r->cls; r++) {
        struct str name = str_of(api_row_short(r));

        if (!api_row_is_of(r, "policy") || phase_find(name) != PHASE_COUNT ||
            str_is(name, "api") || str_is(name, "schema") ||
            str_is(name, "fail") || str_is(name, "dialects") ||
            str_is(name, "window") || str_is(name, "every"))
            continue;
        printf("\n%s: no phase, no key", r->name);
        CU_FAIL("a row without a phase");
    }
}

/* ---- help --------------------------------------------------------------- */

static void help_of(const char *name, const char *want)
{
    struct buf out = BUF_INIT(1 << 20);
    struct err err = { 0 };

    if (api_help(str_of(name), &out, &err) < 0)
        buf_puts(&out, err.msg);
    if (str_find(buf_str(&out), str_of(want)) < 0)
        printf("\n%s: \"" STR_FMT "\" has no \"%s\"", name,
               STR_ARG(buf_str(&out)), want);
    CU_ASSERT(str_find(buf_str(&out), str_of(want)) >= 0);
    buf_clear(&out);
}

static void help(void)
{
    help_of("", "  ps.keys.get(sha256)");
    help_of("", "  authenticate ");
    help_of("ps.deny", "ps.deny(code, message?, options?) -> "
                       "penstock.Decision\n");
    help_of("ps.deny", "  message: string; may be left out\n");
    help_of("ps.sleep", "it waits");
    help_of("plan:keep", "  f: fun(t: penstock.Target): any\n");
    help_of("plan", "  plan:empty()");
    help_of("req.model", "from validate on");
    help_of("route", "route = nil|fun(req: ");
    help_of("route", "counts as no opinion");
    help_of("ps.denny", "did you mean 'ps.deny'?");
    help_of("x", "there is no 'x'");
}

static void lists_are_split(void)
{
    struct str rest = STR("a: fun(x: string, y: \"a,b\"): any, b?: {c: int}");
    struct api_param p = api_param_read(api_split(&rest));

    UNIT_INT(str_is(p.name, "a"), 1);
    UNIT_INT(str_is(p.type, "fun(x: string, y: \"a,b\"): any"), 1);
    UNIT_INT(p.optional, 0);
    p = api_param_read(api_split(&rest));
    UNIT_INT(str_is(p.name, "b"), 1);
    UNIT_INT(str_is(p.type, "{c: int}"), 1);
    UNIT_INT(p.optional, 1);
    CU_ASSERT_PTR_NULL(rest.p);
}

UNIT_MAIN("policy_stub", { "files are of today", files_are_of_today },
          { "ps has what the rows say", ps_has_what_the_rows_say },
          { "classes have what the rows say", classes_have_what_the_rows_say },
          { "tests have what the rows say", tests_have_what_the_rows_say },
          { "classes have rows", classes_have_rows },
          { "rows are well formed", rows_are_well_formed },
          { "phases have rows", phases_have_rows }, { "help", help },
          { "lists are split", lists_are_split })
