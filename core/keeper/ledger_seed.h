/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What the ledger knows of the last day, for limits whose memory is new:
 * requests and tokens by key, team, user, model, provider and endpoint. */
#ifndef PENSTOCK_KEEPER_LEDGER_SEED_H
#define PENSTOCK_KEEPER_LEDGER_SEED_H

#include "engine/limit_seed.h"

enum { LEDGER_SEED_ROWS = 2000000, LEDGER_SEED_MS = 2000 };

struct ledger_seeded {
    uint64_t rows;
    uint64_t reach_ms; /* how long ago the oldest of them ended */
    bool cut;          /* time or rows were used up: older ones are not in it */
};

/**
 * Read-only, beside whoever writes; the newest rows first, so that what is
 * cut is what matters least. Blocks for LEDGER_SEED_MS at most, and as long
 * as the disk takes for one row.
 *
 * Errors: NOTFOUND (there is no ledger), BUSY, IO, SYNTAX; what was read until
 *         then is in the table.
 */
int ledger_seed(const char *folder, struct limit_seeds *seeds,
                struct ledger_seeded *out, struct err *err);

#endif
