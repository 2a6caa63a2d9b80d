/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * plan: the candidates that the configuration chose, to be kept, dropped or
 * preferred by a script's function of a target. Edits compose, say why, and
 * are undone when the script fails or only observes.
 */
#include "policy/api_light.h"

#include <stdio.h>

enum { MAX_WHY = 128 };

static struct plan *plan_of(lua_State *L)
{
    return api_check(L, 1, API_PLAN)->call->run->plan;
}

/* Remember the plan as it is before the first edit. */
static void save(lua_State *L, struct policy_call *c)
{
    const struct plan *p = c->run->plan;
    struct plan *was;

    if (c->plan_before)
        return;
    was = arena_alloc(c->run->arena, sizeof *was);
    if (was)
        was->list = arena_alloc(c->run->arena, (p->n + 1) * sizeof *p->list);
    if (!was || !was->list)
        luaL_error(L, "the request's memory is used up");
    if (p->n)
        memcpy(was->list, p->list, p->n * sizeof *p->list);
    was->n = p->n;
    was->model = p->model;
    c->plan_before = was;
}

void api_plan_restore(struct policy_call *c)
{
    if (c->run->plan && c->plan_before)
        *c->run->plan = *c->plan_before;
}

/* f(target); its value is left on the stack. */
static void ask(lua_State *L, struct policy_call *c, const struct candidate *cd)
{
    lua_pushvalue(L, 3);
    api_push(L, c, API_TARGET, cd->target, 0);
    lua_call(L, 1, 1);
}

static struct str why_of(lua_State *L, struct policy_call *c)
{
    struct str why;

    why.p = luaL_checklstring(L, 2, &why.n);
    luaL_checktype(L, 3, LUA_TFUNCTION);
    lua_settop(L, 3);
    if (why.n > MAX_WHY)
        why.n = MAX_WHY;
    why = arena_dup(c->run->arena, why);
    if (!why.p)
        luaL_error(L, "the request's memory is used up");
    return why;
}

/* Drop every candidate for which f's answer is `unwanted`. */
static int filter(lua_State *L, bool unwanted)
{
    struct plan *p = plan_of(L);
    struct policy_call *c = api_check(L, 1, API_PLAN)->call;
    struct str why = why_of(L, c);
    int dropped = 0;
    char note[MAX_WHY + 48];

    save(L, c);
    for (size_t i = 0; i < p->n; i++) {
        struct candidate *cd = &p->list[i];

        if (cd->dropped)
            continue;
        ask(L, c, cd);
        if (lua_toboolean(L, -1) == unwanted) {
            cd->dropped = true;
            cd->why = why;
            dropped++;
        }
        lua_pop(L, 1);
    }
    if (dropped) {
        snprintf(note, sizeof note, STR_FMT ": %d of %zu dropped", STR_ARG(why),
                 dropped, p->n);
        api_note(c, str_of(note));
    }
    return 0;
}

static int plan_keep(lua_State *L)
{
    return filter(L, false);
}

static int plan_drop(lua_State *L)
{
    return filter(L, true);
}

/* Stable, by falling preference; lists are short. */
static void sort(struct plan *p)
{
    for (size_t i = 1; i < p->n; i++) {
        struct candidate cd = p->list[i];
        size_t j = i;

        for (; j && p->list[j - 1].prefer < cd.prefer; j--)
            p->list[j] = p->list[j - 1];
        p->list[j] = cd;
    }
}

/* f may answer with a number: the higher the earlier. */
static int plan_prefer(lua_State *L)
{
    struct plan *p = plan_of(L);
    struct policy_call *c = api_check(L, 1, API_PLAN)->call;
    struct str why = why_of(L, c);

    save(L, c);
    for (size_t i = 0; i < p->n; i++) {
        struct candidate *cd = &p->list[i];
        lua_Number n;

        ask(L, c, cd);
        n = lua_type(L, -1) == LUA_TNUMBER ? lua_tonumber(L, -1)
                                           : lua_toboolean(L, -1);
        lua_pop(L, 1);
        if (!(n >= -1000000 && n <= 1000000))
            return luaL_error(L, "plan:prefer: numbers up to a million");
        if ((int32_t)n == 0)
            continue;
        cd->prefer += (int32_t)n;
        if (!cd->dropped)
            cd->why = why;
    }
    sort(p);
    return 0;
}

static int plan_empty(lua_State *L)
{
    const struct plan *p = plan_of(L);
    size_t i = 0;

    while (i < p->n && p->list[i].dropped)
        i++;
    lua_pushboolean(L, i == p->n);
    return 1;
}

/* plan:stick(session): the conversation's target first, before all that was
 * preferred so far; nil: there is no conversation */
static int plan_stick(lua_State *L)
{
    struct plan *p = plan_of(L);
    struct policy_call *c = api_check(L, 1, API_PLAN)->call;
    const struct principal *who = c->run->principal;
    struct str session;
    int32_t most = 0;

    if (lua_isnil(L, 2))
        return 0;
    session.p = luaL_checklstring(L, 2, &session.n);
    save(L, c);
    if (!session.n ||
        !engine_stick(p, who ? who->id : STR(""), session, false,
                      policy_mono_ms(c->st->env)))
        return 0;
    for (size_t i = 0; i < p->n; i++) {
        if (p->list[i].prefer > most)
            most = p->list[i].prefer;
    }
    p->list[0].prefer = most;
    p->list[0].why = STR("its conversation's");
    return 0;
}

/* plan:use(model): that block's targets in the place of these */
static int plan_use(lua_State *L)
{
    struct policy_call *c = api_check(L, 1, API_PLAN)->call;
    const struct policy_view *view = c->run->view;
    struct err err = { 0 };
    struct plan other;
    struct str model;

    model.p = luaL_checklstring(L, 2, &model.n);
    if (!view->plan)
        return luaL_error(L, "plan:use: there are no models here");
    if (view->plan(c->run->req, model, &other, &err))
        return luaL_error(L, "plan:use: %s", err.msg);
    save(L, c);
    *c->run->plan = other;
    api_note(c, arena_fmt(c->run->arena, "%s model " STR_FMT,
                          policy_call_observes(c) ? "would use" : "uses",
                          STR_ARG(model)));
    return 0;
}

static const luaL_Reg methods[] = { { "keep", plan_keep },
                                    { "drop", plan_drop },
                                    { "prefer", plan_prefer },
                                    { "empty", plan_empty },
                                    { "stick", plan_stick },
                                    { "use", plan_use },
                                    { NULL, NULL } };

void api_plan_methods(lua_State *L)
{
    luaL_newlib(L, methods);
}

/* Other names raise. */
int api_plan_index(lua_State *L)
{
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(UP_PLAN)) == LUA_TNIL)
        return luaL_error(L, "plan:%s does not exist",
                          sandbox_tolstring(L, 2, NULL));
    return 1;
}

void api_plan_open(lua_State *L)
{
    lua_newtable(L);
    lua_pushnil(L);
    lua_pushnil(L);
    api_plan_methods(L);
    lua_pushcclosure(L, api_plan_index, UP_PLAN);
    lua_setfield(L, -2, "__index");
    api_metatable(L, API_PLAN, "plan");
}
