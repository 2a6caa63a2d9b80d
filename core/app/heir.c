/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The new master: take what the former gives, say when all is ready, wait for
 * its word, and tidy up if it goes before its processes.
 */
#include "app/upgrade.h"

#include "app/lost.h"
#include "app/master.h"
#include "app/master_open.h"
#include "app/message.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/share.h"
#include "base/snapshot.h"
#include "engine/config.h"
#include "engine/key_table.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/** "12,13": the socket to the former, and the list. */
static bool read_fds(const char *text, int *sock, int *list)
{
    return sscanf(text, "%d,%d", sock, list) == 2 && *sock > 2 && *list > 2 &&
           fcntl(*sock, F_SETFD, FD_CLOEXEC) == 0 &&
           fcntl(*list, F_SETFD, FD_CLOEXEC) == 0;
}

int heir_open(struct master *m, struct err *err)
{
    const char *text = getenv(UPGRADE_ENV);
    struct heir *h = &m->heir;
    int list, rc;

    h->sock = -1;
    if (!text)
        return 0;
    if (!read_fds(text, &h->sock, &list)) {
        h->sock = -1;
        return err_set(err, ERR_CONFIG, UPGRADE_ENV " is for a program that "
                       "is started by another: unset it");
    }
    unsetenv(UPGRADE_ENV);
    h->borrowed = h->keeper_waits = true;
    rc = manifest_read(m, list, err);
    close(list);
    return rc;
}

/* ---- snapshots --------------------------------------------------------- */

static struct snapshot *take(struct master *m, const char *what, int *held)
{
    struct err err = { 0 };
    struct snapshot *s;
    int fd = given_take(&m->heir.given, what, STR_NULL, NULL);

    if (fd < 0)
        return NULL;
    s = snapshot_open(fd, &err);
    if (!s) {
        close(fd); /* of another build: ours comes from the keeper */
        return NULL;
    }
    *held = fd;
    return s;
}

/** Workers that could not read the keys would refuse every caller until our
 * keeper has the database. */
static int check_keys(const struct master *m, struct err *err)
{
    struct key_table *t = key_table_new();
    int rc = t && m->keys.base ? key_table_update(t, m->keys.base)
                               : -ERR_NOMEM;

    if (!rc && m->keys.delta)
        rc = key_table_update(t, m->keys.delta);
    key_table_free(t);
    return rc ? err_set(err, ERR_CONFIG, "the table of keys is of a format "
                        "that this build does not read: stop that one, then "
                        "start this")
              : 0;
}

int heir_snapshots(struct master *m, struct err *err)
{
    int fd = given_take(&m->heir.given, "keys", STR_NULL, NULL);
    int delta = given_take(&m->heir.given, "keys_delta", STR_NULL, NULL);
    bool had = fd >= 0;

    m->addresses = take(m, "addresses", &m->addresses_fd);
    m->jwks = take(m, "jwks", &m->jwks_fd);
    m->fetched = take(m, "fetched", &m->fetched_fd);
    if (had)
        keys_take(m, fd);
    if (delta >= 0)
        keys_take(m, delta);
    if (had)
        close(fd);
    if (delta >= 0)
        close(delta);
    return had && m->config->admin.keys_store ? check_keys(m, err) : 0;
}

/* ---- taking over ------------------------------------------------------- */

static void say_fresh(const struct master *m, struct buf *out)
{
    if (m->heir.fresh)
        buf_puts(out, "breakers, counters, recent requests");
    if (m->heir.fresh_limits)
        buf_printf(out, "%slimits", buf_len(out) ? ", " : "");
    if (m->heir.fresh_kv)
        buf_printf(out, "%sps.kv", buf_len(out) ? ", " : "");
}

static void say_ready(struct master *m)
{
    struct heir *h = &m->heir;
    struct buf fresh = BUF_INIT(256), text = BUF_INIT(1024);

    say_fresh(m, &fresh);
    if (buf_len(&fresh))
        log_event(EV_upgrade_fresh, LOG_S("what", buf_str(&fresh)));
    buf_puts(&text, "{\"version\":");
    buf_json_str(&text, STR(PS_VERSION));
    buf_printf(&text, ",\"generation\":%llu,\"keeper\":%s,\"fresh\":",
               (unsigned long long)m->generation,
               h->fresh ? "true" : "false");
    buf_json_str(&text, buf_str(&fresh));
    buf_putc(&text, '}');
    message_send(h->sock, MSG_READY, 0, buf_str(&text), -1);
    h->said_ready = true;
    buf_clear(&fresh);
    buf_clear(&text);
}

/** What the former had is ours. */
static void switch_over(struct master *m)
{
    struct heir *h = &m->heir;
    struct err err = { 0 };

    if (!h->borrowed)
        return;
    h->borrowed = false;
    master_show(m);
    if (m->lock_fd < 0 && master_open_lock(m, &err) != 0)
        log_event(EV_serve_failed, LOG_Z("why", err.msg));
    kept_open(m);
    listeners_replace(&m->listeners, &h->given.listeners);
    given_clear(&h->given);
}

static void gone(struct master *m)
{
    struct heir *h = &m->heir;

    close(h->sock);
    h->sock = -1;
    h->keeper_waits = false;
    h->sweeps = !h->fresh;
    switch_over(m);
}

static void hear(struct master *m)
{
    static struct message msg; /* 48 KiB: not for the stack */
    struct heir *h = &m->heir;
    int rc;

    while (h->sock >= 0 && (rc = message_recv(h->sock, &msg)) != 0) {
        if (rc < 0) {
            gone(m);
            return;
        }
        if (msg.type == MSG_SWITCHED)
            switch_over(m);
        else if (msg.type == MSG_HANDED)
            h->keeper_waits = false;
        if (msg.fd >= 0)
            close(msg.fd);
    }
}

bool heir_takes_over(struct master *m)
{
    struct heir *h = &m->heir;

    if (h->borrowed && !h->said_ready && h->sock >= 0)
        say_ready(m);
    return !h->borrowed;
}

/* ---- after it ---------------------------------------------------------- */

static bool is_ours(const struct master *m, const struct process_cell *p)
{
    for (size_t i = 0; i < m->n_posts; i++) {
        if (m->posts[i].cell == p)
            return true;
    }
    return false;
}

/** The former is gone; what its processes leave is for us to account. */
static void sweep(struct master *m)
{
    struct process_cell *p;
    bool some = false;
    uint32_t at = 0;

    while ((p = cells_next(m->cells, &at))) {
        struct lost lost = { .json = m->config->log.json };
        uint32_t index = cells_index(m->cells, p);
        pid_t pid = atomic_load(&p->pid);

        if (is_ours(m, p))
            continue;
        if (pid > 0 && (kill(pid, 0) == 0 || errno != ESRCH)) {
            some = true;
            continue;
        }
        lost.ring = ledger_ring(m->rings, index);
        cells_reap(m->cells, p, lost_request, &lost);
        limiter_reap(m->limiter, index);
        log_event(EV_upgrade_orphan, LOG_I("pid", pid),
                  LOG_I("lost_requests", (int64_t)lost.n));
    }
    m->heir.sweeps = some;
}

bool heir_former_drains(const struct master *m)
{
    struct process_cell *p;
    uint32_t at = 0;

    if (m->heir.borrowed || !m->heir.former)
        return false;
    if (m->heir.sock >= 0)
        return true;
    while ((p = cells_next(m->cells, &at))) { /* of those before it */
        pid_t pid = atomic_load(&p->pid);

        if (!is_ours(m, p) && pid > 0 && (kill(pid, 0) == 0 || errno != ESRCH))
            return true;
    }
    return false;
}

void heir_step(struct master *m)
{
    if (m->heir.former && m->heir.sock >= 0)
        hear(m);
    if (m->heir.sweeps)
        sweep(m);
}

bool heir_fail(struct master *m, const struct err *err)
{
    struct heir *h = &m->heir;
    char text[sizeof err->at + sizeof err->msg + 4];

    if (!h->borrowed || h->sock < 0)
        return false;
    snprintf(text, sizeof text, "%s%s%s", err->at, *err->at ? ": " : "",
             err->msg);
    message_send(h->sock, MSG_FAILED, 0, str_of(text), -1);
    return true;
}

void heir_stop_former(struct master *m)
{
    struct heir *h = &m->heir;

    if (h->former && !h->borrowed && h->sock >= 0)
        message_send(h->sock, MSG_STOP, 0, STR_NULL, -1);
}

void heir_close(struct master *m)
{
    if (m->heir.sock >= 0)
        close(m->heir.sock);
    m->heir.sock = -1;
    given_clear(&m->heir.given);
    share_forget(NULL);
}
