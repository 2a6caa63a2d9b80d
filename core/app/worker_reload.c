/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A worker's part in a reload in place: the new generation is made beside the
 * one that serves, and put into its place on the master's word. Requests
 * under way keep theirs; it is freed with the last of them.
 */
#include "app/worker_impl.h"

#include "app/message.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/snapshot.h"
#include "engine/config.h"
#include "net/http_server.h"

#include <errno.h>
#include <stdio.h>

/* The preparing is done in parts, with requests between them: all of it at
 * once would hold them up for some milliseconds. A pause is twice the part
 * before it, so that requests have two thirds of the time. */
enum { PAUSE_US = 200, PAUSE_MAX_US = 4000 };

void worker_abandon(struct worker *w)
{
    loop_pause_close(&w->preparing);
    jwt_sources_free(w->next_jwts);
    generation_unref(w->next);
    worker_tls_close(w, w->next_tls);
    w->next_jwts = NULL;
    w->next = NULL;
    w->next_tls = NULL;
}

static void answer(struct worker *w, const struct err *err)
{
    char text[sizeof((struct err *)0)->at + sizeof((struct err *)0)->msg + 4];

    *text = '\0';
    if (err->code) {
        worker_abandon(w);
        snprintf(text, sizeof text, "%s%s%s", err->at, *err->at ? ": " : "",
                 err->msg);
    }
    message_send(w->sock.fd, MSG_PREPARED, w->next_number, str_of(text), -1);
}

static int finish(struct worker *w, struct err *err)
{
    w->next_tls = worker_tls_open(w, w->next, err);
    if (w->next_tls)
        w->next_jwts = jwt_sources_new(generation_config(w->next), err);
    return w->next_jwts ? 0 : -err->code;
}

static void on_part(void *ud)
{
    struct worker *w = ud;
    struct err err = { 0 };
    uint64_t began = clock_mono_ns(), us;
    int rc = generation_step(w->next, &err);

    if (rc > 0) {
        us = (clock_mono_ns() - began) / 500; /* twice of it */
        us = us < PAUSE_US ? PAUSE_US : us;
        loop_pause_set(&w->preparing,
                       us > PAUSE_MAX_US ? PAUSE_MAX_US : (uint32_t)us);
        return;
    }
    loop_pause_close(&w->preparing);
    if (rc == 0)
        finish(w, &err);
    answer(w, &err);
}

void worker_prepare(struct worker *w, struct message *m)
{
    struct err err = { 0 };
    struct snapshot *s;

    worker_abandon(w);
    if (w->draining || m->fd < 0)
        return;
    w->next_number = m->number;
    s = snapshot_open(m->fd, &err);
    if (s)
        w->next = generation_begin(s, snapshot_generation(s), w->plugins, NULL,
                                   &err);
    snapshot_unref(s);
    if (w->next && loop_pause_open(&w->preparing, w->loop, on_part, w) != 0)
        err_errno(&err, "timerfd");
    if (err.code)
        answer(w, &err);
    else
        loop_pause_set(&w->preparing, PAUSE_US);
}

/** Where a log file was renamed meanwhile this is the moment as well. */
static void follow_log(const struct conf_log *log)
{
    char path[1024];

    snprintf(path, sizeof path, STR_FMT, STR_ARG(log->to));
    if (log_open(path, log->json ? LOG_JSON : LOG_TEXT,
                 (enum log_level)log->level) != 0)
        log_event(EV_log_failed, LOG_Z("why", strerror(errno)));
}

static void follow_listeners(struct worker *w)
{
    size_t n = w->m->listeners.n;

    for (size_t i = 0; i < n; i++) {
        const struct conf_listen *conf =
            listener_conf(&w->m->listeners.list[i],
                          generation_config(w->gen));

        if (conf)
            w->tags[i].conf = conf;
        for (size_t slot = 0; w->tls[i] && slot < w->m->listeners.slots;
             slot++)
            http_server_set_tls(w->server, w->ids[slot * n + i], w->tls[i]);
    }
}

void worker_flip(struct worker *w, struct message *m)
{
    struct generation *old = w->gen;
    struct tls_server **old_tls = w->tls;

    if (!w->next_jwts) /* it is not whole */
        return;
    w->gen = w->next;
    w->tls = w->next_tls;
    w->next = NULL;
    w->next_tls = NULL;
    flow_use(w->flow, w->gen);
    jwt_keys_take(w->jwt_keys, w->next_jwts);
    w->next_jwts = NULL;
    follow_listeners(w);
    follow_log(&generation_config(w->gen)->log);
    cells_generation(w->process, snapshot_generation(
                                     generation_config(w->gen)->bundle));
    worker_tls_close(w, old_tls);
    generation_unref(old);
    message_send(w->sock.fd, MSG_FLIPPED, m->number, STR_NULL, -1);
}
