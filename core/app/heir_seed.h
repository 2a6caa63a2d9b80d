/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Limits of a program that follows another and lays them out otherwise. */
#ifndef PENSTOCK_APP_HEIR_SEED_H
#define PENSTOCK_APP_HEIR_SEED_H

struct master;

/**
 * Before workers are started: where the memory of limits is new, have a child
 * with the keeper's rights read the ledger for it, in HEIR_SEED_MS at most,
 * and say in the log what came of it; where it was taken over, so are the
 * seeds. Never fails: limits without seeds begin full.
 */
void heir_seed(struct master *m);

#endif
