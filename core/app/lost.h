/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What a dead process was working on is accounted for by the master. */
#ifndef PENSTOCK_APP_LOST_H
#define PENSTOCK_APP_LOST_H

#include "engine/cells.h"
#include "engine/ledger.h"

struct lost {
    size_t n;
    bool json; /* form of the access lines */
    struct ledger_ring *ring; /* the dead's; NULL = no ledger */
    struct str suspect;  /* id of the request that it died in; or n 0 */
    char principal[40];  /* out: whose that was */
};

/** For cells_reap, with ud a struct lost: the request's access line, its text
 * for `explain` and its count, all with ended = "worker_lost". */
void lost_request(void *ud, const struct request_cell *r);

#endif
