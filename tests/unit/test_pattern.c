/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The bounded matcher gives what Lua's own gives: on a table of cases, which
 * Lua's library is held to as well, and on 100,000 random patterns and texts
 * (PENSTOCK_SEED=n for others), malformed ones too. Then: what it refuses.
 */
#include "source.h"
#include "unit.h"

#include "policy/pattern.h"
#include "policy/pattern_lib.h"

#include <lauxlib.h>
#include <lualib.h>

enum { ROUNDS = 100000 };

/* Put a file of Lua on the stack, as a function. */
static void load_file(lua_State *L, const char *name)
{
    if (luaL_loadfile(L, source_path(name)) != LUA_OK)
        printf("\n%s\n", lua_tostring(L, -1));
    CU_ASSERT_FATAL(lua_isfunction(L, -1));
}

/* A plain state with our functions as `mine`. */
static lua_State *open_state(void)
{
    lua_State *L = luaL_newstate();

    luaL_openlibs(L);
    lua_newtable(L);
    pattern_lib(L);
    lua_setglobal(L, "mine");
    return L;
}

/* Call what is on the stack; false, with what it said, when it fails. */
static bool call(lua_State *L, int args, int results)
{
    if (lua_pcall(L, args, results, 0) == LUA_OK)
        return true;
    printf("\n%s\n", lua_tostring(L, -1));
    CU_FAIL("the matchers differ");
    return false;
}

static void cases_hold(void)
{
    lua_State *L = open_state();

    load_file(L, "tests/policies/pattern_check.lua");
    load_file(L, "tests/policies/pattern_cases.lua");
    CU_ASSERT(call(L, 0, 1));
    lua_getglobal(L, "mine");
    if (call(L, 2, 1))
        CU_ASSERT(lua_tointeger(L, -1) >= 250);
    lua_close(L);
}

static void same_as_lua(void)
{
    const char *seed = getenv("PENSTOCK_SEED");
    lua_State *L = open_state();

    load_file(L, "tests/policies/pattern_random.lua");
    lua_pushinteger(L, ROUNDS);
    lua_pushinteger(L, seed ? strtol(seed, NULL, 10) : 20260101);
    printf("\n%d rounds, seed %lld\n", ROUNDS, lua_tointeger(L, -1));
    lua_getglobal(L, "mine");
    if (call(L, 3, 2)) {
        printf("%s\n", lua_tostring(L, -2));
        UNIT_STR(lua_tostring(L, -1), ""); /* what never happened */
    }
    lua_close(L);
}

/* ---- what it refuses --------------------------------------------------- */

static char as[1 << 20]; /* 'a' */

static ptrdiff_t try_match(struct pattern *p, struct str pattern, size_t n)
{
    pattern_init(p, (struct str){ as, n }, pattern);
    return pattern_match(p, 0);
}

static void is_bounded(void)
{
    struct pattern p;
    char deep[2 * PATTERN_CHOICES + 64];

    memset(as, 'a', sizeof as);
    UNIT_INT(try_match(&p, STR(".-.-.-b"), 1000), PATTERN_FAULT);
    UNIT_STR(p.fault, "pattern too costly for this text");
    UNIT_INT(try_match(&p, STR("a*a*a*a*b"), 1000), PATTERN_FAULT);
    UNIT_INT(try_match(&p, STR(".*b"), 200000), PATTERN_NO);
    for (size_t i = 0; i < sizeof deep - 2; i += 2)
        memcpy(deep + i, "a-", 3);
    memcpy(deep + sizeof deep - 3, "b", 2);
    UNIT_INT(try_match(&p, str_of(deep), 1000), PATTERN_FAULT);
    UNIT_STR(p.fault, "pattern too complex");
    deep[2 * (PATTERN_CHOICES - 1)] = '\0';
    UNIT_INT(try_match(&p, str_of(deep), 1000), 0);
}

/* A set and a back reference may be as long as a text: each try of them is
 * many steps. */
static void long_items_cost_more(void)
{
    static char set[64 << 10];
    struct str pattern = { set, sizeof set };
    struct pattern p;

    memset(as, 'a', sizeof as);
    memset(set, 'b', sizeof set);
    set[0] = '[';
    set[sizeof set - 2] = 'a';
    set[sizeof set - 1] = ']';
    UNIT_INT(try_match(&p, pattern, 1), 1);
    set[sizeof set - 2] = 'b';
    UNIT_INT(try_match(&p, pattern, 1000), PATTERN_NO);
    CU_ASSERT(p.steps <= PATTERN_STEPS + 8000 - sizeof set / 8);
    UNIT_INT(try_match(&p, STR("(a*)%1b"), sizeof as), PATTERN_FAULT);
}

static bool yes(void)
{
    return true;
}

static void looks_at_the_budget(void)
{
    struct pattern p;

    memset(as, 'a', sizeof as);
    pattern_init(&p, (struct str){ as, sizeof as }, STR(".*b"));
    p.expired = yes;
    UNIT_INT(pattern_match(&p, 0), PATTERN_FAULT);
    UNIT_STR(p.fault, "CPU budget used up");
    CU_ASSERT(p.steps + 100000 > PATTERN_STEPS + 8 * sizeof as);
}

/* Where a match may begin; a text this long gets a map of bytes for sets. */
static void skips_what_cannot_begin(void)
{
    struct { const char *pattern; size_t next; } rows[] = {
        { "b", 900 },      { "[b-d]+", 900 }, { "%u", 901 },
        { "(b)", 900 },    { "((%u))", 901 }, { "%B", 901 },
        { "%z", 1000 },    { "b*", 0 },       { "b?B", 0 },
        { "[^a]-b", 0 },   { "()b", 0 },      { "%bxy", 0 },
        { "%f[b]", 0 },    { "$", 0 },        { "[b", 0 },
        { "", 0 },         { "%%", 1000 },    { ".b", 0 },
    };

    memset(as, 'a', sizeof as);
    memcpy(as + 900, "bB", 2);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pattern p;

        pattern_init(&p, (struct str){ as, 1000 }, str_of(rows[i].pattern));
        if (pattern_next(&p, 0) != rows[i].next)
            printf("\n%s", rows[i].pattern);
        UNIT_INT(pattern_next(&p, 0), rows[i].next);
        UNIT_INT(pattern_next(&p, 1000), 1000);
    }
}

UNIT_MAIN("pattern", { "cases hold", cases_hold },
          { "same as Lua", same_as_lua }, { "is bounded", is_bounded },
          { "long items cost more", long_items_cost_more },
          { "looks at the budget", looks_at_the_budget },
          { "skips what cannot begin", skips_what_cannot_begin })
