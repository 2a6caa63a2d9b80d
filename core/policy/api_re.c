/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * ps.re(pattern, flags): regular expressions with the methods that Lua's
 * strings have, and the same meaning of init, captures and replacements.
 */
#include "policy/api.h"

#include "policy/re.h"
#include "policy/window_trace.h"

#define RE_CLASS "re"

static int fn_re(lua_State *L)
{
    struct str pattern, flags;

    pattern.p = luaL_checklstring(L, 1, &pattern.n);
    flags.p = luaL_optlstring(L, 2, "", &flags.n);
    re_push(L, pattern, flags, RE_CLASS);
    return 1;
}

/* ---- one match ------------------------------------------------------ */

/* What a method works on; its values stay on the stack. */
struct work {
    struct re *re;
    struct re_text text;
    struct re_match m;
};

static void work_init(lua_State *L, struct work *w)
{
    struct str s;

    w->re = luaL_checkudata(L, 1, RE_CLASS);
    s.p = luaL_checklstring(L, 2, &s.n);
    w->text = re_text(L, w->re, s);
}

/* As string.find has it: from 1, negative from the end; past it, no match. */
static bool first(lua_State *L, struct work *w)
{
    lua_Integer init = luaL_optinteger(L, 3, 1);
    size_t n;

    work_init(L, w);
    n = w->text.s.n;
    if (init < 0)
        init = (lua_Unsigned)-init > n ? 1 : (lua_Integer)n + init + 1;
    else if (init == 0)
        init = 1;
    if ((lua_Unsigned)init > n + 1)
        return false;
    return re_exec(L, w->re, &w->text, (size_t)init - 1, 0, &w->m);
}

static void push_span(lua_State *L, const struct work *w, int i)
{
    size_t from = w->m.at[2 * i], to = w->m.at[2 * i + 1];

    if (from == RE_UNSET || to < from)
        lua_pushnil(L);
    else
        lua_pushlstring(L, w->text.s.p + from, to - from);
}

/* The captures, or the whole where the pattern has none. */
static int push_captures(lua_State *L, const struct work *w)
{
    if (w->m.n == 1) {
        push_span(L, w, 0);
        return 1;
    }
    luaL_checkstack(L, w->m.n, "too many captures");
    for (int i = 1; i < w->m.n; i++)
        push_span(L, w, i);
    return w->m.n - 1;
}

static int re_m_test(lua_State *L)
{
    struct work w;

    lua_pushboolean(L, first(L, &w));
    return 1;
}

static int re_m_find(lua_State *L)
{
    struct work w;

    if (!first(L, &w)) {
        lua_pushnil(L);
        return 1;
    }
    lua_pushinteger(L, (lua_Integer)w.m.at[0] + 1);
    lua_pushinteger(L, (lua_Integer)w.m.at[1]);
    return 2 + (w.m.n > 1 ? push_captures(L, &w) : 0);
}

static int re_m_match(lua_State *L)
{
    struct work w;

    if (first(L, &w))
        return push_captures(L, &w);
    lua_pushnil(L);
    return 1;
}

/* re:groups(s, init): { [0] = whole, [1] = ..., name = ... } */
static int re_m_groups(lua_State *L)
{
    struct work w;
    struct str name;
    int capture = 0;

    if (!first(L, &w)) {
        lua_pushnil(L);
        return 1;
    }
    lua_createtable(L, w.m.n, 2);
    for (int i = 0; i < w.m.n; i++) {
        push_span(L, &w, i);
        lua_rawseti(L, -2, i);
    }
    for (int i = 0; re_name(w.re, i, &name, &capture); i++) {
        lua_pushlstring(L, name.p, name.n);
        push_span(L, &w, capture);
        lua_rawset(L, -3);
    }
    return 1;
}

/* ---- all matches ---------------------------------------------------- */

/* The next match from *at on; an empty one right behind the one before (at
 * *last) is none. Moves *at. */
static bool next_match(lua_State *L, struct work *w, size_t *at, size_t *last)
{
    int how = *last == *at ? RE_NOT_EMPTY_AT_START : 0;

    budget_check(L);
    if (*at > w->text.s.n || !re_exec(L, w->re, &w->text, *at, how, &w->m))
        return false;
    *at = *last = w->m.at[1];
    return true;
}

/* Where gmatch has come to. */
struct walk {
    struct re_text text;
    size_t at, last;
};

/* Upvalues: the regex, the string, what re_text made, the walk. */
static int gmatch_next(lua_State *L)
{
    struct walk *k = lua_touserdata(L, lua_upvalueindex(4));
    struct work w = { .re = lua_touserdata(L, lua_upvalueindex(1)),
                      .text = k->text };

    if (next_match(L, &w, &k->at, &k->last))
        return push_captures(L, &w);
    k->at = k->text.s.n + 1;
    lua_pushnil(L);
    return 1;
}

static int re_m_gmatch(lua_State *L)
{
    struct work w;
    struct walk *k;

    lua_settop(L, 2);
    work_init(L, &w);
    k = lua_newuserdatauv(L, sizeof *k, 0);
    *k = (struct walk){ w.text, 0, RE_UNSET };
    lua_pushcclosure(L, gmatch_next, 4);
    return 1;
}

/* "%0" to "%9" and "%%", as string.gsub has them. */
static void add_text(lua_State *L, luaL_Buffer *b, const struct work *w,
                     struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        int which;

        if (s.p[i] != '%') {
            sandbox_append(L, b, s.p + i, 1);
            continue;
        }
        if (++i < s.n && s.p[i] == '%') {
            sandbox_append(L, b, s.p + i, 1);
            continue;
        }
        which = i < s.n && s.p[i] >= '0' && s.p[i] <= '9' ? s.p[i] - '0' : -1;
        if (which == 1 && w->m.n == 1)
            which = 0;
        if (which < 0 || which >= w->m.n)
            luaL_error(L, "re:gsub: '%%' in a replacement is followed by the "
                          "number of a capture, or by '%%'");
        if (w->m.at[2 * which] != RE_UNSET)
            sandbox_append(L, b, w->text.s.p + w->m.at[2 * which],
                           w->m.at[2 * which + 1] - w->m.at[2 * which]);
    }
}

/* What a function or table (argument 3) has for the match is on top. */
static void add_value(lua_State *L, luaL_Buffer *b, const struct work *w)
{
    if (!lua_toboolean(L, -1)) {
        lua_pop(L, 1);
        push_span(L, w, 0);
    } else if (!lua_isstring(L, -1)) {
        luaL_error(L, "re:gsub: a %s is no replacement", luaL_typename(L, -1));
    }
    sandbox_append_value(L, b);
}

static void add_match(lua_State *L, luaL_Buffer *b, const struct work *w)
{
    struct str s;

    switch (lua_type(L, 3)) {
    case LUA_TFUNCTION:
        lua_pushvalue(L, 3);
        lua_call(L, push_captures(L, w), 1);
        add_value(L, b, w);
        break;
    case LUA_TTABLE:
        push_span(L, w, w->m.n > 1);
        if (lua_isnil(L, -1)) {
            lua_pop(L, 1);
            lua_pushboolean(L, 0);
        } else {
            lua_gettable(L, 3);
        }
        add_value(L, b, w);
        break;
    default:
        s.p = lua_tolstring(L, 3, &s.n);
        add_text(L, b, w, s);
    }
}

/* re:gsub(s, string | function | table, n): the new string, how many */
static int re_m_gsub(lua_State *L)
{
    int type = lua_type(L, 3);
    lua_Integer most = luaL_optinteger(L, 4, LUA_MAXINTEGER), n = 0;
    size_t at = 0, last = RE_UNSET, copied = 0, to;
    struct window_trace trace;
    struct work w;
    luaL_Buffer b;

    luaL_argexpected(L, type == LUA_TNUMBER || type == LUA_TSTRING ||
                            type == LUA_TFUNCTION || type == LUA_TTABLE,
                     3, "string/function/table");
    lua_settop(L, 4);
    work_init(L, &w);
    trace.n = 0;
    luaL_buffinit(L, &b);
    while (n < most && next_match(L, &w, &at, &last)) {
        sandbox_append(L, &b, w.text.s.p + copied, w.m.at[0] - copied);
        copied = w.m.at[1];
        to = luaL_bufflen(&b);
        add_match(L, &b, &w);
        window_trace_add(&trace, w.m.at[0], copied, to, luaL_bufflen(&b));
        n++;
    }
    sandbox_append(L, &b, w.text.s.p + copied, w.text.s.n - copied);
    luaL_pushresult(&b);
    window_trace_end(L, &trace, w.text.s);
    lua_pushinteger(L, n);
    return 2;
}

/* One whose flags the policy adds is compiled again; what is no pattern with
 * them is none without. */
void api_re_conf(lua_State *L, const json_t *list, const char *key)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *v = json_array_get(list, i);

        if (!json_is_string(v))
            luaL_error(L, "conf.%s[%d]: a text is needed", key, (int)i + 1);
        lua_pushcfunction(L, fn_re);
        lua_pushlstring(L, json_string_value(v), json_string_length(v));
        if (lua_pcall(L, 1, 0, 0) != LUA_OK)
            luaL_error(L, "conf.%s[%d]: %s", key, (int)i + 1,
                       lua_tostring(L, -1));
    }
}

void api_re_open(lua_State *L)
{
    static const luaL_Reg methods[] = {
        { "test", re_m_test },     { "find", re_m_find },
        { "match", re_m_match },   { "groups", re_m_groups },
        { "gmatch", re_m_gmatch }, { "gsub", re_m_gsub },
        { NULL, NULL } };

    api_class(L, RE_CLASS, methods);
    re_open(L, RE_CLASS);
    lua_pushcfunction(L, fn_re);
    lua_setfield(L, -2, "re");
}
