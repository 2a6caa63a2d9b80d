/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Light references: the bits, and the metatable that all of them share. */
#include "policy/api_light.h"

#include "policy/json_text.h"

#include <stdint.h>

/* The lowest bits; 0 is ps.null. Above them is the call's number. */
enum which { NONE, REQ, CALLER, FOUND, TAGS, PLAN, WHICH_COUNT };
enum { WHICH_BITS = 3 };

_Static_assert((int)WHICH_COUNT <= (int)CALL_LIGHTS, "room for each");

static const enum api_kind kinds[WHICH_COUNT] = {
    [NONE] = API_KINDS, [REQ] = API_REQ, [CALLER] = API_PRINCIPAL,
    [FOUND] = API_PRINCIPAL, [TAGS] = API_TAGS, [PLAN] = API_PLAN,
};
static const char *const titles[WHICH_COUNT] = {
    [NONE] = "ps.null", [REQ] = "req", [CALLER] = "principal",
    [FOUND] = "principal", [TAGS] = "tags", [PLAN] = "plan",
};

/* ---- the bits ----------------------------------------------------------- */

static uint64_t bits_at(lua_State *L, int idx)
{
    return (uint64_t)(uintptr_t)lua_touserdata(L, idx);
}

static enum which which_at(lua_State *L, int idx)
{
    uint64_t which = bits_at(L, idx) & ((1 << WHICH_BITS) - 1);

    return which < WHICH_COUNT ? (enum which)which : NONE;
}

/* Of principals the caller's own, and the first that a look-up found. */
static enum which which_of(struct policy_call *c, enum api_kind kind,
                           const void *thing, size_t n)
{
    const struct principal *p = c->run->principal;

    if (kind == API_REQ)
        return REQ;
    if (kind == API_PLAN)
        return PLAN;
    if (kind == API_TAGS)
        return p && thing == p->tags && n == p->n_tags ? TAGS : NONE;
    if (kind != API_PRINCIPAL)
        return NONE;
    if (thing == p)
        return CALLER;
    if (!c->found)
        c->found = thing;
    return c->found == thing ? FOUND : NONE;
}

bool api_light_push(lua_State *L, struct policy_call *c, enum api_kind kind,
                    const void *thing, size_t n)
{
    enum which which = which_of(c, kind, thing, n);

    if (which == NONE || sizeof(void *) < sizeof(uint64_t))
        return false;
    lua_pushlightuserdata(L, (void *)(uintptr_t)(c->number << WHICH_BITS |
                                                 (uint64_t)which));
    return true;
}

bool api_light_is(lua_State *L, int idx, enum api_kind kind)
{
    return kinds[which_at(L, idx)] == kind;
}

struct api_ref *api_light_ref(lua_State *L, int arg)
{
    struct policy_call *c = policy_state_of(L)->running;
    enum which which = which_at(L, arg);
    const struct principal *p;
    struct api_ref *r;

    if (!c || c->number != bits_at(L, arg) >> WHICH_BITS)
        return NULL;
    p = c->run->principal;
    r = &c->lights[which];
    *r = (struct api_ref){ c, c->gen, NULL, 0 };
    if (which == CALLER)
        r->thing = p;
    else if (which == FOUND)
        r->thing = c->found;
    else if (which == TAGS && p)
        *r = (struct api_ref){ c, c->gen, p->tags, p->n_tags };
    return r;
}

/* ---- the metatable ------------------------------------------------------ */

static int light_index(lua_State *L)
{
    switch (which_at(L, 1)) {
    case REQ: return api_req_index(L);
    case CALLER:
    case FOUND: return api_principal_index(L);
    case TAGS: return api_tags_index(L);
    case PLAN: return api_plan_index(L);
    case NONE:
    case WHICH_COUNT: break;
    }
    return luaL_error(L, "attempt to index ps.null (field '%s')",
                      sandbox_tolstring(L, 2, NULL));
}

static int light_newindex(lua_State *L)
{
    enum which which = which_at(L, 1);

    if (which == REQ)
        return api_req_newindex(L);
    return luaL_error(L, "%s.%s cannot be assigned%s", titles[which],
                      sandbox_tolstring(L, 2, NULL),
                      api_instead(kinds[which]));
}

static int light_pairs(lua_State *L)
{
    enum which which = which_at(L, 1);

    if (which == TAGS)
        return api_tags_pairs(L);
    return luaL_error(L, "bad argument #1 to 'pairs' (table expected, got %s)",
                      titles[which]);
}

static int light_text(lua_State *L)
{
    lua_pushstring(L, titles[which_at(L, 1)]);
    if (lua_touserdata(L, 1) == NULL)
        lua_pushliteral(L, "null");
    return 1;
}

void api_light_open(lua_State *L)
{
    static const luaL_Reg others[] = { { "__pairs", light_pairs },
                                       { "__tostring", light_text },
                                       { NULL, NULL } };

    json_null_push(L);
    lua_newtable(L);
    luaL_setfuncs(L, others, 0);
    api_name_table(L, api_req_names());
    lua_pushvalue(L, -1);
    lua_pushcclosure(L, light_newindex, 1);
    lua_setfield(L, -3, "__newindex");
    api_name_table(L, api_principal_names());
    api_plan_methods(L);
    lua_pushcclosure(L, light_index, UP_COUNT);
    lua_setfield(L, -2, "__index");
    lua_pushliteral(L, "userdata"); /* else errors call it a light one */
    lua_setfield(L, -2, "__name");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, -2);
    lua_pop(L, 1);
}
