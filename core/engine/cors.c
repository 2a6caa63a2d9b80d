/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "engine/cors.h"

#include <string.h>

static bool all_of(struct str s, const char *others)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];

        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
              (c && strchr(others, c))))
            return false;
    }
    return s.n > 0;
}

/* What browsers leave out is never sent. */
static bool is_default_port(struct str scheme, struct str port)
{
    return (str_is(scheme, "http") && str_is(port, "80")) ||
           (str_is(scheme, "https") && str_is(port, "443"));
}

static bool port_ok(struct str port)
{
    uint64_t v;

    return str_u64(port, &v) && v > 0 && v < 65536 && port.p[0] != '0';
}

/* [::1] or a name; `rest` is what follows it. */
static bool host_ok(struct str rest, struct str *after)
{
    ptrdiff_t end = rest.n && rest.p[0] == '[' ? str_find(rest, STR("]")) + 1
                                               : str_find(rest, STR(":"));
    struct str host;

    if (end < 0)
        end = (ptrdiff_t)rest.n;
    host = (struct str){ rest.p, (size_t)end };
    *after = (struct str){ rest.p + end, rest.n - (size_t)end };
    if (host.n > 2 && host.p[0] == '[')
        return all_of((struct str){ host.p + 1, host.n - 2 }, ":.");
    return all_of(host, ".-_");
}

bool cors_origin_ok(struct str origin, const char **why)
{
    ptrdiff_t at = str_find(origin, STR("://"));
    struct str scheme, rest, port;

    *why = "write scheme, host and port as a browser sends them, in small "
           "letters and without a path: \"https://chat.example.com\"";
    if (str_is(origin, "null"))
        return true;
    if (at <= 0)
        return false;
    scheme = (struct str){ origin.p, (size_t)at };
    rest = (struct str){ origin.p + at + 3, origin.n - (size_t)at - 3 };
    if (!all_of(scheme, "+-.") || !host_ok(rest, &port))
        return false;
    if (port.n == 0)
        return true;
    if (port.p[0] != ':')
        return false;
    port = (struct str){ port.p + 1, port.n - 1 };
    if (!is_default_port(scheme, port))
        return port_ok(port);
    *why = "leave the port out: browsers never send the usual one of a scheme";
    return false;
}

bool cors_allows(const struct conf_cors *c, struct str origin)
{
    if (!origin.n)
        return false;
    if (c->any)
        return true;
    for (size_t i = 0; i < c->n_origins; i++) {
        if (str_eq(c->origins[i], origin))
            return true;
    }
    return false;
}

bool cors_names_ok(struct str names)
{
    static const char marks[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ!#$%&'*+-.^_`|~, ";

    return names.n <= CORS_NAMES_MAX && all_of(names, marks);
}
