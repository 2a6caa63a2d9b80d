/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What a policy file returns: { api = 1, schema =, fail =, dialects =,
 * <phase> = function }. Every key must be known: a misspelt phase would never
 * run.
 */
#include "engine/config_table.h"
#include "policy/output.h"
#include "policy/state.h"
#include "policy/tick.h"

enum { CLOSED, OPEN };
enum { CALLED, LATER };

static const struct phase_row {
    const char *name;
    bool open; /* fail mode where nobody says otherwise */
    bool later; /* no step of this version calls it */
} phases[PHASE_COUNT] = {
#define PHASE_ROW(id, name, fail, called, when)                               \
    [PHASE_##id] = { name, (fail) == OPEN, (called) == LATER },
#include "policy/phases.def"
#undef PHASE_ROW
};

const char *policy_phase_name(enum policy_phase p)
{
    return p < PHASE_COUNT ? phases[p].name : "?";
}

static int phase_of(const char *name)
{
    for (int p = 0; p < PHASE_COUNT; p++) {
        if (strcmp(name, phases[p].name) == 0)
            return p;
    }
    return -1;
}

static bool is_open(lua_State *L, const char *what, const char *mode)
{
    if (mode && strcmp(mode, "open") == 0)
        return true;
    if (!mode || strcmp(mode, "closed") != 0)
        luaL_error(L, "%s: \"open\" or \"closed\" is needed", what);
    return false;
}

/* fail = "open", or { route = "closed" }; the value is on top. */
static void take_fail(struct policy_state *st, lua_State *L)
{
    if (lua_type(L, -1) == LUA_TSTRING) {
        bool open = is_open(L, "fail", lua_tostring(L, -1));

        for (int p = 0; p < PHASE_COUNT; p++)
            st->open[p] = open;
        return;
    }
    if (!lua_istable(L, -1))
        luaL_error(L, "fail: \"open\", \"closed\" or { phase = \"open\" } is "
                      "needed, not a %s", luaL_typename(L, -1));
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        int p = lua_type(L, -2) == LUA_TSTRING ? phase_of(lua_tostring(L, -2))
                                               : -1;

        if (p < 0)
            luaL_error(L, "fail: names of phases are needed");
        st->open[p] = is_open(L, "fail",
                              lua_type(L, -1) == LUA_TSTRING
                                  ? lua_tostring(L, -1) : NULL);
    }
}

/* dialects = { "openai-chat" }, on top */
static void take_dialects(struct policy_state *st, lua_State *L)
{
    int list = lua_gettop(L);

    if (!lua_istable(L, list) || lua_rawlen(L, list) == 0)
        luaL_error(L, "dialects: a list of names is needed, as in "
                      "{ \"openai-chat\" }");
    for (lua_Integer i = 1; i <= (lua_Integer)lua_rawlen(L, list); i++) {
        unsigned bits = 0;
        struct str name = STR_NULL;

        if (lua_rawgeti(L, list, i) == LUA_TSTRING) {
            name.p = lua_tolstring(L, -1, &name.n);
            bits = dialects_by_name(name);
        }
        if (!bits)
            luaL_error(L, "dialects: there is no dialect '%s'",
                       name.p ? name.p : luaL_typename(L, -1));
        st->dialects |= bits;
        lua_pop(L, 1);
    }
}

/* A misspelt phase would never be called. */
static void unknown_key(lua_State *L, const char *key)
{
    struct conf_near near;

    conf_near_init(&near, str_of(key));
    conf_near_words(&near, STR("api|schema|fail|dialects|window|every"));
    for (int p = 0; p < PHASE_COUNT; p++) {
        if (!phases[p].later)
            conf_near_offer(&near, str_of(phases[p].name));
    }
    if (near.best.p)
        luaL_error(L, "the file returns an unknown key '%s'; did you mean "
                      "'%s'?", key,
                   lua_pushlstring(L, near.best.p, near.best.n));
    luaL_error(L, "the file returns an unknown key '%s' (api, schema, "
                  "fail, dialects, window, every, or a phase: "
                  "penstock-policy(7))", key);
}

/* One member of the file's table: key at -2, value on top. */
static void take_member(struct policy_state *st, lua_State *L)
{
    const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2)
                                                     : "a number";
    int p = phase_of(key);

    if (p >= 0) {
        if (!lua_isfunction(L, -1) || lua_iscfunction(L, -1))
            luaL_error(L, "%s: a function is needed", key);
        if (phases[p].later)
            luaL_error(L, "%s: this version does not call that phase", key);
        lua_pushvalue(L, -1);
        st->fn[p] = luaL_ref(L, LUA_REGISTRYINDEX);
    } else if (strcmp(key, "fail") == 0) {
        take_fail(st, L);
    } else if (strcmp(key, "dialects") == 0) {
        take_dialects(st, L);
    } else if (strcmp(key, "window") == 0) {
        policy_output_load(st, L);
    } else if (strcmp(key, "every") == 0) {
        policy_take_every(st, L);
    } else if (strcmp(key, "api") != 0 && strcmp(key, "schema") != 0) {
        unknown_key(L, key);
    }
}

static bool has_phase(const struct policy_state *st)
{
    int p = 0;

    while (p < PHASE_COUNT && st->fn[p] == LUA_NOREF)
        p++;
    return p < PHASE_COUNT;
}

void policy_load_table(struct policy_state *st, lua_State *L)
{
    int table = lua_gettop(L);
    bool any;

    if (!lua_istable(L, table))
        luaL_error(L, "the file returned a %s, not a table (is 'return M' "
                      "missing?)", luaL_typename(L, table));
    lua_pushliteral(L, "api");
    lua_rawget(L, table);
    if (!lua_isinteger(L, -1) || lua_tointeger(L, -1) != 1)
        luaL_error(L, "api = 1 is needed in the table that the file returns");
    for (int p = 0; p < PHASE_COUNT; p++)
        st->open[p] = phases[p].open;
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1))
        take_member(st, L);
    any = has_phase(st);
    policy_output_loaded(st, L);
    if ((st->fn[PHASE_TICK] != LUA_NOREF) != (st->every_ms != 0))
        luaL_error(L, "tick and every need each other: every = "
                      "{ interval = \"30s\" }");
    if (st->conf->fail.n) {
        lua_pushlstring(L, st->conf->fail.p, st->conf->fail.n);
        take_fail(st, L);
    }
    lua_pushliteral(L, "schema");
    if (lua_rawget(L, table) == LUA_TNIL)
        lua_newtable(L);
    if (!lua_istable(L, -1))
        luaL_error(L, "schema: a table is needed, as in { from = \"int\" }");
    policy_output_when(st, L, lua_gettop(L)); /* may take output out */
    policy_schema_conf(st, L, lua_gettop(L));
    st->conf_ref = luaL_ref(L, LUA_REGISTRYINDEX);
    if (!any)
        luaL_error(L, "the file has no phase: a function named request, "
                      "authenticate, validate, admit, route, attempt, "
                      "response, output, log or tick is needed");
}
