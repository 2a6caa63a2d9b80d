/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A value of Redis's protocol (RESP2) as a tree in one owner's hand: lists
 * hold their elements, so that freeing the root frees all. Plain data: who
 * makes one by hand (a test) needs no Redis.
 */
#ifndef PENSTOCK_NET_RESP_H
#define PENSTOCK_NET_RESP_H

#include "base/str.h"

enum resp_type {
    RESP_NIL,
    RESP_INT,
    RESP_STRING,
    RESP_STATUS, /* "OK" */
    RESP_ERROR,  /* "ERR wrong number of arguments" */
    RESP_LIST,
};

struct resp {
    enum resp_type type;
    size_t n; /* bytes of the text, elements of the list */
    union {
        int64_t i;
        char *text; /* NUL-terminated besides */
        struct resp *list;
    };
};

/** A nil; NULL when memory is out. resp_free of NULL is fine. */
struct resp *resp_new(void);
void resp_free(struct resp *r);

/** Make a nil (the root or an element) something else. False: no memory. */
void resp_set_int(struct resp *r, int64_t i);
bool resp_set_text(struct resp *r, enum resp_type type, struct str s);
bool resp_set_list(struct resp *r, size_t n); /* of n nils */

static inline struct str resp_str(const struct resp *r)
{
    return (struct str){ r->text, r->n };
}

#endif
