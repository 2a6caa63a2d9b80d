/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What the shared cells tell: metrics as text, a request's timeline. */
#include "engine/cells_layout.h"

#include <sched.h>
#include <stdlib.h>

#define FOLD_TRIES 1000

void cells_beat(struct process_cell *p, uint64_t now_ms, size_t inflight,
                size_t connections)
{
    atomic_store_explicit(&p->inflight, (uint32_t)inflight,
                          memory_order_relaxed);
    atomic_store_explicit(&p->connections, (uint32_t)connections,
                          memory_order_relaxed);
    atomic_store_explicit(&p->beat_ms, now_ms, memory_order_release);
}

enum { EXTRA_INFLIGHT, EXTRA_CONNECTIONS, EXTRA_WORKERS, EXTRA_COUNT };

static void count_workers(const struct cells *c, struct metrics_extra *extra)
{
    const struct process_cell *p;
    uint32_t at = 0;

    extra[EXTRA_INFLIGHT].id = METRIC_INFLIGHT;
    extra[EXTRA_CONNECTIONS].id = METRIC_CONNECTIONS;
    extra[EXTRA_WORKERS].id = METRIC_WORKERS;
    while ((p = cells_next(c, &at))) {
        if (atomic_load(&p->kind) != PROC_WORKER)
            continue;
        extra[EXTRA_INFLIGHT].value += atomic_load(&p->inflight);
        extra[EXTRA_CONNECTIONS].value += atomic_load(&p->connections);
        extra[EXTRA_WORKERS].value += atomic_load(&p->state) == PROC_READY;
    }
}

int cells_metrics_text(const struct cells *c, struct buf *out)
{
    const struct cells_header *h = cells_header(c);
    const struct metrics_column **columns;
    uint32_t n = h->processes;
    size_t mark = out->n;
    int rc = -ERR_BUSY;

    columns = malloc((n + 1) * sizeof *columns);
    if (!columns)
        return -ERR_NOMEM;
    for (uint32_t i = 0; i < n; i++)
        columns[i] = cells_block(c, i).column;
    columns[n] = &h->retired;
    for (int try = 0; try < FOLD_TRIES && rc == -ERR_BUSY; try++) {
        struct metrics_extra extra[EXTRA_COUNT] = { 0 };
        uint64_t seq = atomic_load(&h->fold_seq);

        out->n = mark;
        count_workers(c, extra);
        rc = metrics_text(columns, n + 1, extra, EXTRA_COUNT, out);
        if (!rc && ((seq & 1) || atomic_load(&h->fold_seq) != seq)) {
            rc = -ERR_BUSY;
            sched_yield();
        }
    }
    free(columns);
    return rc;
}

int cells_explain(const struct cells *c, struct str id, struct buf *out)
{
    for (uint32_t i = 0; i < cells_header(c)->processes; i++) {
        int rc = explain_find(cells_block(c, i).ring, id, out);

        if (rc != -ERR_NOTFOUND)
            return rc;
    }
    return -ERR_NOTFOUND;
}
