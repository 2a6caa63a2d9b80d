/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* try: what the next attempt is going to be. resp: the head that came. */
#include "policy/api.h"

#include "policy/sandbox.h"

static const char *const try_names[] = { "n",          "target", "credential",
                                         "elapsed_ms", "tried",  "header",
                                         NULL };
enum { T_N, T_TARGET, T_CREDENTIAL, T_ELAPSED, T_TRIED, T_HEADER };

static const char *const resp_names[] = { "status", "header", "target",
                                          "attempt", "ms",    NULL };
enum { R_STATUS, R_HEADER, R_TARGET, R_ATTEMPT, R_MS };

/* One of the earlier tries, as a table. */
static void push_tried(lua_State *L, const struct policy_tried *t)
{
    lua_createtable(L, 0, 3);
    api_push_str(L, t->target);
    lua_setfield(L, -2, "target");
    api_push_str(L, t->cls);
    lua_setfield(L, -2, "class");
    if (t->status)
        lua_pushinteger(L, t->status);
    else
        lua_pushnil(L);
    lua_setfield(L, -2, "status");
}

/* try:header(name, value) */
static int try_header(lua_State *L)
{
    struct policy_try *t = api_check(L, 1, API_TRY)->call->run->attempt;

    lua_settop(L, 3);
    api_header_set(L, &t->set, HEAD_OUT, 2, 3);
    return 0;
}

static int try_index(lua_State *L)
{
    struct policy_call *c = api_self(L, API_TRY)->call;
    const struct policy_try *t = c->run->attempt;

    switch (api_which(L)) {
    case T_N: lua_pushinteger(L, t->n); return 1;
    case T_TARGET: api_push(L, c, API_TARGET, t->target, 0); return 1;
    case T_CREDENTIAL: api_push_str(L, t->credential); return 1;
    case T_ELAPSED:
        lua_pushinteger(L, (lua_Integer)t->elapsed_ms);
        return 1;
    case T_TRIED:
        lua_createtable(L, (int)t->n_tried, 0);
        for (size_t i = 0; i < t->n_tried; i++) {
            push_tried(L, &t->tried[i]);
            lua_rawseti(L, -2, (lua_Integer)i + 1);
        }
        return 1;
    case T_HEADER: lua_pushcfunction(L, try_header); return 1;
    }
    return luaL_error(L, "try.%s does not exist",
                      sandbox_tolstring(L, 2, NULL));
}

static int resp_index(lua_State *L)
{
    struct policy_call *c = api_self(L, API_RESP)->call;
    const struct policy_resp *a = c->run->response;

    switch (api_which(L)) {
    case R_STATUS: lua_pushinteger(L, a->status); return 1;
    case R_HEADER: api_push(L, c, API_RESP_HEADER, NULL, 0); return 1;
    case R_TARGET: api_push(L, c, API_TARGET, a->target, 0); return 1;
    case R_ATTEMPT: lua_pushinteger(L, a->attempt); return 1;
    case R_MS: lua_pushinteger(L, (lua_Integer)a->ms); return 1;
    }
    return luaL_error(L, "resp.%s does not exist",
                      sandbox_tolstring(L, 2, NULL));
}

/* As the client would get it: what policies set, else what came. */
static int resp_header_index(lua_State *L)
{
    const struct policy_resp *a =
        api_self(L, API_RESP_HEADER)->call->run->response;
    struct str name;

    name.p = luaL_checklstring(L, 2, &name.n);
    for (size_t i = 0; i < a->set.n; i++) {
        if (str_ieq(a->set.at[i].name, name)) {
            api_push_str(L, a->set.at[i].value);
            return 1;
        }
    }
    api_push_str(L, http_header_get(a->fields, a->n_fields, name));
    return 1;
}

static int resp_header_newindex(lua_State *L)
{
    struct policy_resp *a = api_self(L, API_RESP_HEADER)->call->run->response;

    api_header_set(L, &a->set, HEAD_ANSWER, 2, 3);
    return 0;
}

static int cannot_change(lua_State *L)
{
    return luaL_error(L, "%s cannot be changed", sandbox_tolstring(L, 2, NULL));
}

static void open_fields(lua_State *L, enum api_kind kind, const char *title,
                        const char *const *names, lua_CFunction index)
{
    lua_newtable(L);
    api_names(L, names, index);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, cannot_change);
    lua_setfield(L, -2, "__newindex");
    api_metatable(L, kind, title);
}

void api_try_open(lua_State *L)
{
    open_fields(L, API_TRY, "try", try_names, try_index);
    open_fields(L, API_RESP, "resp", resp_names, resp_index);
    lua_newtable(L);
    lua_pushcfunction(L, resp_header_index);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, resp_header_newindex);
    lua_setfield(L, -2, "__newindex");
    api_metatable(L, API_RESP_HEADER, "resp.header");
}
