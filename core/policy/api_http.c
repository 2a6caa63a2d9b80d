/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * ps.http(name): the methods of a service that the configuration declares,
 * looking synchronous. What may fail is nil and a text; what is wrong whatever
 * the service says (a path with a space, an unknown option) raises.
 */
#include "policy/api.h"

#include "policy/sandbox.h"

#include "policy/json_text.h"
#include "policy/service_call.h"

#include <stdio.h>

#define SERVICE_CLASS "service"
#define ANSWER_CLASS "answer"

enum { SHOWN = 120 };

/* ---- the answer ------------------------------------------------------- */

static void push_headers(lua_State *L, const struct outcome *o)
{
    lua_createtable(L, 0, (int)o->n_headers);
    for (size_t i = 0; i < o->n_headers; i++) {
        const struct http_header *h = &o->headers[i];

        lua_pushlstring(L, h->name.p, h->name.n);
        lua_pushvalue(L, -1);
        if (lua_rawget(L, -3) == LUA_TSTRING) { /* several make one list */
            lua_pushliteral(L, ", ");
            lua_pushlstring(L, h->value.p, h->value.n);
            lua_concat(L, 3);
        } else {
            lua_pop(L, 1);
            lua_pushlstring(L, h->value.p, h->value.n);
        }
        lua_rawset(L, -3);
    }
}

static int call_done(lua_State *L, int status, lua_KContext ctx)
{
    const struct conf_service *service = (const void *)ctx;
    const struct outcome *o = policy_outcome(L);

    (void)status;
    if (!policy_state_of(L)->env->quiet)
        outcome_count(o, "service", service->name);
    if (!o)
        return luaL_error(L, "not enough memory");
    if (o->err[0]) {
        lua_pushnil(L);
        lua_pushstring(L, o->err);
        policy_outcome_drop(L);
        return 2;
    }
    lua_createtable(L, 0, 4);
    lua_pushinteger(L, o->status);
    lua_setfield(L, -2, "status");
    push_headers(L, o);
    lua_setfield(L, -2, "headers");
    lua_pushlstring(L, o->body.p ? o->body.p : "", o->body.n);
    lua_setfield(L, -2, "body");
    luaL_setmetatable(L, ANSWER_CLASS);
    policy_outcome_drop(L);
    return 1;
}

enum { ANSWER_STATUS, ANSWER_HEADERS, ANSWER_BODY, ANSWER_JSON };

static const char *const answer_names[] = {
    [ANSWER_STATUS] = "status", [ANSWER_HEADERS] = "headers",
    [ANSWER_BODY] = "body",     [ANSWER_JSON] = "json",
    NULL };

/* answer.json: read when it is asked for; nil where the body is none. */
static int answer_index(lua_State *L)
{
    int which = api_which(L);
    struct str body;

    if (which < 0)
        return luaL_error(L, "an answer has no '%s'",
                          sandbox_tolstring(L, 2, NULL));
    if (which != ANSWER_JSON) /* the script has taken it out */
        return 0;
    lua_pushliteral(L, "body");
    if (lua_rawget(L, 1) != LUA_TSTRING)
        return 0;
    body.p = lua_tolstring(L, -1, &body.n);
    if (!json_text_read(L, body))
        return 0;
    lua_pushvalue(L, 2);
    lua_pushvalue(L, -2);
    lua_rawset(L, 1);
    return 1;
}

/* ---- calls ------------------------------------------------------------ */

/* mode = "observe": what would have been called. */
static int would(lua_State *L, struct policy_call *pc,
                 const struct service_call *c)
{
    char text[SHOWN + 128];
    struct str path = { c->path, c->path_n < SHOWN ? c->path_n : SHOWN };

    snprintf(text, sizeof text, "would %s " STR_FMT " of service %.64s",
             c->q.method.p, STR_ARG(path), c->q.service->name.p);
    api_record(pc, str_of(text));
    lua_pushnil(L);
    lua_pushliteral(L, "observe");
    return 2;
}

/* service:post(path, options); upvalue 1: "POST" */
static int method(lua_State *L)
{
    struct policy_call *pc = api_call(L);
    const struct outside *o = &pc->st->env->outside;
    const struct conf_service *service;
    struct outcome *now = NULL;
    struct service_call c;
    struct str verb;
    uint64_t wait, op;

    service = *(const struct conf_service **)luaL_checkudata(
        L, 1, SERVICE_CLASS);
    verb.p = lua_tolstring(L, lua_upvalueindex(1), &verb.n);
    service_call_read(L, &c, service, verb);
    if (policy_call_observes(pc) && !service->observe_all &&
        !str_is(verb, "GET"))
        return would(L, pc, &c);
    if (!o->http)
        return luaL_error(L, "ps.http: there are no services here");
    wait = policy_wait_begin(L);
    op = o->http(o->ud, wait, &c.q, &now);
    return op ? policy_wait(L, "http", op, (lua_KContext)service, call_done)
              : policy_wait_not(L, now, (lua_KContext)service, call_done);
}

/* ps.http(name) */
static int fn_http(lua_State *L)
{
    const struct config *c = policy_state_of(L)->env->config;
    struct str name;

    name.p = luaL_checklstring(L, 1, &name.n);
    for (size_t i = 0; c && i < c->n_services; i++) {
        const struct conf_service **u;

        if (!str_eq(c->services[i].name, name))
            continue;
        u = lua_newuserdatauv(L, sizeof *u, 0);
        *u = &c->services[i];
        luaL_setmetatable(L, SERVICE_CLASS);
        return 1;
    }
    return luaL_error(L, "ps.http: no service \"%s\" is configured", name.p);
}

void api_http_open(lua_State *L)
{
    static const luaL_Reg none[] = { { NULL, NULL } };
    static const char *const methods[][2] = {
        { "get", "GET" }, { "post", "POST" }, { "put", "PUT" },
        { "delete", "DELETE" } };

    api_class(L, SERVICE_CLASS, none);
    luaL_getmetatable(L, SERVICE_CLASS);
    lua_getfield(L, -1, "__index");
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        lua_pushstring(L, methods[i][1]);
        lua_pushcclosure(L, method, 1);
        lua_setfield(L, -2, methods[i][0]);
    }
    lua_pop(L, 2);
    luaL_newmetatable(L, ANSWER_CLASS);
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    api_names(L, answer_names, answer_index);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
    lua_pushcfunction(L, fn_http);
    lua_setfield(L, -2, "http");
}
