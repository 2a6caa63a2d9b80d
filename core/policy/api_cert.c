/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* req.client_cert: what a verified certificate says, as a table of the
 * script's own. */
#include "policy/api.h"

static void set_text(lua_State *L, const char *name, struct str s)
{
    api_push_str(L, s);
    lua_setfield(L, -2, name);
}

void api_cert_push(lua_State *L, struct policy_call *c)
{
    const struct policy_view *view = c->run->view;
    const struct tls_peer *p =
        view->client_cert ? view->client_cert(c->run->req) : NULL;

    if (!p) {
        lua_pushnil(L);
        return;
    }
    lua_createtable(L, 0, 6);
    set_text(L, "subject", p->subject);
    set_text(L, "issuer", p->issuer);
    set_text(L, "cn", p->cn);
    set_text(L, "sha256", p->sha256);
    lua_pushinteger(L, p->expires);
    lua_setfield(L, -2, "expires");
    lua_createtable(L, (int)p->n_names, 0);
    for (size_t i = 0; i < p->n_names; i++) {
        api_push_str(L, p->names[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_setfield(L, -2, "names");
}
