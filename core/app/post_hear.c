/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What children say to the master: a table of messages. */
#include "app/control.h"
#include "app/master.h"
#include "app/message.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/snapshot.h"

#include <stdio.h>
#include <unistd.h>

static void on_ready(struct master *m, struct post *p, struct message *msg)
{
    (void)msg;
    p->ready_ms = clock_mono_ms();
    atomic_store(&p->cell->state, PROC_READY);
    if (p->kind == PROC_WORKER)
        log_event(EV_worker_ready, LOG_I("pid", p->pid),
                  LOG_I("slot", p->slot));
    if (p->kind == PROC_KEEPER)
        control_keeper_ready(m);
    shadow_greet(m, p);
}

/** It cannot start; the reason counts while nothing has ever been ready. */
static void on_failed(struct master *m, struct post *p, struct message *msg)
{
    struct err err = { 0 };

    err_set(&err, ERR_CONFIG, "%s %u cannot start: %s", master_kinds[p->kind],
            p->slot, msg->text);
    snprintf(p->why, sizeof p->why, "%.*s", (int)sizeof p->why - 1,
             msg->text);
    if (!m->was_ready)
        master_fail(m, &err);
    else if (!p->ended) /* else whoever buries it says so, when it is done */
        reload_worker_failed(m, p, p->why);
}

/** Keep the descriptor, for a program that follows this one. */
static void hold(int *held, struct message *msg)
{
    if (*held > 0)
        close(*held);
    *held = msg->fd;
    msg->fd = -1;
}

static void on_handed(struct master *m, struct post *p, struct message *msg)
{
    (void)m;
    (void)msg;
    p->handed = true;
}

/** The keeper's newest goes to all workers, and to those to come. */
static void relay(struct master *m, struct post *p, struct message *msg,
                  struct snapshot **last, int *fd)
{
    struct err err = { 0 };
    struct snapshot *s;

    if (p->kind != PROC_KEEPER || msg->fd < 0)
        return;
    s = snapshot_open(msg->fd, &err);
    if (!s)
        return;
    for (size_t i = 0; i < m->n_posts; i++) {
        if (m->posts[i].kind == PROC_WORKER && m->posts[i].sock >= 0)
            message_send(m->posts[i].sock, (enum message_type)msg->type, 0,
                         STR_NULL, msg->fd);
    }
    snapshot_unref(*last);
    *last = s;
    hold(fd, msg);
}

static void on_addresses(struct master *m, struct post *p, struct message *msg)
{
    relay(m, p, msg, &m->addresses, &m->addresses_fd);
}

static void on_jwks(struct master *m, struct post *p, struct message *msg)
{
    relay(m, p, msg, &m->jwks, &m->jwks_fd);
}

/* Who cannot take it now is told again. */
static void on_fetched(struct master *m, struct post *p, struct message *msg)
{
    struct err err = { 0 };
    struct snapshot *s = p->kind != PROC_KEEPER || msg->fd < 0
                             ? NULL : snapshot_open(msg->fd, &err);

    if (!s)
        return;
    snapshot_unref(m->fetched);
    m->fetched = s;
    hold(&m->fetched_fd, msg);
    keys_relay(m);
}

static void on_keys(struct master *m, struct post *p, struct message *msg)
{
    if (p->kind == PROC_KEEPER)
        keys_take(m, msg->fd);
}

/** A worker wants something newer of the keeper. */
static void on_ask(struct master *m, struct post *p, struct message *msg)
{
    if (p->kind != PROC_WORKER)
        return;
    for (size_t i = 0; i < m->n_posts; i++) {
        if (m->posts[i].kind == PROC_KEEPER && m->posts[i].sock >= 0)
            message_send(m->posts[i].sock, (enum message_type)msg->type, 0,
                         (struct str){ msg->text, msg->size }, -1);
    }
}

static void on_answer(struct master *m, struct post *p, struct message *msg)
{
    if (p->kind == PROC_KEEPER)
        control_answer(m, msg);
}

static void (*const heard[])(struct master *, struct post *,
                             struct message *) = {
    [MSG_READY] = on_ready,
    [MSG_FAILED] = on_failed,
    [MSG_ADDRESSES] = on_addresses,
    [MSG_KEYS] = on_keys,
    [MSG_JWKS] = on_jwks,
    [MSG_JWKS_ASK] = on_ask,
    [MSG_FETCHED] = on_fetched,
    [MSG_FETCH_ASK] = on_ask,
    [MSG_ANSWER] = on_answer,
    [MSG_PREPARED] = reload_prepared,
    [MSG_FLIPPED] = reload_flipped,
    [MSG_UNLISTENED] = reload_unlistened,
    [MSG_WISH] = control_wish,
    [MSG_SHADOWED] = shadow_heard,
    [MSG_HANDED] = on_handed,
};

void post_hear(struct master *m, struct post *p)
{
    static struct message msg; /* 48 KiB: not for the stack */
    int rc;

    while (p->sock >= 0 && (rc = message_recv(p->sock, &msg)) != 0) {
        if (rc < 0) {
            close(p->sock); /* the end itself comes by SIGCHLD */
            p->sock = -1;
            return;
        }
        if (msg.type < sizeof heard / sizeof *heard && heard[msg.type])
            heard[msg.type](m, p, &msg);
        if (msg.fd >= 0)
            close(msg.fd);
    }
}
