/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Workers that hold more memory than server.memory_hard are replaced. */
#ifndef PENSTOCK_APP_RELIEVE_H
#define PENSTOCK_APP_RELIEVE_H

#include "app/master.h"

/** Take the next step that is due; call it each turn. */
void relieve_step(struct master *m, uint64_t now_ms);

/** One that leaves: does it still accept, because who takes its place is not
 * ready yet? */
bool relieve_waits(const struct master *m, const struct post *p,
                   uint64_t now_ms);

#endif
