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

/** The wish at hand failed: nothing was changed. */
void reload_refuse(struct master *m, const struct err *err);
/** It was done; `how`: "in place", "new workers", "nothing changed", "plan".
 * `warning` may be NULL. */
void reload_done(struct master *m, const char *how, const char *warning);

/** What the one who wished for it should know; NULL: nothing. */
const char *reload_note(const struct master *m);

/** Take the next bundle into force in the master; the former is kept. */
void reload_take(struct master *m, struct served *former);
/** Keep what served for a rollback; the oldest goes. */
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

/* reload_bake.c: the new generation is watched */

/** What the former answered, while its workers have it in their cells. */
void bake_measure(struct master *m, uint64_t former);
/** It serves from now on. */
void bake_begin(struct master *m);
/** Look at it; takes it back, or lets it be when its time is over. */
void bake_step(struct master *m, uint64_t now_ms);

#endif
