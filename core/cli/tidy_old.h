/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What a verb left in /tmp that was killed, so that it could tidy nothing. */
#ifndef PENSTOCK_CLI_TIDY_OLD_H
#define PENSTOCK_CLI_TIDY_OLD_H

#include "base/err.h"

#include <stddef.h>

/** A new folder in /tmp, mode 0700, whose name has the kind ("install" or
 * "plugin") and the process's id. Errors: IO; *path is empty then. */
int tidy_folder(const char *kind, char *path, size_t size, struct err *err);

/**
 * Remove folders of that name that are this user's, older than an hour, and
 * whose process is gone; nothing else, and no link is followed. What cannot
 * be removed stays. At most 32, of the first 4096 names of /tmp.
 */
void tidy_old(void);

#endif
