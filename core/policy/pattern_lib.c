/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * string.find, match, gmatch and gsub as the manual has them (section 6.4),
 * on the bounded matcher. A callback of gsub runs below C: it cannot wait.
 */
#include "policy/pattern_lib.h"
#include "policy/window_trace.h"

#include "policy/budget.h"
#include "policy/pattern.h"
#include "policy/sandbox.h"

#include <ctype.h>
#include <lauxlib.h>

enum { PLAIN_PIECE = 256 << 10, PLAIN_KEY = 32 << 10 };

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
    ptrdiff_t end;

    budget_check(L);
    end = pattern_match(p, at);
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
        ptrdiff_t end;

        if (!anchored)
            *at = pattern_next(p, *at);
        end = match_at(L, p, *at);
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

/* pat in s, at or after `at`; NULL if it is not there. In pieces, because
 * memmem takes 5 ns a byte at worst; of a long pattern the start first. */
static const char *search_plain(lua_State *L, struct str s, struct str pat,
                                size_t at)
{
    size_t key = pat.n < PLAIN_KEY ? pat.n : PLAIN_KEY, last, n;
    const char *hit;

    if (pat.n > s.n)
        return NULL;
    for (last = s.n - pat.n; at <= last;) {
        budget_check(L);
        n = last - at < PLAIN_PIECE ? last - at + 1 : PLAIN_PIECE;
        hit = memmem(s.p + at, n + key - 1, pat.p, key);
        if (!hit)
            at += n;
        else if (memcmp(hit + key, pat.p + key, pat.n - key) == 0)
            return hit;
        else
            at = (size_t)(hit - s.p) + 1;
    }
    return NULL;
}

static int find_plain(lua_State *L, struct str s, struct str pat, size_t at)
{
    const char *hit = pat.n ? search_plain(L, s, pat, at) : s.p + at;

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

struct gmatch {
    struct pattern p; /* of the strings in upvalues 2 and 3 */
    size_t at;        /* where to go on */
    ptrdiff_t last;   /* end of the last match, or -1 */
};

/* Upvalue: the struct gmatch. */
static int gmatch_next(lua_State *L)
{
    struct gmatch *g = lua_touserdata(L, lua_upvalueindex(1));
    struct str s = g->p.subject;

    pattern_again(&g->p);
    for (; g->at <= s.n; g->at++) {
        ptrdiff_t end;
        size_t at;

        at = g->at = pattern_next(&g->p, g->at);
        end = match_at(L, &g->p, at);
        if (end == PATTERN_NO || end == g->last)
            continue;
        g->at = (size_t)(g->last = end);
        return push_captures(L, &g->p,
                             (struct str){ s.p + at, (size_t)end - at });
    }
    return 0;
}

static int lib_gmatch(lua_State *L)
{
    struct str s = check_str(L, 1), pat = check_str(L, 2);
    size_t at = offset_of(luaL_optinteger(L, 3, 1), s.n);
    struct gmatch *g;

    lua_settop(L, 2);
    g = lua_newuserdatauv(L, sizeof *g, 0);
    start(&g->p, s, pat);
    g->at = at > s.n ? s.n + 1 : at;
    g->last = -1;
    lua_insert(L, 1);
    lua_pushcclosure(L, gmatch_next, 3);
    return 1;
}

/* ---- gsub: 1 text, 2 pattern, 3 replacement ------------------------------ */

/* Append the replacement text with its %0 to %9. */
static void add_template(lua_State *L, luaL_Buffer *b, const struct pattern *p,
                         struct str whole)
{
    const char *at, *hit, *end;
    struct str t;

    t.p = lua_tolstring(L, 3, &t.n);
    end = t.p + t.n;
    for (at = t.p; (hit = memchr(at, '%', (size_t)(end - at))); at = hit + 2) {
        char c = hit + 1 < end ? hit[1] : '\0';

        budget_check(L);
        sandbox_append(L, b, at, (size_t)(hit - at));
        if (c == '%') {
            sandbox_append(L, b, hit, 1);
        } else if (c == '0') {
            sandbox_append(L, b, whole.p, whole.n);
        } else if (isdigit((unsigned char)c)) {
            push_capture(L, p, c - '1', whole);
            sandbox_append_value(L, b);
        } else {
            luaL_error(L, "invalid use of '%%' in replacement string");
        }
    }
    sandbox_append(L, b, at, (size_t)(end - at));
}

/* What a function or a table has for one match is pushed; false when that
 * leaves it as it is. */
static bool push_value(lua_State *L, const struct pattern *p, struct str whole)
{
    if (lua_type(L, 3) == LUA_TFUNCTION) {
        lua_pushvalue(L, 3);
        lua_call(L, push_captures(L, p, whole), 1);
    } else {
        push_capture(L, p, 0, whole);
        lua_gettable(L, 3);
    }
    if (!lua_toboolean(L, -1)) {
        lua_pop(L, 1);
        return false;
    }
    if (!lua_isstring(L, -1))
        luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
    return true;
}

struct result {
    struct window_trace trace;
    luaL_Buffer b;
    struct str s;
    size_t copied; /* of s; what lies between matches is copied at once */
    bool changed;
};

/* The match from `at` to `end`. */
static void replace(lua_State *L, struct result *r, const struct pattern *p,
                    size_t at, size_t end)
{
    struct str whole = { r->s.p + at, end - at };
    size_t to;

    sandbox_append(L, &r->b, r->s.p + r->copied, at - r->copied);
    r->copied = at;
    to = luaL_bufflen(&r->b);
    if (lua_isstring(L, 3))
        add_template(L, &r->b, p, whole);
    else if (push_value(L, p, whole))
        sandbox_append_value(L, &r->b);
    else
        return;
    r->copied = end;
    r->changed = true;
    window_trace_add(&r->trace, at, end, to, luaL_bufflen(&r->b));
}

static int lib_gsub(lua_State *L)
{
    struct str s = check_str(L, 1), pat = check_str(L, 2);
    int type = lua_type(L, 3);
    lua_Integer max = luaL_optinteger(L, 4, (lua_Integer)s.n + 1), n = 0;
    bool anchored = pat.n && pat.p[0] == '^';
    struct result r;
    size_t at = 0;
    ptrdiff_t last = -1;
    struct pattern p;

    luaL_argexpected(L,
                     type == LUA_TNUMBER || type == LUA_TSTRING ||
                         type == LUA_TFUNCTION || type == LUA_TTABLE,
                     3, "string/function/table");
    lua_settop(L, 3);
    start(&p, s, (struct str){ pat.p + anchored, pat.n - anchored });
    r.s = s;
    r.copied = 0;
    r.changed = false;
    r.trace.n = 0;
    luaL_buffinit(L, &r.b);
    while (n < max) {
        ptrdiff_t end;

        if (!anchored)
            at = pattern_next(&p, at);
        end = match_at(L, &p, at);
        if (end != PATTERN_NO && end != last) {
            n++;
            replace(L, &r, &p, at, (size_t)end);
            at = (size_t)(last = end);
        } else if (at < s.n) {
            at++;
        } else {
            break;
        }
        if (anchored)
            break;
    }
    if (r.changed) {
        sandbox_append(L, &r.b, s.p + r.copied, s.n - r.copied);
        luaL_pushresult(&r.b);
        window_trace_end(L, &r.trace, s);
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
