/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* One row a path and method. */
#include "keeper/admin_route.h"

static const struct admin_route routes[] = {
    { "GET", "/v1/status", NULL, false, false },
    { "GET", "/health", NULL, false, false },
    { "GET", "/v1/audit", "audit.list", false, false },
    { "GET", "/v1/keys", "key.list", false, false },
    { "POST", "/v1/keys", "key.create", true, false },
    { "POST", "/v1/keys/import", "key.import", true, false },
    { "GET", "/v1/keys/{}", "key.show", false, false },
    { "PATCH", "/v1/keys/{}", "key.update", true, false },
    { "DELETE", "/v1/keys/{}", "key.revoke", false, false },
    { "POST", "/v1/keys/{}/rotate", "key.rotate", true, false },
    { "POST", "/v1/keys/{}/disable", "key.disable", false, false },
    { "POST", "/v1/keys/{}/enable", "key.enable", false, false },
    { "GET", "/v1/teams", "team.list", false, false },
    { "POST", "/v1/teams", "team.create", true, false },
    { "GET", "/v1/teams/{}", "team.show", false, false },
    { "PATCH", "/v1/teams/{}", "team.update", true, false },
    { "DELETE", "/v1/teams/{}", "team.delete", false, false },
    { "GET", "/v1/generations", "generations", false, true },
    { "POST", "/v1/reload", "reload", true, true },
    { "POST", "/v1/rollback", "rollback", true, true },
};

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/** Undo percent-encoding; false: it is broken, empty, or too long. */
static bool decode(struct str s, char *out, size_t size)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];

        if (c == '%') {
            int hi = i + 2 < s.n ? hex(s.p[i + 1]) : -1;
            int lo = i + 2 < s.n ? hex(s.p[i + 2]) : -1;

            if (hi < 0 || lo < 0)
                return false;
            c = (char)(hi * 16 + lo);
            i += 2;
        }
        if (c == '\0' || n + 1 >= size)
            return false;
        out[n++] = c;
    }
    out[n] = '\0';
    return n > 0;
}

/* Part by part; what stands for "{}" is given back. */
static bool matches(const char *pattern, struct str path, struct str *id)
{
    struct str want = str_of(pattern);

    while (want.p && path.p) {
        struct str a = str_split(&want, '/'), b = str_split(&path, '/');

        if (str_is(a, "{}"))
            *id = b;
        else if (!str_eq(a, b))
            return false;
    }
    return !want.p && !path.p;
}

const struct admin_route *admin_route_find(struct str method, struct str path,
                                           char *id, size_t id_size,
                                           bool *known)
{
    *known = false;
    id[0] = '\0';
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        struct str part = STR_NULL;

        if (!matches(routes[i].path, path, &part) ||
            (part.p && !decode(part, id, id_size)))
            continue;
        *known = true;
        if (str_is(method, routes[i].method))
            return &routes[i];
    }
    return NULL;
}

static void add_query(json_t *ask, const char *verb, struct str query)
{
    char value[256];
    uint64_t n;

    while (query.p) {
        struct str v = str_split(&query, '&'), name = str_split(&v, '=');

        if (!v.p || !decode(v, value, sizeof value))
            continue;
        if (str_is(name, "revoked"))
            json_object_set_new(ask, "revoked",
                                json_boolean(strcmp(value, "true") == 0));
        else if (str_is(name, "after") &&
                 strcmp(verb, "audit.list") == 0)
            json_object_set_new(ask, "after", str_u64(str_of(value), &n)
                                                  ? json_integer((json_int_t)n)
                                                  : json_null());
        else if (str_is(name, "after"))
            json_object_set_new(ask, "after", json_string(value));
    }
}

json_t *admin_route_ask(const struct admin_route *r, const char *id,
                        struct str query, const json_t *body)
{
    json_t *ask = body ? json_copy((json_t *)(uintptr_t)body) : json_object();

    if (!ask)
        return NULL;
    json_object_del(ask, "id");
    json_object_set_new(ask, "verb", json_string(r->verb));
    if (*id)
        json_object_set_new(ask, "id", json_string(id));
    if (str_is(str_of(r->method), "GET"))
        add_query(ask, r->verb, query);
    return ask;
}
