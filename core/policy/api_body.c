/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * req.body: the raw JSON that the client sent, by pointers. It means something
 * in the client's dialect only, so a policy must name those that it knows.
 */
#include "policy/edit.h"

#include "policy/sandbox.h"

#include "base/json_name.h"
#include "policy/api.h"
#include "policy/json_text.h"

enum { MAX_POINTER = 1024 };

static struct str pointer_at(lua_State *L, int arg)
{
    struct str p;

    p.p = luaL_checklstring(L, arg, &p.n);
    if (!json_pointer_valid(p) || p.n > MAX_POINTER)
        luaL_argerror(L, arg, "a JSON Pointer is needed: /messages/0/role");
    return p;
}

static int no_memory(lua_State *L)
{
    return luaL_error(L, "not enough memory for the body's edits");
}

/* Raw text of a place; p NULL where there is none. */
static struct str raw_at(lua_State *L, struct call_edit *e, struct str pointer)
{
    struct str raw;
    int has;

    if (json_edits_empty(e->edits))
        return json_raw(e->base, json_at(e->base, pointer));
    has = json_edits_has(e->edits, pointer);
    if (has == 0)
        return STR_NULL;
    raw = has > 0 ? json_edits_get(e->edits, pointer) : STR_NULL;
    if (!raw.p)
        no_memory(L);
    return raw;
}


static struct call_edit *reader(lua_State *L)
{
    return edit_read(L, api_check(L, 1, API_BODY)->call, "req.body");
}

/* req.body:get(pointer) */
static int body_get(lua_State *L)
{
    struct call_edit *e = reader(L);
    struct str pointer = pointer_at(L, 2), raw = raw_at(L, e, pointer);
    struct err err = { 0 };

    if (!raw.p)
        lua_pushnil(L);
    else if (json_text_parse(L, raw, &err))
        return luaL_error(L, "req.body:get('%s'): %s; raw() has the text",
                          pointer.p, err.msg);
    return 1;
}

/* req.body:raw(pointer): the text itself */
static int body_raw(lua_State *L)
{
    struct call_edit *e = reader(L);
    struct str raw = raw_at(L, e, pointer_at(L, 2));

    if (raw.p)
        lua_pushlstring(L, raw.p, raw.n);
    else
        lua_pushnil(L);
    return 1;
}

static struct call_edit *writer(lua_State *L, struct str pointer,
                                const char *verb)
{
    struct policy_call *c = api_check(L, 1, API_BODY)->call;
    struct call_edit *e = edit_write(L, c, "req.body");

    edit_note(c, verb, pointer);
    return e;
}

/* req.body:set(pointer, value) */
static int body_set(lua_State *L)
{
    struct str pointer = pointer_at(L, 2);
    struct call_edit *e = writer(L, pointer, "set");
    struct err err = { 0 };
    struct str value;

    if (lua_isnoneornil(L, 3))
        return luaL_argerror(L, 3, "a value is needed; ps.null is JSON's "
                                   "null, and remove() takes it out");
    json_text_push(L, 3, "req.body:set");
    value.p = lua_tolstring(L, -1, &value.n);
    if (json_edit_set(e->edits, pointer, value, &err))
        return luaL_error(L, "req.body:set('%s'): %s", pointer.p, err.msg);
    return 0;
}

/* req.body:remove(pointer) */
static int body_remove(lua_State *L)
{
    struct str pointer = pointer_at(L, 2);
    struct call_edit *e = writer(L, pointer, "remove");

    luaL_argcheck(L, pointer.n, 2, "the body itself stays");
    if (json_edit_remove(e->edits, pointer))
        return no_memory(L);
    return 0;
}

int api_body_push(lua_State *L, struct policy_call *c)
{
    const struct policy_run *run = c->run;

    if (!c->st->dialects)
        return luaL_error(L, "req.body is JSON in the client's dialect: name "
                             "those that the policy knows in the table that "
                             "the file returns, dialects = { \"%s\" }",
                          dialect_name(run->dialect));
    if (!(c->st->dialects & 1u << run->dialect))
        return luaL_error(L, "req.body: the policy does not know the dialect "
                             "%s (dialects = { ... })",
                          dialect_name(run->dialect));
    edit_read(L, c, "req.body");
    api_push(L, c, API_BODY, NULL, 0);
    return 1;
}

/* Upvalue: the methods; other names raise. */
static int body_index(lua_State *L)
{
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) == LUA_TNIL)
        return luaL_error(L, "req.body:%s does not exist",
                          sandbox_tolstring(L, 2, NULL));
    return 1;
}

void api_body_open(lua_State *L)
{
    static const luaL_Reg methods[] = { { "get", body_get },
                                        { "raw", body_raw },
                                        { "set", body_set },
                                        { "remove", body_remove },
                                        { NULL, NULL } };

    lua_newtable(L);
    luaL_newlib(L, methods);
    lua_pushcclosure(L, body_index, 1);
    lua_setfield(L, -2, "__index");
    api_metatable(L, API_BODY, "req.body");
}
