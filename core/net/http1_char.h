/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Classes of characters in HTTP/1.x and URIs, and checks on whole runs. */
#ifndef PENSTOCK_NET_HTTP1_CHAR_H
#define PENSTOCK_NET_HTTP1_CHAR_H

#include "base/str.h"

enum {
    HTTP1_TOKEN = 1,   /* RFC 9110 5.6.2 tchar */
    HTTP1_VALUE = 2,   /* in a field value: HTAB, SP, VCHAR, obs-text */
    HTTP1_PATH = 4,    /* in a path, less '%' */
    HTTP1_QUERY = 8,   /* in a query, less '%' */
    HTTP1_REGNAME = 16, /* in a host, less '%' */
    HTTP1_HEX = 32,
};

extern const uint8_t http1_class[256];

static inline bool http1_is(char c, uint8_t what)
{
    return (http1_class[(unsigned char)c] & what) != 0;
}

/** True when every byte is of that class; true for none. */
static inline bool http1_all(struct str s, uint8_t what)
{
    for (size_t i = 0; i < s.n; i++) {
        if (!http1_is(s.p[i], what))
            return false;
    }
    return true;
}

/** As http1_all, with %XX allowed. */
bool http1_all_encoded(struct str s, uint8_t what);

/** "host", "host:port", "[::1]:port": RFC 3986 without user info, not empty. */
bool http1_authority_valid(struct str s);

#endif
