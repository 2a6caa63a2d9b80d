/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Where a call goes: the host and port of its URL, and the addresses that the
 * caller has for them. libcurl keeps addresses in a cache per multi handle; a
 * changed list must be given to each of them once more (seen[]).
 */
#include "net/http_client_impl.h"

#include <arpa/inet.h>
#include <stdlib.h>

static bool is_host(struct str s, bool v6)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                     (c >= 'A' && c <= 'Z');

        if (!alnum && c != '.' && (v6 ? c != ':' : c != '-' && c != '_'))
            return false;
    }
    return s.n > 0 && s.n < 254;
}

static bool is_literal(struct str host, bool v6)
{
    char z[64];
    struct in6_addr a;

    if (host.n >= sizeof z)
        return false;
    memcpy(z, host.p, host.n);
    z[host.n] = '\0';
    return inet_pton(v6 ? AF_INET6 : AF_INET, z, &a) == 1;
}

/* host[:port] or [v6][:port] */
static int parse_authority(struct str a, struct hc_url *u, struct err *err)
{
    bool v6 = a.n > 0 && a.p[0] == '[';
    const char *end = NULL;
    uint64_t port;

    if (v6)
        end = memchr(a.p, ']', a.n);
    else if (a.n > 0)
        end = memchr(a.p, ':', a.n);
    if (v6 && !end)
        return err_set(err, ERR_SYNTAX, "URL: '[' without ']'");
    if (!end)
        end = a.p + a.n;
    u->host.p = a.p + v6;
    u->host.n = (size_t)(end - u->host.p);
    if (!is_host(u->host, v6))
        return err_set(err, ERR_SYNTAX, "URL: bad host");
    u->literal = is_literal(u->host, v6);
    if (v6 && !u->literal)
        return err_set(err, ERR_SYNTAX, "URL: bad IPv6 address");
    end += v6;
    if (end == a.p + a.n)
        return 0;
    u->port = (struct str){ end + 1, (size_t)(a.p + a.n - end - 1) };
    if (*end != ':' || !str_u64(u->port, &port) || port < 1 || port > 65535)
        return err_set(err, ERR_SYNTAX, "URL: bad port");
    return 0;
}

/* The part between the scheme and the path. */
static struct str authority_of(struct str rest)
{
    size_t n = 0;

    while (n < rest.n && !strchr("/?#", rest.p[n]))
        n++;
    return (struct str){ rest.p, n };
}

static bool cut_scheme(struct str *url, struct str scheme)
{
    struct str head = { url->p, scheme.n };

    if (url->n < scheme.n || !str_ieq(head, scheme))
        return false;
    url->p += scheme.n;
    url->n -= scheme.n;
    return true;
}

int hc_url_parse(struct str url, struct hc_url *u, struct err *err)
{
    *u = (struct hc_url){ .port = STR("80") };
    for (size_t i = 0; i < url.n; i++) {
        unsigned char c = (unsigned char)url.p[i];

        if (c <= 0x20 || c >= 0x7f || c == '#')
            return err_set(err, ERR_SYNTAX,
                           "URL: byte 0x%02x is not allowed", c);
    }
    if (cut_scheme(&url, STR("https://"))) {
        u->tls = true;
        u->port = STR("443");
    } else if (!cut_scheme(&url, STR("http://"))) {
        return err_set(err, ERR_SYNTAX, "URL: neither http:// nor https://");
    }
    return parse_authority(authority_of(url), u, err);
}

int hc_proxy_parse(struct str url, struct hc_url *u, struct err *err)
{
    struct str a;
    size_t at;

    *u = (struct hc_url){ .port = STR_NULL };
    if (!cut_scheme(&url, STR("http://")) &&
        !cut_scheme(&url, STR("https://")) &&
        !cut_scheme(&url, STR("socks5h://")))
        return err_set(err, ERR_SYNTAX,
                       "proxy: write http://, https:// or socks5h://");
    a = authority_of(url);
    at = a.n;
    while (at > 0 && a.p[at - 1] != '@')
        at--;
    a = (struct str){ a.p + at, a.n - at };
    if (parse_authority(a, u, err))
        return -ERR_SYNTAX;
    if (!u->port.p)
        return err_set(err, ERR_SYNTAX, "proxy: name its port");
    return 0;
}

/* Store "key:addresses" in the entry; the address lists differ. */
static int set_addresses(struct hc_host *h, struct str key,
                         const char *addresses)
{
    size_t n = strlen(addresses);
    char *p = malloc(key.n + 1 + n + 1);

    if (!p)
        return -ERR_NOMEM;
    memcpy(p, key.p, key.n);
    p[key.n] = ':';
    memcpy(p + key.n + 1, addresses, n + 1);
    free(h->node.data);
    h->node.data = p;
    h->key_n = key.n;
    h->gen++;
    return 0;
}

static struct hc_host *host_new(struct http_client *c, struct str key,
                                const char *addresses)
{
    struct hc_host *h = calloc(1, sizeof *h);

    if (!h)
        return NULL;
    if (set_addresses(h, key, addresses) || map_set(c->hosts, key, h)) {
        free(h->node.data);
        free(h);
        return NULL;
    }
    return h;
}

struct hc_host *hc_host_get(struct http_client *c, const struct hc_url *u,
                            const char *addresses, struct err *err)
{
    char z[272];
    struct str key = { z, u->host.n + 1 + u->port.n };
    struct hc_host *h;

    if (key.n > sizeof z) {
        err_set(err, ERR_SYNTAX, "URL: host too long");
        return NULL;
    }
    memcpy(z, u->host.p, u->host.n);
    z[u->host.n] = ':';
    memcpy(z + u->host.n + 1, u->port.p, u->port.n);
    h = map_get(c->hosts, key);
    if (!h)
        h = host_new(c, key, addresses);
    else if (strcmp(h->node.data + h->key_n + 1, addresses) != 0 &&
             set_addresses(h, key, addresses))
        h = NULL;
    if (!h)
        err_set(err, ERR_NOMEM, "no room for another host");
    return h;
}

void hc_hosts_free(struct http_client *c)
{
    size_t at = 0;
    struct str key;
    void *v;

    while (c->hosts && map_next(c->hosts, &at, &key, &v)) {
        struct hc_host *h = v;

        free(h->node.data);
        free(h);
    }
    map_free(c->hosts);
}
