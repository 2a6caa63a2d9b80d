/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A worker that holds more memory than it may is relieved: its post moves to
 * the end of the table, a new process has the slot, and when that is ready
 * the old one finishes its requests and ends. One at a time, not while a
 * reload is under way, and a slot at most once in a while: where every worker
 * is soon that large the limit is wrong, and the alert says so.
 */
#include "app/relieve.h"

#include "base/log.h"
#include "engine/config.h"

#define AGAIN_MS 60000 /* a slot's next */
#define RISE_MS 30000  /* for the new one to be ready; then the old goes */

static uint64_t memory_of(const struct post *p)
{
    return p->cell ? atomic_load(&p->cell->vitals.memory) : 0;
}

static bool is_due(const struct master *m, const struct post *p,
                   uint64_t now_ms)
{
    return p->pid != 0 && p->ready_ms != 0 && p->sock >= 0 && !p->stuck &&
           memory_of(p) > m->config->server.memory.hard &&
           (p->relieved_ms == 0 || now_ms - p->relieved_ms >= AGAIN_MS);
}

static bool someone_leaves(const struct master *m)
{
    for (size_t i = m->n_workers; i < m->n_posts; i++) {
        if (m->posts[i].leaving && m->posts[i].relieved_ms)
            return true;
    }
    return false;
}

static void relieve(struct master *m, struct post *p, uint64_t now_ms)
{
    log_event(EV_worker_relieved, LOG_I("pid", p->pid),
              LOG_I("slot", p->slot),
              LOG_I("memory_bytes", (int64_t)memory_of(p)),
              LOG_I("memory_hard", (int64_t)m->config->server.memory.hard));
    metric_add(METRIC_RELIEVED, NULL, 1);
    p->relieved_ms = now_ms;
    posts_make_way(m, p);
    p->relieved_ms = now_ms;
}

void relieve_step(struct master *m, uint64_t now_ms)
{
    if (m->phase != MASTER_RUNNING || m->reload.stage != RELOAD_NONE ||
        someone_leaves(m))
        return;
    for (size_t i = 0; i < m->n_workers; i++) {
        if (is_due(m, &m->posts[i], now_ms)) {
            relieve(m, &m->posts[i], now_ms);
            return;
        }
    }
}

bool relieve_waits(const struct master *m, const struct post *p,
                   uint64_t now_ms)
{
    const struct post *next = &m->posts[p->slot];

    return p->relieved_ms && m->phase == MASTER_RUNNING && !next->ready_ms &&
           now_ms - p->relieved_ms < RISE_MS;
}
