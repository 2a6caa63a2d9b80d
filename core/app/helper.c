/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Keeper and mock as children. */
#include "app/helper.h"

#include "app/message.h"
#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <unistd.h>

#define BEAT_MS 500

static void on_beat(void *ud)
{
    struct helper *h = ud;

    cells_beat(h->child->post->cell, clock_mono_ms(), 0, 0);
    loop_timer_set(&h->beat, BEAT_MS);
}

static void on_message(void *ud, int what)
{
    static struct message msg; /* 48 KiB: not for the stack */
    struct helper *h = ud;
    int rc;

    (void)what;
    while ((rc = message_recv(h->sock.fd, &msg)) > 0) {
        if (msg.type == MSG_STOP)
            loop_stop(h->loop);
        else if (msg.type == MSG_REOPEN && log_reopen() != 0)
            log_event(EV_log_failed, LOG_Z("why", strerror(errno)));
        else if (h->hear)
            h->hear(h->ud, &msg);
        if (msg.fd >= 0)
            close(msg.fd);
    }
    if (rc == 0)
        return;
    loop_io_want(&h->sock, 0);
    if (!h->outlives_master)
        loop_stop(h->loop);
}

int helper_open(struct helper *h, const struct child *c, struct err *err)
{
    int rc = rights_drop(&c->m->loaded.rights, err);

    h->child = c;
    if (rc)
        return rc;
    h->loop = loop_new();
    if (!h->loop)
        return err_set(err, ERR_NOMEM, "no memory");
    loop_timer_init(&h->beat, h->loop, on_beat, h);
    loop_io_init(&h->sock, h->loop, c->sock, on_message, h);
    loop_io_want(&h->sock, LOOP_READ);
    return 0;
}

void helper_run(struct helper *h)
{
    on_beat(h);
    message_send(h->child->sock, MSG_READY, 0, STR_NULL, -1);
    loop_run(h->loop);
}

void helper_close(struct helper *h)
{
    if (!h->loop)
        return;
    loop_timer_stop(&h->beat);
    loop_io_stop(&h->sock);
    loop_free(h->loop);
}

int helper_fail(const struct child *c, const struct err *err)
{
    message_send(c->sock, MSG_FAILED, 0, str_of(err->msg), -1);
    return 1;
}
