/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* A header field as both the server and the client hand it over. */
#ifndef PENSTOCK_NET_HTTP_HEADER_H
#define PENSTOCK_NET_HTTP_HEADER_H

#include "base/str.h"

struct http_header {
    struct str name, value; /* borrowed; value trimmed, no CR, LF, NUL */
};

/** First field of that name (ASCII case-insensitive); p NULL when absent. */
static inline struct str http_header_get(const struct http_header *h, size_t n,
                                         struct str name)
{
    for (size_t i = 0; i < n; i++) {
        if (h[i].name.n == name.n && str_ieq(h[i].name, name))
            return h[i].value;
    }
    return STR_NULL;
}

#endif
