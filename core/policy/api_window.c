/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * w: the window of the output phase. Its text is read as it stands, and
 * edited by stretches, so that the core knows what may leave.
 */
#include "policy/api.h"

#include "policy/sandbox.h"

#include "policy/output.h"

static const char *const names[] = { "text", "kind", "block", "choice",
                                     "final", "replace", NULL };
enum { W_TEXT, W_KIND, W_BLOCK, W_CHOICE, W_FINAL, W_REPLACE };

static const char *const kinds[WIRE_KINDS] = {
    [WIRE_TEXT] = "text",
    [WIRE_TOOL_ARGS] = "tool_args",
    [WIRE_THINKING] = "thinking",
};

static struct policy_window *window(struct api_ref *r)
{
    return r->call->run->window;
}

/* ---- fields ------------------------------------------------------------ */

static int w_index(lua_State *L)
{
    const struct policy_window *w = window(api_self(L, API_WINDOW));
    struct str s;

    switch (api_which(L)) {
    case W_TEXT:
        s = output_text_now(w->text);
        lua_pushlstring(L, s.p, s.n);
        return 1;
    case W_KIND: lua_pushstring(L, kinds[w->kind]); return 1;
    case W_BLOCK: lua_pushinteger(L, w->block); return 1;
    case W_CHOICE: lua_pushinteger(L, w->choice); return 1;
    case W_FINAL: lua_pushboolean(L, w->final); return 1;
    case W_REPLACE: lua_pushcfunction(L, api_window_replace); return 1;
    }
    return luaL_error(L, "w.%s does not exist", sandbox_tolstring(L, 2, NULL));
}

static int w_newindex(lua_State *L)
{
    const struct policy_window *w = window(api_self(L, API_WINDOW));
    struct str s;

    if (api_which(L) != W_TEXT)
        return luaL_error(L, "w.%s cannot be changed",
                          sandbox_tolstring(L, 2, NULL));
    luaL_checktype(L, 3, LUA_TSTRING);
    s.p = lua_tolstring(L, 3, &s.n);
    api_window_check(L, output_text_assign(w->text, s, w->final));
    return 0;
}

void api_window_open(lua_State *L)
{
    lua_newtable(L);
    api_names(L, names, w_index);
    lua_setfield(L, -2, "__index");
    api_names(L, names, w_newindex);
    lua_setfield(L, -2, "__newindex");
    api_metatable(L, API_WINDOW, "w");
}
