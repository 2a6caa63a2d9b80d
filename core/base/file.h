/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Whole files, for those who may block: loaders and command lines. */
#ifndef PENSTOCK_BASE_FILE_H
#define PENSTOCK_BASE_FILE_H

#include "base/buf.h"
#include "base/err.h"

/**
 * Append a regular file's or a pipe's bytes; the buffer's cap is the limit.
 * Errors: IO, LIMIT (larger than the cap), CONFIG (something else than a
 * file); each names the path.
 */
int file_read(const char *path, struct buf *out, struct err *err);

#endif
