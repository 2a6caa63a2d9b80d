/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * load: text becomes a function, with the sandbox as its environment. No
 * bytecode: 5.4 does not check it. No functions that read: one would run in
 * the middle of the compiler, where nothing can wait. The compiler sees no
 * hook, so that it is fed in pieces, with a look at the budget before each;
 * the limit keeps what it does at the end of a block (gotos, jumps: squares
 * of their number) at a few milliseconds.
 */
#include "policy/sandbox.h"

#include "base/str.h"
#include "policy/budget.h"

#include <lauxlib.h>

enum { MAX_CHUNK = 16 << 10, PIECE = 256 };

static const char *read_piece(lua_State *L, void *ud, size_t *n)
{
    struct str *left = ud;
    const char *at = left->p;

    budget_check(L);
    *n = left->n < PIECE ? left->n : PIECE;
    left->p += *n;
    left->n -= *n;
    return *n ? at : NULL;
}

static int failed(lua_State *L)
{
    lua_pushnil(L);
    lua_insert(L, -2);
    return 2;
}

int chunk_file(lua_State *L, struct str source, const char *name)
{
    if (str_starts(source, STR("\xef\xbb\xbf"))) {
        source.p += 3;
        source.n -= 3;
    }
    return luaL_loadbufferx(L, source.p ? source.p : "", source.n, name, "t");
}

/* load(text [, chunkname [, mode [, env]]]) */
int chunk_load(lua_State *L)
{
    struct str text;
    const char *name, *mode = luaL_optstring(L, 3, "t");
    bool own_env = !lua_isnone(L, 4);
    int rc;

    luaL_checktype(L, 1, LUA_TSTRING);
    text.p = lua_tolstring(L, 1, &text.n);
    name = luaL_optstring(L, 2, text.p);
    if (text.n > MAX_CHUNK)
        return luaL_error(L, "load, in bytes, is limited to %d", MAX_CHUNK);
    if (!strchr(mode, 't')) {
        lua_pushfstring(L, "attempt to load a text chunk (mode is '%s')", mode);
        return failed(L);
    }
    lua_settop(L, 4);
    rc = lua_load(L, read_piece, &text, name, "t");
    if (rc != LUA_OK && (rc == LUA_ERRMEM || budget_expired()))
        return lua_error(L);
    if (rc != LUA_OK)
        return failed(L);
    if (own_env)
        lua_pushvalue(L, 4);
    else
        sandbox_push_env(L);
    lua_setupvalue(L, -2, 1); /* a main function always has it */
    return 1;
}
