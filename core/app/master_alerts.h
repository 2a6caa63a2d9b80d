/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What the master says of alert.def: processes that die again and again,
 * plugins in quarantine, and how reloads end. The keeper tells it to
 * receivers. */
#ifndef PENSTOCK_APP_MASTER_ALERTS_H
#define PENSTOCK_APP_MASTER_ALERTS_H

#include "app/master.h"

/** Look at the posts; call it each turn. */
void master_alerts_step(struct master *m, uint64_t now_ms);

/** A reload was refused, or a generation was taken back: that holds until one
 * is done. */
void master_alerts_refused(struct master *m, const struct err *err);
void master_alerts_taken_back(struct master *m, const char *why);
/** --last-good: `why` the files are not what is served. */
void master_alerts_last_good(struct master *m, const char *why);
/** One that somebody asked for was done. */
void master_alerts_reloaded(struct master *m);

#endif
