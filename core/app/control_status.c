/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* What `status` says, as a table of members. */
#include "app/control.h"

#include "app/master.h"
#include "base/clock.h"
#include "base/log.h"
#include "engine/alert.h"
#include "engine/config.h"
#include "engine/fetched.h"
#include "engine/shed.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *const phases[] = { "starting", "running", "draining",
                                      "stopping" };
static const char *const anonymous[] = {
    [ANON_NONE] = "none",
    [ANON_LOCAL] = "local",
    [ANON_PUBLIC] = "public",
};

static void put_name(struct buf *b, const char *name)
{
    if (b->p[b->n - 1] != '{' && b->p[b->n - 1] != '[')
        buf_putc(b, ',');
    if (name)
        buf_printf(b, "\"%s\":", name);
}

static void put_num(struct buf *b, const char *name, uint64_t v)
{
    put_name(b, name);
    buf_printf(b, "%llu", (unsigned long long)v);
}

static void put_str(struct buf *b, const char *name, struct str s)
{
    put_name(b, name);
    buf_json_str(b, s);
}

/** Descriptors that are open in this process. */
static uint64_t count_fds(void)
{
    DIR *d = opendir("/proc/self/fd");
    uint64_t n = 0;

    while (d && readdir(d))
        n++;
    if (d)
        closedir(d);
    return n > 3 ? n - 3 : 0; /* ".", "..", and the folder's own */
}

static const char *post_state(const struct post *p, uint64_t now)
{
    uint64_t beat;

    if (p->leaving)
        return "draining";
    if (p->pid == 0)
        return p->start_ms > now ? "backoff" : "starting";
    if (p->ready_ms == 0)
        return "starting";
    if (p->canary)
        return "canary";
    beat = atomic_load(&p->cell->beat_ms);
    if (p->stuck && now > beat + 2000)
        return "stuck";
    return atomic_load(&p->cell->state) == PROC_DRAINING ? "draining"
                                                         : "ready";
}

/** What a worker measured of itself; nothing yet, or unknown: not there. */
static void put_vitals(struct buf *b, const struct vitals *v)
{
    if (atomic_load(&v->memory) == 0)
        return;
    put_num(b, "memory_bytes", atomic_load(&v->memory));
    put_num(b, "loop_lag_ms", atomic_load(&v->lag_ms));
    if (atomic_load(&v->fds) == 0)
        return;
    put_num(b, "fds", atomic_load(&v->fds));
    put_num(b, "fds_max", atomic_load(&v->fds_max));
}

/** Only where there is something to say. */
static void put_load(struct buf *b, const struct process_cell *p)
{
    uint32_t level = atomic_load(&p->shedding);

    if (atomic_load(&p->queued))
        put_num(b, "waiting", atomic_load(&p->queued));
    if (level == SHED_BATCH || level == SHED_ALL)
        put_str(b, "shedding", str_of(shed_level_name(level)));
}

static void put_post(struct buf *b, const struct post *p, uint64_t now)
{
    put_name(b, NULL);
    buf_putc(b, '{');
    put_str(b, "kind", str_of(master_kinds[p->kind]));
    if (p->kind == PROC_WORKER)
        put_num(b, "slot", p->slot);
    put_num(b, "pid", (uint64_t)p->pid);
    put_str(b, "state", str_of(post_state(p, now)));
    put_num(b, "deaths", p->deaths);
    if (p->kind == PROC_WORKER)
        put_num(b, "generation", p->generation);
    if (p->pid == 0 && p->start_ms > now)
        put_num(b, "next_start_ms", p->start_ms - now);
    if (p->adopter)
        put_num(b, "adopted_by", p->adopter->slot);
    if (p->cell && p->pid) {
        put_num(b, "uptime_ms", now - atomic_load(&p->cell->started_ms));
        put_num(b, "in_flight", atomic_load(&p->cell->inflight));
        put_num(b, "connections", atomic_load(&p->cell->connections));
        put_load(b, p->cell);
    }
    if (p->cell && p->pid && p->kind == PROC_WORKER)
        put_vitals(b, &p->cell->vitals);
    buf_putc(b, '}');
}

static void put_posts(struct buf *b, const struct master *m, const char *name,
                      bool workers, uint64_t now)
{
    put_name(b, name);
    buf_putc(b, '[');
    for (size_t i = 0; i < m->n_posts; i++) {
        if ((m->posts[i].kind == PROC_WORKER) == workers)
            put_post(b, &m->posts[i], now);
    }
    buf_putc(b, ']');
}

static void put_listeners(struct buf *b, const struct master *m)
{
    put_name(b, "listeners");
    buf_putc(b, '[');
    for (size_t i = 0; i < m->listeners.n; i++) {
        const struct listener *at = &m->listeners.list[i];
        const struct conf_listen *l = listener_conf(at, m->config);

        if (!l)
            continue;
        put_name(b, NULL);
        buf_putc(b, '{');
        put_str(b, "address", str_of(at->address));
        put_name(b, "tls");
        buf_puts(b, l->n_tls ? "true" : "false");
        put_str(b, "anonymous", str_of(anonymous[l->anonymous]));
        buf_putc(b, '}');
    }
    buf_putc(b, ']');
}

static void put_config(struct buf *b, const struct config *c)
{
    put_name(b, "providers");
    buf_putc(b, '[');
    for (size_t i = 0; i < c->n_providers; i++) {
        put_name(b, NULL);
        buf_putc(b, '{');
        put_str(b, "name", c->providers[i].name);
        put_str(b, "vendor", c->providers[i].vendor);
        put_str(b, "plugin", c->providers[i].plugin);
        buf_putc(b, '}');
    }
    buf_puts(b, "]");
    put_name(b, "models");
    buf_putc(b, '[');
    for (size_t i = 0; i < c->n_models; i++)
        put_str(b, NULL, c->models[i].name);
    buf_putc(b, ']');
    put_num(b, "keys", c->n_keys);
    put_name(b, "keys_store");
    buf_puts(b, c->admin.keys_store ? "true" : "false");
}

/* Why it was taken out by itself, and whether it is worse than it was. */
static void put_watched(struct buf *b, const struct health_cell *c,
                        uint64_t now)
{
    enum autooff_why why = autooff_why(&c->autooff);

    if (why) {
        put_str(b, "taken_out", str_of(autooff_name(why)));
        put_num(b, "try_ms", autooff_wait_ms(&c->autooff, now));
    }
    if (trend_share(&c->trend, now) < 1000) {
        put_name(b, "degraded");
        buf_puts(b, "true");
    }
    if (atomic_load(&c->probing.failed) >= PROBING_SICK)
        put_num(b, "probes_failed", atomic_load(&c->probing.failed));
}

static void put_targets(struct buf *b, const struct master *m, uint64_t now)
{
    const struct health_cell *c;
    uint32_t at = 0;

    put_name(b, "targets");
    buf_putc(b, '[');
    while ((c = health_next(cells_health(m->cells), &at))) {
        put_name(b, NULL);
        buf_putc(b, '{');
        put_str(b, "name", str_of(c->name));
        put_str(b, "state", str_of(breaker_state_name(
                                breaker_state(&c->breaker, now))));
        put_num(b, "share", health_share(c, now) / 10);
        put_num(b, "in_flight", health_inflight(cells_health(m->cells), c));
        if (atomic_load(&c->off) != TARGET_ON)
            put_str(b, "off", str_of(target_off_name(atomic_load(&c->off))));
        if (atomic_load(&c->rest.until_ms) > now)
            put_num(b, "cooling_ms", atomic_load(&c->rest.until_ms) - now);
        if (health_limit(c))
            put_num(b, "limit", health_limit(c));
        if (breaker_wait_ms(&c->breaker, now))
            put_num(b, "wait_ms", breaker_wait_ms(&c->breaker, now));
        put_watched(b, c, now);
        buf_putc(b, '}');
    }
    buf_putc(b, ']');
}

static void put_quarantined(struct buf *b, const struct master *m)
{
    const struct plugin_mark *k;
    uint32_t at = 0;

    put_name(b, "quarantined");
    buf_putc(b, '[');
    while ((k = charges_next(cells_charges(m->cells), &at))) {
        if (atomic_load(&k->out))
            put_str(b, NULL, str_of(k->name));
    }
    buf_putc(b, ']');
}

/** Of one that is fetched: does it hold, for how long, what is wrong? */
static void put_fetched(struct buf *b, const struct master *m,
                        struct str label)
{
    uint64_t wall = clock_wall_ms();
    struct str name, text;
    struct fetched_news n;
    size_t at = 0;

    while (m->fetched && snapshot_next(m->fetched, &at, &name, &text)) {
        if (!fetched_read(text, &n) || !str_eq(n.label, label))
            continue;
        put_str(b, "token", n.secret.n ? STR("held") : STR("none"));
        if (n.secret.n && n.ends_ms > wall)
            put_num(b, "token_ends_ms", n.ends_ms - wall);
        if (n.why.n)
            put_str(b, "why", n.why);
    }
}

static void put_credentials(struct buf *b, const struct master *m,
                            uint64_t now)
{
    const struct health_cell *c;
    uint64_t until;
    uint32_t at = 0;

    put_name(b, "credentials");
    buf_putc(b, '[');
    while ((c = health_next_credential(cells_health(m->cells), &at))) {
        until = atomic_load(&c->rest.until_ms);
        put_name(b, NULL);
        buf_putc(b, '{');
        put_str(b, "name", str_of(c->name));
        put_str(b, "state", str_of(rest_state_name(
                                rest_state(&c->rest, now))));
        if (until > now)
            put_num(b, "wait_ms", until - now);
        put_fetched(b, m, str_of(c->name));
        buf_putc(b, '}');
    }
    buf_putc(b, ']');
}

static void put_alerts(struct buf *b, const struct master *m)
{
    json_t *list = alert_report(cells_alerts(m->cells));
    char *text = list ? json_dumps(list, JSON_COMPACT) : NULL;

    put_name(b, "alerts");
    buf_puts(b, text ? text : "[]");
    free(text);
    json_decref(list);
}

static void put_sums(struct buf *b, const struct master *m)
{
    const struct process_cell *p;
    uint64_t inflight = 0, connections = 0, deaths = 0;
    uint32_t at = 0;

    while ((p = cells_next(m->cells, &at))) {
        inflight += atomic_load(&p->inflight);
        connections += atomic_load(&p->connections);
    }
    for (size_t i = 0; i < m->n_workers; i++)
        deaths += m->posts[i].deaths;
    put_num(b, "in_flight", inflight);
    put_num(b, "connections", connections);
    put_num(b, "worker_deaths", deaths);
}

/** Do the files say what is served? */
static void put_files(struct buf *b, const struct master *m)
{
    const char *changed = sources_changed(m->loaded.sources);

    put_name(b, "files");
    buf_putc(b, '{');
    if (m->reload.pinned && !m->loaded.same_files)
        put_str(b, "differ", STR("an earlier generation was rolled back to"));
    else if (*m->reload.kept_life.broken)
        put_str(b, "differ", str_of(m->reload.kept_life.broken));
    else if (changed)
        put_str(b, "differ", STR("written since they were read"));
    if (changed)
        put_str(b, "changed", str_of(changed));
    buf_putc(b, '}');
}

/** Whole, for verbs that are run elsewhere. */
static void put_file(struct buf *b, const char *file)
{
    char *cwd = *file == '/' ? NULL : realpath(".", NULL);

    put_name(b, "file");
    if (cwd) {
        char whole[PATHS_MAX * 2];

        snprintf(whole, sizeof whole, "%s/%s", cwd, file);
        buf_json_str(b, str_of(whole));
    } else {
        buf_json_str(b, str_of(file));
    }
    free(cwd);
}

int control_status(const struct master *m, struct buf *out)
{
    uint64_t now = clock_mono_ms();

    buf_putc(out, '{');
    put_str(out, "version", STR(PS_VERSION));
    put_num(out, "pid", (uint64_t)getpid());
    put_str(out, "phase", str_of(phases[m->phase]));
    put_name(out, "ready");
    buf_puts(out, m->was_ready && m->phase == MASTER_RUNNING ? "true"
                                                             : "false");
    put_num(out, "uptime_ms", now - m->started_ms);
    put_num(out, "generation", m->generation);
    if (m->reload.pinned)
        put_num(out, "rolled_back_to", m->reload.pinned);
    if (m->reload.bake.until_ms > now)
        put_num(out, "baking_ms", m->reload.bake.until_ms - now);
    put_name(out, "kept_generations");
    buf_putc(out, '[');
    reload_put_kept(m, out);
    buf_putc(out, ']');
    put_name(out, "generations");
    kept_put_all(m, out);
    put_files(out, m);
    if (m->file)
        put_file(out, m->file);
    put_str(out, "state", m->config->state);
    put_listeners(out, m);
    if (*m->metrics_address)
        put_str(out, "metrics", str_of(m->metrics_address));
    if (*m->admin_address)
        put_str(out, "admin", str_of(m->admin_address));
    put_posts(out, m, "workers", true, now);
    put_posts(out, m, "helpers", false, now);
    put_config(out, m->config);
    put_targets(out, m, now);
    put_credentials(out, m, now);
    put_alerts(out, m);
    put_quarantined(out, m);
    put_sums(out, m);
    put_num(out, "log_lines_lost", log_lost());
    put_num(out, "master_fds", count_fds());
    return buf_putc(out, '}');
}
