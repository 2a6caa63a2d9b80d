/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * ps.http(name): the methods of a service that the configuration declares,
 * looking synchronous. Its URL is all that can be reached: a path begins with
 * '/', climbs nowhere and cannot name another host. What may fail is nil and a
 * text; what is wrong whatever the service says (a path with a space, a header
 * that frames the message, an unknown option) raises.
 */
#include "policy/api.h"

#include "net/http1_char.h"
#include "policy/json_text.h"

#include <stdio.h>
#include <stdlib.h>

#define SERVICE_CLASS "service"
#define ANSWER_CLASS "answer"

enum { MAX_PATH = 8192, MAX_HEADERS = 64, MAX_QUERY = 256, SHOWN = 120 };

/* One call while it is read; on C's stack. */
struct call {
    struct outside_http q;
    struct http_header headers[MAX_HEADERS + 1]; /* one of ours besides */
    size_t path_n;
    char path[MAX_PATH];
};

/* ---- the answer -------------------------------------------------------- */

static void push_headers(lua_State *L, const struct outcome *o)
{
    lua_createtable(L, 0, (int)o->n_headers);
    for (size_t i = 0; i < o->n_headers; i++) {
        const struct http_header *h = &o->headers[i];

        lua_pushlstring(L, h->name.p, h->name.n);
        lua_pushvalue(L, -1);
        if (lua_rawget(L, -3) == LUA_TSTRING) { /* several make one list */
            lua_pushliteral(L, ", ");
            lua_pushlstring(L, h->value.p, h->value.n);
            lua_concat(L, 3);
        } else {
            lua_pop(L, 1);
            lua_pushlstring(L, h->value.p, h->value.n);
        }
        lua_rawset(L, -3);
    }
}

static int call_done(lua_State *L, int status, lua_KContext ctx)
{
    const struct outcome *o = policy_outcome(L);

    (void)status;
    (void)ctx;
    if (!o)
        return luaL_error(L, "not enough memory");
    if (o->err[0]) {
        lua_pushnil(L);
        lua_pushstring(L, o->err);
        policy_outcome_drop(L);
        return 2;
    }
    lua_createtable(L, 0, 4);
    lua_pushinteger(L, o->status);
    lua_setfield(L, -2, "status");
    push_headers(L, o);
    lua_setfield(L, -2, "headers");
    lua_pushlstring(L, o->body.p ? o->body.p : "", o->body.n);
    lua_setfield(L, -2, "body");
    luaL_setmetatable(L, ANSWER_CLASS);
    policy_outcome_drop(L);
    return 1;
}

enum { ANSWER_STATUS, ANSWER_HEADERS, ANSWER_BODY, ANSWER_JSON };

static const char *const answer_names[] = {
    [ANSWER_STATUS] = "status", [ANSWER_HEADERS] = "headers",
    [ANSWER_BODY] = "body",     [ANSWER_JSON] = "json",
    NULL };

/* answer.json: read when it is asked for; nil where the body is none. */
static int answer_index(lua_State *L)
{
    int which = api_which(L);
    struct str body;

    if (which < 0)
        return luaL_error(L, "an answer has no '%s'",
                          luaL_tolstring(L, 2, NULL));
    if (which != ANSWER_JSON) /* the script has taken it out */
        return 0;
    lua_pushliteral(L, "body");
    if (lua_rawget(L, 1) != LUA_TSTRING)
        return 0;
    body.p = lua_tolstring(L, -1, &body.n);
    if (!json_text_read(L, body))
        return 0;
    lua_pushvalue(L, 2);
    lua_pushvalue(L, -2);
    lua_rawset(L, 1);
    return 1;
}

/* ---- the path ---------------------------------------------------------- */

static void put(lua_State *L, struct call *c, char byte)
{
    if (c->path_n == MAX_PATH)
        luaL_error(L, "the path is limited to %d bytes", MAX_PATH);
    c->path[c->path_n++] = byte;
}

static void put_encoded(lua_State *L, struct call *c, struct str s)
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
 * server may take it for a way out of the URL's path. `path` is well encoded. */
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

static void read_path(lua_State *L, struct call *c)
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
static void read_query(lua_State *L, struct call *c)
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
            luaL_tolstring(L, -1, NULL);
        else if (!lua_isstring(L, -1)) /* a number is one, too */
            luaL_error(L, "query.%s: a %s is no text", names[i].p,
                       luaL_typename(L, -1));
        value.p = lua_tolstring(L, -1, &value.n);
        put_encoded(L, c, value);
        lua_settop(L, table + 1);
    }
}

/* ---- headers ----------------------------------------------------------- */

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

static void add_header(lua_State *L, struct call *c, struct str name,
                       struct str value)
{
    if (c->q.n_headers > MAX_HEADERS)
        luaL_error(L, "headers: at most %d", MAX_HEADERS);
    c->headers[c->q.n_headers++] = (struct http_header){ name, value };
}

/* The table on top. Numbers become texts in a table that stays (at 5). */
static void read_headers(lua_State *L, struct call *c)
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

/* ---- options ----------------------------------------------------------- */

/* The stack while a call is read: 1 service, 2 path, 3 options, 4 body,
 * 5 texts that must stay until they are copied. */

static void read_json(lua_State *L, struct call *c)
{
    json_text_push(L, -1, "json");
    lua_replace(L, 4);
    if (!http_header_get(c->headers, c->q.n_headers, STR("content-type")).p)
        add_header(L, c, STR("content-type"), STR("application/json"));
}

static void read_body(lua_State *L, struct call *c)
{
    (void)c;
    if (lua_type(L, -1) != LUA_TSTRING)
        luaL_error(L, "body: a string is needed; a table goes into json =");
    lua_pushvalue(L, -1);
    lua_replace(L, 4);
}

static void read_timeout(lua_State *L, struct call *c)
{
    lua_Number ms = lua_tonumber(L, -1);

    if (!(ms >= 1 && ms <= POLICY_WALL_MS))
        luaL_error(L, "timeout_ms: a number from 1 to %d", POLICY_WALL_MS);
    c->q.timeout_ms = (uint32_t)ms;
}

/* In this order: the content type of json = depends on headers =. */
static const struct option {
    const char *name;
    void (*read)(lua_State *L, struct call *c);
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

static void read_options(lua_State *L, struct call *c)
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

/* ---- calls ------------------------------------------------------------- */

/* mode = "observe": what would have been called. */
static int would(lua_State *L, struct policy_call *pc, const struct call *c)
{
    char text[SHOWN + 128];
    struct str path = { c->path, c->path_n < SHOWN ? c->path_n : SHOWN };

    snprintf(text, sizeof text, "would %s " STR_FMT " of service %.64s",
             c->q.method.p, STR_ARG(path), c->q.service->name.p);
    api_record(pc, str_of(text));
    lua_pushnil(L);
    lua_pushliteral(L, "observe");
    return 2;
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
static void settle(lua_State *L, struct call *c)
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

static void read_call(lua_State *L, struct call *c)
{
    const struct conf_service **s = luaL_checkudata(L, 1, SERVICE_CLASS);

    luaL_checkany(L, 2);
    lua_settop(L, 3);
    lua_pushnil(L);
    lua_newtable(L);
    c->q = (struct outside_http){ .service = *s,
                                  .timeout_ms = (*s)->timeout_ms };
    c->path_n = 0;
    c->q.method.p = lua_tolstring(L, lua_upvalueindex(1), &c->q.method.n);
    read_path(L, c);
    read_options(L, c);
    settle(L, c);
}

/* service:post(path, options); upvalue 1: "POST" */
static int method(lua_State *L)
{
    struct policy_call *pc = api_call(L);
    const struct outside *o = &pc->st->env->outside;
    struct outcome *now = NULL;
    struct call c;
    uint64_t wait, op;

    read_call(L, &c);
    if (pc->st->conf->observe && !c.q.service->observe_all &&
        !str_is(c.q.method, "GET"))
        return would(L, pc, &c);
    if (!o->http)
        return luaL_error(L, "ps.http: there are no services here");
    wait = policy_wait_begin(L);
    op = o->http(o->ud, wait, &c.q, &now);
    return op ? policy_wait(L, "http", op, call_done)
              : policy_wait_not(L, now, call_done);
}

/* ps.http(name) */
static int fn_http(lua_State *L)
{
    const struct config *c = policy_state_of(L)->env->config;
    struct str name;

    name.p = luaL_checklstring(L, 1, &name.n);
    for (size_t i = 0; c && i < c->n_services; i++) {
        const struct conf_service **u;

        if (!str_eq(c->services[i].name, name))
            continue;
        u = lua_newuserdatauv(L, sizeof *u, 0);
        *u = &c->services[i];
        luaL_setmetatable(L, SERVICE_CLASS);
        return 1;
    }
    return luaL_error(L, "ps.http: no service \"%s\" is configured", name.p);
}

void api_http_open(lua_State *L)
{
    static const luaL_Reg none[] = { { NULL, NULL } };
    static const char *const methods[][2] = {
        { "get", "GET" }, { "post", "POST" }, { "put", "PUT" },
        { "delete", "DELETE" } };

    api_class(L, SERVICE_CLASS, none);
    luaL_getmetatable(L, SERVICE_CLASS);
    lua_getfield(L, -1, "__index");
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        lua_pushstring(L, methods[i][1]);
        lua_pushcclosure(L, method, 1);
        lua_setfield(L, -2, methods[i][0]);
    }
    lua_pop(L, 2);
    luaL_newmetatable(L, ANSWER_CLASS);
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    api_names(L, answer_names, answer_index);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
    lua_pushcfunction(L, fn_http);
    lua_setfield(L, -2, "http");
}
