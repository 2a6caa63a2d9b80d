/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Files of a verb that a signal must not leave behind. SIGINT, SIGTERM and
 * SIGHUP wait between tidy_hold and tidy_go, so that a file is made and noted
 * in one; when one comes, what is noted is removed, the last first, and the
 * process ends by it. A child that was forked removes nothing.
 */
#ifndef PENSTOCK_CLI_TIDY_H
#define PENSTOCK_CLI_TIDY_H

#include <stddef.h>

/** Signals wait; pair with tidy_go, do not nest. */
void tidy_hold(void);
void tidy_go(void);
/** A file or a folder; copied. One of more than TIDY_MAX, and a path of 512
 * bytes or more, is not noted. */
void tidy_note(const char *path);
/** How many are noted; and: no more than `n` of them. */
size_t tidy_count(void);
void tidy_forget(size_t n);

enum { TIDY_MAX = 8 };

#endif
