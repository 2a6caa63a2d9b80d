/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Who calls: the credential, the local rule, the trace. */
#include "flow/request.h"

#include "flow/format.h"
#include "flow/gemini.h"

#include <arpa/inet.h>

static struct str header(const struct request *r, const char *name)
{
    return http_req_header(r->http, str_of(name));
}

/* What follows "Bearer"; another scheme's words are a credential, too: one
 * that nobody knows, so that it is refused and not overlooked. */
static struct str bearer(struct str v)
{
    struct str scheme = { v.p, v.n < 6 ? v.n : 6 };

    if (!str_ieq(scheme, STR("bearer")) ||
        (v.n > 6 && v.p[6] != ' ' && v.p[6] != '\t'))
        return v;
    return str_trim((struct str){ v.p + 6, v.n - 6 });
}

/* Sources in the order in which they are looked at. */
static const struct str sources[] = {
    STR("x-penstock-key"), STR("authorization"), STR("x-api-key"),
    STR("x-goog-api-key"), STR("api-key"),
};

/* SDKs insist on a key; "none" says that there is none. */
static bool is_credential(struct str c)
{
    return c.n && !str_is(c, "none");
}

/* What source `i` holds; false when it was sent twice, and differs. */
static bool credential_at(const struct request *r, size_t i, struct str *out)
{
    size_t n;
    const struct http_header *h = http_req_headers(r->http, &n);

    *out = STR_NULL;
    for (size_t k = 0; k < n; k++) {
        struct str c = h[k].value;

        if (!str_ieq(h[k].name, sources[i]))
            continue;
        c = i == 1 ? bearer(c) : c;
        if (!is_credential(c))
            continue;
        if (out->p && !str_eq(*out, c))
            return false;
        *out = c;
    }
    return true;
}

/* Google's clients may send it as ?key=, where no field holds one. */
static void query_credential(struct request *r)
{
    struct str c = gemini_query_key(r);

    if (!is_credential(c) || r->passed_credential.p)
        return;
    if (!r->credential.p)
        r->credential = c;
    else if (!str_eq(c, r->credential))
        err_set(&r->err, ERR_INVALID_REQUEST,
                "Two credentials that differ were sent; send one.");
}

/*
 * The first source that holds something is the caller's; where a provider
 * takes the client's own credential (keys = "client"), x-penstock-key is for
 * us and the next one for the provider.
 */
void identity_credential(struct request *r)
{
    bool for_us = r->gen->client_keys && header(r, "x-penstock-key").n;

    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
        struct str c;
        bool one = credential_at(r, i, &c);

        if (one && !c.p)
            continue;
        if (one && !r->credential.p) {
            r->credential = c;
        } else if (one && for_us && !r->passed_credential.p) {
            r->passed_credential = c;
        } else if (!one || !str_eq(for_us ? r->passed_credential
                                          : r->credential, c)) {
            err_set(&r->err, ERR_INVALID_REQUEST,
                    "Two credentials that differ were sent; send one.");
            return;
        }
    }
    query_credential(r);
    if (r->gen->client_keys && !for_us)
        r->passed_credential = r->credential;
}

static bool is_loopback(const struct sockaddr_storage *s)
{
    if (s->ss_family == AF_UNIX)
        return true;
    if (s->ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)s;

        return (ntohl(in->sin_addr.s_addr) >> 24) == 127;
    }
    if (s->ss_family == AF_INET6) {
        const struct in6_addr *in =
            &((const struct sockaddr_in6 *)s)->sin6_addr;

        return IN6_IS_ADDR_LOOPBACK(in) ||
               (IN6_IS_ADDR_V4MAPPED(in) && in->s6_addr[12] == 127);
    }
    return false;
}

static bool is_port(struct str s)
{
    uint64_t v;

    if (s.n <= 1)
        return s.n == 0 || s.p[0] == ':';
    return s.p[0] == ':' && str_u64((struct str){ s.p + 1, s.n - 1 }, &v);
}

/* host or host:port of a local name; a browser page cannot make these. */
static bool is_local_host(struct str host)
{
    static const char *const names[] = { "localhost", "127.0.0.1", "[::1]" };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct str name = str_of(names[i]);

        if (host.n < name.n ||
            !str_ieq((struct str){ host.p, name.n }, name))
            continue;
        if (is_port((struct str){ host.p + name.n, host.n - name.n }))
            return true;
    }
    return false;
}

static bool is_same_site(const struct request *r)
{
    struct str origin = header(r, "origin");
    struct str site = header(r, "sec-fetch-site");
    struct str scheme = http_req_is_tls(r->http) ? STR("https://")
                                                 : STR("http://");

    if (site.n && !str_is(site, "same-origin") && !str_is(site, "none"))
        return false;
    if (!origin.p)
        return true;
    if (!str_starts(origin, scheme))
        return false;
    origin.p += scheme.n;
    origin.n -= scheme.n;
    return str_eq(origin, header(r, "host"));
}

/* Fields that proxies add: who sent this is not who is at our socket. */
static bool is_proxied(struct str name)
{
    static const char *const names[] = { "forwarded", "via", "x-real-ip" };
    struct str prefix = STR("x-forwarded-");

    if (name.n >= prefix.n &&
        str_ieq((struct str){ name.p, prefix.n }, prefix))
        return true;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (str_ieq(name, str_of(names[i])))
            return true;
    }
    return false;
}

bool identity_is_local(const struct request *r)
{
    size_t n;
    const struct http_header *h = http_req_headers(r->http, &n);

    if (!is_loopback(http_req_peer(r->http)) ||
        !is_local_host(header(r, "host")) || !is_same_site(r))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (is_proxied(h[i].name))
            return false;
    }
    return true;
}

static bool is_hex(struct str s)
{
    bool any = false;

    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];

        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return false;
        any |= c != '0';
    }
    return any;
}

static uint64_t rotate(uint64_t v, int by)
{
    return v << by | v >> (64 - by);
}

/* xoshiro256**: trace ids must differ, not be secret, and a system call per
 * request is too dear. Seeded by getrandom in flow_new. */
static uint64_t dice(struct flow *f)
{
    uint64_t *s = f->dice;
    uint64_t result = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

static bool is_traceparent(struct str in)
{
    return in.n >= 55 && in.p[2] == '-' && in.p[35] == '-' &&
           in.p[52] == '-' && memcmp(in.p, "ff", 2) != 0 &&
           is_hex((struct str){ in.p + 3, 32 }) &&
           is_hex((struct str){ in.p + 36, 16 }) &&
           (in.n == 55 || in.p[55] == '-');
}

/* W3C Trace Context: the caller's trace id is kept, the span is ours. */
void identity_trace(struct request *r)
{
    struct str in = header(r, "traceparent");
    char *at = r->trace + 3;
    unsigned flags = 0;

    memcpy(r->trace, "00-", 3);
    if (is_traceparent(in)) {
        flags = strchr("13579bdf", in.p[54]) ? 1 : 0;
        memcpy(at, in.p + 3, 32);
        at += 32;
    } else {
        at = format_hex(at, dice(r->flow), 16);
        at = format_hex(at, dice(r->flow), 16);
    }
    *at++ = '-';
    at = format_hex(at, dice(r->flow), 16);
    *at++ = '-';
    at = format_hex(at, flags, 2);
    *at = '\0';
}
