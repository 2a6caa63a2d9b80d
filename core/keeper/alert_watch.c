/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* One function a row, or a few that come from one walk. */
#include "keeper/alert_watch.h"

#include "base/log.h"
#include "keeper/fetcher.h"
#include "keeper/health_report.h"
#include "keeper/ledger.h"
#include "keeper/store_thread.h"
#include "net/tls_age.h"

#include <stdio.h>
#include <time.h>

#define MIB (1024.0 * 1024)

static bool was(const struct alert_watch *w, enum alert_kind kind,
                struct str where)
{
    return alert_is_raised(w->pass.board, kind, where);
}

/* ---- targets, credentials, models --------------------------------------- */

/** A short pause is the daily round; a long one is news. */
static void look_at_rest(struct alert_watch *w, const struct health_cell *c)
{
    uint64_t until = atomic_load(&c->rest.until_ms), now = w->pass.now_ms;
    struct str name = str_of(c->name);

    if (until <= now)
        return;
    if (until - now > WATCH_PAUSE_MS || was(w, ALERT_COOLING, name))
        alert_found(&w->pass, ALERT_COOLING, ALERT_WARNING, name,
                    "its provider asked for a pause of more than a minute");
}

static void look_at_out(struct alert_watch *w, const struct health_cell *c)
{
    enum autooff_why why = autooff_why(&c->autooff);

    if (!why)
        return;
    w->ill = true;
    alert_found(&w->pass, ALERT_TAKEN_OUT, ALERT_CRITICAL, str_of(c->name),
                "taken out by itself: %s", autooff_name(why));
}

static void look_at_targets(struct alert_watch *w)
{
    const struct health *h = cells_health(w->env->cells);
    uint64_t now = w->pass.now_ms;
    const struct health_cell *c;
    uint32_t at = 0;

    while ((c = health_next(h, &at))) {
        w->ill |= atomic_load(&c->off) != TARGET_ON ||
                  atomic_load(&c->rest.until_ms) > now;
        look_at_rest(w, c);
        look_at_out(w, c);
        if (breaker_state(&c->breaker, now) == BREAKER_CLOSED)
            continue;
        w->ill = true;
        alert_found(&w->pass, ALERT_BREAKER, ALERT_WARNING, str_of(c->name),
                    "its breaker is open");
    }
}

/** Of one that is fetched: is there, or will there be, none? */
static bool look_at_fetch(struct alert_watch *w, struct str name)
{
    bool holds;
    const char *why = fetcher_why(w->env->fetcher, name, &holds);

    if (why)
        alert_found(&w->pass, ALERT_CREDENTIAL_PARKED,
                    holds ? ALERT_WARNING : ALERT_CRITICAL, name,
                    holds ? "no new token could be fetched: %s"
                          : "there is no token for it: %s", why);
    return why != NULL;
}

static void look_at_credentials(struct alert_watch *w)
{
    const struct health *h = cells_health(w->env->cells);
    const struct health_cell *c;
    enum rest_state state;
    uint32_t at = 0;

    while ((c = health_next_credential(h, &at))) {
        state = rest_state(&c->rest, w->pass.now_ms);
        w->ill |= state != REST_OK;
        if (state == REST_COOLING)
            look_at_rest(w, c);
        /* it is tried again after its rest, and is parked until it served */
        if (!look_at_fetch(w, str_of(c->name)) &&
            atomic_load(&c->rest.parked) && atomic_load(&c->rest.times))
            alert_found(&w->pass, ALERT_CREDENTIAL_PARKED, ALERT_CRITICAL,
                        str_of(c->name), "its provider refused it");
    }
}

static void look_at_models(struct alert_watch *w)
{
    const struct config *c = w->env->config;
    const struct health *h = cells_health(w->env->cells);

    for (size_t i = 0; w->ill && i < c->n_models; i++) {
        bool was = alert_is_raised(w->pass.board, ALERT_MODEL_DOWN,
                                   c->models[i].name);

        if (health_model_is_down(h, &c->models[i], was, w->pass.now_ms))
            alert_found(&w->pass, ALERT_MODEL_DOWN, ALERT_CRITICAL,
                        c->models[i].name, "no target of it can be used");
    }
    for (size_t i = 0; w->ill && !c->n_models && i < c->n_providers; i++) {
        struct str name = c->providers[i].name;

        if (health_provider_is_down(h, name, w->pass.now_ms))
            alert_found(&w->pass, ALERT_MODEL_DOWN, ALERT_CRITICAL, name,
                        "nothing of this provider can be used");
    }
}

/* ---- certificates ------------------------------------------------------- */

static void show_cert(const struct watch_cert *c)
{
    char number[16];
    struct str labels[2] = { str_of(c->listener), { number, 0 } };

    labels[1].n = (size_t)snprintf(number, sizeof number, "%u", c->number);
    metric_set(METRIC_CERT_EXPIRES, labels, c->expires);
}

void alert_watch_init(struct alert_watch *w, const struct alerts_env *env)
{
    const struct config *c = env->config;

    *w = (struct alert_watch){ .env = env };
    for (size_t i = 0; i < c->n_listens; i++) {
        const struct conf_listen *l = &c->listens[i];

        for (size_t k = 0; k < l->n_tls && w->n_certs < WATCH_CERTS; k++) {
            struct watch_cert *at = &w->certs[w->n_certs++];

            *at = (struct watch_cert){ l->address.p, (uint32_t)k + 1,
                                       tls_pem_expires(l->tls[k].cert) };
            show_cert(at);
        }
    }
}

/** By its day: what stands on the board is not said anew each day. */
static void found_cert(struct alert_watch *w, enum alert_severity severity,
                       struct str where, int64_t expires)
{
    time_t t = (time_t)expires;
    struct tm tm;
    char day[32] = "?";

    if (gmtime_r(&t, &tm))
        strftime(day, sizeof day, "%Y-%m-%d", &tm);
    alert_found(&w->pass, ALERT_CERT, severity, where, "it %s on %s",
                severity == ALERT_WARNING ? "expires" : "expires or expired",
                day);
}

static void look_at_certs(struct alert_watch *w, int64_t wall_s)
{
    for (size_t i = 0; i < w->n_certs; i++) {
        const struct watch_cert *c = &w->certs[i];
        int64_t left = c->expires - wall_s;
        char where[ALERT_WHERE];

        if (left > WATCH_CERT_DAYS * (int64_t)86400)
            continue;
        snprintf(where, sizeof where, "%s certificate %u", c->listener,
                 c->number);
        found_cert(w, left > WATCH_CERT_GRAVE_DAYS * (int64_t)86400
                          ? ALERT_WARNING : ALERT_CRITICAL,
                   str_of(where), c->expires);
    }
}

/* ---- processes ---------------------------------------------------------- */

static void look_at_memory(struct alert_watch *w, const struct vitals *v,
                           struct str where)
{
    const struct conf_memory *limit = &w->env->config->server.memory;
    uint64_t memory = atomic_load(&v->memory);

    if (memory > limit->hard)
        alert_found(&w->pass, ALERT_MEMORY, ALERT_CRITICAL, where,
                    "it holds %.0f MiB, more than server.memory_hard (%.0f "
                    "MiB): it is replaced", (double)memory / MIB,
                    (double)limit->hard / MIB);
    else if (memory > limit->soft ||
             (memory > limit->soft / 10 * 9 && was(w, ALERT_MEMORY, where)))
        alert_found(&w->pass, ALERT_MEMORY, ALERT_WARNING, where,
                    "it holds %.0f MiB, server.memory_soft is %.0f MiB",
                    (double)memory / MIB, (double)limit->soft / MIB);
}

static void look_at_fds(struct alert_watch *w, const struct vitals *v,
                        struct str where)
{
    uint64_t fds = atomic_load(&v->fds), most = atomic_load(&v->fds_max);
    uint64_t edge = was(w, ALERT_FDS, where) ? WATCH_FDS_END : WATCH_FDS;

    if (most && fds * 100 >= most * edge)
        alert_found(&w->pass, ALERT_FDS, ALERT_WARNING, where,
                    "%llu of %llu file descriptors are in use",
                    (unsigned long long)fds, (unsigned long long)most);
}

static void look_at_lag(struct alert_watch *w, const struct process_cell *p,
                        struct str where)
{
    uint32_t lag = atomic_load(&p->vitals.lag_ms);

    if (w->pass.now_ms > atomic_load(&p->beat_ms) + WATCH_STUCK_MS)
        alert_found(&w->pass, ALERT_LOOP_LAG, ALERT_CRITICAL, where,
                    "its loop does not turn at all");
    else if (lag >= WATCH_LAG_MS ||
        (lag >= WATCH_LAG_END_MS && was(w, ALERT_LOOP_LAG, where)))
        alert_found(&w->pass, ALERT_LOOP_LAG, ALERT_WARNING, where,
                    "its loop is %u ms late", lag);
}

static void look_at_workers(struct alert_watch *w)
{
    const struct process_cell *p;
    char where[32];
    uint32_t at = 0;

    while ((p = cells_next(w->env->cells, &at))) {
        if (atomic_load(&p->kind) != PROC_WORKER ||
            atomic_load(&p->state) != PROC_READY)
            continue; /* who drains goes by itself */
        snprintf(where, sizeof where, "worker %u", atomic_load(&p->slot));
        look_at_memory(w, &p->vitals, str_of(where));
        look_at_fds(w, &p->vitals, str_of(where));
        look_at_lag(w, p, str_of(where));
    }
}

/* ---- ledger, store, losses ---------------------------------------------- */

static void look_at_ledger(struct alert_watch *w)
{
    struct ledger_state s;
    struct str where = STR("ledger");

    if (!w->env->ledger)
        return;
    ledger_look(w->env->ledger, &s);
    if (s.full)
        alert_found(&w->pass, ALERT_LEDGER, ALERT_CRITICAL, where,
                    "its spill files are full or cannot be written: rows are "
                    "lost");
    else if (s.down)
        alert_found(&w->pass, ALERT_LEDGER, ALERT_WARNING, where,
                    "its database takes no rows; they wait");
    else if (s.spilled || s.backlog_percent >= 50)
        alert_found(&w->pass, ALERT_LEDGER, ALERT_WARNING, where,
                    "it is behind: rows wait to be written");
}

static void look_at_store(struct alert_watch *w)
{
    const char *why = "";
    uint64_t now = w->pass.now_ms;

    if (!w->env->store || store_thread_is_open(w->env->store, &why)) {
        w->store_ms = 0;
        return;
    }
    if (w->store_ms == 0)
        w->store_ms = now;
    if (now - w->store_ms >= WATCH_STORE_MS || was(w, ALERT_STORE,
                                                   STR("store")))
        alert_found(&w->pass, ALERT_STORE, ALERT_CRITICAL, STR("store"),
                    "%s", why);
}

static void grow(struct watch_counter *c, uint64_t total, uint64_t now)
{
    if (c->known && total > c->last)
        c->grew_ms = now;
    c->last = total;
    c->known = true;
}

static void look_at_losses(struct alert_watch *w)
{
    uint64_t now = w->pass.now_ms, total;

    if (now >= w->totals_ms) {
        w->totals_ms = now + WATCH_TOTALS_MS;
        if (cells_total(w->env->cells, METRIC_LOG_LOST, &total) == 0)
            grow(&w->log_lines, total + log_lost(), now);
        if (cells_total(w->env->cells, METRIC_LIMIT_FULL, &total) == 0)
            grow(&w->limits_full, total, now);
    }
    if (w->log_lines.grew_ms && now - w->log_lines.grew_ms < WATCH_LAST_MS)
        alert_found(&w->pass, ALERT_LOG_LINES, ALERT_WARNING, STR("log"),
                    "lines were lost, access lines among them");
    if (w->limits_full.grew_ms && now - w->limits_full.grew_ms < WATCH_LAST_MS)
        alert_found(&w->pass, ALERT_LIMITS_FULL, ALERT_WARNING,
                    STR("limits"), "requests found no room for their limits");
}

void alert_watch_look(struct alert_watch *w, uint64_t now_ms,
                      uint64_t wall_ms)
{
    alert_pass_begin(&w->pass, cells_alerts(w->env->cells), ALERT_OF_KEEPER,
                     now_ms);
    w->ill = false;
    look_at_targets(w);
    look_at_credentials(w);
    look_at_models(w);
    look_at_certs(w, (int64_t)(wall_ms / 1000));
    look_at_workers(w);
    look_at_ledger(w);
    look_at_store(w);
    look_at_losses(w);
    alert_pass_end(&w->pass);
}
