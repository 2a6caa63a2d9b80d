/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Name resolution, off every loop: helper threads call getaddrinfo, the loop
 * publishes what changed as a snapshot (engine/addresses.h reads it).
 *
 * A name is asked for again every 30 s; after a failure sooner, with growing
 * pauses. Addresses that were once good stay in use until there are better.
 */
#ifndef PENSTOCK_KEEPER_RESOLVER_H
#define PENSTOCK_KEEPER_RESOLVER_H

#include "base/err.h"
#include "net/loop.h"

struct resolver;

enum { RESOLVER_MAX_HOSTS = 1024, RESOLVER_TEXT_MAX = 512,
       RESOLVER_LATE_HOSTS = 64 };

/** publish(ud, fd) is called on the loop; the descriptor is borrowed. */
struct resolver *resolver_new(struct loop *l, void (*publish)(void *, int),
                              void *ud, struct err *err);

/** Before resolver_start: a name to resolve. Numbers, empty names and those
 * that are there already are passed over. 0, -ERR_LIMIT, -ERR_NOMEM. */
int resolver_add(struct resolver *r, struct str host);

/** The same after resolver_start, for the few names that are learnt later
 * (RESOLVER_LATE_HOSTS). */
int resolver_add_late(struct resolver *r, struct str host);

/** Start the threads; nothing is started where there is no name. */
int resolver_start(struct resolver *r, struct err *err);

/** Ends the threads; one that is inside getaddrinfo is not waited for: the
 * last of them frees the rest. NULL is fine. */
void resolver_free(struct resolver *r);

/** getaddrinfo, or a test's own: fills `out` ("1.2.3.4,[::1]") and returns
 * NULL, or the reason. */
extern const char *(*resolver_lookup)(const char *host, char *out,
                                      size_t size);

#endif
