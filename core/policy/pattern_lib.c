/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * string.find, match, gmatch and gsub as the manual has them (section 6.4),
 * on the bounded matcher. A callback of gsub runs below C: it cannot wait.
 */
#include "policy/pattern_lib.h"

#include "policy/budget.h"
#include "policy/pattern.h"

#include <ctype.h>
#include <lauxlib.h>

static struct str check_str(lua_State *L, int arg)
{
    struct str s;

    s.p = luaL_checklstring(L, arg, &s.n);
    return s;
}

/* 1-based and negative positions of a script to an offset, maybe past n. */
static size_t offset_of(lua_Integer pos, size_t n)
{
    if (pos > 0)
        return (size_t)pos - 1;
    if (pos == 0 || pos < -(lua_Integer)n)
        return 0;
    return n + (size_t)pos;
}

/* Match at `at`; a fault raises, the rest is pattern_match's. */
static ptrdiff_t match_at(lua_State *L, struct pattern *p, size_t at)
{
    ptrdiff_t end = pattern_match(p, at);

    if (end == PATTERN_FAULT) {
        if (p->bad_capture >= 0)
            return luaL_error(L, "%s %%%d", p->fault, p->bad_capture);
        return luaL_error(L, "%s", p->fault);
    }
    return end;
}

/* First match at or after *at, or PATTERN_NO. */
static ptrdiff_t search(lua_State *L, struct pattern *p, size_t *at,
                        bool anchored)
{
    for (;; ++*at) {
        ptrdiff_t end = match_at(L, p, *at);

        if (end != PATTERN_NO || anchored || *at >= p->subject.n)
            return end;
    }
}

static void push_capture(lua_State *L, const struct pattern *p, int i,
                         struct str whole)
{
    const struct capture *c = &p->captures[i];

    if (i >= p->level) {
        if (i != 0)
            luaL_error(L, "invalid capture index %%%d", i + 1);
        lua_pushlstring(L, whole.p, whole.n);
        return;
    }
    if (c->n == CAPTURE_OPEN)
        luaL_error(L, "unfinished capture");
    if (c->n == CAPTURE_POSITION)
        lua_pushinteger(L, c->at - p->subject.p + 1);
    else
        lua_pushlstring(L, c->at, (size_t)c->n);
}

/* All captures; the whole match when there are none and `whole` has bytes. */
static int push_captures(lua_State *L, const struct pattern *p,
                         struct str whole)
{
    int n = p->level == 0 && whole.p ? 1 : p->level;

    luaL_checkstack(L, n, "too many captures");
    for (int i = 0; i < n; i++)
        push_capture(L, p, i, whole);
    return n;
}

static void start(struct pattern *p, struct str s, struct str pat)
{
    pattern_init(p, s, pat);
    p->expired = budget_expired;
}

static bool is_plain(struct str pat)
{
    for (size_t i = 0; i < pat.n; i++) {
        if (pat.p[i] && strchr("^$*+?.([%-", pat.p[i]))
            return false;
    }
    return true;
}

static int find_plain(lua_State *L, struct str s, struct str pat, size_t at)
{
    const char *hit = pat.n ? memmem(s.p + at, s.n - at, pat.p, pat.n)
                            : s.p + at;

    if (!hit) {
        lua_pushnil(L);
        return 1;
    }
    lua_pushinteger(L, hit - s.p + 1);
    lua_pushinteger(L, hit - s.p + (lua_Integer)pat.n);
    return 2;
}

static int find_or_match(lua_State *L, bool find)
{
    struct str s = check_str(L, 1), pat = check_str(L, 2);
    size_t at = offset_of(luaL_optinteger(L, 3, 1), s.n);
    struct pattern p;
    bool anchored;
    ptrdiff_t end;

    if (at > s.n) {
        lua_pushnil(L);
        return 1;
    }
    if (find && (lua_toboolean(L, 4) || is_plain(pat)))
        return find_plain(L, s, pat, at);
    anchored = pat.n && pat.p[0] == '^';
    start(&p, s, (struct str){ pat.p + anchored, pat.n - anchored });
    end = search(L, &p, &at, anchored);
    if (end == PATTERN_NO) {
        lua_pushnil(L);
        return 1;
    }
    if (!find)
        return push_captures(L, &p, (struct str){ s.p + at, (size_t)end - at });
    lua_pushinteger(L, (lua_Integer)at + 1);
    lua_pushinteger(L, end);
    return 2 + push_captures(L, &p, STR_NULL);
}

static int lib_find(lua_State *L)
{
    return find_or_match(L, true);
}

static int lib_match(lua_State *L)
{
    return find_or_match(L, false);
}

/* Upvalues: text, pattern, where to go on, end of the last match (or -1). */
static int gmatch_next(lua_State *L)
{
    struct str s = check_str(L, lua_upvalueindex(1));
    size_t at = (size_t)lua_tointeger(L, lua_upvalueindex(3));
    ptrdiff_t last = (ptrdiff_t)lua_tointeger(L, lua_upvalueindex(4));
    struct pattern p;

    start(&p, s, check_str(L, lua_upvalueindex(2)));
    for (; at <= s.n; at++) {
        ptrdiff_t end = match_at(L, &p, at);

        if (end == PATTERN_NO || end == last)
            continue;
        lua_pushinteger(L, end);
        lua_copy(L, -1, lua_upvalueindex(3));
        lua_copy(L, -1, lua_upvalueindex(4));
        return push_captures(L, &p, (struct str){ s.p + at, (size_t)end - at });
    }
    lua_pushinteger(L, (lua_Integer)s.n + 1);
    lua_copy(L, -1, lua_upvalueindex(3));
    return 0;
}

static int lib_gmatch(lua_State *L)
{
    struct str s = check_str(L, 1);
    size_t at;

    check_str(L, 2);
    at = offset_of(luaL_optinteger(L, 3, 1), s.n);
    lua_settop(L, 2);
    lua_pushinteger(L, (lua_Integer)(at > s.n ? s.n + 1 : at));
    lua_pushinteger(L, -1);
    lua_pushcclosure(L, gmatch_next, 4);
    return 1;
}

/* ---- gsub: 1 text, 2 pattern, 3 replacement ------------------------------ */

/* Append the replacement text with its %0 to %9. */
static void add_template(lua_State *L, luaL_Buffer *b, const struct pattern *p,
                         struct str whole)
{
    struct str t;

    t.p = lua_tolstring(L, 3, &t.n);
    for (size_t i = 0; i < t.n; i++) {
        char c = t.p[i];

        if (c != '%') {
            luaL_addchar(b, c);
            continue;
        }
        c = ++i < t.n ? t.p[i] : '\0';
        if (c == '%') {
            luaL_addchar(b, c);
        } else if (c == '0') {
            luaL_addlstring(b, whole.p, whole.n);
        } else if (isdigit((unsigned char)c)) {
            push_capture(L, p, c - '1', whole);
            luaL_addvalue(b);
        } else {
            luaL_error(L, "invalid use of '%%' in replacement string");
        }
    }
}

/* Append what stands for one match; false when it stays as it is. */
static bool add_value(lua_State *L, luaL_Buffer *b, const struct pattern *p,
                      struct str whole)
{
    int type = lua_type(L, 3);

    if (type == LUA_TFUNCTION) {
        lua_pushvalue(L, 3);
        lua_call(L, push_captures(L, p, whole), 1);
    } else if (type == LUA_TTABLE) {
        push_capture(L, p, 0, whole);
        lua_gettable(L, 3);
    } else {
        add_template(L, b, p, whole);
        return true;
    }
    if (!lua_toboolean(L, -1)) {
        lua_pop(L, 1);
        luaL_addlstring(b, whole.p, whole.n);
        return false;
    }
    if (!lua_isstring(L, -1))
        luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
    luaL_addvalue(b);
    return true;
}

static int lib_gsub(lua_State *L)
{
    struct str s = check_str(L, 1), pat = check_str(L, 2);
    int type = lua_type(L, 3);
    lua_Integer max = luaL_optinteger(L, 4, (lua_Integer)s.n + 1), n = 0;
    bool anchored = pat.n && pat.p[0] == '^', changed = false;
    size_t at = 0;
    ptrdiff_t last = -1;
    struct pattern p;
    luaL_Buffer b;

    luaL_argexpected(L,
                     type == LUA_TNUMBER || type == LUA_TSTRING ||
                         type == LUA_TFUNCTION || type == LUA_TTABLE,
                     3, "string/function/table");
    start(&p, s, (struct str){ pat.p + anchored, pat.n - anchored });
    luaL_buffinit(L, &b);
    while (n < max) {
        ptrdiff_t end = match_at(L, &p, at);

        if (end != PATTERN_NO && end != last) {
            n++;
            changed |= add_value(L, &b, &p,
                                 (struct str){ s.p + at, (size_t)end - at });
            at = (size_t)(last = end);
        } else if (at < s.n) {
            luaL_addchar(&b, s.p[at]);
            at++;
        } else {
            break;
        }
        if (anchored)
            break;
    }
    if (changed) {
        luaL_addlstring(&b, s.p + at, s.n - at);
        luaL_pushresult(&b);
    } else {
        lua_pushvalue(L, 1);
    }
    lua_pushinteger(L, n);
    return 2;
}

int pattern_push_captures(lua_State *L, const struct pattern *p,
                          struct str whole)
{
    return push_captures(L, p, whole);
}

void pattern_add_template(lua_State *L, luaL_Buffer *b,
                          const struct pattern *p, struct str whole)
{
    add_template(L, b, p, whole);
}

void pattern_lib(lua_State *L)
{
    static const luaL_Reg own[] = { { "find", lib_find },
                                    { "match", lib_match },
                                    { "gmatch", lib_gmatch },
                                    { "gsub", lib_gsub },
                                    { NULL, NULL } };
    luaL_setfuncs(L, own, 0);
}
