/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Principals: what ps.keys.get and req.principal give (a view of the core's),
 * and what authenticate may return instead (a table, copied and checked).
 */
#include "policy/api_light.h"

enum { MAX_LIST = 1024, MAX_NAME = 512 };

enum part { ID, KEY, TEAM, USER, DISABLED, EXPIRES, MODELS, ENDPOINTS, CIDRS,
            TAGS, LIMITS, TEAM_LIMITS };

static const char *const names[] = { "id",     "key",       "team",  "user",
                                     "disabled", "expires", "models",
                                     "endpoints", "cidrs", "tags",
                                     "limits", "team_limits", NULL };

static int push_list(lua_State *L, struct policy_call *c, const struct str *s,
                     size_t n)
{
    if (n)
        api_push(L, c, API_LIST, s, n);
    else
        lua_pushnil(L);
    return 1;
}

const char *const *api_principal_names(void)
{
    return names;
}

int api_principal_index(lua_State *L)
{
    struct api_ref *r = api_self(L, API_PRINCIPAL);
    const struct principal *p = r->thing;

    switch (api_which_of(L, UP_PRINCIPAL)) {
    case ID: api_push_str(L, p->id); return 1;
    case KEY: api_push_str(L, p->key); return 1;
    case TEAM: api_push_str(L, p->team); return 1;
    case USER: api_push_str(L, p->user); return 1;
    case DISABLED: lua_pushboolean(L, p->disabled); return 1;
    case EXPIRES:
        if (p->expires_ms)
            lua_pushinteger(L, (lua_Integer)(p->expires_ms / 1000));
        else
            lua_pushnil(L);
        return 1;
    case MODELS: return push_list(L, r->call, p->models, p->n_models);
    case ENDPOINTS: return push_list(L, r->call, p->endpoints, p->n_endpoints);
    case CIDRS: return push_list(L, r->call, p->cidrs, p->n_cidrs);
    case TAGS: api_push(L, r->call, API_TAGS, p->tags, p->n_tags); return 1;
    case LIMITS: api_push(L, r->call, API_LIMITS, &p->limits, 0); return 1;
    case TEAM_LIMITS:
        api_push(L, r->call, API_LIMITS, &p->team_limits, 0);
        return 1;
    }
    return luaL_error(L, "principal.%s does not exist",
                      sandbox_tolstring(L, 2, NULL));
}

/* ---- tags and lists ------------------------------------------------- */

int api_tags_index(lua_State *L)
{
    struct api_ref *r = api_self(L, API_TAGS);
    const struct conf_pair *p = r->thing;
    struct str key;

    key.p = luaL_checklstring(L, 2, &key.n);
    for (size_t i = 0; i < r->n; i++) {
        if (str_eq(p[i].key, key)) {
            lua_pushlstring(L, p[i].value.p ? p[i].value.p : "", p[i].value.n);
            return 1;
        }
    }
    return 0;
}

/* Upvalue: how many were given. Scripts can reach this one: it checks. */
static int tags_next(lua_State *L)
{
    struct api_ref *r = api_check(L, 1, API_TAGS);
    const struct conf_pair *p = r->thing;
    size_t i = (size_t)lua_tointeger(L, lua_upvalueindex(1));

    if (i >= r->n)
        return 0;
    lua_pushinteger(L, (lua_Integer)i + 1);
    lua_replace(L, lua_upvalueindex(1));
    lua_pushlstring(L, p[i].key.p, p[i].key.n);
    lua_pushlstring(L, p[i].value.p ? p[i].value.p : "", p[i].value.n);
    return 2;
}

int api_tags_pairs(lua_State *L)
{
    lua_pushinteger(L, 0);
    lua_pushcclosure(L, tags_next, 1);
    lua_pushvalue(L, 1);
    return 2;
}

static int list_index(lua_State *L)
{
    struct api_ref *r = api_self(L, API_LIST);
    lua_Integer i = luaL_checkinteger(L, 2);

    if (i < 1 || (lua_Unsigned)i > r->n)
        return 0;
    api_push_str(L, ((const struct str *)r->thing)[i - 1]);
    return 1;
}

static int list_len(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)api_self(L, API_LIST)->n);
    return 1;
}

/* ---- from a table --------------------------------------------------- */

static void *need(lua_State *L, void *p)
{
    if (!p)
        luaL_error(L, "the request's memory is used up");
    return p;
}

/* The string at the top, copied; popped. */
static struct str take(lua_State *L, struct arena *a, const char *what)
{
    struct str s;

    if (lua_type(L, -1) != LUA_TSTRING)
        luaL_error(L, "principal.%s: a string is needed, not a %s", what,
                   luaL_typename(L, -1));
    s.p = lua_tolstring(L, -1, &s.n);
    if (s.n > MAX_NAME)
        luaL_error(L, "principal.%s is longer than %d bytes", what, MAX_NAME);
    s = arena_dup(a, s);
    need(L, (void *)s.p);
    lua_pop(L, 1);
    return s;
}

/* The list of strings on top; popped. */
static struct str *take_list(lua_State *L, struct arena *a, const char *what,
                             size_t *n)
{
    struct str *list;

    if (lua_type(L, -1) != LUA_TTABLE || lua_rawlen(L, -1) > MAX_LIST)
        luaL_error(L, "principal.%s: a list of at most %d strings is needed",
                   what, MAX_LIST);
    *n = (size_t)lua_rawlen(L, -1);
    if (*n == 0) /* to the core an empty list means "all" */
        luaL_error(L, "principal.%s is empty; leave it out to allow all", what);
    list = need(L, arena_alloc(a, (*n + 1) * sizeof *list));
    for (size_t i = 0; i < *n; i++) {
        lua_rawgeti(L, -1, (lua_Integer)i + 1);
        list[i] = take(L, a, what);
    }
    lua_pop(L, 1);
    return list;
}

static struct conf_pair *take_tags(lua_State *L, struct arena *a, size_t *n)
{
    struct conf_pair *tags;
    size_t count = 0;

    luaL_argexpected(L, lua_type(L, -1) == LUA_TTABLE, 1, "principal.tags");
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1))
        count++;
    if (count > MAX_LIST)
        luaL_error(L, "principal.tags: at most %d", MAX_LIST);
    tags = need(L, arena_alloc(a, (count + 1) * sizeof *tags));
    *n = 0;
    for (lua_pushnil(L); lua_next(L, -2); ) {
        tags[*n].value = take(L, a, "tags");
        lua_pushvalue(L, -1);
        tags[(*n)++].key = take(L, a, "tags");
    }
    lua_pop(L, 1);
    return tags;
}

static uint64_t take_time(lua_State *L)
{
    lua_Integer s;
    int ok;

    s = lua_tointegerx(L, -1, &ok);
    if (!ok || s < 0)
        luaL_error(L, "principal.expires: seconds since 1970 are needed");
    lua_pop(L, 1);
    return (uint64_t)s * 1000;
}

/* One member, its value on top; popped. */
static void take_part(lua_State *L, struct arena *a, struct principal *p,
                      int part)
{
    switch ((enum part)part) {
    case ID: p->id = take(L, a, "id"); break;
    case KEY: p->key = take(L, a, "key"); break;
    case TEAM: p->team = take(L, a, "team"); break;
    case USER: p->user = take(L, a, "user"); break;
    case DISABLED:
        p->disabled = lua_toboolean(L, -1);
        lua_pop(L, 1);
        break;
    case EXPIRES: p->expires_ms = take_time(L); break;
    case MODELS: p->models = take_list(L, a, "models", &p->n_models); break;
    case ENDPOINTS:
        p->endpoints = take_list(L, a, "endpoints", &p->n_endpoints);
        break;
    case CIDRS: p->cidrs = take_list(L, a, "cidrs", &p->n_cidrs); break;
    case TAGS: p->tags = take_tags(L, a, &p->n_tags); break;
    case LIMITS:
    case TEAM_LIMITS:
        *(part == LIMITS ? &p->limits : &p->team_limits) =
            api_limits_read(L, a);
        lua_pop(L, 1);
        break;
    }
}

static int part_of(const char *name)
{
    for (int i = 0; name && names[i]; i++) {
        if (strcmp(name, names[i]) == 0)
            return i;
    }
    return -1;
}

struct principal *principal_read(lua_State *L, struct arena *a, int idx)
{
    struct principal *p = need(L, arena_alloc(a, sizeof *p));

    for (lua_pushnil(L); lua_next(L, idx); ) {
        const char *name = lua_type(L, -2) == LUA_TSTRING
                               ? lua_tostring(L, -2) : NULL;
        int part = part_of(name);

        if (part < 0)
            luaL_error(L, "a principal has no '%s'", name ? name : "(number)");
        take_part(L, a, p, part);
    }
    if (!p->id.n)
        luaL_error(L, "a principal needs an id");
    return p;
}

void api_principal_open(lua_State *L)
{
    static const luaL_Reg tags[] = { { "__index", api_tags_index },
                                     { "__pairs", api_tags_pairs },
                                     { NULL, NULL } };
    static const luaL_Reg list[] = { { "__index", list_index },
                                     { "__len", list_len },
                                     { NULL, NULL } };

    lua_newtable(L);
    lua_pushnil(L);
    api_name_table(L, names);
    lua_pushcclosure(L, api_principal_index, UP_PRINCIPAL);
    lua_setfield(L, -2, "__index");
    api_metatable(L, API_PRINCIPAL, "principal");
    lua_newtable(L);
    luaL_setfuncs(L, tags, 0);
    api_metatable(L, API_TAGS, "tags");
    lua_newtable(L);
    luaL_setfuncs(L, list, 0);
    api_metatable(L, API_LIST, "list");
}
