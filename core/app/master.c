/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The master's loop: start what is due, watch the slots, wait, hear. How it
 * all is opened and closed is in master_open.c.
 */
#include "app/master.h"

#include "app/banner.h"
#include "app/control.h"
#include "app/keeper_process.h"
#include "app/master_alerts.h"
#include "app/master_open.h"
#include "app/message.h"
#include "app/mock_process.h"
#include "app/notify.h"
#include "app/relieve.h"
#include "app/worker.h"
#include "base/clock.h"
#include "base/log.h"
#include "engine/config.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define TURN_MS 500          /* how long a turn waits at most */
#define LACKING_TURN_MS 50   /* the same, while a slot has no worker */
#define STOP_MS 3000         /* then they are killed */

int (*master_runs[])(const struct child *c) = {
    [PROC_WORKER] = worker_run,
    [PROC_KEEPER] = keeper_run,
    [PROC_MOCK] = mock_run,
};

const char *const master_kinds[] = {
    [PROC_WORKER] = "worker",
    [PROC_KEEPER] = "keeper",
    [PROC_MOCK] = "mock",
};

/* ---- phases ------------------------------------------------------------ */

void master_drain(struct master *m)
{
    if (m->phase >= MASTER_DRAINING)
        return;
    reload_end(m);
    upgrade_end(m);
    m->phase = MASTER_DRAINING;
    m->give_up_ms = clock_mono_ms() + m->config->server.drain_timeout_ms +
                    MASTER_GRACE_MS;
    log_event(EV_serve_drain,
              LOG_I("workers", (int64_t)posts_alive(m, PROC_WORKER)));
    notify_manager("STOPPING=1");
    posts_tell(m, PROC_WORKER, MSG_DRAIN);
    master_close_listeners(m);
}

/** Whoever of ours is left is told to end. */
static void end_all(struct master *m)
{
    if (m->phase == MASTER_STOPPING)
        return;
    reload_end(m);
    upgrade_end(m);
    m->phase = MASTER_STOPPING;
    m->give_up_ms = clock_mono_ms() + STOP_MS;
    for (int kind = PROC_WORKER; kind <= PROC_MOCK; kind++)
        posts_tell(m, (enum process_kind)kind, MSG_STOP);
    master_close_listeners(m);
}

void master_stop(struct master *m)
{
    heir_stop_former(m); /* not when all of ours have drained: its have not */
    end_all(m);
}

/** The former goes on: what our workers took they finish. */
static void give_back(struct master *m)
{
    if (m->phase >= MASTER_DRAINING)
        return;
    m->phase = MASTER_DRAINING;
    m->give_up_ms = clock_mono_ms() + m->config->server.drain_timeout_ms +
                    MASTER_GRACE_MS;
    for (size_t i = 0; i < m->n_posts; i++) {
        if (m->posts[i].kind == PROC_WORKER && m->posts[i].sock >= 0)
            message_send(m->posts[i].sock, MSG_DRAIN, 1, STR_NULL, -1);
    }
    master_close_listeners(m);
}

void master_fail(struct master *m, const struct err *err)
{
    if (!m->failed)
        m->err = *err;
    m->failed = true;
    if (heir_fail(m, &m->err))
        give_back(m);
    else
        master_stop(m);
}

int master_reopen(struct master *m, struct err *err)
{
    if (log_reopen() != 0) {
        int rc = err_errno(err, STR_FMT, STR_ARG(m->config->log.to));

        log_event(EV_log_failed, LOG_Z("why", err->msg));
        return rc;
    }
    master_own_log(m);
    for (int kind = PROC_WORKER; kind <= PROC_MOCK; kind++)
        posts_tell(m, (enum process_kind)kind, MSG_REOPEN);
    log_event(EV_log_reopened, LOG_I("pid", getpid()));
    return 0;
}

static void on_ready(struct master *m)
{
    m->was_ready = true;
    m->phase = MASTER_RUNNING;
    log_event(EV_serve_ready, LOG_I("pid", getpid()),
              LOG_I("workers", (int64_t)m->n_workers),
              LOG_I("ms", (int64_t)(clock_mono_ms() - m->started_ms)));
    if (m->heir.former == 0)
        banner_print(m);
    notify_manager("READY=1");
}

static bool kinds_ready(const struct master *m)
{
    return posts_ready(m, PROC_WORKER) && posts_ready(m, PROC_MOCK);
}

static bool all_gone(const struct master *m)
{
    for (size_t i = 0; i < m->n_posts; i++) {
        if (m->posts[i].pid != 0)
            return false;
    }
    return true;
}

static void kill_all(struct master *m)
{
    for (size_t i = 0; i < m->n_posts; i++) {
        if (m->posts[i].pid != 0)
            kill(m->posts[i].pid, SIGKILL);
    }
    m->give_up_ms = clock_mono_ms() + STOP_MS;
}

/** Step from phase to phase. Returns true when all is over. */
static bool step(struct master *m, uint64_t now_ms)
{
    if (m->phase == MASTER_STARTING && kinds_ready(m) && heir_takes_over(m))
        on_ready(m);
    if (m->phase == MASTER_DRAINING &&
        (posts_alive(m, PROC_WORKER) == 0 || now_ms >= m->give_up_ms))
        end_all(m);
    if (m->phase != MASTER_STOPPING)
        return false;
    if (now_ms >= m->give_up_ms)
        kill_all(m);
    return all_gone(m);
}

/* ---- the loop ---------------------------------------------------------- */

static void on_signal(struct master *m, uint32_t signo)
{
    struct err err = { 0 };

    if (signo == SIGCHLD) {
        posts_reap(m);
    } else if (signo == SIGUSR1) {
        master_reopen(m, &err);
    } else if (signo == SIGUSR2) {
        upgrade_want(m, 0, &err);
    } else if (signo == SIGHUP) {
        reload_want(m, &(struct reload_wish){ .plan = false });
    } else if (signo == SIGTERM || signo == SIGINT) {
        err_set(&err, ERR_CANCELLED, "stopped by a signal");
        if (heir_waits(&m->heir))
            master_fail(m, &err);
        else if (m->phase >= MASTER_DRAINING || !m->was_ready)
            master_stop(m);
        else
            master_drain(m);
    }
}

static void read_signals(struct master *m)
{
    struct signalfd_siginfo info;

    while (read(m->signal_fd, &info, sizeof info) == sizeof info)
        on_signal(m, info.ssi_signo);
}

enum { POLL_MAX = 1 + 1 + CONTROL_MAX_CONNS + 4 +
                  MASTER_PROCESSES(MASTER_MAX_WORKERS) };

static void turn(struct master *m, int timeout_ms)
{
    struct pollfd p[POLL_MAX];
    struct post *who[POLL_MAX];
    size_t n = 0, n_control, first, n_posts;

    p[n++] = (struct pollfd){ .fd = m->signal_fd, .events = POLLIN };
    n_control = heir_waits(&m->heir) ? 0 : control_poll(m->control, p + n);
    n += n_control;
    first = n;
    for (size_t i = 0; i < m->n_posts; i++) {
        if (m->posts[i].sock < 0)
            continue;
        who[n] = &m->posts[i];
        p[n++] = (struct pollfd){ .fd = m->posts[i].sock, .events = POLLIN };
    }
    n_posts = n;
    if (reload_sock(m) >= 0)
        p[n++] = (struct pollfd){ .fd = reload_sock(m), .events = POLLIN };
    if (watch_sock(m) >= 0)
        p[n++] = (struct pollfd){ .fd = watch_sock(m), .events = POLLIN };
    if (upgrade_is_on(&m->upgrade))
        p[n++] = (struct pollfd){ .fd = m->upgrade.sock, .events = POLLIN };
    if (m->heir.former)
        p[n++] = (struct pollfd){ .fd = m->heir.sock, .events = POLLIN };
    if (poll(p, n, timeout_ms) < 0)
        return;
    if (p[0].revents)
        read_signals(m);
    for (size_t i = first; i < n_posts; i++) {
        if (p[i].revents && who[i]->sock == p[i].fd)
            post_hear(m, who[i]);
    }
    if (watch_sock(m) >= 0)
        watch_hear(m);
    control_serve(m->control, m, p + 1, n_control);
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

void master_loop(struct master *m)
{
    for (;;) {
        uint64_t now = clock_mono_ms(), wait = TURN_MS;

        kept_step(m, now);
        watch_step(m, now);
        wait = least(wait, watch_wait(m, now));
        reload_step(m, now);
        upgrade_step(m, now);
        heir_step(m);
        control_keeper_step(m, now);
        wait = least(wait, notify_alive(&m->watch, now));
        relieve_step(m, now);
        master_alerts_step(m, now);
        wait = least(wait, posts_start_due(m, now));
        if (slots_watch(m, now))
            wait = least(wait, LACKING_TURN_MS);
        if (step(m, now))
            return;
        if (m->phase >= MASTER_DRAINING)
            wait = least(wait, m->give_up_ms > now ? m->give_up_ms - now : 0);
        keys_relay(m);
        turn(m, (int)wait);
    }
}

int master_serve(const char *file, const char *socket, bool last_good,
                 struct err *err)
{
    struct master m = { .file = file, .last_good = last_good,
                        .started_ms = clock_mono_ms() };
    int rc = master_open(&m, socket, err);

    if (rc)
        heir_fail(&m, err);
    if (rc == 0) {
        master_loop(&m);
        if (m.failed)
            *err = m.err;
        else
            log_event(EV_serve_stop, LOG_I("pid", getpid()));
        rc = m.failed ? -m.err.code : 0;
    }
    master_close(&m);
    return rc;
}
