/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * How the shared memory is laid out: the header, then for each process a
 * block {process cell, request cells, column, ring, gathered lines}, and the
 * retired total. Offsets are computed from the two counts in the header.
 */
#ifndef PENSTOCK_ENGINE_CELLS_LAYOUT_H
#define PENSTOCK_ENGINE_CELLS_LAYOUT_H

#include "base/log.h"
#include "engine/alert.h"
#include "engine/cells.h"
#include "engine/explain_ring.h"
#include "engine/metrics_column.h"

struct cells_header {
    uint64_t boot_id;
    uint32_t processes, requests; /* cells; request cells per process */
    _Atomic uint64_t fold_seq;    /* odd while a column is being retired */
    struct alert_board alerts;
    struct metrics_column retired;
};

/** One process's part, as pointers into the mapping. */
struct cells_block {
    struct process_cell *process;
    struct request_cell *requests;
    struct metrics_column *column;
    struct explain_ring *ring;
    struct log_gathered *lines;
};

struct buf;

/** As text, all that decides where what lies; metrics are known by their
 * numbers, so their names are in it. */
void cells_put_layout(size_t block_size, uint32_t requests, struct buf *out);

struct cells_block cells_block(const struct cells *c, uint32_t i);
struct cells_header *cells_header(const struct cells *c);

#endif
