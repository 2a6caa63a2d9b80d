/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A row of ps.take as a script writes it:
 * { "tokens", per = "team", limit = "400k/min" }; and ps.rows, which reads
 * rows once for many requests.
 */
#include "policy/api_limit.h"

#define ROWS_CLASS "rows"

static const char magic; /* its address marks a payload */

/* ---- members ------------------------------------------------------------ */

static int kind_of(lua_State *L, struct str name)
{
    for (int k = 0; k < LIMIT_KINDS; k++) {
        if (str_is(name, limit_kind_name((enum limit_kind)k)))
            return k;
    }
    return luaL_error(L, "a row's first is requests, tokens or concurrent, "
                         "not '%s'", name.p ? name.p : "(nothing)");
}

static bool given(const struct limit_amount *a)
{
    return a->rate.p || a->is_number;
}

/* The row's texts; borrowed from it. */
struct said {
    struct str kind, stream;
};

/* The value on top, as a text. */
static struct str text_at(lua_State *L, const char *name)
{
    struct str s;

    if (lua_type(L, -1) != LUA_TSTRING)
        luaL_error(L, "a row's %s is a text, not a %s", name,
                   luaL_typename(L, -1));
    s.p = lua_tolstring(L, -1, &s.n);
    return s;
}

static lua_Integer whole(lua_State *L, const char *name, const char *more)
{
    lua_Integer n = 0;
    int ok = 0;

    if (lua_type(L, -1) == LUA_TNUMBER)
        n = lua_tointegerx(L, -1, &ok);
    if (!ok)
        luaL_error(L, "a row's %s is a whole number%s", name, more);
    return n;
}

static void read_amount(lua_State *L, const char *name, struct limit_amount *a)
{
    if (lua_type(L, -1) == LUA_TSTRING) {
        a->rate = text_at(L, name);
        return;
    }
    a->number = whole(L, name, ", or a rate: \"600/min\"");
    a->is_number = true;
}

static void read_burst(lua_State *L, struct limit_spec *x)
{
    x->burst = whole(L, "burst", " above 0");
    if (x->burst == 0)
        luaL_error(L, "a row's burst is a whole number above 0");
}

/* One member, its name and value on top. */
static void read_member(lua_State *L, struct limit_spec *x,
                        struct said *said)
{
    const char *name = "?";

    if (lua_isinteger(L, -2) && lua_tointeger(L, -2) == 1) {
        said->kind = text_at(L, "first");
        return;
    }
    if (lua_type(L, -2) == LUA_TSTRING)
        name = lua_tostring(L, -2);
    if (strcmp(name, "per") == 0)
        x->per = text_at(L, name);
    else if (strcmp(name, "limit") == 0)
        read_amount(L, name, &x->limit);
    else if (strcmp(name, "default") == 0)
        read_amount(L, name, &x->other);
    else if (strcmp(name, "burst") == 0)
        read_burst(L, x);
    else if (strcmp(name, "stream") == 0)
        said->stream = text_at(L, name);
    else
        luaL_error(L, "a row has per, limit, default, burst and stream, "
                      "not '%s'", name);
}

/* ---- a row -------------------------------------------------------------- */

static void check_own(lua_State *L, struct limit_spec *x)
{
    x->own = x->limit.rate.p && str_is(x->limit.rate, "own");
    x->team = x->own && str_is(x->per, "team");
    if (!x->own && given(&x->other))
        luaL_error(L, "default is for limit = \"own\"");
    if (x->own && !x->team && !str_is(x->per, "key"))
        luaL_error(L, "limit = \"own\" is for per = \"key\" and \"team\"");
}

static bool is_finish(lua_State *L, const struct limit_spec *x,
                      struct str stream)
{
    if (!stream.p)
        return false;
    if (x->kind != LIMIT_TOKENS || !str_is(stream, "finish"))
        luaL_error(L, "stream = \"finish\", and for tokens alone");
    return true;
}

void limit_spec_read(lua_State *L, struct limit_spec *x)
{
    struct said said = { .kind = STR_NULL };

    *x = (struct limit_spec){ .burst = 0 };
    if (!lua_istable(L, -1))
        luaL_error(L, "a row is a table, not a %s", luaL_typename(L, -1));
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1))
        read_member(L, x, &said);
    x->kind = (enum limit_kind)kind_of(L, said.kind);
    if (!x->per.n)
        luaL_error(L, "a row needs per = \"key\", or another");
    x->subject = limit_subject(x->per);
    check_own(L, x);
    if (x->burst && x->kind != LIMIT_REQUESTS)
        luaL_error(L, "burst is for requests alone");
    x->finish = is_finish(L, x, said.stream);
}

size_t limit_rows_count(lua_State *L, int idx)
{
    lua_Unsigned n;

    luaL_checktype(L, idx, LUA_TTABLE);
    n = lua_rawlen(L, idx);
    if (n > LIMIT_ROWS)
        luaL_error(L, "at most %d rows", LIMIT_ROWS);
    return (size_t)n;
}

/* ---- ps.rows ------------------------------------------------------------ */

/* A copy of the text that lasts as long as the table at idx. */
static void keep(lua_State *L, int idx, struct str *s)
{
    if (!s->p)
        return;
    s->p = lua_pushlstring(L, s->p, s->n);
    lua_rawseti(L, idx, (lua_Integer)lua_rawlen(L, idx) + 1);
}

struct limit_specs *limit_specs_at(lua_State *L, int idx)
{
    struct limit_specs *all;

    if (lua_type(L, idx) != LUA_TUSERDATA)
        return NULL;
    all = lua_touserdata(L, idx);
    if (lua_rawlen(L, idx) < sizeof *all || all->magic != &magic)
        luaL_checkudata(L, idx, ROWS_CLASS); /* raises, and tells what it is */
    return all;
}

/* ps.rows{ rows } */
static int fn_rows(lua_State *L)
{
    size_t n = limit_rows_count(L, 1);
    struct limit_specs *all;

    lua_settop(L, 1);
    all = lua_newuserdatauv(L, sizeof *all + n * sizeof all->at[0], 1);
    all->magic = &magic;
    all->n = 0;
    luaL_setmetatable(L, ROWS_CLASS);
    lua_newtable(L);
    for (size_t i = 0; i < n; i++) {
        lua_rawgeti(L, 1, (lua_Integer)i + 1);
        limit_spec_read(L, &all->at[i]);
        keep(L, 3, &all->at[i].per);
        keep(L, 3, &all->at[i].limit.rate);
        keep(L, 3, &all->at[i].other.rate);
        lua_pop(L, 1);
        all->n++;
    }
    lua_setiuservalue(L, 2, 1);
    return 1;
}

void limit_rows_open(lua_State *L)
{
    static const luaL_Reg none[] = { { NULL, NULL } };

    api_class(L, ROWS_CLASS, none);
    lua_pushcfunction(L, fn_rows);
    lua_setfield(L, -2, "rows");
}
