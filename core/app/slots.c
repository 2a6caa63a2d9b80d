/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Listener slots: where no live, responsive worker accepts for 200 ms, a
 * neighbour does, on our word, until the slot has its own again. And the
 * watchdog: who has not turned its loop for 2 s is named, for 10 s is ended.
 */
#include "app/master.h"

#include "app/charge.h"
#include "app/message.h"
#include "base/log.h"

#include <signal.h>

#define LACKING_MS 200
#define STUCK_MS 2000
#define ABORT_MS 10000
#define KILL_MS 12000

static uint64_t silent_ms(const struct post *p, uint64_t now_ms)
{
    uint64_t beat = atomic_load(&p->cell->beat_ms);

    return now_ms > beat ? now_ms - beat : 0;
}

static bool responsive(const struct post *p, uint64_t now_ms)
{
    return p->pid != 0 && p->ready_ms != 0 && p->sock >= 0 &&
           silent_ms(p, now_ms) < STUCK_MS;
}

static void watchdog(const struct master *m, struct post *p, uint64_t now_ms)
{
    uint64_t silent = p->ready_ms ? silent_ms(p, now_ms) : 0;

    if (silent < STUCK_MS) {
        p->stuck = false;
        return;
    }
    if (!p->stuck)
        charge_stuck(m, p, silent);
    p->stuck = true;
    if (silent >= KILL_MS) {
        kill(p->pid, SIGKILL);
    } else if (silent >= ABORT_MS && !p->aborted) {
        p->aborted = true;
        kill(p->pid, SIGABRT);
    }
}

/** The responsive neighbour that comes next after the slot. */
static struct post *neighbour(struct master *m, const struct post *p,
                              uint64_t now_ms)
{
    for (size_t i = 1; i < m->n_workers; i++) {
        struct post *q = &m->posts[(p->slot + i) % m->n_workers];

        if (responsive(q, now_ms))
            return q;
    }
    return NULL;
}

static void adopt(struct master *m, struct post *p, uint64_t now_ms)
{
    struct post *q = neighbour(m, p, now_ms);

    if (!q || message_send(q->sock, MSG_ADOPT, p->slot, STR_NULL, -1) != 0)
        return;
    p->adopter = q;
    log_event(EV_slot_adopted, LOG_I("slot", p->slot),
              LOG_I("by_slot", q->slot), LOG_I("by_pid", q->pid));
}

/** All are told: one that hung meanwhile may have adopted it before. */
static void release(struct master *m, struct post *p)
{
    for (size_t i = 0; i < m->n_workers; i++) {
        if (&m->posts[i] != p && m->posts[i].sock >= 0)
            message_send(m->posts[i].sock, MSG_RELEASE, p->slot, STR_NULL, -1);
    }
    log_event(EV_slot_released, LOG_I("slot", p->slot),
              LOG_I("by_slot", p->adopter->slot));
    p->adopter = NULL;
}

/** True while the slot has no worker of its own that responds. */
static bool watch(struct master *m, struct post *p, uint64_t now_ms)
{
    if (p->adopter && !responsive(p->adopter, now_ms))
        p->adopter = NULL; /* it took the slot with it: find another */
    if (responsive(p, now_ms)) {
        p->lacking_ms = 0;
        if (p->adopter)
            release(m, p);
        return false;
    }
    if (p->lacking_ms == 0)
        p->lacking_ms = now_ms;
    if (!p->adopter && m->was_ready && now_ms - p->lacking_ms >= LACKING_MS)
        adopt(m, p, now_ms);
    return true;
}

bool slots_watch(struct master *m, uint64_t now_ms)
{
    bool lacking = false;

    for (size_t i = 0; i < m->n_posts; i++) {
        if (m->posts[i].kind == PROC_WORKER && m->posts[i].pid != 0)
            watchdog(m, &m->posts[i], now_ms);
        if (i < m->n_workers && m->phase < MASTER_DRAINING)
            lacking |= watch(m, &m->posts[i], now_ms);
    }
    return lacking;
}
