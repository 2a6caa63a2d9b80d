/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Spill files: rows that the database does not take for now, appended without
 * any lock of SQLite's. `spill-NUMBER` in the ledger's folder; a keeper never
 * appends to a file of an earlier one, whose end may be torn. A record is its
 * CRC-32, then itself; what is behind a torn one is still in a ring.
 */
#ifndef PENSTOCK_KEEPER_LEDGER_SPILL_H
#define PENSTOCK_KEEPER_LEDGER_SPILL_H

#include "base/buf.h"
#include "base/err.h"

struct ledger_spill;

/** `max` bounds all files together. NULL with *err: NOMEM, LIMIT. */
struct ledger_spill *ledger_spill_new(const char *folder, uint64_t max,
                                      struct err *err);
void ledger_spill_free(struct ledger_spill *s); /* the files stay */

/** Append packed records, one behind the other. Errors: LIMIT (the files are
 * as large as they may be), IO; then nothing of it counts. */
int ledger_spill_put(struct ledger_spill *s, struct str records,
                     struct err *err);

/** Further records go to another file, so that this one can be read. */
void ledger_spill_close(struct ledger_spill *s);

/** Name of the oldest file that nobody appends to; false: there is none. */
bool ledger_spill_next(struct ledger_spill *s, char *path, size_t size);

/**
 * Read on in a file: whole records of at most `max` bytes together, from *at,
 * which goes behind them. An empty `out` is the end. Errors: IO.
 */
int ledger_spill_read(const char *path, uint64_t *at, size_t max,
                      struct buf *out, struct err *err);

#endif
