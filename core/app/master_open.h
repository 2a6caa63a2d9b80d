/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Everything the master opens before it forks, and closes at its end. */
#ifndef PENSTOCK_APP_MASTER_OPEN_H
#define PENSTOCK_APP_MASTER_OPEN_H

#include "app/master.h"

/** Load, lock, listen, share memory, plan the posts. On failure *err says
 * why; master_close undoes what was done, in both cases. */
int master_open(struct master *m, const char *socket, struct err *err);
void master_close(struct master *m);

/** No more listeners in this process; children have theirs. */
void master_close_listeners(struct master *m);

/** One instance per state folder. */
int master_open_lock(struct master *m, struct err *err);

/** Another master serves now: close what it has, and leave the files. */
void master_hand_over(struct master *m);

/** The generation, as metrics show it. */
void master_show(const struct master *m);

/** Open the log that the configuration names. */
int master_open_log(struct master *m, struct err *err);

/** Have the built-in upstream, whether or not it was there before. */
int master_open_sim(struct master *m, struct err *err);

/** The log file belongs to who writes it after the rights were dropped. */
void master_own_log(const struct master *m);

#endif
