/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Addresses out of the keeper's snapshot. A section's text ends with a NUL,
 * so that it can be handed on as it lies there; one that begins with '!' is
 * the reason why there is no address.
 */
#include "engine/addresses.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

struct addresses {
    struct snapshot *snapshot; /* NULL before the first */
    struct addresses_watch *watches;
    char literal[INET6_ADDRSTRLEN + 4];
};

struct addresses *addresses_new(void)
{
    return calloc(1, sizeof(struct addresses));
}

void addresses_free(struct addresses *a)
{
    if (!a)
        return;
    snapshot_unref(a->snapshot);
    free(a);
}

static void link_in(struct addresses_watch **list, struct addresses_watch *w)
{
    w->next = *list;
    w->prev = list;
    if (w->next)
        w->next->prev = &w->next;
    *list = w;
}

void addresses_watch(struct addresses *a, struct addresses_watch *w)
{
    if (!w->prev)
        link_in(&a->watches, w);
}

void addresses_unwatch(struct addresses_watch *w)
{
    if (!w->prev)
        return;
    *w->prev = w->next;
    if (w->next)
        w->next->prev = w->prev;
    w->prev = NULL;
}

/* Those not told yet stand in a list of their own, from which they may be
 * taken out meanwhile. */
static void tell(struct addresses *a)
{
    struct addresses_watch *rest = a->watches, *w;

    if (!rest)
        return;
    a->watches = NULL;
    rest->prev = &rest;
    while ((w = rest)) {
        addresses_unwatch(w);
        link_in(&a->watches, w);
        w->fn(w->ud);
    }
}

void addresses_update(struct addresses *a, struct snapshot *s)
{
    struct snapshot *old = a->snapshot;

    a->snapshot = snapshot_ref(s);
    snapshot_unref(old);
    tell(a);
}

/** An address written as a number answers itself. */
static const char *literal(struct addresses *a, struct str host)
{
    unsigned char bin[16];
    char text[INET6_ADDRSTRLEN];

    if (host.n == 0 || host.n >= sizeof text)
        return NULL;
    memcpy(text, host.p, host.n);
    text[host.n] = '\0';
    if (inet_pton(AF_INET, text, bin) == 1)
        snprintf(a->literal, sizeof a->literal, "%s", text);
    else if (inet_pton(AF_INET6, text, bin) == 1)
        snprintf(a->literal, sizeof a->literal, "[%s]", text);
    else
        return NULL;
    return a->literal;
}

const char *addresses_find(struct addresses *a, struct str host,
                           const char **why)
{
    const char *number = literal(a, host);
    struct str text;

    *why = NULL;
    if (number || !a->snapshot)
        return number;
    text = snapshot_section(a->snapshot, host);
    if (!text.p || text.n == 0 || text.p[text.n - 1] != '\0')
        return NULL;
    if (text.p[0] != '!')
        return text.p;
    *why = text.p + 1;
    return NULL;
}

struct str url_host(struct str url)
{
    ptrdiff_t scheme = str_find(url, STR("://"));
    struct str rest = url, host;
    const char *close;

    if (scheme < 0 || !(str_starts(url, STR("http://")) ||
                        str_starts(url, STR("https://"))))
        return STR_NULL;
    rest.p += scheme + 3;
    rest.n -= (size_t)scheme + 3;
    for (size_t i = 0; i < rest.n; i++) {
        char c = rest.p[i];

        if (c == '/' || c == '?' || c == '#' || !c)
            rest.n = i;
    }
    for (size_t i = rest.n; i > 0; i--) {
        if (rest.p[i - 1] == '@') {
            rest = (struct str){ rest.p + i, rest.n - i };
            break;
        }
    }
    if (rest.n && rest.p[0] == '[') {
        close = memchr(rest.p, ']', rest.n);
        return close ? (struct str){ rest.p + 1,
                                     (size_t)(close - rest.p) - 1 }
                     : STR_NULL;
    }
    host = str_split(&rest, ':');
    return host.n ? host : STR_NULL;
}
