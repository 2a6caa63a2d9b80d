/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Lists of networks: ps.cidr(list), and keys of conf whose type is "cidrs",
 * which are read once, when the configuration is. What is no network raises:
 * a list with a hole in it would let in or keep out whom nobody meant.
 */
#include "policy/api.h"

#include "engine/network.h"

#define CIDR_CLASS "cidrs"

enum { MAX_NETWORKS = 16384, SHOWN = 60 };

struct networks {
    size_t n;
    struct network list[];
};

/* cidrs:contains(ip): what is no address (a Unix socket's peer) is in none */
static int cidr_contains(lua_State *L)
{
    const struct networks *x = luaL_checkudata(L, 1, CIDR_CLASS);
    unsigned char at[16];
    bool found = false;
    struct str ip;

    ip.p = luaL_checklstring(L, 2, &ip.n);
    if (network_address(ip, at)) {
        for (size_t i = 0; i < x->n && !found; i++)
            found = network_has(&x->list[i], at);
    }
    lua_pushboolean(L, found);
    return 1;
}

static struct network *room(lua_State *L, size_t n)
{
    struct networks *x =
        lua_newuserdatauv(L, sizeof *x + n * sizeof *x->list, 0);

    x->n = n;
    luaL_setmetatable(L, CIDR_CLASS);
    return x->list;
}

/* The list at idx, absolute; `what` names it. Pushes the networks. */
static void read_list(lua_State *L, int idx, const char *what)
{
    lua_Integer n = luaL_len(L, idx);
    struct network *to;

    if (n < 0 || n > MAX_NETWORKS)
        luaL_error(L, "%s: at most %d networks", what, MAX_NETWORKS);
    to = room(L, (size_t)n);
    for (lua_Integer i = 0; i < n; i++) {
        struct str s = STR_NULL, shown;

        if (lua_geti(L, idx, i + 1) == LUA_TSTRING)
            s.p = lua_tolstring(L, -1, &s.n);
        shown = str_cut(s, SHOWN);
        if (!s.p)
            luaL_error(L, "%s[%d]: a text is needed, not a %s", what,
                       (int)i + 1, luaL_typename(L, -1));
        if (!network_read(s, &to[i]))
            luaL_error(L, "%s[%d]: '%s' is no network (10.0.0.0/8, fd00::/8, "
                          "or one address)", what, (int)i + 1,
                       lua_pushlstring(L, shown.p, shown.n));
        lua_pop(L, 1);
    }
}

void api_cidr_conf(lua_State *L, const char *key)
{
    const char *what = lua_pushfstring(L, "conf.%s", key);

    read_list(L, lua_gettop(L) - 1, what);
    lua_replace(L, -3);
    lua_pop(L, 1);
}

static int fn_cidr(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    read_list(L, 1, "ps.cidr");
    return 1;
}

void api_cidr_open(lua_State *L)
{
    static const luaL_Reg methods[] = { { "contains", cidr_contains },
                                        { NULL, NULL } };

    api_class(L, CIDR_CLASS, methods);
    lua_pushcfunction(L, fn_cidr);
    lua_setfield(L, -2, "cidr");
}
