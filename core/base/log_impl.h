/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Between log.c and log_left.c. */
#ifndef PENSTOCK_BASE_LOG_IMPL_H
#define PENSTOCK_BASE_LOG_IMPL_H

#include "base/str.h"

/** The file in use; NULL: standard error. Borrowed until it is reopened. */
const char *log_path(void);
/** Finished lines, each with its newline, in one system call. What does not
 * go out is counted. */
void log_write_lines(struct str lines);

#endif
