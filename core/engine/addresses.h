/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Resolved addresses as the keeper published them: a snapshot with one section
 * per host name, its text the addresses ("1.2.3.4,[2001:db8::1]").
 */
#ifndef PENSTOCK_ENGINE_ADDRESSES_H
#define PENSTOCK_ENGINE_ADDRESSES_H

#include "base/snapshot.h"
#include "base/str.h"

struct addresses;

struct addresses *addresses_new(void);
void addresses_free(struct addresses *a);

/** Take a newer snapshot (a reference is taken). */
void addresses_update(struct addresses *a, struct snapshot *s);

/**
 * Addresses of a host, NUL-terminated, valid until the next update; literal
 * IP hosts answer themselves; NULL: not resolved yet (or it failed: then
 * *why says so and is not NULL).
 */
const char *addresses_find(struct addresses *a, struct str host,
                           const char **why);

/** Call fn(ud) after each update; embedded in its owner. */
struct addresses_watch {
    void (*fn)(void *ud);
    void *ud;
    struct addresses_watch *next, **prev; /* prev NULL: not watching */
};

/** fn may unwatch anything, and watch. Both are idempotent. */
void addresses_watch(struct addresses *a, struct addresses_watch *w);
void addresses_unwatch(struct addresses_watch *w);

/** Host of an http(s) URL, without brackets and port; p NULL if none. */
struct str url_host(struct str url);

#endif
