/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Key tables from the keeper to the workers. */
#include "app/keys_relay.h"

#include "app/master.h"
#include "app/message.h"
#include "base/log.h"
#include "base/snapshot.h"
#include "engine/config.h"
#include "engine/key_table.h"
#include "keeper/fetcher.h"

#include <fcntl.h>
#include <unistd.h>

#define AWAIT_MS 5000

static uint64_t generation(const struct snapshot *s)
{
    return s ? snapshot_generation(s) : 0;
}

static void close_fd(int *fd)
{
    if (*fd > 0)
        close(*fd);
    *fd = -1;
}

static void replace(struct snapshot **s, int *fd, struct snapshot *with,
                    int with_fd)
{
    snapshot_unref(*s);
    close_fd(fd);
    *s = with;
    *fd = with_fd;
}

void keys_take(struct master *m, int fd)
{
    struct key_news *k = &m->keys;
    struct err err = { 0 };
    struct snapshot *s = fd < 0 ? NULL : snapshot_open(fd, &err);
    int own = s ? fcntl(fd, F_DUPFD_CLOEXEC, 3) : -1;

    if (fd < 0) {
        k->lacking = true;
        return;
    }
    if (own < 0) {
        log_event(EV_keys_refused, LOG_Z("why", err.msg));
        snapshot_unref(s);
        return;
    }
    k->lacking = false;
    if (key_table_is_base(s)) {
        replace(&k->base, &k->base_fd, s, own);
        replace(&k->delta, &k->delta_fd, NULL, -1);
    } else {
        replace(&k->delta, &k->delta_fd, s, own);
    }
    keys_relay(m);
}

static bool tell(struct post *p, int fd)
{
    return message_send(p->sock, MSG_KEYS, 0, STR_NULL, fd) == 0;
}

static void tell_news(const struct key_news *k, struct post *p)
{
    if (k->base && p->keys_base != generation(k->base)) {
        if (!tell(p, k->base_fd))
            return;
        p->keys_base = generation(k->base);
        p->keys_delta = 0;
    }
    if (k->delta && p->keys_delta != generation(k->delta) &&
        tell(p, k->delta_fd))
        p->keys_delta = generation(k->delta);
}

static void tell_fetched(const struct master *m, struct post *p)
{
    uint64_t now = generation(m->fetched);

    if (m->fetched && p->fetched != now &&
        message_send(p->sock, MSG_FETCHED, 0, STR_NULL, m->fetched_fd) == 0)
        p->fetched = now;
}

void keys_relay(struct master *m)
{
    for (size_t i = 0; i < m->n_posts; i++) {
        if (m->posts[i].kind != PROC_WORKER || m->posts[i].sock < 0)
            continue;
        tell_news(&m->keys, &m->posts[i]);
        tell_fetched(m, &m->posts[i]);
    }
}

void keys_inherit(const struct master *m, struct post *p)
{
    p->keys_base = generation(m->keys.base);
    p->keys_delta = generation(m->keys.delta);
    p->fetched = generation(m->fetched);
}

bool keys_awaited(const struct master *m, uint64_t now_ms)
{
    bool keys = m->config->admin.keys_store && !m->keys.base &&
                !m->keys.lacking;

    return (keys || (!m->fetched && fetcher_has_work(m->config))) &&
           now_ms < m->started_ms + AWAIT_MS;
}

void keys_close_fds(struct master *m)
{
    close_fd(&m->keys.base_fd);
    close_fd(&m->keys.delta_fd);
}

void keys_clear(struct master *m)
{
    keys_close_fds(m);
    snapshot_unref(m->keys.base);
    snapshot_unref(m->keys.delta);
}
