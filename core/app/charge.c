/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* From a breadcrumb to a verdict. What is read here was written by a process
 * that went wrong, so every text is taken with its bound. */
#include "app/charge.h"

#include "app/quarantined.h"
#include "app/reload_impl.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/siphash.h"
#include "engine/config.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

static struct str bounded(const char *p, size_t size)
{
    return (struct str){ p, strnlen(p, size) };
}

/* ---- whom --------------------------------------------------------------- */

const struct loaded *charge_loaded(const struct master *m, uint64_t generation)
{
    const struct reload *r = &m->reload;

    if (generation == m->generation)
        return &m->loaded;
    if (r->next.loaded.bundle && r->next.number == generation)
        return &r->next.loaded;
    if (r->former.loaded.bundle && r->former.number == generation)
        return &r->former.loaded;
    for (size_t i = 0; i < r->n_kept; i++) {
        if (r->kept[i].number == generation)
            return &r->kept[i].loaded;
    }
    return NULL;
}

static const struct loaded_plugin *plugin_of(const struct loaded *l,
                                             struct str name)
{
    for (size_t i = 0; l && i < l->n_plugins; i++) {
        if (str_is(name, l->plugins[i].name))
            return &l->plugins[i];
    }
    return NULL;
}

static struct plugin_mark *mark_of(const struct master *m,
                                   const struct loaded_plugin *p)
{
    return p ? charges_find(cells_charges(m->cells), str_of(p->name),
                            plugin_hash(p->path))
             : NULL;
}

void charge_suspect(const struct master *m, const struct post *p,
                    struct suspect *s)
{
    const struct crumb *c = &p->cell->crumb;
    uint32_t kind = atomic_load(&c->kind);
    struct str what = bounded(c->what, sizeof c->what);
    struct str name = str_split(&what, ' ');

    *s = (struct suspect){ 0 };
    if (kind != CRUMB_PLUGIN && kind != CRUMB_POLICY)
        return;
    s->kind = (enum crumb_kind)kind;
    snprintf(s->name, sizeof s->name, STR_FMT, STR_ARG(name));
    snprintf(s->op, sizeof s->op, STR_FMT, STR_ARG(what));
    snprintf(s->request, sizeof s->request, STR_FMT,
             STR_ARG(bounded(c->request, sizeof c->request)));
    if (kind == CRUMB_PLUGIN)
        s->plugin = plugin_of(charge_loaded(m, p->generation), name);
    s->mark = mark_of(m, s->plugin);
}

/* ---- the lines ---------------------------------------------------------- */

enum { FIELDS_MAX = 20 };

struct line {
    struct log_field f[FIELDS_MAX + 1];
    size_t n;
    char call[128], hash[CHARGES_HASH + 1], back[64];
};

static void put(struct line *l, struct log_field f)
{
    if (l->n < FIELDS_MAX)
        l->f[l->n++] = f;
}

/** The command that goes back; "" where nothing is kept. */
static void put_back(struct line *l, const struct master *m)
{
    uint64_t number = kept_before(m);

    snprintf(l->back, sizeof l->back, "penstock rollback %llu",
             (unsigned long long)number);
    put(l, LOG_Z("rollback", number ? l->back
                                    : "none is kept; penstock plugin "
                                      "install FILE.so"));
}

static void put_suspect(struct line *l, const struct master *m,
                        const struct suspect *s)
{
    static const char *const kinds[] = { "", "plugin", "policy" };
    struct charge_sum sum;

    if (s->kind == CRUMB_NONE)
        return;
    snprintf(l->call, sizeof l->call, "%s %s", s->name, s->op);
    put(l, LOG_Z("charged", kinds[s->kind]));
    put(l, LOG_Z("call", l->call));
    put(l, LOG_Z("request", s->request));
    put(l, LOG_Z(kinds[s->kind], s->name));
    put(l, LOG_Z("op", s->op));
    if (s->plugin) {
        snprintf(l->hash, sizeof l->hash, STR_FMT,
                 STR_ARG(plugin_hash(s->plugin->path)));
        put(l, LOG_Z("version", s->plugin->version));
        put(l, LOG_Z("hash", l->hash));
    }
    if (s->mark) {
        sum = charge_sum(&m->charges, s->mark, clock_mono_ms());
        put(l, LOG_I("charges", sum.n));
    }
    put_back(l, m);
}

void charge_stuck(const struct master *m, const struct post *p,
                  uint64_t silent_ms)
{
    struct line l = { .n = 0 };
    struct suspect s;

    charge_suspect(m, p, &s);
    put(&l, LOG_I("pid", p->pid));
    put(&l, LOG_I("slot", p->slot));
    put(&l, LOG_I("generation", (int64_t)p->generation));
    put(&l, LOG_I("silent_ms", (int64_t)silent_ms));
    put_suspect(&l, m, &s);
    l.f[l.n] = LOG_END;
    log_fields(EV_worker_stuck, l.f);
}

static void log_death(const struct master *m, const struct post *p, int status,
                      const struct suspect *s, const struct lost *lost)
{
    static const enum log_id ids[] = {
        [PROC_WORKER] = EV_worker_died,
        [PROC_KEEPER] = EV_keeper_died,
        [PROC_MOCK] = EV_mock_died,
    };
    struct line l = { .n = 0 };

    put(&l, LOG_I("pid", p->pid));
    put(&l, LOG_I("slot", p->slot));
    if (WIFSIGNALED(status))
        put(&l, LOG_I("signal", WTERMSIG(status)));
    else
        put(&l, LOG_I("exit", WEXITSTATUS(status)));
    if (p->kind == PROC_WORKER)
        put(&l, LOG_I("generation", (int64_t)p->generation));
    if (p->aborted)
        put(&l, LOG_Z("hung", "its loop had not turned for 10 s"));
    put(&l, LOG_I("lost_requests", (int64_t)lost->n));
    if (*p->why)
        put(&l, LOG_Z("why", p->why));
    if (*lost->principal)
        put(&l, LOG_Z("principal", lost->principal));
    put_suspect(&l, m, s);
    l.f[l.n] = LOG_END;
    log_fields(ids[p->kind], l.f);
}

/* ---- what follows ------------------------------------------------------- */

/** Is there another plugin in force that is not out? Without one nobody would
 * be served any more: then a worker that dies now and then is better. */
static bool another_is_left(const struct master *m, const struct suspect *s)
{
    const struct loaded *l = &m->loaded;

    if (plugin_of(l, str_of(s->name)) != s->plugin)
        return true; /* that file is of a generation that leaves */
    for (size_t i = 0; i < l->n_plugins; i++) {
        const struct plugin_mark *k = mark_of(m, &l->plugins[i]);

        if (&l->plugins[i] != s->plugin && !(k && atomic_load(&k->out)))
            return true;
    }
    return false;
}

/** A file that was out before this master began stays out. */
static void remember(struct master *m, const struct suspect *s)
{
    bool spared = !another_is_left(m, s);
    char lift[96];

    if (!spared)
        atomic_store(&s->mark->out, 1);
    snprintf(lift, sizeof lift, "penstock plugin release %s", s->name);
    log_event(spared ? EV_plugin_spared : EV_plugin_quarantined,
              LOG_Z("plugin", s->name), LOG_Z("version", s->plugin->version),
              LOG_Z("hash", s->mark->hash),
              LOG_Z("why", "it was quarantined before this start"),
              LOG_Z("release", lift));
    charge_publish(m);
}

void charge_enter(struct master *m)
{
    for (size_t i = 0; i < m->loaded.n_plugins; i++) {
        const struct loaded_plugin *p = &m->loaded.plugins[i];
        struct str hash = plugin_hash(p->path);
        bool known = mark_of(m, p) != NULL;
        struct suspect s = { .plugin = p };

        s.mark = charges_claim(cells_charges(m->cells), str_of(p->name), hash);
        snprintf(s.name, sizeof s.name, "%s", p->name);
        if (s.mark && !known && quarantined_has(m->config->state, p->name,
                                                hash))
            remember(m, &s);
    }
}

static void quarantine(struct master *m, const struct suspect *s,
                       const struct charge_sum *sum)
{
    bool spared = !another_is_left(m, s);
    struct line l = { .n = 0 };
    struct err err = { 0 };
    char lift[96];

    snprintf(lift, sizeof lift, "penstock plugin release %s", s->name);
    put(&l, LOG_Z("plugin", s->name));
    put(&l, LOG_Z("version", s->plugin->version));
    put(&l, LOG_Z("hash", s->mark->hash));
    put(&l, LOG_Z("op", s->op));
    put(&l, LOG_I("charges", sum->n));
    put(&l, LOG_I("callers", sum->callers));
    put(&l, LOG_I("bodies", sum->bodies));
    put_back(&l, m);
    if (!spared) {
        put(&l, LOG_Z("release", lift));
        atomic_store(&s->mark->out, 1);
        if (quarantined_note(m->config->state, s->mark->name, s->mark->hash,
                             &err) != 0)
            put(&l, LOG_Z("ends_with_a_restart", err.msg));
    }
    l.f[l.n] = LOG_END;
    log_fields(spared ? EV_plugin_spared : EV_plugin_quarantined, l.f);
    charge_publish(m);
}

bool charge_is_out(const struct master *m, const struct loaded_plugin *p)
{
    const struct plugin_mark *k = mark_of(m, p);

    return k && atomic_load(&k->out);
}

void charge_publish(const struct master *m)
{
    for (size_t i = 0; i < m->loaded.n_plugins; i++) {
        const struct loaded_plugin *p = &m->loaded.plugins[i];
        struct str label[1] = { str_of(p->name) };

        metric_set(METRIC_PLUGIN_OUT, label, charge_is_out(m, p));
    }
}

static bool is_fault(const struct post *p, int status)
{
    if (WIFEXITED(status))
        return WEXITSTATUS(status) != 0 || p->ready_ms != 0;
    return WTERMSIG(status) != SIGTERM &&
           (WTERMSIG(status) != SIGKILL || p->aborted);
}

static void say_why(struct post *p, int status, const struct suspect *s)
{
    char how[40];

    if (*p->why)
        return;
    if (p->aborted)
        snprintf(how, sizeof how, "it hung");
    else if (WIFSIGNALED(status))
        snprintf(how, sizeof how, "it died of signal %d", WTERMSIG(status));
    else
        snprintf(how, sizeof how, "it ended with code %d",
                 WEXITSTATUS(status));
    snprintf(p->why, sizeof p->why, "%s%s%s%s%s", how,
             s->kind == CRUMB_NONE     ? ""
             : s->kind == CRUMB_PLUGIN ? " in plugin "
                                       : " in policy ",
             s->name, s->kind ? " " : "", s->op);
}

static void book(struct master *m, const struct post *p,
                 const struct suspect *s, const struct lost *lost)
{
    struct siphash_key key = siphash_process_key();
    struct charge c = {
        .at_ms = clock_mono_ms(), .mark = s->mark,
        .who = *s->request ? siphash(key, str_of(lost->principal)) | 1 : 0,
        .body = atomic_load(&p->cell->crash_body),
    };
    struct str label[1] = { str_of(s->name) };

    if (s->kind == CRUMB_PLUGIN)
        metric_add(METRIC_PLUGIN_CHARGES, label, 1);
    charge_note(&m->charges, &c);
    /* on trial: its generation is taken back, and with it the cause */
    if (c.body && (s->mark || s->kind == CRUMB_POLICY) &&
        !reload_on_trial(m, p))
        charges_refuse(cells_charges(m->cells), c.body,
                       c.at_ms + CHARGES_BODY_MS);
}

static void judge(struct master *m, const struct post *p,
                  const struct suspect *s)
{
    struct charge_sum sum;

    if (!s->mark || atomic_load(&s->mark->out) || reload_on_trial(m, p))
        return;
    sum = charge_sum(&m->charges, s->mark, clock_mono_ms());
    if (charge_is_plugins(&sum))
        quarantine(m, s, &sum);
}

bool charge_death(struct master *m, struct post *p, int status,
                  const struct suspect *s, const struct lost *lost)
{
    bool fault = p->kind == PROC_WORKER && is_fault(p, status);

    if (fault && s->kind != CRUMB_NONE)
        book(m, p, s, lost);
    log_death(m, p, status, s, lost);
    if (!fault)
        return false;
    say_why(p, status, s);
    judge(m, p, s);
    return WIFSIGNALED(status) || s->kind != CRUMB_NONE;
}

int charge_release(struct master *m, struct str name, size_t *released,
                   struct err *err)
{
    struct charges *c = cells_charges(m->cells);
    struct plugin_mark *k;
    uint32_t at = 0;
    size_t n = 0, kept;
    int rc = quarantined_forget(m->config->state, name, &kept, err);

    if (rc)
        return rc;
    while ((k = charges_next(c, &at))) {
        if (!str_is(name, k->name) || !atomic_exchange(&k->out, 0))
            continue;
        charge_forget(&m->charges, k);
        log_event(EV_plugin_released, LOG_Z("plugin", k->name),
                  LOG_Z("hash", k->hash));
        n++;
    }
    if (n) {
        charges_forgive(c);
        charge_publish(m);
    }
    *released = n > kept ? n : kept; /* since the start some have no mark */
    return 0;
}
