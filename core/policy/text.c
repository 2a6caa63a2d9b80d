/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Text that scripts get: of values, and of results in a buffer. */
#include "policy/sandbox.h"

#include "policy/heap.h"

#include <string.h>

enum { MAX_TYPE_NAME = 64 };

static void push_type_name(lua_State *L, int idx)
{
    size_t n;
    const char *name;

    if (luaL_getmetafield(L, idx, "__name") == LUA_TSTRING) {
        name = lua_tolstring(L, -1, &n);
        lua_pushlstring(L, name, n < MAX_TYPE_NAME ? n : MAX_TYPE_NAME);
    } else {
        lua_pushstring(L, luaL_typename(L, idx));
    }
}

const char *sandbox_tolstring(lua_State *L, int idx, size_t *n)
{
    idx = lua_absindex(L, idx);
    if (luaL_callmeta(L, idx, "__tostring")) {
        if (!lua_isstring(L, -1))
            luaL_error(L, "'__tostring' must return a string");
        return lua_tolstring(L, -1, n);
    }
    switch (lua_type(L, idx)) {
    case LUA_TNIL:
    case LUA_TBOOLEAN:
    case LUA_TNUMBER:
    case LUA_TSTRING: return luaL_tolstring(L, idx, n);
    default: push_type_name(L, idx);
    }
    return lua_tolstring(L, -1, n);
}

/* (A unit test runs libraries in a state with Lua's own allocator.) */
void sandbox_room(lua_State *L, size_t bytes)
{
    void *ud;
    const struct policy_heap *h;

    if (lua_getallocf(L, &ud) != policy_heap_alloc)
        return;
    h = ud;
    if (bytes > h->cap - h->used)
        lua_gc(L, LUA_GCCOLLECT, 0);
}

/* Twice: the string that comes of it stands beside the buffer. */
char *sandbox_buffer(lua_State *L, luaL_Buffer *b, size_t n)
{
    sandbox_room(L, 2 * n);
    return luaL_buffinitsize(L, b, n);
}

void sandbox_append(lua_State *L, luaL_Buffer *b, const char *s, size_t n)
{
    if (n > b->size - b->n)
        sandbox_room(L, b->size + n);
    luaL_addlstring(b, s, n);
}

void sandbox_append_value(lua_State *L, luaL_Buffer *b)
{
    size_t n;
    const char *s = lua_tolstring(L, -1, &n);

    if (n > b->size - b->n) { /* the buffer moves: lauxlib's own affair */
        sandbox_room(L, b->size + n);
        luaL_addvalue(b);
        return;
    }
    memcpy(luaL_buffaddr(b) + luaL_bufflen(b), s, n);
    luaL_addsize(b, n);
    lua_pop(L, 1);
}
