/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Wishes for a reload, from the queue to the answer. */
#include "app/reload_impl.h"

#include "app/control.h"
#include "app/master_alerts.h"
#include "app/master_open.h"
#include "app/message.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/snapshot.h"

#include <jansson.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static const char *const applies_words[] = {
    [CONF_LIVE] = "live", [CONF_WORKERS] = "workers",
    [CONF_RESTART] = "restart",
};

void served_clear(struct served *s)
{
    config_free(s->config);
    loaded_clear(&s->loaded);
    *s = (struct served){ 0 };
}

/* ---- answers ----------------------------------------------------------- */

/** Newest first; the oldest goes. */
static void keep(struct reload *r, struct served *s)
{
    if (r->n_kept == RELOAD_KEPT)
        served_clear(&r->kept[--r->n_kept]);
    config_free(s->config); /* the bundle is enough to make another */
    s->config = NULL;
    memmove(r->kept + 1, r->kept, r->n_kept * sizeof *r->kept);
    r->kept[0] = *s;
    r->n_kept++;
    *s = (struct served){ 0 };
}

static void next_wish(struct master *m)
{
    struct reload *r = &m->reload;

    if (r->next.loaded.bundle && r->wishes[0].back_to)
        keep(r, &r->next); /* it was not taken: it can be asked for again */
    served_clear(&r->next);
    r->stage = RELOAD_NONE;
    r->n_wishes--;
    memmove(r->wishes, r->wishes + 1, r->n_wishes * sizeof *r->wishes);
}

static void answer(struct master *m, const struct buf *text)
{
    uint32_t ticket = m->reload.wishes[0].ticket;

    if (ticket)
        control_tell(m, ticket, buf_str(text));
}

void reload_refuse(struct master *m, const struct err *err)
{
    struct buf text = BUF_INIT(1 << 16);

    metric_set(METRIC_LAST_RELOAD_OK, NULL, 0);
    if (!m->reload.wishes[0].plan)
        master_alerts_refused(m, err);
    log_event(EV_reload_refused, LOG_Z("at", err->at), LOG_Z("why", err->msg),
              LOG_I("generation", (int64_t)m->generation));
    buf_puts(&text, "{\"error\":{\"message\":");
    buf_json_str(&text, str_of(err->msg));
    if (*err->at) {
        buf_puts(&text, ",\"at\":");
        buf_json_str(&text, str_of(err->at));
    }
    buf_puts(&text, "}}");
    answer(m, &text);
    buf_clear(&text);
    next_wish(m);
}

static void put_done(struct master *m, struct buf *b, const char *how,
                     const char *warning)
{
    const struct reload *r = &m->reload;
    const struct loaded *l = r->next.loaded.bundle ? &r->next.loaded
                                                   : &m->loaded;

    buf_printf(b, "{\"ok\":true,\"how\":\"%s\",\"generation\":%llu,"
                  "\"ms\":%llu,\"applies\":\"%s\",\"n_changes\":%u,"
                  "\"changes\":%s", how, (unsigned long long)m->generation,
               (unsigned long long)(clock_mono_ms() - r->started_ms),
               applies_words[l->applies], l->n_changes,
               l->changes ? l->changes : "[]");
    if (warning) {
        buf_puts(b, ",\"warning\":");
        buf_json_str(b, str_of(warning));
    }
    buf_putc(b, '}');
}

const char *reload_note(const struct master *m)
{
    if (m->reload.wishes[0].back_to)
        return "the files on disk still say otherwise: mend them; until a "
               "`penstock reload` this generation stays";
    return NULL;
}

void reload_done(struct master *m, const char *how, const char *warning)
{
    struct buf text = BUF_INIT(1 << 17);
    bool plan = m->reload.wishes[0].plan;

    put_done(m, &text, how, warning);
    if (!plan) {
        /* a generation that took itself back is no success */
        bool asked = m->reload.wishes[0].ticket ||
                     !m->reload.wishes[0].back_to;

        metric_set(METRIC_LAST_RELOAD_OK, NULL, asked);
        if (asked)
            master_alerts_reloaded(m);
        log_event(EV_reload_done, LOG_Z("how", how),
                  LOG_I("generation", (int64_t)m->generation),
                  LOG_I("ms", (int64_t)(clock_mono_ms() -
                                        m->reload.started_ms)),
                  LOG_I("changes", m->loaded.n_changes),
                  LOG_Z("warning", warning ? warning : ""));
    }
    answer(m, &text);
    buf_clear(&text);
    next_wish(m);
}

/* ---- the queue --------------------------------------------------------- */

bool reload_want(struct master *m, const struct reload_wish *wish)
{
    struct reload *r = &m->reload;
    bool signalled = !wish->ticket && !wish->back_to;

    for (size_t i = 1; i < r->n_wishes && signalled; i++) {
        if (!r->wishes[i].ticket && !r->wishes[i].back_to)
            return true; /* that one will see the same files */
    }
    if (signalled && r->pinned) {
        log_event(EV_reload_pinned, LOG_I("generation", (int64_t)r->pinned));
        return false;
    }
    if (r->n_wishes == RELOAD_WISHES_MAX || m->phase != MASTER_RUNNING) {
        if (!wish->ticket) /* nobody else is told */
            log_event(EV_reload_refused, LOG_Z("why", "it starts or ends just "
                                                      "now, or too many wait"),
                      LOG_I("generation", (int64_t)m->generation));
        return false;
    }
    r->wishes[r->n_wishes++] = *wish;
    return true;
}

static void let_go(void *ud)
{
    posts_let_go(ud);
}

static void begin_load(struct master *m, struct err *err)
{
    const struct load_order order = {
        .file = m->file, .paths = &m->paths,
        .generation = m->reload.last + 1, .served = &m->loaded,
        .signal_fd = m->signal_fd, .let_go = let_go, .ud = m,
    };

    if (loading_start(&m->reload.loading, &order, err) == 0)
        m->reload.stage = RELOAD_LOADING;
}

/** A kept bundle goes the way of one that was just loaded. */
static int recall(struct master *m, uint64_t number, struct err *err)
{
    struct reload *r = &m->reload;
    size_t at = 0;

    while (at < r->n_kept && r->kept[at].number != number)
        at++;
    if (at == r->n_kept)
        return err_set(err, ERR_NOTFOUND, "generation %llu is not kept; "
                       "`penstock status` lists those that are",
                       (unsigned long long)number);
    if (loaded_compare(&r->kept[at].loaded, &m->loaded, err) != 0)
        return -err->code;
    r->next = r->kept[at];
    r->n_kept--;
    memmove(r->kept + at, r->kept + at + 1,
            (r->n_kept - at) * sizeof *r->kept);
    return 0;
}

/* ---- from the bundle to the workers ------------------------------------ */

static void refuse_restart(struct master *m)
{
    json_t *all = json_loads(m->reload.next.loaded.changes, 0, NULL), *v;
    struct buf names = BUF_INIT(1024);
    struct err err = { 0 };
    size_t i;

    json_array_foreach(all, i, v) {
        const char *path = json_string_value(json_object_get(v, "path"));
        const char *how = json_string_value(json_object_get(v, "applies"));

        if (how && strcmp(how, "restart") == 0)
            buf_printf(&names, "%s%s", buf_len(&names) ? ", " : "", path);
    }
    err_set(&err, ERR_CONFIG, "changed only by a restart (`penstock stop`, "
            "then serve again): " STR_FMT "; nothing was changed",
            STR_ARG(buf_str(&names)));
    buf_clear(&names);
    json_decref(all);
    reload_refuse(m, &err);
}

static void choose_way(struct master *m)
{
    struct reload *r = &m->reload;
    const struct loaded *l = &r->next.loaded;
    struct err err = { 0 };

    if (r->wishes[0].plan) {
        reload_done(m, "plan", NULL);
    } else if (l->n_changes == 0) {
        m->loaded.n_changes = 0;
        r->pinned = r->wishes[0].back_to;
        reload_done(m, "nothing changed", NULL);
    } else if (l->applies == CONF_RESTART) {
        refuse_restart(m);
    } else if (!r->next.config &&
               !(r->next.config = config_open(l->bundle, &err))) {
        reload_refuse(m, &err);
    } else if (l->sim && master_open_sim(m, &err) != 0) {
        reload_refuse(m, &err);
    } else if (l->applies == CONF_WORKERS) {
        rise_start(m);
    } else {
        place_start(m);
    }
}

static void begin(struct master *m)
{
    struct reload *r = &m->reload;
    struct err err = { 0 };

    r->started_ms = clock_mono_ms();
    if (r->last == 0)
        r->last = m->generation;
    if (!r->wishes[0].back_to)
        begin_load(m, &err);
    else if (recall(m, r->wishes[0].back_to, &err) == 0)
        choose_way(m);
    if (err.code)
        reload_refuse(m, &err);
}

static void take_load(struct master *m, uint64_t now_ms)
{
    struct reload *r = &m->reload;
    struct err err = { 0 };
    int rc = loading_take(&r->loading, &r->next.loaded, now_ms, &err);

    if (rc == 0)
        return;
    if (rc < 0) {
        reload_refuse(m, &err);
        return;
    }
    r->next.number = r->last + 1;
    if (!r->wishes[0].plan && r->next.loaded.n_changes)
        r->last++;
    choose_way(m);
}

void reload_step(struct master *m, uint64_t now_ms)
{
    struct reload *r = &m->reload;

    bake_step(m, now_ms);
    place_tell(m);
    rise_tell(m);
    if (r->stage == RELOAD_NONE && r->n_wishes)
        begin(m);
    else if (r->stage == RELOAD_LOADING)
        take_load(m, now_ms);
    else if (r->stage == RELOAD_WAITING)
        rise_start(m);
    else if (r->stage == RELOAD_RISING || r->stage == RELOAD_LEAVING)
        rise_step(m, now_ms);
    else if (r->stage != RELOAD_NONE)
        place_step(m, now_ms);
}

int reload_sock(const struct master *m)
{
    return m->reload.stage == RELOAD_LOADING ? m->reload.loading.sock : -1;
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
}

void reload_keep(struct master *m, struct served *former)
{
    keep(&m->reload, former);
    m->reload.pinned = m->reload.wishes[0].back_to;
}

void reload_follow(struct master *m, bool helpers)
{
    struct post *keeper = &m->posts[m->n_workers];
    struct err err = { 0 };

    metric_set(METRIC_GENERATION, NULL, (int64_t)m->generation);
    if (master_open_log(m, &err) != 0)
        log_event(EV_log_failed, LOG_Z("why", err.msg));
    if (helpers && keeper->sock >= 0) {
        keeper->retired = true;
        if (message_send(keeper->sock, MSG_STOP, 0, STR_NULL, -1) != 0)
            kill(keeper->pid, SIGKILL); /* it does not listen; rings keep */
    }
}

/* ---- news of workers --------------------------------------------------- */

void reload_worker_failed(struct master *m, struct post *p, const char *why)
{
    struct err err = { 0 };

    if (m->reload.stage != RELOAD_RISING || p->leaving || p->ready_ms)
        return;
    err_set(&err, ERR_CONFIG, "a new worker (slot %u) did not start%s%s",
            p->slot, *why ? ": " : "", why);
    rise_fail(m, &err);
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
    for (size_t i = 0; i < r->n_kept; i++)
        close_bundle(&r->kept[i].loaded);
    if (r->stage == RELOAD_LOADING)
        close(r->loading.sock);
    if (r->stage == RELOAD_RISING)
        listeners_let_go_rest(&r->listeners);
}

void reload_end(struct master *m)
{
    struct reload *r = &m->reload;
    struct err err = { 0 };

    err_set(&err, ERR_CANCELLED, "the instance is ending");
    loading_stop(&r->loading);
    if (r->stage == RELOAD_RISING)
        rise_fail(m, &err);
    while (r->n_wishes)
        reload_refuse(m, &err);
}

void reload_close(struct master *m)
{
    struct reload *r = &m->reload;

    served_clear(&r->next);
    served_clear(&r->former);
    for (size_t i = 0; i < r->n_kept; i++)
        served_clear(&r->kept[i]);
    r->n_kept = 0;
}

void reload_put_kept(const struct master *m, struct buf *out)
{
    for (size_t i = 0; i < m->reload.n_kept; i++)
        buf_printf(out, "%s%llu", i ? "," : "",
                   (unsigned long long)m->reload.kept[i].number);
}
