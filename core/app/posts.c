/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Posts: forking the processes that should live, hearing them, and taking
 * account of the dead. Who dies soon after the start is waited for a little
 * longer each time; who had lived is replaced at once.
 */
#include "app/master.h"

#include "app/charge.h"
#include "app/control.h"
#include "app/lost.h"
#include "app/message.h"
#include "base/clock.h"
#include "base/log.h"
#include "engine/config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define EARLY_MS 1000 /* a death within this time after READY is an early one */

uint64_t post_backoff_ms(uint32_t early)
{
    if (early < 2)
        return 0;
    return early >= 7 ? 30000 : (uint64_t)1000 << (early - 2);
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void posts_let_go(const struct master *m)
{
    control_close_fds(m->control);
    for (size_t i = 0; i < m->n_posts; i++) {
        if (m->posts[i].sock >= 0)
            close(m->posts[i].sock);
    }
    keys_close_fds((struct master *)(uintptr_t)m); /* ours by the fork */
    upgrade_let_go(m);
}

/** In the child: let go of what is the master's alone. */
static void close_masters(const struct child *c)
{
    const struct master *m = c->m;

    close(m->signal_fd);
    posts_let_go(m);
    if (c->post->kind != PROC_KEEPER && m->metrics_fd >= 0)
        close(m->metrics_fd);
    if (c->post->kind != PROC_KEEPER && m->admin_fd >= 0)
        close(m->admin_fd);
    if (c->post->kind != PROC_MOCK && m->sim_fd >= 0)
        close(m->sim_fd);
    if (c->post->kind != PROC_MOCK && m->life[0] >= 0)
        close(m->life[0]);
    if (c->post->kind != PROC_WORKER && m->life[1] >= 0)
        close(m->life[1]);
    if (c->post->kind != PROC_WORKER)
        listeners_let_go(&m->listeners);
    reload_let_go(m);
}

/** Signals mean the master: a terminal sends them to all of us. */
static void own_signals(void)
{
    static const int ignored[] = { SIGINT,  SIGTERM, SIGHUP, SIGUSR1,
                                   SIGUSR2, SIGQUIT, SIGPIPE };
    sigset_t none;

    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
        signal(ignored[i], SIG_IGN);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void child_main(struct master *m, struct post *p, int sock)
{
    struct child c = { .m = m, .post = p, .sock = sock };
    char name[32];

    own_signals();
    close_masters(&c);
    cells_enter(m->cells, p->cell);
    if (p->kind == PROC_WORKER)
        snprintf(name, sizeof name, "worker %u", p->slot);
    else
        snprintf(name, sizeof name, "%s", master_kinds[p->kind]);
    log_process(name);
    exit(master_runs[p->kind](&c));
}

/** The next start comes later, the more deaths there were. */
static void plan_next(struct post *p, bool early, uint64_t now_ms)
{
    p->early = early ? p->early + 1 : 0;
    p->start_ms = now_ms + post_backoff_ms(p->early);
    if (p->early >= 2 && p->kind == PROC_WORKER)
        log_event(EV_worker_backoff, LOG_I("slot", p->slot),
                  LOG_I("deaths", p->early),
                  LOG_I("wait_ms", (int64_t)(p->start_ms - now_ms)));
}

/** The system did not give us another process. */
static void not_started(struct post *p, const struct err *err)
{
    log_event(EV_worker_died, LOG_Z("kind", master_kinds[p->kind]),
              LOG_I("slot", p->slot), LOG_Z("why", err->msg));
    plan_next(p, true, clock_mono_ms());
}

void post_start(struct master *m, struct post *p)
{
    struct err err = { 0 };
    int ends[2];
    pid_t pid;

    p->ready_ms = p->prepared = p->told = 0;
    p->generation = m->generation;
    p->retired = p->handed = false;
    p->stuck = p->aborted = p->ended = p->unlistened = false;
    p->why[0] = '\0';
    if (message_pair(ends, &err) != 0) {
        not_started(p, &err);
        return;
    }
    charge_enter(m);
    p->cell = cells_claim(m->cells, p->kind, p->slot);
    keys_inherit(m, p);
    fflush(NULL);
    pid = p->cell ? fork() : -1;
    if (pid == 0) {
        close(ends[0]);
        child_main(m, p, ends[1]);
    }
    if (pid < 0) {
        err_errno(&err, p->cell ? "fork" : "no process cell");
        close(ends[0]);
        close(ends[1]);
        if (p->cell)
            cells_reap(m->cells, p->cell, NULL, NULL);
        p->cell = NULL;
        not_started(p, &err);
        return;
    }
    close(ends[1]);
    p->pid = pid;
    p->sock = ends[0];
    atomic_store(&p->cell->pid, (int32_t)pid);
    reload_greet(m, p);
}

uint64_t posts_start_due(struct master *m, uint64_t now_ms)
{
    uint64_t next = UINT64_MAX;

    if (m->phase >= MASTER_DRAINING)
        return next;
    for (size_t i = 0; i < m->n_posts; i++) {
        struct post *p = &m->posts[i];

        if (p->leaving || p->canary ||
            (p->kind == PROC_WORKER && keys_awaited(m, now_ms)) ||
            (p->kind == PROC_KEEPER && m->heir.keeper_waits))
            continue;
        if (p->pid == 0 && p->start_ms <= now_ms)
            post_start(m, p);
        if (p->pid == 0) {
            uint64_t wait = p->start_ms > now_ms ? p->start_ms - now_ms : 0;

            next = wait < next ? wait : next;
        }
    }
    return next;
}

/** The post's process ended: account for it, plan the next. */
static void bury(struct master *m, struct post *p, int status)
{
    uint64_t now = clock_mono_ms();
    bool asked = m->phase >= MASTER_DRAINING || p->leaving || p->retired;
    struct lost lost = { .json = m->config->log.json };
    struct suspect suspect;
    bool crashed = false;

    p->ended = true;
    if (p->sock >= 0)
        post_hear(m, p); /* its last words; they move no post */
    close_fd(&p->sock);
    charge_suspect(m, p, &suspect);
    lost.suspect = str_of(suspect.request);
    if (m->rings)
        lost.ring = ledger_ring(m->rings, cells_index(m->cells, p->cell));
    cells_reap(m->cells, p->cell, lost_request, &lost);
    if (p->kind == PROC_WORKER && m->limiter)
        limiter_reap(m->limiter, cells_index(m->cells, p->cell));
    if (!asked || status != 0) /* the cell is ours until the next */
        crashed = charge_death(m, p, status, &suspect, &lost);
    p->cell = NULL;
    p->pid = 0;
    if (p->kind == PROC_KEEPER)
        control_keeper_gone(m);
    if (asked) {
        p->start_ms = now;
        return;
    }
    p->deaths++;
    if (p->kind == PROC_WORKER)
        metric_add(METRIC_WORKER_DEATHS, NULL, 1);
    if (!m->was_ready && p->ready_ms == 0 && p->kind != PROC_KEEPER) {
        struct err err = { 0 };

        err_set(&err, ERR_IO, "%s %u ended before it was ready",
                master_kinds[p->kind], p->slot);
        master_fail(m, &err);
    }
    plan_next(p, p->ready_ms == 0 || now - p->ready_ms < EARLY_MS, now);
    if (crashed) /* first: a failed start gives the post to the former */
        reload_worker_crashed(m, p);
    if (p->kind == PROC_WORKER)
        reload_worker_failed(m, p, p->why);
}

void posts_drop(struct master *m, struct post *p)
{
    struct post *last = &m->posts[--m->n_posts];

    if (p != last)
        *p = *last;
    *last = (struct post){ .sock = -1 };
}

struct post *posts_find(struct master *m, size_t at, pid_t pid)
{
    if (pid == 0)
        return NULL;
    if (at < m->n_posts && m->posts[at].pid == pid)
        return &m->posts[at];
    for (size_t i = 0; i < m->n_posts; i++) {
        if (m->posts[i].pid == pid)
            return &m->posts[i];
    }
    return NULL;
}

/** A post whose process left is no more. */
static void forget_leaving(struct master *m)
{
    for (size_t i = m->n_posts; i-- > m->n_workers;) {
        if (m->posts[i].leaving && m->posts[i].pid == 0)
            posts_drop(m, &m->posts[i]);
    }
}

void posts_reap(struct master *m)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        for (size_t i = 0; i < m->n_posts; i++) {
            if (m->posts[i].pid == pid) {
                bury(m, &m->posts[i], status);
                forget_leaving(m);
                break;
            }
        }
        upgrade_reaped(m, pid, status);
    }
}

void posts_make_way(struct master *m, struct post *p)
{
    struct post *old = &m->posts[m->n_posts];

    p->adopter = NULL;
    if (p->pid != 0) {
        *old = *p;
        old->leaving = true;
        m->n_posts++;
    }
    *p = (struct post){ .kind = PROC_WORKER, .slot = p->slot, .sock = -1,
                        .deaths = p->deaths };
}

void posts_tell(struct master *m, enum process_kind kind, uint32_t type)
{
    for (size_t i = 0; i < m->n_posts; i++) {
        if (m->posts[i].kind == kind && m->posts[i].sock >= 0)
            message_send(m->posts[i].sock, type, 0, STR_NULL, -1);
    }
}

size_t posts_alive(const struct master *m, enum process_kind kind)
{
    size_t n = 0;

    for (size_t i = 0; i < m->n_posts; i++)
        n += m->posts[i].kind == kind && m->posts[i].pid != 0;
    return n;
}

bool posts_ready(const struct master *m, enum process_kind kind)
{
    for (size_t i = 0; i < m->n_posts; i++) {
        if (m->posts[i].kind == kind && !m->posts[i].leaving &&
            m->posts[i].ready_ms == 0)
            return false;
    }
    return true;
}
