/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* References to a call's things: making, checking, naming fields. */
#include "policy/api.h"

#include "base/log.h"
#include "policy/api_light.h"
#include "policy/sandbox.h"

#include <stdio.h>

static const char kinds[API_KINDS]; /* their addresses are registry keys */
static const char *const titles[API_KINDS] = {
    [API_REQ] = "req",       [API_HEADER] = "req.header",
    [API_TAGS] = "tags",     [API_PRINCIPAL] = "principal",
    [API_LIST] = "list",     [API_PLAN] = "plan",
    [API_TARGET] = "target", [API_TRY] = "try",
    [API_RESP] = "resp",     [API_RESP_HEADER] = "resp.header",
    [API_OUT] = "out",
    [API_BODY] = "req.body", [API_WINDOW] = "w",
    [API_LIMITS] = "limits",
    [API_CTX] = "req.ctx",
};

/* What a script may do instead of an assignment that is refused. */
static const char *const instead[API_KINDS] = {
    [API_HEADER] = "; it is what the client sent: try:header (attempt) and "
                   "resp.header (response) set some",
    [API_PRINCIPAL] = "; authenticate returns another",
    [API_TAGS] = "; authenticate returns others",
    [API_LIMITS] = "; authenticate returns others",
};

const char *api_instead(enum api_kind kind)
{
    return kind < API_KINDS && instead[kind] ? instead[kind] : "";
}

/* Upvalues: what it is called, what to do instead. */
static int read_only(lua_State *L)
{
    return luaL_error(L, "%s.%s cannot be assigned%s",
                      lua_tostring(L, lua_upvalueindex(1)),
                      sandbox_tolstring(L, 2, NULL),
                      lua_tostring(L, lua_upvalueindex(2)));
}

/* The metatable on top lets nothing be assigned, unless it says how. */
static void protect(lua_State *L, const char *name, const char *hint)
{
    lua_pushliteral(L, "__newindex");
    if (lua_rawget(L, -2) == LUA_TNIL) {
        lua_pushstring(L, name);
        lua_pushstring(L, hint ? hint : "");
        lua_pushcclosure(L, read_only, 2);
        lua_setfield(L, -3, "__newindex");
    }
    lua_pop(L, 1);
}

void api_metatable(lua_State *L, enum api_kind kind, const char *name)
{
    protect(L, name, instead[kind]);
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pushstring(L, name);
    lua_setfield(L, -2, "__name");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &kinds[kind]);
}

void api_push(lua_State *L, struct policy_call *c, enum api_kind kind,
              const void *thing, size_t n)
{
    struct api_ref *r;

    if (api_light_push(L, c, kind, thing, n))
        return;
    r = lua_newuserdatauv(L, sizeof *r, 0);
    *r = (struct api_ref){ c, c->gen, thing, n };
    lua_rawgetp(L, LUA_REGISTRYINDEX, &kinds[kind]);
    lua_setmetatable(L, -2);
}

/* Who runs a phase without its thing (a test of policies) passes nil. */
int api_push_thing(lua_State *L, struct policy_call *c)
{
    const struct policy_run *run = c->run;

    if (c->phase == PHASE_ROUTE && run->plan)
        api_push(L, c, API_PLAN, NULL, 0);
    else if (c->phase == PHASE_ATTEMPT && run->attempt)
        api_push(L, c, API_TRY, NULL, 0);
    else if (c->phase == PHASE_UPSTREAM_ERROR && run->failed)
        api_push(L, c, API_ERR, NULL, 0);
    else if (c->phase == PHASE_RESPONSE && run->response)
        api_push(L, c, API_RESP, NULL, 0);
    else if (c->phase == PHASE_LOG && run->ended)
        api_push(L, c, API_OUT, NULL, 0);
    else if (c->phase == PHASE_OUTPUT && run->window)
        api_push(L, c, API_WINDOW, NULL, 0);
    else
        return 0;
    return 1;
}

void api_undo(struct policy_call *c)
{
    api_plan_restore(c);
    api_headers_restore(c);
}

bool api_is(lua_State *L, int idx, enum api_kind kind)
{
    bool yes;

    if (lua_islightuserdata(L, idx))
        return api_light_is(L, idx, kind);
    if (lua_type(L, idx) != LUA_TUSERDATA || !lua_getmetatable(L, idx))
        return false;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &kinds[kind]);
    yes = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    return yes;
}

static struct api_ref *live(lua_State *L, int arg, enum api_kind kind)
{
    struct api_ref *r = lua_islightuserdata(L, arg) ? api_light_ref(L, arg)
                                                    : lua_touserdata(L, arg);

    /* not those of a call that waits, either: it is another request's */
    if (!r || r->gen != r->call->gen || r->call != r->call->st->running)
        luaL_error(L, "%s is over: its request went on", titles[kind]);
    if (r->call != policy_state_of(L)->running) /* which waits just now */
        luaL_error(L, "%s is another request's", titles[kind]);
    return r;
}

struct api_ref *api_check(lua_State *L, int arg, enum api_kind kind)
{
    luaL_argexpected(L, api_is(L, arg, kind), arg, titles[kind]);
    return live(L, arg, kind);
}

struct api_ref *api_self(lua_State *L, enum api_kind kind)
{
    return live(L, 1, kind);
}

int api_which_of(lua_State *L, int upvalue)
{
    int which = -1;

    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(upvalue)) == LUA_TNUMBER)
        which = (int)lua_tointeger(L, -1);
    lua_pop(L, 1);
    return which;
}

void api_name_table(lua_State *L, const char *const *names)
{
    lua_newtable(L);
    for (int i = 0; names[i]; i++) {
        lua_pushinteger(L, i);
        lua_setfield(L, -2, names[i]);
    }
}

void api_names(lua_State *L, const char *const *names, lua_CFunction fn)
{
    api_name_table(L, names);
    lua_pushcclosure(L, fn, 1);
}

struct policy_call *api_call(lua_State *L)
{
    struct policy_call *c = policy_state_of(L)->running;

    if (!c)
        luaL_error(L, "only a phase can do this, not the file's top level");
    return c;
}

void api_push_str(lua_State *L, struct str s)
{
    if (s.p && s.n)
        lua_pushlstring(L, s.p, s.n);
    else
        lua_pushnil(L);
}

void api_note(struct policy_call *c, struct str text)
{
    if (c->notes++ >= CALL_NOTES || !c->run->view || !c->run->view->note)
        return;
    text = arena_dup(c->run->arena, api_hide(c->st->conf, c->run->arena, text,
                                             CALL_NOTE_BYTES));
    if (text.p)
        c->run->view->note(c->run->req, c->st->conf->name, text);
}

void api_record(struct policy_call *c, struct str text)
{
    if (c->phase != PHASE_TICK)
        api_note(c, text);
    else if (c->notes++ < CALL_NOTES)
        log_event(EV_policy_note, LOG_S("policy", c->st->conf->name),
                  LOG_S("text", api_hide(c->st->conf, c->run->arena, text,
                                         CALL_NOTE_BYTES)));
}

/* The method that is missing; upvalue: the class. */
static int no_method(lua_State *L)
{
    return luaL_error(L, "%s:%s does not exist",
                      lua_tostring(L, lua_upvalueindex(1)),
                      sandbox_tolstring(L, 2, NULL));
}

void api_class(lua_State *L, const char *name, const luaL_Reg *methods)
{
    luaL_newmetatable(L, name);
    protect(L, name, NULL);
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_newtable(L);
    luaL_setfuncs(L, methods, 0);
    lua_createtable(L, 0, 1);
    lua_pushstring(L, name);
    lua_pushcclosure(L, no_method, 1);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, -2);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}

void api_group(lua_State *L, const char *name, const luaL_Reg *functions)
{
    char title[32];

    snprintf(title, sizeof title, "ps.%s", name);
    lua_newtable(L);
    luaL_setfuncs(L, functions, 0);
    sandbox_freeze(L, title, 0);
    lua_setfield(L, -2, name);
}

void api_open(lua_State *L)
{
    api_req_open(L);
    api_principal_open(L);
    api_plan_open(L);
    api_try_open(L);
    api_err_open(L);
    api_out_open(L);
    api_body_open(L);
    api_ctx_open(L);
    api_window_open(L);
    lua_newtable(L);
    api_ps_open(L);
    api_light_open(L);
    decision_open(L);
    sandbox_add(L, "ps");
}
