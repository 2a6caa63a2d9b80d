/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Writing. The text grows in userdata at a fixed place of the stack: whatever
 * raises leaves nothing behind, and it counts to the policy's memory. Tables
 * are read raw: no code of the script's runs.
 */
#include "policy/json_text.h"

#include "policy/budget.h"
#include "policy/sandbox.h"

#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { FIRST_BYTES = 256 };

struct writer {
    lua_State *L;
    int place; /* of the text's userdata on the stack */
    char *p;
    size_t n, cap;
    uint32_t values;
    int depth;
    const char *why; /* why there is none */
};

static bool fail(struct writer *w, const char *why)
{
    if (!w->why)
        w->why = why;
    return false;
}

static bool room(struct writer *w, size_t n)
{
    size_t cap = w->cap ? w->cap : FIRST_BYTES;
    char *p;

    if (w->n + n > JSON_TEXT_MAX)
        return fail(w, "a text of more than 1 MiB");
    while (cap < w->n + n)
        cap *= 2;
    if (cap == w->cap)
        return true;
    p = lua_newuserdatauv(w->L, cap, 0);
    if (w->n)
        memcpy(p, w->p, w->n);
    lua_replace(w->L, w->place);
    w->p = p;
    w->cap = cap;
    return true;
}

static bool put(struct writer *w, struct str s)
{
    if (!room(w, s.n))
        return false;
    memcpy(w->p + w->n, s.p, s.n);
    w->n += s.n;
    return true;
}

static bool put_char(struct writer *w, char c)
{
    return put(w, (struct str){ &c, 1 });
}

/* ---- scalars -------------------------------------------------------- */

static bool put_escape(struct writer *w, unsigned char c)
{
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
    const char *at = c ? strchr(from, c) : NULL;
    char out[8];
    int n = at ? snprintf(out, sizeof out, "\\%c", to[at - from])
               : snprintf(out, sizeof out, "\\u%04x", c);

    return put(w, (struct str){ out, (size_t)n });
}

static bool put_string(struct writer *w, struct str s)
{
    size_t from = 0, i;

    if (!str_utf8_valid(s))
        return fail(w, "a string that is not UTF-8");
    if (!put_char(w, '"'))
        return false;
    for (i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        if (!put(w, (struct str){ s.p + from, i - from }) ||
            !put_escape(w, c))
            return false;
        from = i + 1;
    }
    return put(w, (struct str){ s.p + from, i - from }) && put_char(w, '"');
}

/* The shortest of three spellings that is the same number when read. */
static bool put_real(struct writer *w, double x)
{
    char out[40];
    int n = 0;

    if (!isfinite(x))
        return fail(w, "a number that is infinite or none");
    for (int digits = 15; digits <= 17; digits++) {
        n = snprintf(out, sizeof out, "%.*g", digits, x);
        if (strtod(out, NULL) == x)
            break;
    }
    if (!strpbrk(out, ".e"))
        n += snprintf(out + n, sizeof out - (size_t)n, ".0");
    return put(w, (struct str){ out, (size_t)n });
}

static bool put_integer(struct writer *w, lua_Integer i)
{
    char out[24];
    int n = snprintf(out, sizeof out, "%lld", (long long)i);

    return put(w, (struct str){ out, (size_t)n });
}

/* ---- tables --------------------------------------------------------- */

static bool put_value(struct writer *w);

static bool put_array(struct writer *w, size_t n)
{
    if (!put_char(w, '['))
        return false;
    for (size_t i = 1; i <= n; i++) {
        if (i > 1 && !put_char(w, ','))
            return false;
        if (lua_rawgeti(w->L, -1, (lua_Integer)i) == LUA_TNIL)
            return fail(w, "a list with holes");
        if (!put_value(w))
            return false;
        lua_pop(w->L, 1);
    }
    return put_char(w, ']');
}

static int by_bytes(const void *a, const void *b)
{
    const struct str *x = a, *y = b;
    size_t n = x->n < y->n ? x->n : y->n;
    int c = n ? memcmp(x->p, y->p, n) : 0;

    return c ? c : (x->n > y->n) - (x->n < y->n);
}

/* The names of the table on top, sorted, in userdata that is pushed. They are
 * held by the table. */
static struct str *names(struct writer *w, size_t n)
{
    struct str *list = lua_newuserdatauv(w->L, (n + 1) * sizeof *list, 0);

    n = 0;
    for (lua_pushnil(w->L); lua_next(w->L, -3); lua_pop(w->L, 1)) {
        list[n].p = lua_tolstring(w->L, -2, &list[n].n);
        n++;
    }
    qsort(list, n, sizeof *list, by_bytes);
    return list;
}

static bool put_object(struct writer *w, size_t n)
{
    struct str *list = names(w, n);
    bool good = put_char(w, '{');

    for (size_t i = 0; i < n && good; i++) {
        good = (i == 0 || put_char(w, ',')) && put_string(w, list[i]) &&
               put_char(w, ':');
        if (!good)
            break;
        lua_pushlstring(w->L, list[i].p, list[i].n);
        lua_rawget(w->L, -3);
        good = put_value(w);
        lua_pop(w->L, 1);
    }
    lua_pop(w->L, 1);
    return good && put_char(w, '}');
}

/* How many entries the table on top has, by the kinds of their keys. */
static bool count(struct writer *w, size_t *named, size_t *placed)
{
    *named = *placed = 0;
    for (lua_pushnil(w->L); lua_next(w->L, -2); lua_pop(w->L, 1)) {
        if (lua_type(w->L, -2) == LUA_TSTRING)
            ++*named;
        else if (lua_isinteger(w->L, -2))
            ++*placed;
        else
            return fail(w, "a table whose keys are no strings");
    }
    return *named <= JSON_TEXT_NAMES ||
           fail(w, "a table of more than 20000 names");
}

static bool put_table(struct writer *w)
{
    size_t named, placed, n = (size_t)lua_rawlen(w->L, -1);
    bool good;

    budget_check(w->L); /* an emptied table is walked through, too */
    if (++w->depth > JSON_TEXT_DEPTH)
        return fail(w, "tables nested more than 64 deep");
    if (!count(w, &named, &placed))
        return false;
    if (named && placed)
        return fail(w, "a table with names and places");
    if (placed != n && placed)
        return fail(w, "a list with holes");
    good = placed || (!named && json_list_is(w->L, -1)) ? put_array(w, n)
                                                        : put_object(w, named);
    w->depth--;
    return good;
}

/* ---- values --------------------------------------------------------- */

/* The value on top; it stays there where that goes well. */
static bool put_value(struct writer *w)
{
    lua_State *L = w->L;
    struct str s;

    if (++w->values > JSON_TEXT_VALUES)
        return fail(w, "more than 100000 values");
    if (w->values % 1024 == 0)
        budget_check(L);
    luaL_checkstack(L, 8, "tables are nested too deeply");
    switch (lua_type(L, -1)) {
    case LUA_TSTRING:
        s.p = lua_tolstring(L, -1, &s.n);
        return put_string(w, s);
    case LUA_TNUMBER:
        return lua_isinteger(L, -1) ? put_integer(w, lua_tointeger(L, -1))
                                    : put_real(w, lua_tonumber(L, -1));
    case LUA_TBOOLEAN:
        return put(w, lua_toboolean(L, -1) ? STR("true") : STR("false"));
    case LUA_TTABLE:
        sandbox_below(L);
        return put_table(w);
    default: break;
    }
    if (json_null_is(L, -1))
        return put(w, STR("null"));
    return fail(w, "a value that is no data");
}

bool json_text_make(lua_State *L, int idx, const char **why)
{
    struct writer w = { .L = L };

    idx = lua_absindex(L, idx);
    luaL_checkstack(L, 8, "tables are nested too deeply");
    lua_pushnil(L);
    w.place = lua_gettop(L);
    lua_pushvalue(L, idx);
    if (!put_value(&w)) {
        lua_settop(L, w.place - 1);
        *why = w.why;
        return false;
    }
    lua_pushlstring(L, w.p, w.n);
    lua_replace(L, w.place);
    lua_settop(L, w.place);
    return true;
}

void json_text_push(lua_State *L, int idx, const char *what)
{
    const char *why = NULL;

    if (!json_text_make(L, idx, &why))
        luaL_error(L, "%s: %s", what, why);
}
