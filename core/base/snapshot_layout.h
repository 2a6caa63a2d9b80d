/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The bytes of a snapshot, for its maker and its reader: the head, the
 * sections, then one row per section. Both sides are of one build.
 */
#ifndef PENSTOCK_BASE_SNAPSHOT_LAYOUT_H
#define PENSTOCK_BASE_SNAPSHOT_LAYOUT_H

#include "base/snapshot.h"

#define SNAPSHOT_MAGIC "PENSNAP1"
#define SNAPSHOT_ALIGN 64
#define SNAPSHOT_SEALS                                                        \
    (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

struct snapshot_head {
    char magic[8];
    char kind[SNAPSHOT_KIND_MAX + 1];
    uint64_t generation;
    uint64_t size;    /* of the whole */
    uint64_t rows_at; /* offset of the first row */
    uint32_t rows;
    uint32_t row_size;
    uint64_t reserved;
};

struct snapshot_row {
    uint64_t offset, size;
    char name[SNAPSHOT_NAME_MAX + 1]; /* NUL-terminated */
};

_Static_assert(sizeof(struct snapshot_head) == SNAPSHOT_ALIGN, "one cell");
_Static_assert(sizeof(struct snapshot_row) % SNAPSHOT_ALIGN == 0, "aligned");

#endif
