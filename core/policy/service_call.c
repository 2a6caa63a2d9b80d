/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Reading a call: path, query, headers, body. */
#include "policy/service_call.h"

#include "policy/sandbox.h"

#include "net/http1_char.h"
#include "policy/api.h"
#include "policy/json_text.h"

#include <stdlib.h>

enum { MAX_QUERY = 256 };

/* ---- the path --------------------------------------------------------- */

static void put(lua_State *L, struct service_call *c, char byte)
{
    if (c->path_n == SERVICE_PATH_MAX)
        luaL_error(L, "the path is limited to %d bytes", SERVICE_PATH_MAX);
    c->path[c->path_n++] = byte;
}

static void put_encoded(lua_State *L, struct service_call *c, struct str s)
{
    static const char hex[] = "0123456789ABCDEF";

    for (size_t i = 0; i < s.n; i++) {
        unsigned char b = (unsigned char)s.p[i];

        if (strchr("-._~", b) ? b != 0
                              : (b >= 'a' && b <= 'z') ||
                                    (b >= 'A' && b <= 'Z') ||
                                    (b >= '0' && b <= '9')) {
            put(L, c, (char)b);
        } else {
            put(L, c, '%');
            put(L, c, hex[b >> 4]);
            put(L, c, hex[b & 15]);
        }
    }
}

static int hex_value(char c)
{
    return c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
}

/* "." or ".." as a part, between slashes of either kind, encoded or not: a
 * server may take it for a way out of the URL's path. `path` is encoded. */
static bool climbs(struct str path)
{
    size_t dots = 0, others = 0;

    for (size_t i = 0; i <= path.n; i++) {
        int c = i < path.n ? path.p[i] : '/';

        if (c == '%') {
            c = hex_value(path.p[i + 1]) << 4 | hex_value(path.p[i + 2]);
            i += 2;
        }
        if (c != '/' && c != '\\') {
            dots += c == '.';
            others += c != '.';
            continue;
        }
        if (others == 0 && (dots == 1 || dots == 2))
            return true;
        dots = others = 0;
    }
    return false;
}

static void read_path(lua_State *L, struct service_call *c)
{
    struct str s, path, query;

    s.p = luaL_checklstring(L, 2, &s.n);
    query = s;
    path = str_split(&query, '?');
    luaL_argcheck(L, s.n && s.p[0] == '/', 2, "a path that begins with '/'");
    luaL_argcheck(L, http1_all_encoded(path, HTTP1_PATH) &&
                         !memchr(s.p, '\\', s.n) &&
                         (!query.p || http1_all_encoded(query, HTTP1_QUERY)),
                  2, "a path holds a byte that must be encoded as %XX");
    luaL_argcheck(L, !climbs(path), 2, "a path has no '.' or '..' in it");
    for (size_t i = 0; i < s.n; i++)
        put(L, c, s.p[i]);
}

static int by_text(const void *a, const void *b)
{
    const struct str *x = a, *y = b;
    int d = memcmp(x->p, y->p, x->n < y->n ? x->n : y->n);

    return d ? d : (x->n > y->n) - (x->n < y->n);
}

/* The table on top, sorted by name: the same call has the same path. */
static void read_query(lua_State *L, struct service_call *c)
{
    struct str *names, value;
    int table = lua_gettop(L);
    size_t n = 0;

    names = lua_newuserdatauv(L, MAX_QUERY * sizeof *names, 0);
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING || n == MAX_QUERY)
            luaL_error(L, "query: at most %d names are needed", MAX_QUERY);
        names[n].p = lua_tolstring(L, -2, &names[n].n);
        n++;
    }
    qsort(names, n, sizeof *names, by_text);
    for (size_t i = 0; i < n; i++) {
        put(L, c, i || memchr(c->path, '?', c->path_n) ? '&' : '?');
        put_encoded(L, c, names[i]);
        put(L, c, '=');
        lua_pushlstring(L, names[i].p, names[i].n);
        lua_rawget(L, table);
        if (lua_type(L, -1) == LUA_TBOOLEAN)
            sandbox_tolstring(L, -1, NULL);
        else if (!lua_isstring(L, -1)) /* a number is one, too */
            luaL_error(L, "query.%s: a %s is no text", names[i].p,
                       luaL_typename(L, -1));
        value.p = lua_tolstring(L, -1, &value.n);
        put_encoded(L, c, value);
        lua_settop(L, table + 1);
    }
}

/* ---- headers ---------------------------------------------------------- */

/* Names that frame the message, or that the configuration has set. */
static const char *never(const struct conf_service *s, struct str name)
{
    static const char *const ours =
        "host|content-length|transfer-encoding|connection|keep-alive|"
        "proxy-connection|proxy-authorization|upgrade|expect|trailer|te|"
        "accept-encoding|user-agent";

    for (struct str words = str_of(ours); words.p;) {
        if (str_ieq(str_split(&words, '|'), name))
            return "is set by Penstock itself";
    }
    for (size_t i = 0; i < s->n_headers; i++) {
        if (str_ieq(s->headers[i].key, name))
            return "is set by the configuration";
    }
    if (secret_is_set(&s->token) && str_ieq(name, STR("authorization")))
        return "is set by the configuration";
    return NULL;
}

static void add_header(lua_State *L, struct service_call *c, struct str name,
                       struct str value)
{
    if (c->q.n_headers > SERVICE_HEADERS_MAX)
        luaL_error(L, "headers: at most %d", SERVICE_HEADERS_MAX);
    c->headers[c->q.n_headers++] = (struct http_header){ name, value };
}

/* The table on top. Numbers become texts in a table that stays (at 5). */
static void read_headers(lua_State *L, struct service_call *c)
{
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        struct str name = STR_NULL, value;
        const char *why;

        if (lua_type(L, -2) == LUA_TSTRING)
            name.p = lua_tolstring(L, -2, &name.n);
        if (!name.n || !http1_all(name, HTTP1_TOKEN))
            luaL_error(L, "headers: '%s' is no name of a header",
                       name.p ? name.p : luaL_typename(L, -2));
        why = never(c->q.service, name);
        if (why)
            luaL_error(L, "headers.%s %s", name.p, why);
        api_secret_below(L);
        if (!lua_isstring(L, -1))
            luaL_error(L, "headers.%s: a %s is no text", name.p,
                       luaL_typename(L, -1));
        lua_pushvalue(L, -1);
        value.p = lua_tolstring(L, -1, &value.n);
        if (!http1_all(value, HTTP1_VALUE))
            luaL_error(L, "headers.%s holds a byte that no header has",
                       name.p);
        lua_rawseti(L, 5, (lua_Integer)c->q.n_headers + 1);
        add_header(L, c, name, value);
    }
}

/* ---- options ---------------------------------------------------------- */

/* The stack while a call is read: 1 service, 2 path, 3 options, 4 body,
 * 5 texts that must stay until they are copied. */

static void read_json(lua_State *L, struct service_call *c)
{
    json_text_push(L, -1, "json");
    lua_replace(L, 4);
    if (!http_header_get(c->headers, c->q.n_headers, STR("content-type")).p)
        add_header(L, c, STR("content-type"), STR("application/json"));
}

static void read_body(lua_State *L, struct service_call *c)
{
    (void)c;
    if (lua_type(L, -1) != LUA_TSTRING)
        luaL_error(L, "body: a string is needed; a table goes into json =");
    lua_pushvalue(L, -1);
    lua_replace(L, 4);
}

static void read_timeout(lua_State *L, struct service_call *c)
{
    lua_Number ms = lua_tonumber(L, -1);

    if (!(ms >= 1 && ms <= POLICY_WALL_MS))
        luaL_error(L, "timeout_ms: a number from 1 to %d", POLICY_WALL_MS);
    c->q.timeout_ms = (uint32_t)ms;
}

/* In this order: the content type of json = depends on headers =. */
static const struct option {
    const char *name;
    void (*read)(lua_State *L, struct service_call *c);
    bool table, body;
} options[] = {
    { "headers", read_headers, true, false },
    { "query", read_query, true, false },
    { "timeout_ms", read_timeout, false, false },
    { "body", read_body, false, true },
    { "json", read_json, false, true },
    { NULL, NULL, false, false } };

static void known_options(lua_State *L)
{
    for (lua_pushnil(L); lua_next(L, 3); lua_pop(L, 1)) {
        const char *name = lua_type(L, -2) == LUA_TSTRING
                               ? lua_tostring(L, -2) : "(number)";
        const struct option *o = options;

        while (o->name && strcmp(o->name, name) != 0)
            o++;
        if (!o->name)
            luaL_error(L, "there is no option '%s'; there are json, body, "
                          "headers, query, timeout_ms", name);
    }
}

static void read_options(lua_State *L, struct service_call *c)
{
    bool body = false;

    if (lua_isnil(L, 3))
        return;
    luaL_checktype(L, 3, LUA_TTABLE);
    known_options(L);
    for (const struct option *o = options; o->name; o++) {
        lua_pushstring(L, o->name);
        if (lua_rawget(L, 3) != LUA_TNIL) {
            if (o->table && !lua_istable(L, -1))
                luaL_error(L, "%s: a table is needed", o->name);
            if (o->body && body)
                luaL_error(L, "json = or body =, not both");
            if (o->body && str_is(c->q.method, "GET"))
                luaL_error(L, "get sends no body");
            body |= o->body;
            o->read(L, c);
        }
        lua_settop(L, 5);
    }
}

static struct str copy(char **at, struct str s)
{
    struct str d = { *at, s.n };

    if (s.n)
        memcpy(*at, s.p, s.n);
    *at += s.n;
    return d;
}

/* What the call points at while the coroutine waits: one block of Lua's, at
 * 1, and the body at 2. The options are the script's, who may change them. */
static void settle(lua_State *L, struct service_call *c)
{
    size_t n = c->q.n_headers, size = n * sizeof c->headers[0] + c->path_n;
    struct http_header *h;
    char *at;

    for (size_t i = 0; i < n; i++)
        size += c->headers[i].name.n + c->headers[i].value.n;
    h = lua_newuserdatauv(L, size, 0);
    at = (char *)(h + n);
    for (size_t i = 0; i < n; i++) {
        h[i].name = copy(&at, c->headers[i].name);
        h[i].value = copy(&at, c->headers[i].value);
    }
    c->q.headers = h;
    c->q.path = copy(&at, (struct str){ c->path, c->path_n });
    lua_replace(L, 1);
    lua_pushvalue(L, 4);
    lua_replace(L, 2);
    lua_settop(L, 2);
    c->q.body.p = lua_tolstring(L, 2, &c->q.body.n);
    if (!c->q.body.p)
        c->q.body = STR_NULL;
}

void service_call_read(lua_State *L, struct service_call *c,
                       const struct conf_service *s, struct str method)
{
    luaL_checkany(L, 2);
    lua_settop(L, 3);
    lua_pushnil(L);
    lua_newtable(L);
    c->q = (struct outside_http){ .service = s, .method = method,
                                  .timeout_ms = s->timeout_ms };
    c->path_n = 0;
    read_path(L, c);
    read_options(L, c);
    settle(L, c);
}
