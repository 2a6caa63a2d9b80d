/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * One table of classes. Paths and queries take, beyond RFC 3986, the
 * characters that the URL Standard of browsers (and every client built on
 * it) sends as they are: [ ] ^ ` { | } and backslash; `include[]=` of OpenAI's
 * own API needs two of them. None of them separates anything in HTTP.
 */
#include "net/http1_char.h"

#include <arpa/inet.h>

enum { HOST_MAX = 255 };

/* sums of HTTP1_TOKEN 1, VALUE 2, PATH 4, QUERY 8, REGNAME 16, HEX 32 */
const uint8_t http1_class[256] = {
    /* 0x00 */
     0,  0,  0,  0,  0,  0,  0,  0,  0,  2,  0,  0,  0,  0,  0,  0,
    /* 0x10 */
     0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,
    /* 0x20 */
     2, 31,  2,  3, 31,  3, 31, 31, 30, 30, 31, 31, 30, 31, 31, 14,
    /* 0x30 */
    63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 14, 30,  2, 30,  2, 10,
    /* 0x40 */
    14, 63, 63, 63, 63, 63, 63, 31, 31, 31, 31, 31, 31, 31, 31, 31,
    /* 0x50 */
    31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 14, 14, 14, 15, 31,
    /* 0x60 */
    15, 63, 63, 63, 63, 63, 63, 31, 31, 31, 31, 31, 31, 31, 31, 31,
    /* 0x70 */
    31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 14, 15, 14, 31,  0,
    /* 0x80 to 0xFF: obs-text */
     2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,
     2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,
     2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,
     2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,
     2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,
     2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,
     2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,
     2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,
};

bool http1_all_encoded(struct str s, uint8_t what)
{
    for (size_t i = 0; i < s.n; i++) {
        if (http1_is(s.p[i], what))
            continue;
        if (s.p[i] != '%' || s.n - i < 3 ||
            !http1_is(s.p[i + 1], HTTP1_HEX) ||
            !http1_is(s.p[i + 2], HTTP1_HEX))
            return false;
        i += 2;
    }
    return true;
}

static bool port_valid(struct str s)
{
    uint64_t port = 0;

    return s.n == 0 || (s.n <= 5 && str_u64(s, &port) && port <= 65535);
}

/* `s` begins with '['; its host is IPv6 in brackets. */
static bool literal_valid(struct str s)
{
    const char *end = memchr(s.p, ']', s.n);
    char z[INET6_ADDRSTRLEN];
    unsigned char ip[16];
    struct str port;
    size_t n;

    if (!end)
        return false;
    n = (size_t)(end - s.p) - 1;
    if (n == 0 || n >= sizeof z)
        return false;
    memcpy(z, s.p + 1, n);
    z[n] = '\0';
    if (inet_pton(AF_INET6, z, ip) != 1)
        return false;
    port = (struct str){ end + 1, s.n - n - 2 };
    if (port.n == 0)
        return true;
    return port.p[0] == ':' &&
           port_valid((struct str){ port.p + 1, port.n - 1 });
}

bool http1_authority_valid(struct str s)
{
    struct str host = s, port = STR_NULL;
    const char *colon;

    if (s.n == 0 || s.n > HOST_MAX)
        return false;
    if (s.p[0] == '[')
        return literal_valid(s);
    colon = memchr(s.p, ':', s.n);
    if (colon) {
        host.n = (size_t)(colon - s.p);
        port = (struct str){ colon + 1, s.n - host.n - 1 };
    }
    return host.n > 0 && http1_all_encoded(host, HTTP1_REGNAME) &&
           port_valid(port);
}
