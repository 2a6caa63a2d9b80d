/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Secrets of a policy's conf: opaque values that cannot be printed, put into
 * a text or encoded. ps.hmac, ps.ct_equal and headers of ps.http take them as
 * they are; ps.secret(conf.token) is the one way to the text. What a policy
 * notes, logs or raises is searched for them all the same.
 */
#include "policy/api.h"

#define SECRET_CLASS "secret"

enum {
    LEAST_BYTES = 4,        /* a shorter one is found everywhere */
    LOOK_BYTES = 64 << 10,  /* of a text; nobody shows more of one */
};

static const char hidden[] = "[secret]";

/* The value belongs to the configuration, which outlives every state. */
struct hold {
    const struct secret *secret;
};

void api_push_secret(lua_State *L, const struct secret *s)
{
    struct hold *h = lua_newuserdatauv(L, sizeof *h, 0);

    h->secret = s;
    luaL_setmetatable(L, SECRET_CLASS);
}

static struct str text_of(lua_State *L, int idx)
{
    const struct hold *h = luaL_checkudata(L, idx, SECRET_CLASS);

    return secret_reveal(h->secret);
}

struct str api_bytes(lua_State *L, int arg)
{
    struct str s;

    if (luaL_testudata(L, arg, SECRET_CLASS))
        return text_of(L, arg);
    s.p = luaL_checklstring(L, arg, &s.n);
    return s;
}

void api_secret_below(lua_State *L)
{
    struct str s;

    if (!luaL_testudata(L, -1, SECRET_CLASS))
        return;
    s = text_of(L, -1);
    lua_pushlstring(L, s.p ? s.p : "", s.n);
    lua_replace(L, -2);
}

/* ps.secret(conf.token): its text */
static int fn_secret(lua_State *L)
{
    struct str s = text_of(L, 1);

    lua_pushlstring(L, s.p ? s.p : "", s.n);
    return 1;
}

static int as_text(lua_State *L)
{
    lua_pushliteral(L, SECRET_CLASS);
    return 1;
}

/* ---- what leaves the policy ----------------------------------------- */

/* `text` up to the first place of a secret, which is taken off it. */
static struct str before_secret(const struct conf_policy *p, struct str *text)
{
    ptrdiff_t first = -1;
    size_t length = 0;
    struct str part = *text;

    for (size_t i = 0; i < p->n_secrets; i++) {
        struct str s = secret_reveal(&p->secrets[i].secret);
        ptrdiff_t at = s.n >= LEAST_BYTES ? str_find(*text, s) : -1;

        if (at < 0 || (first >= 0 && at >= first))
            continue;
        first = at;
        length = s.n;
    }
    if (first < 0) {
        *text = STR_NULL;
        return part;
    }
    part.n = (size_t)first;
    text->p += part.n + length;
    text->n -= part.n + length;
    return part;
}

static char *put(char *to, struct str s)
{
    if (s.n)
        memcpy(to, s.p, s.n);
    return to + s.n;
}

struct str api_hide(const struct conf_policy *p, struct arena *a,
                    struct str text, size_t max)
{
    struct str part, rest;
    char *all, *to;

    text = str_cut(text, LOOK_BYTES);
    rest = text;
    if (!p->n_secrets || !text.p)
        return str_cut(text, max);
    part = before_secret(p, &rest);
    if (!rest.p)
        return str_cut(text, max);
    /* a secret has LEAST_BYTES or more: the text doubles at most */
    all = to = arena_alloc(a, 2 * text.n + sizeof hidden);
    if (!all)
        return str_of(hidden);
    while (rest.p) {
        to = put(put(to, part), str_of(hidden));
        part = before_secret(p, &rest);
    }
    to = put(to, part);
    return str_cut((struct str){ all, (size_t)(to - all) }, max);
}

void api_secret_open(lua_State *L)
{
    static const luaL_Reg none[] = { { NULL, NULL } };

    api_class(L, SECRET_CLASS, none);
    luaL_getmetatable(L, SECRET_CLASS);
    lua_pushcfunction(L, as_text);
    lua_setfield(L, -2, "__tostring");
    lua_pop(L, 1);
    lua_pushcfunction(L, fn_secret);
    lua_setfield(L, -2, "secret");
}
