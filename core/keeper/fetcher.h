/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Keys that clouds hand out: fetched at the start, again some time before
 * they end, with growing pauses after a failure, and published as a snapshot
 * (engine/fetched.h). One that holds stays until its end, whatever comes of
 * the fetches meanwhile; then, or where there has never been one, the
 * credential is parked. What each is fetched with: keeper/fetch.h. Redirects
 * are not followed.
 */
#ifndef PENSTOCK_KEEPER_FETCHER_H
#define PENSTOCK_KEEPER_FETCHER_H

#include "base/snapshot.h"
#include "engine/addresses.h"
#include "engine/config.h"
#include "engine/health.h"
#include "engine/plugin.h"
#include "keeper/fetch.h"
#include "net/loop.h"

struct fetcher;

struct fetcher_env {
    struct loop *loop;
    const struct config *config;
    struct addresses *addresses; /* the keeper's own view of them */
    struct health *health;       /* where credentials rest; NULL = none */
    const struct fetch_world *world;
    /** What describes a provider's exchange, in this process; NULL with *err.
     * Asked once for each key that has one. */
    const struct plugin *(*plugin)(void *ud, const struct conf_provider *p,
                                   struct err *err);
    /** A host that nobody has asked for before: 0 or -ERR_x. */
    int (*resolve)(void *ud, struct str host);
    /** There is news: the descriptor of a snapshot, borrowed. Not before all
     * were tried once, or FETCHER_FIRST_MS passed. */
    void (*publish)(void *ud, int fd);
    void *ud;
};

enum { FETCHER_FIRST_MS = 4000 };

/** How many keys are fetched? */
size_t fetcher_count(const struct config *c);
bool fetcher_has_work(const struct config *c);

/** `last`: what another keeper has published before; or NULL. Starts at
 * once. NULL with *err. The environment is copied. */
struct fetcher *fetcher_new(const struct fetcher_env *env,
                            const struct snapshot *last, struct err *err);
void fetcher_free(struct fetcher *s);

/** A provider refused what that one (conf_fetch.id) holds: fetch, unless that
 * was asked within the last half minute. */
void fetcher_ask(struct fetcher *s, struct str id);

/** Why the credential of that label has none that holds, or (*holds) will
 * soon have none; NULL: all is well, or it is not fetched. */
const char *fetcher_why(const struct fetcher *s, struct str label,
                        bool *holds);

/** When to fetch next: of one that is good for so long, and after so many
 * failures in a row. `dice`: 32 bits of chance. */
uint64_t fetcher_ahead_ms(uint64_t life_ms, uint32_t dice);
uint64_t fetcher_backoff_ms(uint32_t failures, uint32_t dice);

#endif
