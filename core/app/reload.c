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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RETIRE_MS 1000 /* for the keeper to write the answer */
#define UNABLE "it starts, ends or is upgraded just now, or too many wait"

static const char *const applies_words[] = {
    [CONF_LIVE] = "live", [CONF_WORKERS] = "workers",
    [CONF_RESTART] = "restart",
};

/* ---- answers ----------------------------------------------------------- */

static void next_wish(struct master *m)
{
    struct reload *r = &m->reload;

    if (r->next.loaded.bundle && r->as_it_was &&
        r->next.number != m->generation)
        reload_hold(r, &r->next); /* not taken: it can be asked for again */
    served_clear(&r->next);
    r->stage = RELOAD_NONE;
    r->n_wishes--;
    memmove(r->wishes, r->wishes + 1, r->n_wishes * sizeof *r->wishes);
}

static void answer(struct master *m, const struct buf *text)
{
    const struct reload_wish *w = &m->reload.wishes[0];

    if (w->ticket)
        control_tell(m, w->ticket, buf_str(text));
    if (w->call)
        control_wished(m, w, buf_str(text));
    if (m->reload.retire)
        m->reload.retire_ms = clock_mono_ms() + RETIRE_MS;
    m->reload.retire = false;
}

/** Else only who asked is told: a shadow, and a rollback to a generation that
 * is not there, which says nothing of the files. */
static bool is_a_reload(const struct reload_wish *w, const struct err *err)
{
    bool asked = w->ticket || w->call;

    return !w->shadow &&
           !(w->back_to && asked && err->code == ERR_NOTFOUND);
}

void reload_refuse(struct master *m, const struct err *err)
{
    const struct reload_wish *w = &m->reload.wishes[0];
    struct buf text = BUF_INIT(1 << 16);

    if (is_a_reload(w, err) && !w->plan) {
        metric_set(METRIC_LAST_RELOAD_OK, NULL, 0);
        master_alerts_refused(m, err);
    }
    if (!w->shadow && (!w->watched || watch_is_news(m, err)))
        log_event(EV_reload_refused, LOG_Z("at", err->at),
                  LOG_Z("why", err->msg),
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
    if (m->reload.as_it_was)
        return m->reload.recalled;
    if (m->reload.wishes[0].back_to && m->loaded.same_files)
        return "the files on disk say the same; until a `penstock reload` "
               "this generation stays";
    if (m->reload.wishes[0].back_to)
        return "the files on disk still say otherwise: mend them; until a "
               "`penstock reload` this generation stays";
    return NULL;
}

static const char *plan_note(const struct master *m)
{
    if (m->reload.pinned && m->reload.next.loaded.n_changes == 0)
        return "the files on disk say what is served; it was rolled back to, "
               "and stays until a `penstock reload`";
    if (m->reload.pinned)
        return "the files on disk are not what is served: this generation was "
               "rolled back to, and stays until a `penstock reload`";
    if (*m->reload.kept_life.broken)
        return "the files on disk are not what is served: they were broken at "
               "the start (--last-good)";
    return NULL;
}

void reload_done(struct master *m, const char *how, const char *warning)
{
    const struct reload_wish *w = &m->reload.wishes[0];
    struct buf text = BUF_INIT(1 << 17);
    bool plan = w->plan;

    put_done(m, &text, how, warning);
    if (!plan) {
        /* a generation that took itself back is no success */
        bool asked = w->ticket || w->call || !w->back_to;

        metric_set(METRIC_LAST_RELOAD_OK, NULL, asked);
        if (asked)
            master_alerts_reloaded(m);
        m->reload.watch.said = (struct err){ 0 };
    }
    if (!plan && !(w->watched && m->reload.next.loaded.bundle &&
                   m->reload.next.loaded.n_changes == 0)) {
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
    bool signalled = !wish->ticket && !wish->call && !wish->back_to;

    for (size_t i = 1; i < r->n_wishes && signalled; i++) {
        if (!r->wishes[i].ticket && !r->wishes[i].call &&
            !r->wishes[i].back_to)
            return true; /* that one will see the same files */
    }
    if (signalled && r->pinned) {
        log_event(EV_reload_pinned, LOG_I("generation", (int64_t)r->pinned));
        return false;
    }
    if (r->n_wishes == RELOAD_WISHES_MAX || m->phase != MASTER_RUNNING ||
        upgrade_is_on(&m->upgrade)) {
        if (!wish->ticket && !wish->call) /* nobody else is told */
            log_event(EV_reload_refused, LOG_Z("why", UNABLE),
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

/** Is the wish to be carried out from memory where the disk cannot? */
static bool falls_back(const struct master *m)
{
    const struct reload_wish *w = &m->reload.wishes[0];

    return w->must && reload_has(m, w->back_to);
}

/** Of the files, or of a bundle that lies on disk. */
static void begin_load(struct master *m, uint64_t kept, struct err *err)
{
    char state[PATHS_MAX];
    const struct load_order order = {
        .file = m->file, .paths = &m->paths,
        .generation = kept ? kept : m->reload.last + 1,
        .served = m->reload.wishes[0].shadow ? NULL : &m->loaded,
        .kept = kept, .state = state,
        .keep = !kept && !m->reload.wishes[0].plan,
        .candidate = m->reload.wishes[0].shadow ? m->reload.shadow.dir : NULL,
        .signal_fd = m->signal_fd, .let_go = let_go, .ud = m,
        .patience_ms = falls_back(m) ? RELOAD_DISK_MS : 0,
    };

    snprintf(state, sizeof state, STR_FMT, STR_ARG(m->config->state));
    if (loading_start(&m->reload.loading, &order, err) == 0)
        m->reload.stage = RELOAD_LOADING;
}

/** A kept bundle goes the way of one that was just loaded; `why` the one on
 * disk does not, NULL: there is none. */
static int recall(struct master *m, uint64_t number, const char *why,
                  struct err *err)
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
    r->as_it_was = true;
    snprintf(r->recalled, sizeof r->recalled, "it is from memory (%s%s), so "
             "its secrets, keys and certificates are those of then; mend the "
             "files, then `penstock reload`: until then this generation stays",
             why ? "from disk: " : "it is not on disk", why ? why : "");
    r->next.loaded.same_files = false; /* by now they may say anything */
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
    err_set(&err, ERR_CONFIG, "changed only by `penstock upgrade`, or a "
            "restart: " STR_FMT "; nothing was changed",
            STR_ARG(buf_str(&names)));
    buf_clear(&names);
    json_decref(all);
    reload_refuse(m, &err);
}

/** The files as they were read now are those that are served. */
static void take_sources(struct master *m)
{
    struct loaded *next = &m->reload.next.loaded;

    m->loaded.same_files = next->same_files;
    if (next->same_files)
        m->reload.kept_life.broken[0] = '\0';
    if (!next->sources)
        return;
    sources_free(m->loaded.sources);
    m->loaded.sources = next->sources;
    m->reload.watch.begun = false;
    next->sources = NULL;
}

static void shadow_done(struct master *m)
{
    struct buf text = BUF_INIT(1 << 17);

    shadow_begin(m, &m->reload.next.loaded, &text);
    answer(m, &text);
    buf_clear(&text);
    next_wish(m);
}

static void choose_way(struct master *m)
{
    struct reload *r = &m->reload;
    const struct loaded *l = &r->next.loaded;
    struct err err = { 0 };

    if (r->wishes[0].shadow) {
        shadow_done(m);
    } else if (r->wishes[0].plan) {
        reload_done(m, "plan", plan_note(m));
    } else if (l->n_changes == 0) {
        m->loaded.n_changes = 0;
        take_sources(m);
        r->pinned = r->wishes[0].back_to ? m->generation : 0;
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

/** A rollback to what is served: it stays. */
static void stay(struct master *m)
{
    free(m->loaded.changes);
    m->loaded.changes = NULL;
    m->loaded.n_changes = 0;
    m->loaded.applies = CONF_LIVE;
    m->reload.pinned = m->generation;
    reload_done(m, "nothing changed", NULL);
}

/** A rollback that a rule asked for happens all the same, where it can. */
static void not_loaded(struct master *m, const struct err *why)
{
    struct err err = { 0 };

    m->reload.stage = RELOAD_NONE;
    if (falls_back(m) &&
        recall(m, m->reload.wishes[0].back_to, why->msg, &err) == 0)
        choose_way(m);
    else
        reload_refuse(m, why);
}

static void begin(struct master *m)
{
    struct reload *r = &m->reload;
    struct err err = { 0 };

    r->started_ms = clock_mono_ms();
    r->canary = (struct reload_canary){ 0 };
    r->as_it_was = false;
    if (r->last == 0)
        r->last = m->generation;
    if (!r->wishes[0].back_to)
        begin_load(m, 0, &err);
    else if (r->wishes[0].back_to == m->generation)
        stay(m);
    else if (kept_has(m, r->wishes[0].back_to))
        begin_load(m, r->wishes[0].back_to, &err);
    else if (recall(m, r->wishes[0].back_to, NULL, &err) == 0)
        choose_way(m);
    if (err.code)
        not_loaded(m, &err);
}

static void take_load(struct master *m, uint64_t now_ms)
{
    struct reload *r = &m->reload;
    struct err err = { 0 };
    int rc = loading_take(&r->loading, &r->next.loaded, now_ms, &err);

    if (rc == 0)
        return;
    if (rc < 0) {
        not_loaded(m, &err);
        return;
    }
    r->next.number = snapshot_generation(r->next.loaded.bundle);
    if (!r->wishes[0].plan && !r->wishes[0].back_to &&
        r->next.loaded.n_changes)
        r->last++;
    choose_way(m);
}

void reload_step(struct master *m, uint64_t now_ms)
{
    struct reload *r = &m->reload;

    if (r->retire_ms && now_ms >= r->retire_ms)
        reload_retire(m);
    bake_step(m, now_ms);
    place_tell(m);
    rise_tell(m);
    if (r->stage == RELOAD_NONE && r->n_wishes)
        begin(m);
    else if (r->stage == RELOAD_LOADING)
        take_load(m, now_ms);
    else if (r->stage == RELOAD_WAITING)
        rise_start(m);
    else if (r->stage == RELOAD_CANARY)
        canary_step(m, now_ms);
    else if (r->stage == RELOAD_RISING || r->stage == RELOAD_LEAVING)
        rise_step(m, now_ms);
    else if (r->stage != RELOAD_NONE)
        place_step(m, now_ms);
}

int reload_sock(const struct master *m)
{
    return m->reload.stage == RELOAD_LOADING ? m->reload.loading.sock : -1;
}

/* ---- news of workers --------------------------------------------------- */

void reload_worker_failed(struct master *m, struct post *p, const char *why)
{
    struct err err = { 0 };

    if (p->canary) {
        canary_died(m, why);
        return;
    }
    if (m->reload.stage != RELOAD_RISING || p->leaving || p->ready_ms)
        return;
    err_set(&err, ERR_CONFIG, "a new worker (slot %u) did not start%s%s",
            p->slot, *why ? ": " : "", why);
    rise_fail(m, &err);
}

void reload_end(struct master *m)
{
    struct reload *r = &m->reload;
    struct err err = { 0 };

    err_set(&err, ERR_CANCELLED, "the instance is ending");
    loading_stop(&r->loading);
    canary_end(m);
    if (r->stage == RELOAD_RISING)
        rise_fail(m, &err);
    while (r->n_wishes)
        reload_refuse(m, &err);
}
