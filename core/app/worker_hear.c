/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What the master says to a worker: a table of messages. */
#include "app/worker_impl.h"

#include "app/message.h"
#include "base/log.h"
#include "base/snapshot.h"
#include "engine/key_table.h"
#include "net/http_server.h"

#include <errno.h>
#include <unistd.h>

static void on_adopt(struct worker *w, struct message *m)
{
    if (!w->draining && m->number < w->m->n_workers)
        worker_listen(w, m->number);
}

static void on_release(struct worker *w, struct message *m)
{
    if (m->number < w->m->n_workers) /* its own, for a canary */
        worker_unlisten(w, m->number);
}

static void on_part(struct worker *w, struct message *m)
{
    (void)m;
    http_server_part(w->server);
}

static void on_addresses(struct worker *w, struct message *m)
{
    struct err err = { 0 };
    struct snapshot *s = m->fd < 0 ? NULL : snapshot_open(m->fd, &err);

    if (!s)
        return;
    addresses_update(w->addresses, s);
    snapshot_unref(s);
    flow_addresses_changed(w->flow);
}

static void on_keys(struct worker *w, struct message *m)
{
    struct err err = { 0 };
    struct snapshot *s = m->fd < 0 ? NULL : snapshot_open(m->fd, &err);
    int rc = s ? key_table_update(w->keys, s) : -ERR_IO;

    if (rc)
        log_event(EV_keys_refused, LOG_I("pid", getpid()),
                  LOG_I("code", -rc), LOG_Z("why", err.msg));
    snapshot_unref(s);
}

static void on_jwks(struct worker *w, struct message *m)
{
    struct err err = { 0 };
    struct snapshot *s = m->fd < 0 ? NULL : snapshot_open(m->fd, &err);

    if (!s)
        return;
    jwt_keys_update(w->jwt_keys, s);
    snapshot_unref(s);
}

static void on_fetched(struct worker *w, struct message *m)
{
    struct err err = { 0 };
    struct snapshot *s = m->fd < 0 ? NULL : snapshot_open(m->fd, &err);

    if (!s)
        return;
    fetched_update(w->fetched, s);
    snapshot_unref(s);
}

void worker_ask_fetch(void *ud, struct str id)
{
    struct worker *w = ud;

    /* where it is lost, the next refusal says it again */
    message_send(w->sock.fd, MSG_FETCH_ASK, 0, id, -1);
}

void worker_ask_jwks(void *ud, struct str name)
{
    struct worker *w = ud;

    /* where it is lost, those who wait give up by their own time */
    message_send(w->sock.fd, MSG_JWKS_ASK, 0, name, -1);
}

static void on_drain(struct worker *w, struct message *m)
{
    worker_drain(w, m->number == 1);
}

static void on_stop(struct worker *w, struct message *m)
{
    (void)m;
    loop_stop(w->loop);
}

static void on_reopen(struct worker *w, struct message *m)
{
    (void)w;
    (void)m;
    if (log_reopen() != 0)
        log_event(EV_log_failed, LOG_Z("why", strerror(errno)));
}

static void on_abandon(struct worker *w, struct message *m)
{
    (void)m;
    worker_abandon(w);
}

static void (*const heard[])(struct worker *, struct message *) = {
    [MSG_ADDRESSES] = on_addresses, [MSG_ADOPT] = on_adopt,
    [MSG_RELEASE] = on_release,     [MSG_DRAIN] = on_drain,
    [MSG_KEYS] = on_keys,           [MSG_JWKS] = on_jwks,
    [MSG_FETCHED] = on_fetched,
    [MSG_PREPARE] = worker_prepare, [MSG_FLIP] = worker_flip,
    [MSG_ABANDON] = on_abandon,     [MSG_SHADOW] = worker_shadow,
    [MSG_STOP] = on_stop,           [MSG_REOPEN] = on_reopen,
    [MSG_PART] = on_part,
};

void worker_hear(void *ud, int what)
{
    static struct message msg; /* 48 KiB: not for the stack */
    struct worker *w = ud;
    int rc;

    (void)what;
    while ((rc = message_recv(w->sock.fd, &msg)) > 0) {
        if (msg.type < sizeof heard / sizeof *heard && heard[msg.type])
            heard[msg.type](w, &msg);
        if (msg.fd >= 0)
            close(msg.fd);
    }
    if (rc < 0) {
        loop_io_want(&w->sock, 0);
        log_event(EV_worker_orphan, LOG_I("pid", getpid()));
        worker_drain(w, false);
    }
}
