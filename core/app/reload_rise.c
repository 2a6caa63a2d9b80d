/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A reload with new workers. The posts of the slots are given to new
 * processes; the old ones move to the end of the table and keep accepting
 * until all new ones are ready. Then they drain, or, if one of the new does
 * not start, they move back.
 */
#include "app/reload_impl.h"

#include "app/message.h"
#include "app/relieve.h"
#include "base/clock.h"
#include "base/log.h"

#include <signal.h>

#define OLDER_MAX (MASTER_GENERATIONS - 1) /* beside the one in force */
#define SPARE 2 /* a canary, a worker that is relieved */
#define TOLD_TO_GO UINT64_MAX /* in place of a generation's number */

/** Old generations whose workers still have requests. */
static size_t leaving(const struct master *m, struct buf *pids)
{
    size_t n = 0, before;

    for (size_t i = m->n_workers; i < m->n_posts; i++) {
        const struct post *p = &m->posts[i];

        if (!p->leaving)
            continue;
        buf_printf(pids, " %d", (int)p->pid);
        for (before = m->n_workers; before < i; before++) {
            if (m->posts[before].leaving &&
                m->posts[before].generation == p->generation)
                break;
        }
        /* one of the present's was relieved: a swap does not add to those */
        n += before == i && p->generation != m->generation;
    }
    return n;
}

/** The oldest generation ends now, its requests with it; not the present
 * one, of which some may have been relieved. */
static void end_oldest(struct master *m)
{
    uint64_t oldest = UINT64_MAX;

    for (size_t i = m->n_workers; i < m->n_posts; i++) {
        const struct post *p = &m->posts[i];

        if (p->leaving && p->generation != m->generation &&
            p->generation < oldest)
            oldest = p->generation;
    }
    for (size_t i = m->n_workers; i < m->n_posts; i++) {
        if (m->posts[i].leaving && m->posts[i].generation == oldest)
            kill(m->posts[i].pid, SIGKILL);
    }
}

/** Of those that programs before and after an upgrade share. */
static bool cells_left(const struct master *m)
{
    return cells_free_count(m->cells) >= m->n_workers + SPARE &&
           m->n_posts + m->n_workers + SPARE <=
               MASTER_PROCESSES(m->n_workers);
}

/** Is there room for one more generation? -ERR_BUSY with who has it. */
static int room(struct master *m, struct err *err)
{
    struct buf pids = BUF_INIT(1024);
    int rc = 0;
    size_t n = leaving(m, &pids);

    if (n >= OLDER_MAX || (n && !cells_left(m))) {
        rc = err_set(err, ERR_BUSY, "workers of %zu older generation%s still "
                     "have requests (pid" STR_FMT "); wait for them, or end "
                     "the oldest with --force", n, n == 1 ? "" : "s",
                     STR_ARG(buf_str(&pids)));
    } else if (!cells_left(m)) {
        rc = err_set(err, ERR_BUSY, "workers of earlier programs, or ones "
                     "that were relieved (pid" STR_FMT "), still have "
                     "requests, and there is no room for more; wait until "
                     "they have drained", STR_ARG(buf_str(&pids)));
    }
    buf_clear(&pids);
    return rc;
}

void rise_start(struct master *m)
{
    struct reload *r = &m->reload;
    struct listeners next;
    struct err err = { 0 };
    int rc;

    if (room(m, &err) != 0 && !r->wishes[0].no_wait) {
        if (r->stage != RELOAD_WAITING && r->wishes[0].force)
            end_oldest(m);
        r->stage = RELOAD_WAITING; /* and then we come here again */
        return;
    }
    if (!err.code && !r->canary.serving && canary_wanted(m)) {
        canary_start(m);
        return;
    }
    rc = err.code ? -err.code
                  : listeners_open(&next, r->next.config,
                                   m->listeners.slots, &m->listeners, &err);
    if (rc == -ERR_EXISTS && clock_mono_ms() < r->started_ms + RELOAD_FREE_MS) {
        r->stage = RELOAD_WAITING; /* workers that drain hold it yet */
        return;
    }
    if (rc) {
        reload_refuse(m, &err);
        return;
    }
    reload_take(m, &r->former);
    r->listeners = m->listeners;
    m->listeners = next;
    for (size_t i = 0; i < m->n_workers; i++) {
        posts_make_way(m, &m->posts[i]);
        canary_take(m, &m->posts[i]);
    }
    r->stage = RELOAD_RISING;
    r->until_ms = clock_mono_ms() + RELOAD_RISE_MS;
}

/** The new process of this slot ends, the old one has it again. */
static void move_back(struct master *m, struct post *p)
{
    struct post fresh = *p;

    for (size_t i = m->n_workers; i < m->n_posts; i++) {
        struct post *old = &m->posts[i];

        if (!old->leaving || old->slot != p->slot ||
            old->generation != m->generation)
            continue;
        *p = *old;
        p->leaving = false;
        if (p->sock >= 0) /* it may have left the slot to a canary */
            message_send(p->sock, MSG_ADOPT, p->slot, STR_NULL, -1);
        *old = fresh;
        old->leaving = true;
        if (old->pid != 0)
            kill(old->pid, SIGKILL);
        else
            posts_drop(m, old);
        return;
    }
    if (p->pid != 0)
        kill(p->pid, SIGKILL); /* its slot had no process: start anew */
}

void rise_fail(struct master *m, const struct err *err)
{
    struct reload *r = &m->reload;

    r->next = (struct served){ m->loaded, m->config, m->generation };
    m->loaded = r->former.loaded;
    m->config = r->former.config;
    m->generation = r->former.number;
    r->former = (struct served){ 0 };
    r->watch.begun = false;
    for (size_t i = 0; i < m->n_workers; i++)
        move_back(m, &m->posts[i]);
    listeners_give_up(&m->listeners, &r->listeners);
    m->listeners = r->listeners;
    r->listeners.n = 0;
    reload_refuse(m, err);
}

void rise_tell(struct master *m)
{
    const struct reload *r = &m->reload;

    for (size_t i = m->n_workers; i < m->n_posts; i++) {
        struct post *p = &m->posts[i];
        bool serves = (r->stage == RELOAD_RISING &&
                       p->generation == r->former.number) ||
                      relieve_waits(m, p, clock_mono_ms());

        if (p->leaving && !serves && p->sock >= 0 && p->told != TOLD_TO_GO &&
            message_send(p->sock, MSG_DRAIN, 1, STR_NULL, -1) == 0)
            p->told = TOLD_TO_GO;
    }
}

static void commit(struct master *m)
{
    struct reload *r = &m->reload;

    bake_measure(m, r->former.number);
    listeners_replace(&m->listeners, &r->listeners);
    if (m->loaded.new_code) /* what bodies met in the old is not there */
        charges_forgive(cells_charges(m->cells));
    reload_follow(m, m->loaded.helpers);
    reload_keep(m, &r->former);
    r->former = (struct served){ 0 };
    bake_begin(m);
    r->stage = RELOAD_LEAVING;
    rise_tell(m);
    r->until_ms = clock_mono_ms() + RELOAD_FLIP_MS;
}

void reload_unlistened(struct master *m, struct post *p, struct message *msg)
{
    (void)m;
    (void)msg;
    p->unlistened = true;
}

/** Who asked is told when no old worker takes a connection any more. */
static void leave_step(struct master *m, uint64_t now_ms)
{
    for (size_t i = m->n_workers; i < m->n_posts; i++) {
        const struct post *p = &m->posts[i];

        if (!p->leaving || p->unlistened || p->sock < 0)
            continue;
        if (now_ms >= m->reload.until_ms)
            reload_done(m, "new workers", "an old worker still accepts; it "
                                          "ends, or the watchdog ends it");
        return;
    }
    reload_done(m, "new workers", reload_note(m));
}

void rise_step(struct master *m, uint64_t now_ms)
{
    struct err err = { 0 };

    if (m->reload.stage == RELOAD_LEAVING) {
        leave_step(m, now_ms);
    } else if (posts_ready(m, PROC_WORKER) && posts_ready(m, PROC_MOCK)) {
        commit(m);
    } else if (now_ms >= m->reload.until_ms) {
        err_set(&err, ERR_TIMEOUT, "new workers were not ready within %d s",
                RELOAD_RISE_MS / 1000);
        rise_fail(m, &err);
    }
}
