/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * w:replace(re, f): gsub in place. Each match is one stretch of the text, so
 * that the core knows exactly what may leave. Stack: 1 w, 2 re, 3 f.
 */
#include "policy/api.h"

#include "policy/output.h"
#include "policy/pattern_lib.h"

static const char changed_inside[] =
    "w.text was changed inside of its own w:replace";

void api_window_check(lua_State *L, int rc)
{
    if (rc)
        luaL_error(L, rc == -ERR_LIMIT ? "w.text may not pass %d bytes"
                                       : "no memory for w.text",
                   (int)OUTPUT_MAX);
}

/* An object with a method gsub: what it makes of the text. */
static int replace_by(lua_State *L, const struct policy_window *w)
{
    struct str s = output_text_now(w->text);
    unsigned begun = w->text->count;

    lua_getfield(L, 2, "gsub");
    lua_pushvalue(L, 2);
    lua_pushlstring(L, s.p, s.n);
    lua_pushvalue(L, 3);
    lua_call(L, 3, 2);
    if (lua_type(L, -2) != LUA_TSTRING)
        return luaL_error(L, "w:replace: gsub returned a %s, not a text",
                          luaL_typename(L, -2));
    if (begun != w->text->count)
        return luaL_error(L, "%s", changed_inside);
    s.p = lua_tolstring(L, -2, &s.n);
    api_window_check(L, output_text_assign(w->text, s, w->final));
    return 1; /* the count */
}

/* What stands in the place of a match is pushed; false: it stays. */
static bool push_stand_in(lua_State *L, const struct pattern *p,
                          struct str whole)
{
    int type = lua_type(L, 3);
    luaL_Buffer b;

    if (type == LUA_TSTRING || type == LUA_TNUMBER) {
        luaL_buffinit(L, &b);
        pattern_add_template(L, &b, p, whole);
        luaL_pushresult(&b);
        return true;
    }
    lua_pushvalue(L, 3);
    if (type == LUA_TFUNCTION) {
        lua_call(L, pattern_push_captures(L, p, whole), 1);
    } else {
        int n = pattern_push_captures(L, p, whole);

        lua_pop(L, n - 1);
        lua_gettable(L, -2);
        lua_remove(L, -2);
    }
    if (lua_toboolean(L, -1) && !lua_isstring(L, -1))
        luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
    return lua_toboolean(L, -1);
}

static void swap(lua_State *L, struct output_text *t, const struct pattern *p,
                 struct str whole)
{
    unsigned begun = t->count;
    struct str with;

    if (push_stand_in(L, p, whole)) {
        if (begun != t->count)
            luaL_error(L, "%s", changed_inside);
        with.p = lua_tolstring(L, -1, &with.n);
        api_window_check(L, output_text_swap(
            t, (size_t)(whole.p - p->subject.p), whole.n, with));
    }
    lua_pop(L, 1);
    if (begun != t->count)
        luaL_error(L, "%s", changed_inside);
}

static lua_Integer replace_all(lua_State *L, struct output_text *t,
                               struct pattern *p, bool anchored)
{
    struct str s = p->subject;
    ptrdiff_t last = -1;
    lua_Integer n = 0;

    for (size_t at = 0; at <= s.n; at++) {
        ptrdiff_t end;

        budget_check(L);
        at = anchored ? at : pattern_next(p, at);
        end = pattern_match(p, at);
        if (end == PATTERN_FAULT && p->bad_capture >= 0)
            luaL_error(L, "%s %%%d", p->fault, p->bad_capture);
        if (end == PATTERN_FAULT)
            luaL_error(L, "%s", p->fault);
        if (end != PATTERN_NO && end != last) {
            n++;
            swap(L, t, p, (struct str){ s.p + at, (size_t)end - at });
            last = end;
            at = (size_t)end - ((size_t)end > at);
        }
        if (anchored)
            break;
    }
    return n;
}

int api_window_replace(lua_State *L)
{
    const struct policy_window *w =
        api_check(L, 1, API_WINDOW)->call->run->window;
    int type = lua_type(L, 3);
    struct pattern p;
    struct str pat;
    bool anchored;

    lua_settop(L, 3);
    if (lua_type(L, 2) == LUA_TUSERDATA)
        return replace_by(L, w);
    pat.p = luaL_checklstring(L, 2, &pat.n);
    luaL_argexpected(L,
                     type == LUA_TNUMBER || type == LUA_TSTRING ||
                         type == LUA_TFUNCTION || type == LUA_TTABLE,
                     3, "string/function/table");
    lua_tolstring(L, 3, NULL); /* a number is its text */
    anchored = pat.n && pat.p[0] == '^';
    pattern_init(&p, output_text_now(w->text),
                 (struct str){ pat.p + anchored, pat.n - anchored });
    p.expired = budget_expired;
    output_text_begin(w->text);
    lua_pushinteger(L, replace_all(L, w->text, &p, anchored));
    api_window_check(L, output_text_end(w->text));
    return 1;
}
