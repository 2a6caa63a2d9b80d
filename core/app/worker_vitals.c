/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* With its beat a worker measures itself, and gives memory back. */
#include "app/worker_impl.h"

#include <malloc.h>

#define MEASURE_MS 1000

static void measure(struct worker *w, uint64_t now)
{
    struct vitals *v = &w->process->vitals;
    uint32_t inflight = (uint32_t)flow_inflight(w->flow);
    uint64_t memory = vitals_memory();

    if (trim_due(&w->trim, memory, inflight, now)) {
        malloc_trim(0);
        memory = vitals_memory();
        trim_done(&w->trim, memory, now);
    }
    atomic_store(&v->memory, memory);
    atomic_store(&v->fds, vitals_fds());
    atomic_store(&v->fds_max, vitals_fds_max());
    metric_set(METRIC_MEMORY, NULL, (int64_t)memory);
    metric_set(METRIC_FDS, NULL, (int64_t)atomic_load(&v->fds));
}

void worker_vitals(struct worker *w, uint64_t next_ms)
{
    uint64_t now = loop_now_ms(w->loop);
    uint64_t late = w->beat_due_ms && now > w->beat_due_ms
                        ? now - w->beat_due_ms : 0;

    w->beat_due_ms = now + next_ms;
    vitals_late(&w->process->vitals, late);
    metric_observe(METRIC_LOOP_LAG, NULL, late * 1000);
    if (now < w->measured_ms + MEASURE_MS)
        return;
    w->measured_ms = now;
    measure(w, now);
}
