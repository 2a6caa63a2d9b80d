/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* An explain ring as it lies in shared memory; zeroed memory is empty. */
#ifndef PENSTOCK_ENGINE_EXPLAIN_RING_H
#define PENSTOCK_ENGINE_EXPLAIN_RING_H

#include "engine/explain.h"

#include <stdatomic.h>

enum { EXPLAIN_PLACES = 256 };

struct explain_place {
    _Atomic uint64_t seq; /* 0 = never used; odd = being written */
    char id[36];
    uint32_t size;
    char text[EXPLAIN_MAX_BYTES];
};

struct explain_ring {
    _Atomic uint64_t head; /* requests put so far */
    struct explain_place places[EXPLAIN_PLACES];
};

#endif
