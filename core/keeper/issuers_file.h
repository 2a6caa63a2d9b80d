/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Keys of an issuer out of a file that is replaced now and then. */
#ifndef PENSTOCK_KEEPER_ISSUERS_FILE_H
#define PENSTOCK_KEEPER_ISSUERS_FILE_H

#include "base/buf.h"

/** Append what the file holds, as far as the buffer's cap. NULL, or why it
 * could not be had: a text that lives until the next call. */
const char *issuers_file(const char *path, struct buf *out);

#endif
