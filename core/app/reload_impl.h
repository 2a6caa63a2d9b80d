/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The steps of a reload, for the files that make it up. */
#ifndef PENSTOCK_APP_RELOAD_IMPL_H
#define PENSTOCK_APP_RELOAD_IMPL_H

#include "app/master.h"

#define RELOAD_PREPARE_MS 10000 /* for workers to prepare */
#define RELOAD_FLIP_MS 5000
#define RELOAD_RISE_MS 60000    /* for new workers to be ready */
#define RELOAD_FREE_MS 2000     /* for an address that workers gave up */
#define RELOAD_DISK_MS 3000     /* for the disk, where memory has it as well */

/** The wish at hand failed: nothing was changed. */
void reload_refuse(struct master *m, const struct err *err);
/** It was done; `how`: "in place", "new workers", "nothing changed", "plan".
 * `warning` may be NULL. */
void reload_done(struct master *m, const char *how, const char *warning);

/** What the one who wished for it should know; NULL: nothing. */
const char *reload_note(const struct master *m);

/** Take the next bundle into force in the master; the former is kept. */
void reload_take(struct master *m, struct served *former);
/** Keep what served for a rollback; the oldest goes. One that is gone back
 * from is marked. */
void reload_keep(struct master *m, struct served *former);
/** Into the list of those kept, the newest first; the oldest goes. */
void reload_hold(struct reload *r, struct served *s);
/** The keeper is started again, with what the configuration says now. */
void reload_retire(struct master *m);
/** The keeper and the log follow the new configuration. */
void reload_follow(struct master *m, bool helpers);
void served_clear(struct served *s);

/* reload_place.c: in place */

void place_start(struct master *m);
void place_step(struct master *m, uint64_t now_ms);
/** Tell the workers that have prepared to serve it; call it each turn. */
void place_tell(struct master *m);

/* reload_rise.c: new workers */

void rise_start(struct master *m);
void rise_step(struct master *m, uint64_t now_ms);
/** Tell the old workers to drain, who have not heard it; call it each turn. */
void rise_tell(struct master *m);
/** Go back to the former, and say why. */
void rise_fail(struct master *m, const struct err *err);

/* reload_canary.c: one new worker before the others */

/** Does the next bundle bring a plugin file that none of ours has, on the
 * listeners that we have? */
bool canary_wanted(const struct master *m);
void canary_start(struct master *m);
void canary_step(struct master *m, uint64_t now_ms);
/** Its process ended. */
void canary_died(struct master *m, const char *why);
/** It is over with the reload: the canary, if there is one, drains. */
void canary_end(struct master *m);
/** It did well: put it into the post of its slot, whose process has made way.
 * False: it is not of this slot, or there is none. */
bool canary_take(struct master *m, struct post *p);
/** Pure: at least three failed, and that more than twice as often as with the
 * others, and five of a hundred. */
bool canary_is_worse(const struct tries *canary, const struct tries *other);

/* reload_bake.c: the new generation is watched */

/** What the former answered, while its workers have it in their cells. */
void bake_measure(struct master *m, uint64_t former);
/** It serves from now on. */
void bake_begin(struct master *m);
/** Look at it; takes it back, or lets it be when its time is over. */
void bake_step(struct master *m, uint64_t now_ms);

#endif
