/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Quarantines outlive the master: an empty file STATE/quarantine/NAME.HASH for
 * each plugin's file that is out. Only names are made and removed, so nothing
 * waits for data on a disk. The marks (engine/charges.h) are what counts while
 * we run; a file is looked for when a mark is claimed.
 */
#ifndef PENSTOCK_APP_QUARANTINED_H
#define PENSTOCK_APP_QUARANTINED_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

enum { QUARANTINED_MAX = 64 }; /* of more the oldest is forgotten */

/**
 * Remember it. Errors: IO (the folder is not ours, or cannot be written to),
 * LIMIT (a path is too long).
 */
int quarantined_note(struct str state, const char *name, const char *hash,
                     struct err *err);
/** Is it remembered? Where there is no folder: no. */
bool quarantined_has(struct str state, const char *name, struct str hash);
/** Forget all files of a plugin; *n is how many there were. Errors: IO, some
 * may be forgotten. */
int quarantined_forget(struct str state, struct str name, size_t *n,
                       struct err *err);

#endif
