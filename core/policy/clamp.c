/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Functions of the string and utf8 libraries that can run for long inside one
 * call, where no hook can stop them: each is wrapped by a check of the sizes
 * it would work through, which keeps a call at a few milliseconds at most.
 */
#include "policy/budget.h"
#include "policy/sandbox.h"

#include <lauxlib.h>
#include <string.h>

enum {
    MAX_TEXT = 1 << 20,   /* bytes a linear string function works through */
    MAX_REP = 1 << 20,    /* bytes that string.rep makes */
    MAX_VALUES = 8000,    /* that byte and codepoint return */
    MAX_FORMAT = 1000,    /* conversions of string.format */
    MAX_FORMAT_TEXT = 4 << 20, /* bytes of its %s and %q */
    MAX_QUOTED = 256 << 10, /* bytes given to its %q: 70 ns for each that it
                             * escapes by number */
    MAX_NUMBER = 440,     /* bytes of "%99.99f" at its longest */
};

/* The wrapped function, with the arguments as they stand. In this frame, not
 * by lua_call, so that its errors tell the function's name and the line. */
static int pass(lua_State *L)
{
    return lua_tocfunction(L, lua_upvalueindex(1))(L);
}

static void need(lua_State *L, bool ok, const char *what, int max)
{
    if (!ok)
        luaL_error(L, "%s is limited to %d", what, max);
}

static size_t text_size(lua_State *L)
{
    return lua_type(L, 1) == LUA_TSTRING ? lua_rawlen(L, 1) : 0;
}

/* lower, upper, reverse, utf8.len, offset: one pass over the first argument */
static int text(lua_State *L)
{
    size_t n = text_size(L);

    need(L, n <= MAX_TEXT, "text here, in bytes,", MAX_TEXT);
    sandbox_room(L, 2 * n);
    return pass(L);
}

/* byte, codepoint: from the first to the second position, one by default */
static int values(lua_State *L)
{
    lua_Integer n = (lua_Integer)text_size(L);
    lua_Integer i = luaL_optinteger(L, 2, 1), j = luaL_optinteger(L, 3, i);

    if (i < 0)
        i = i < -n ? 1 : n + i + 1;
    if (j < 0)
        j = j < -n ? 0 : n + j + 1;
    i = i < 1 ? 1 : i;
    j = j > n ? n : j;
    need(L, j - i < MAX_VALUES, "the number of values", MAX_VALUES);
    return pass(L);
}

/* char, utf8.char: up to 8 bytes for each argument */
static int chars(lua_State *L)
{
    sandbox_room(L, 16 * (size_t)lua_gettop(L));
    return pass(L);
}

static int rep(lua_State *L)
{
    size_t n, sep;
    lua_Integer times = luaL_checkinteger(L, 2);

    luaL_checklstring(L, 1, &n);
    luaL_optlstring(L, 3, "", &sep);
    if (n + sep == 0) {
        lua_pushliteral(L, "");
        return 1;
    }
    need(L, times <= 0 || (lua_Unsigned)times <= MAX_REP / (n + sep),
         "string.rep's result, in bytes,", MAX_REP);
    if (times > 0)
        sandbox_room(L, 2 * (size_t)times * (n + sep));
    return pass(L);
}

/* ---- format --------------------------------------------------------- */

/* Argument `arg` is for the conversion c; bytes that it may become. The text
 * of a value is made here, so that it holds no address. */
static size_t prepare(lua_State *L, int arg, char c, size_t *quoted)
{
    size_t n;

    if (c == 'p')
        luaL_error(L, "string.format has no %%p here");
    if (c == 's' && arg <= lua_gettop(L)) {
        sandbox_tolstring(L, arg, &n);
        lua_replace(L, arg);
        return n;
    }
    if (c == 'q' && lua_type(L, arg) == LUA_TSTRING) {
        n = lua_rawlen(L, arg);
        *quoted += n;
        need(L, *quoted <= MAX_QUOTED, "string.format's %q, in bytes,",
             MAX_QUOTED);
        return 4 * n;
    }
    return MAX_NUMBER;
}

/* What is wrong with a conversion is left for Lua to find. */
static int format(lua_State *L)
{
    size_t n, sum, quoted = 0;
    const char *p = luaL_checklstring(L, 1, &n), *end = p + n;
    int arg = 1;

    sum = n;
    while ((p = memchr(p, '%', (size_t)(end - p))) != NULL) {
        p++; /* a NUL stands behind the end */
        if (*p == '%') {
            p++;
            continue;
        }
        p += strspn(p, "-+ #0123456789.");
        need(L, ++arg <= MAX_FORMAT, "string.format, in values,", MAX_FORMAT);
        sum += prepare(L, arg, *p, &quoted);
        need(L, sum <= MAX_FORMAT_TEXT, "string.format's text, in bytes,",
             MAX_FORMAT_TEXT);
    }
    sandbox_room(L, 2 * sum);
    return pass(L);
}

/* Replace functions of the table on top by wrappers that hold them. */
static void wrap(lua_State *L, const luaL_Reg *w)
{
    for (; w->name; w++) {
        lua_getfield(L, -1, w->name);
        lua_pushcclosure(L, w->func, 1);
        lua_setfield(L, -2, w->name);
    }
}

void clamp_string(lua_State *L)
{
    static const luaL_Reg w[] = { { "lower", text }, { "upper", text },
                                  { "reverse", text }, { "rep", rep },
                                  { "byte", values }, { "char", chars },
                                  { "format", format }, { NULL, NULL } };
    wrap(L, w);
}

void clamp_utf8(lua_State *L)
{
    static const luaL_Reg w[] = { { "codepoint", values }, { "len", text },
                                  { "offset", text }, { "char", chars },
                                  { NULL, NULL } };
    wrap(L, w);
}
