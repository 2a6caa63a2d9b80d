/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Bundles into force and out of it: what is served, what is kept in memory,
 * what a child closes. */
#include "app/reload_impl.h"

#include "app/charge.h"
#include "app/master_open.h"
#include "app/message.h"
#include "base/log.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

void served_clear(struct served *s)
{
    config_free(s->config);
    loaded_clear(&s->loaded);
    *s = (struct served){ 0 };
}

/* ---- kept -------------------------------------------------------------- */

static void forget(struct reload *r, uint64_t number)
{
    for (size_t i = 0; i < r->n_kept; i++) {
        if (r->kept[i].number != number)
            continue;
        served_clear(&r->kept[i]);
        r->n_kept--;
        memmove(r->kept + i, r->kept + i + 1,
                (r->n_kept - i) * sizeof *r->kept);
        return;
    }
}

void reload_hold(struct reload *r, struct served *s)
{
    forget(r, s->number); /* each is there once */
    if (r->n_kept == RELOAD_KEPT)
        served_clear(&r->kept[--r->n_kept]);
    config_free(s->config); /* the bundle is enough to make another */
    s->config = NULL;
    memmove(r->kept + 1, r->kept, r->n_kept * sizeof *r->kept);
    r->kept[0] = *s;
    r->n_kept++;
    *s = (struct served){ 0 };
}

void reload_retire(struct master *m)
{
    struct post *keeper = &m->posts[m->n_workers];

    m->reload.retire_ms = 0;
    if (keeper->sock < 0)
        return;
    keeper->retired = true;
    if (message_send(keeper->sock, MSG_STOP, 0, STR_NULL, -1) != 0)
        kill(keeper->pid, SIGKILL); /* it does not listen; rings keep */
}

/* ---- into force -------------------------------------------------------- */

void reload_take(struct master *m, struct served *former)
{
    struct reload *r = &m->reload;

    *former = (struct served){ m->loaded, m->config, m->generation };
    m->loaded = r->next.loaded;
    m->config = r->next.config;
    m->generation = r->next.number;
    r->next = (struct served){ 0 };
    r->watch.begun = false; /* it may have other folders */
}

void reload_keep(struct master *m, struct served *former)
{
    uint64_t number = former->number;

    if (!m->loaded.sources) { /* of a kept one: the files are still followed */
        m->loaded.sources = former->loaded.sources;
        former->loaded.sources = NULL;
        m->reload.watch.begun = false;
    }
    forget(&m->reload, m->generation);
    reload_hold(&m->reload, former);
    m->reload.pinned = m->reload.wishes[0].back_to;
    if (m->reload.pinned)
        kept_went_back(m, number);
}

void reload_follow(struct master *m, bool helpers)
{
    struct err err = { 0 };

    metric_set(METRIC_GENERATION, NULL, (int64_t)m->generation);
    charge_publish(m);
    if (master_open_log(m, &err) != 0)
        log_event(EV_log_failed, LOG_Z("why", err.msg));
    if (helpers && m->reload.wishes[0].call)
        m->reload.retire = true; /* it has to answer first */
    else if (helpers)
        reload_retire(m);
}

static void close_bundle(const struct loaded *l)
{
    if (l->fd > 0)
        close(l->fd);
}

void reload_let_go(const struct master *m)
{
    const struct reload *r = &m->reload;

    close_bundle(&m->loaded);
    close_bundle(&r->next.loaded);
    close_bundle(&r->former.loaded);
    close_bundle(&r->shadow.loaded);
    for (size_t i = 0; i < r->n_kept; i++)
        close_bundle(&r->kept[i].loaded);
    if (r->watch.fd > 0)
        close(r->watch.fd);
    if (r->stage == RELOAD_LOADING)
        close(r->loading.sock);
    if (r->stage == RELOAD_RISING)
        listeners_let_go_rest(&r->listeners);
}

void reload_close(struct master *m)
{
    struct reload *r = &m->reload;

    watch_close(m);
    shadow_close(m);
    served_clear(&r->next);
    served_clear(&r->former);
    for (size_t i = 0; i < r->n_kept; i++)
        served_clear(&r->kept[i]);
    r->n_kept = 0;
}

bool reload_has(const struct master *m, uint64_t number)
{
    for (size_t i = 0; i < m->reload.n_kept; i++) {
        if (m->reload.kept[i].number == number)
            return true;
    }
    return false;
}

void reload_put_kept(const struct master *m, struct buf *out)
{
    const struct kept_list *disk = &m->reload.kept_life.list;
    const char *comma = "";

    for (size_t i = 0; i < m->reload.n_kept; i++, comma = ",")
        buf_printf(out, "%s%llu", comma,
                   (unsigned long long)m->reload.kept[i].number);
    for (size_t i = 0; i < disk->n; i++) {
        uint64_t number = disk->at[i].number;

        if (number == m->generation || reload_has(m, number))
            continue;
        buf_printf(out, "%s%llu", comma, (unsigned long long)number);
        comma = ",";
    }
}
