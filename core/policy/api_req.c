/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * req: the request's fields by name, its headers, its principal. Values are
 * fetched from the flow when a script asks, and belong to the script then.
 */
#include "policy/api_light.h"

#include <stdio.h>

/* The first FIELD_COUNT are enum policy_field. */
enum { REQ_HEADER = FIELD_COUNT, REQ_PRINCIPAL, REQ_TAGS, REQ_BODY,
       REQ_EACH_TEXT, REQ_CTX, REQ_CLIENT_CERT };

static const char *const names[] = {
    [FIELD_ID] = "id",
    [FIELD_ENDPOINT] = "endpoint",
    [FIELD_DIALECT] = "dialect",
    [FIELD_METHOD] = "method",
    [FIELD_PATH] = "path",
    [FIELD_CLIENT_IP] = "client_ip",
    [FIELD_CREDENTIAL] = "credential",
    [FIELD_SESSION] = "session",
    [FIELD_MODEL] = "model",
    [FIELD_STREAM] = "stream",
    [FIELD_MAX_TOKENS] = "max_tokens",
    [FIELD_TEMPERATURE] = "temperature",
    [FIELD_USER] = "user",
    [FIELD_BODY_SIZE] = "body_size",
    [FIELD_STATUS] = "status",
    [REQ_HEADER] = "header",
    [REQ_PRINCIPAL] = "principal",
    [REQ_TAGS] = "tags",
    [REQ_BODY] = "body",
    [REQ_EACH_TEXT] = "each_text",
    [REQ_CTX] = "ctx",
    [REQ_CLIENT_CERT] = "client_cert",
    NULL };

const char *const *api_req_names(void)
{
    return names;
}

const char *api_req_name(int field)
{
    return names[field];
}

static int not_yet(lua_State *L, int field, enum policy_phase phase)
{
    return luaL_error(L, "req.%s: %s in %s", names[field],
                      field == FIELD_STATUS ? "there is no answer yet"
                                            : "the body is not read",
                      policy_phase_name(phase));
}

static int push_field(lua_State *L, struct policy_call *c, int field)
{
    struct policy_value v = { .type = VALUE_NIL };

    if (api_field_edited(L, c, field))
        return 1;
    c->run->view->field(c->run->req, (enum policy_field)field, &v);
    switch (v.type) {
    case VALUE_STRING: lua_pushlstring(L, v.s.p ? v.s.p : "", v.s.n); break;
    case VALUE_INT: lua_pushinteger(L, v.i); break;
    case VALUE_NUMBER: /* a copy that ends with NUL, then its number */
        lua_pushlstring(L, v.s.p, v.s.n);
        if (!lua_stringtonumber(L, lua_tostring(L, -1)))
            lua_pushnil(L);
        break;
    case VALUE_BOOL: lua_pushboolean(L, v.i != 0); break;
    case VALUE_NIL: lua_pushnil(L); break;
    case VALUE_NOT_YET: return not_yet(L, field, c->phase);
    }
    return 1;
}

static int push_principal(lua_State *L, struct policy_call *c)
{
    if (!c->run->principal)
        return luaL_error(L, "req.principal: nobody is authenticated in %s",
                          policy_phase_name(c->phase));
    api_push(L, c, API_PRINCIPAL, c->run->principal, 0);
    return 1;
}

static int push_tags(lua_State *L, struct policy_call *c)
{
    const struct conf_pair *tags = NULL;
    const struct policy_view *view = c->run->view;
    size_t n = view->tags ? view->tags(c->run->req, &tags) : 0;

    api_push(L, c, API_TAGS, tags, n);
    return 1;
}

int api_req_index(lua_State *L)
{
    struct policy_call *c = api_self(L, API_REQ)->call;
    int which = api_which(L);

    if (which < 0)
        return luaL_error(L, "req.%s does not exist",
                          sandbox_tolstring(L, 2, NULL));
    if (which < FIELD_COUNT)
        return push_field(L, c, which);
    switch (which) {
    case REQ_PRINCIPAL: return push_principal(L, c);
    case REQ_TAGS: return push_tags(L, c);
    case REQ_BODY: return api_body_push(L, c);
    case REQ_EACH_TEXT: api_texts_push(L); return 1;
    case REQ_CTX: api_push(L, c, API_CTX, NULL, 0); return 1;
    case REQ_CLIENT_CERT: api_cert_push(L, c); return 1;
    }
    api_push(L, c, API_HEADER, NULL, 0);
    return 1;
}

int api_req_newindex(lua_State *L)
{
    struct policy_call *c = api_self(L, API_REQ)->call;
    int which = api_which(L);
    char what[64];

    if (which < 0)
        return luaL_error(L, "req.%s does not exist",
                          sandbox_tolstring(L, 2, NULL));
    snprintf(what, sizeof what, "req.%s", names[which]);
    return api_field_assign(L, c, which, what);
}

static int header_index(lua_State *L)
{
    struct policy_call *c = api_self(L, API_HEADER)->call;
    struct str name;

    name.p = luaL_checklstring(L, 2, &name.n);
    api_push_str(L, c->run->view->header(c->run->req, name));
    return 1;
}

void api_req_open(lua_State *L)
{
    lua_newtable(L);
    api_names(L, names, api_req_index);
    lua_setfield(L, -2, "__index");
    api_names(L, names, api_req_newindex);
    lua_setfield(L, -2, "__newindex");
    api_metatable(L, API_REQ, "req");

    lua_newtable(L);
    lua_pushcfunction(L, header_index);
    lua_setfield(L, -2, "__index");
    api_metatable(L, API_HEADER, "req.header");
}
