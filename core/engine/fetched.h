/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A worker's view of the keys that the keeper fetches (config_fetch.h): the
 * newest secret of each, out of the keeper's snapshots. A worker never waits
 * for one and asks nobody but the keeper.
 *
 * The snapshot (kind "fetched") has a section per key, by conf_fetch.id, as
 * fetched_put writes it. It lies in memory that no core dump has and nobody
 * but the processes of the instance can open, as the bundle's own secrets.
 */
#ifndef PENSTOCK_ENGINE_FETCHED_H
#define PENSTOCK_ENGINE_FETCHED_H

#include "base/snapshot.h"
#include "engine/config_fetch.h"

enum { FETCHED_SECRET_MAX = 16 << 10, FETCHED_WHY = 200 };

/** What the keeper knows of one key; all borrowed. */
struct fetched_news {
    struct str label, why; /* why: the last fetch failed; "" = it did not */
    struct str secret;     /* n 0: none that holds */
    uint64_t ends_ms;      /* wall clock; 0: it does not end */
    uint64_t next_ms;      /* monotonic: when it is fetched next; 0: never */
};

/** Add the section; 0 or -ERR_x. */
int fetched_put(struct snapshot_builder *b, struct str id,
                const struct fetched_news *n, struct err *err);
/** Read one. False: it is none. */
bool fetched_read(struct str section, struct fetched_news *out);

struct fetched_set;

/** One key's, shared by all generations that have it. */
struct fetched {
    struct str secret;  /* n 0: there is none now */
    struct str before;  /* the one before, which requests may have sent */
    uint32_t version;   /* of `secret`: another number, another secret */
    uint32_t refs;
    struct fetched_set *set;
    struct fetched *next;
    char id[FETCH_ID + 1];
};

struct fetched_set *fetched_set_new(void);
/** All references must be back. */
void fetched_set_free(struct fetched_set *s);
/** Take a newer snapshot, and a reference to it. What it does not name stays
 * as it is. */
void fetched_update(struct fetched_set *s, struct snapshot *news);
/** The one of that id. Never NULL: without memory one that stays empty. */
struct fetched *fetched_ref(struct fetched_set *s, struct str id);
void fetched_unref(struct fetched *f);

/** Its provider refused what it holds: ask the keeper for another, which has
 * its own limit on that. */
void fetched_ask(const struct fetched *f);
void fetched_on_ask(struct fetched_set *s, void (*ask)(void *ud, struct str),
                    void *ud);

#endif
