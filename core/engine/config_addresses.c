/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * No two of our own listeners on one address: the second could not be bound,
 * and it would look as if another instance were there. An address that means
 * all of a family takes the port of each.
 */
#include "engine/config_walk.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum { ADDRESSES_MAX = 512 }; /* more than can be listened at */

struct taken {
    const char *kind, *text; /* borrowed */
};

struct parsed {
    int family; /* 0: a path */
    uint32_t port;
    unsigned char bytes[16];
};

static void parse(const char *text, struct parsed *p)
{
    const char *colon = strrchr(text, ':');
    bool six = *text == '[';
    char host[64];
    uint64_t port;

    memset(p, 0, sizeof *p);
    if (strncmp(text, "unix:", 5) == 0 || !colon ||
        !str_u64(str_of(colon + 1), &port))
        return;
    snprintf(host, sizeof host, "%.*s", (int)(colon - text) - (six ? 2 : 0),
             text + (six ? 1 : 0));
    if (inet_pton(six ? AF_INET6 : AF_INET, host, p->bytes) == 1)
        p->family = six ? AF_INET6 : AF_INET;
    p->port = (uint32_t)port;
}

static bool is_any(const struct parsed *p)
{
    static const unsigned char none[16];

    return memcmp(p->bytes, none, sizeof none) == 0;
}

static bool collide(const char *a, const char *b)
{
    struct parsed x, y;

    parse(a, &x);
    parse(b, &y);
    if (!x.family || !y.family)
        return strcmp(a, b) == 0;
    return x.family == y.family && x.port && x.port == y.port &&
           (is_any(&x) || is_any(&y) ||
            memcmp(x.bytes, y.bytes, sizeof x.bytes) == 0);
}

static void enter(struct conf_walk *w, const struct taken *t)
{
    walk_member(w, t->kind);
    if (strcmp(t->kind, "metrics") != 0)
        walk_named(w, t->text);
}

static void leave(struct conf_walk *w, const struct taken *t)
{
    walk_leave(w);
    if (strcmp(t->kind, "metrics") != 0)
        walk_leave(w);
}

static int refuse(struct conf_walk *w, const struct taken *first,
                  const struct taken *second)
{
    bool named = strcmp(first->kind, "metrics") != 0;
    char at[128];
    int rc;

    enter(w, first);
    walk_place(w, at, sizeof at);
    leave(w, first);
    enter(w, second);
    rc = walk_fail(w, "is an address that %s%s%.100s%s has (%s)", first->kind,
                   named ? " \"" : " = \"", first->text, "\"", at);
    leave(w, second);
    return rc;
}

static size_t put(struct taken *all, size_t n, const char *kind,
                  const char *text)
{
    if (text && n < ADDRESSES_MAX)
        all[n++] = (struct taken){ kind, text };
    return n;
}

int walk_addresses(struct conf_walk *w, json_t *canonical)
{
    static const char *const kinds[] = { "listen", "admin" };
    struct taken all[ADDRESSES_MAX];
    const char *address;
    size_t n = 0;
    json_t *v;

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        json_object_foreach(json_object_get(canonical, kinds[i]), address, v)
            n = put(all, n, kinds[i], address);
    }
    n = put(all, n, "metrics",
            json_string_value(json_object_get(canonical, "metrics")));
    for (size_t i = 1; i < n; i++) {
        for (size_t k = 0; k < i; k++) {
            if (collide(all[k].text, all[i].text))
                return refuse(w, &all[k], &all[i]);
        }
    }
    return 0;
}
