/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Where the caller is. X-Forwarded-For is a list that each proxy appends to,
 * so it is read from its right end: as long as the one who speaks is trusted,
 * what it says of its own peer holds. The first that is not trusted is the
 * caller; an entry that is no address ends the walk at who wrote it.
 */
#include "flow/request.h"

#include "engine/principal.h"
#include "flow/format.h"

#include <arpa/inet.h>

#define MAX_HOPS 32

/* "1.2.3.4", "1.2.3.4:5", "::1", "[::1]:5" */
static bool read_address(struct str s, struct sockaddr_storage *out)
{
    struct sockaddr_in *in = (struct sockaddr_in *)out;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;
    char text[INET6_ADDRSTRLEN];
    struct str rest = s;

    s = str_trim(s);
    if (s.n && s.p[0] == '[') {
        rest = (struct str){ s.p + 1, s.n - 1 };
        s = str_split(&rest, ']');
    } else {
        struct str port = s, host = str_split(&port, ':');

        if (str_find(host, STR(".")) > 0) /* not the colons of IPv6 */
            s = host;
    }
    if (!s.n || s.n >= sizeof text)
        return false;
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    memset(out, 0, sizeof *out);
    if (inet_pton(AF_INET, text, &in->sin_addr) == 1)
        out->ss_family = AF_INET;
    else if (inet_pton(AF_INET6, text, &in6->sin6_addr) == 1)
        out->ss_family = AF_INET6;
    return out->ss_family != AF_UNSPEC;
}

/* The last entry of a list, taken off it. */
static struct str take_last(struct str *list)
{
    size_t at = list->n;
    struct str last;

    while (at > 0 && list->p[at - 1] != ',')
        at--;
    last = (struct str){ list->p + at, list->n - at };
    list->n = at ? at - 1 : 0;
    return last;
}

static bool is_trusted(const struct request *r)
{
    const struct conf_listen *l = r->listener ? r->listener->conf : NULL;

    return l && address_listed(&r->client, l->trusted_proxies,
                               l->n_trusted_proxies);
}

static void follow_proxies(struct request *r)
{
    size_t n, hops = 0;
    const struct http_header *h = http_req_headers(r->http, &n);

    while (n-- > 0) {
        struct str list = h[n].value;

        if (!str_ieq(h[n].name, STR("x-forwarded-for")))
            continue;
        while (list.n) {
            struct sockaddr_storage next;

            if (hops++ == MAX_HOPS || !is_trusted(r) ||
                !read_address(take_last(&list), &next))
                return;
            r->client = next;
        }
    }
}

void identity_address(struct request *r)
{
    char text[INET6_ADDRSTRLEN] = "unix";
    const void *in = &((struct sockaddr_in *)&r->client)->sin_addr;

    r->client = *http_req_peer(r->http);
    if (is_trusted(r))
        follow_proxies(r);
    if (r->client.ss_family == AF_INET)
        text[format_ipv4(text, in)] = '\0';
    else if (r->client.ss_family == AF_INET6)
        inet_ntop(AF_INET6, &((struct sockaddr_in6 *)&r->client)->sin6_addr,
                  text, sizeof text);
    r->client_ip = arena_dup(r->arena, str_of(text));
}
