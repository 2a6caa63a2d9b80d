/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What another program must know of the cells' layout to use the same memory,
 * and how much of it is in use. */
#include "engine/cells_layout.h"

#include "base/buf.h"

/* The number is counted up when a field gets another meaning or place. */
void cells_put_layout(size_t block_size, uint32_t requests, struct buf *out)
{
    buf_printf(out, "cells 1 block %zu process %zu request %zu ring %zu "
               "lines %zu requests %u", block_size,
               sizeof(struct process_cell), sizeof(struct request_cell),
               sizeof(struct explain_ring), sizeof(struct log_gathered),
               requests);
    for (int i = 0; i < METRIC_COUNT; i++)
        buf_printf(out, " %s(%s)", metric_infos[i].name,
                   metric_infos[i].labels);
}

uint32_t cells_free_count(const struct cells *c)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < cells_header(c)->processes; i++)
        n += atomic_load(&cells_block(c, i).process->kind) == PROC_FREE;
    return n;
}

uint32_t cells_processes(const struct cells *c)
{
    return cells_header(c)->processes;
}
