/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "flow/probes_impl.h"

#include "base/log.h"

#include <stdlib.h>

#define TICK_MS 1000

static uint64_t now_of(const struct probes *p)
{
    return loop_now_ms(p->flow->env.loop);
}

/* ---- what is looked at -------------------------------------------------- */

static bool is_wanted(const struct target *t, uint64_t now)
{
    const struct conf_health *h = &t->provider->conf->health;

    if (!t->cell || target_is_off(t) || h->probe == PROBE_OFF)
        return false;
    return autooff_why(&t->cell->autooff) ||
           breaker_state(&t->cell->breaker, now) != BREAKER_CLOSED ||
           (h->probe == PROBE_IDLE &&
            probing_is_idle(&t->cell->probing, now, h->interval_ms));
}

static bool is_same_host(const struct target *a, const struct target *b)
{
    return a->provider == b->provider && str_eq(a->base_url, b->base_url);
}

static bool is_asked(const struct probes *p, const struct target *t)
{
    for (size_t i = 0; i < PROBES_MAX; i++) {
        if (p->calls[i].at == t && !p->calls[i].warms)
            return true;
    }
    return false;
}

static struct probe *free_one(struct probes *p)
{
    for (size_t i = 0; i < PROBES_MAX; i++) {
        if (!p->calls[i].at)
            return &p->calls[i];
    }
    return NULL;
}

static void forget(struct probes *p)
{
    for (size_t i = 0; i < PROBES_MAX; i++)
        probe_stop(&p->calls[i]);
    if (p->gen)
        generation_unref(p->gen);
    p->gen = NULL;
    p->n = 0;
}

/* The targets of the generation that is served now. */
static void list(struct probes *p)
{
    if (p->gen == p->flow->gen)
        return;
    forget(p);
    p->gen = generation_ref(p->flow->gen);
    p->n = engine_targets(p->gen->engine, p->list, ENGINE_TARGETS_MAX);
    for (size_t i = 0, k; i < p->n; i++) {
        for (k = 0; !is_same_host(p->list[k], p->list[i]); k++)
            ;
        p->first[i] = (uint16_t)k;
    }
}

/* ---- what it says ------------------------------------------------------- */

struct search {
    struct str model;
    bool found;
};

static void look(void *ud, struct str id)
{
    struct search *s = ud;

    s->found = s->found || str_eq(id, s->model);
}

/* A good answer of which nothing more than that it came is known is no proof
 * that the model is there, or that the key is good. */
static enum probing_verdict for_target(const struct probe *c,
                                       const struct target *t,
                                       enum probing_verdict v)
{
    struct search s = { .model = t->model };

    if (v != PROBING_GOOD || !autooff_why(&t->cell->autooff))
        return v;
    if (t->provider->conf->health.path.n ||
        plugin_models(t->provider->inst, buf_str(&c->body), look, &s) < 0)
        return PROBING_ALIVE;
    if (autooff_why(&t->cell->autooff) == AUTOOFF_AUTH)
        return PROBING_GOOD;
    return s.found ? PROBING_GOOD : PROBING_ALIVE;
}

static void log_news(const struct target *t, enum probing_news news,
                     const char *why)
{
    if (news == PROBING_FELL_SICK)
        log_event(EV_probe_failed, LOG_S("target", t->name),
                  LOG_Z("why", why));
    else if (news == PROBING_GOT_WELL)
        log_event(EV_probe_passed, LOG_S("target", t->name));
}

/* A single key that was parked was proved good. */
static void mend(const struct probe *c, enum autooff_why was)
{
    if (was == AUTOOFF_AUTH && c->at->provider->n_credentials == 1)
        rest_mended(credential_rest(c->credential));
}

static void tell(struct probe *c, const struct target *t,
                 enum probing_verdict v, const char *why)
{
    struct health_cell *h = t->cell;
    uint64_t now = now_of(c->owner);
    bool put_back, was_open = breaker_state(&h->breaker, now) != BREAKER_CLOSED;
    enum autooff_why out = autooff_why(&h->autooff);
    enum probing_news news =
        probing_told(&h->probing, &h->breaker, &h->autooff,
                     for_target(c, t, v), now,
                     t->provider->conf->health.interval_ms,
                     engine_dice(c->owner->gen->engine), &put_back);

    log_news(t, news, why);
    if (!was_open && breaker_state(&h->breaker, now) == BREAKER_OPEN)
        log_event(EV_breaker_open, LOG_S("target", t->name),
                  LOG_I("for_ms", (int64_t)breaker_wait_ms(&h->breaker, now)));
    if (!put_back)
        return;
    mend(c, out);
    log_event(EV_target_put_back, LOG_S("target", t->name),
              LOG_Z("by", "probe"));
}

static void count(const struct target *t, enum probing_verdict v)
{
    static const char *const names[] = { "nothing", "bad", "alive", "good" };
    const struct str labels[] = { t->provider->conf->name, str_of(names[v]) };

    metric_add(METRIC_PROBES, labels, 1);
}

void probe_over(struct probe *c, enum probing_verdict v, const char *why)
{
    struct probes *p = c->owner;
    uint64_t now = now_of(p);

    if (!c->warms) {
        count(c->at, v);
        for (size_t i = 0; i < p->n; i++) {
            if (is_same_host(p->list[i], c->at) && is_wanted(p->list[i], now))
                tell(c, p->list[i], v, why);
        }
    }
    probe_stop(c);
}

/* ---- when --------------------------------------------------------------- */

/* Each target plans for itself; one probe is for all of its host's. */
static bool host_is_due(struct probes *p, size_t first, uint64_t now)
{
    bool due = false;

    for (size_t i = first; i < p->n; i++) {
        const struct target *o = p->list[i];

        if (o->cell && p->first[i] == first)
            due |= probing_due(&o->cell->probing, now, is_wanted(o, now),
                               o->provider->conf->health.interval_ms,
                               engine_dice(p->gen->engine));
    }
    return due;
}

static void probe_hosts(struct probes *p, uint64_t now)
{
    struct probe *c;

    for (size_t i = 0; i < p->n; i++) {
        const struct target *t = p->list[i];

        if (p->first[i] != i || !probe_can(t) || is_asked(p, t) ||
            !(c = free_one(p)))
            continue;
        if (host_is_due(p, i, now) && !probe_start(c, t, false))
            count(t, PROBING_NOTHING);
    }
}

/* Of which none is being opened already. */
static uint32_t lacking(struct probes *p, const struct target *t)
{
    uint32_t n = http_client_lacks(p->flow->env.client, t->base_url,
                                   attempt_path(t->provider->conf));

    for (size_t i = 0; n && i < PROBES_MAX; i++)
        n -= p->calls[i].at && p->calls[i].warms &&
             is_same_host(p->calls[i].at, t);
    return n;
}

/* Towards the most that was in use of late, for the first of each host. */
static void warm_hosts(struct probes *p)
{
    struct probe *c;

    for (size_t i = 0; i < p->n; i++) {
        const struct target *t = p->list[i];
        const struct conf_provider *conf = t->provider->conf;
        uint32_t n = conf->pool.warm, lack;

        if (!n || p->first[i] != i || !probe_can(t))
            continue;
        lack = lacking(p, t);
        n = lack < n ? lack : n;
        while (n-- && (c = free_one(p)) && probe_start(c, t, true))
            metric_add(METRIC_UP_WARMED, NULL, 1);
    }
}

static bool leads(const struct flow_env *e)
{
    return !e->cells || !e->process || cells_leads(e->cells, e->process);
}

static void on_tick(void *ud)
{
    struct probes *p = ud;

    list(p);
    if (leads(&p->flow->env))
        probe_hosts(p, now_of(p));
    warm_hosts(p);
    loop_timer_set(&p->tick, TICK_MS);
}

/* ---- life --------------------------------------------------------------- */

struct probes *probes_new(struct flow *f)
{
    struct probes *p = calloc(1, sizeof *p);

    if (!p)
        return NULL;
    p->list = malloc(ENGINE_TARGETS_MAX * sizeof *p->list);
    p->first = malloc(ENGINE_TARGETS_MAX * sizeof *p->first);
    if (!p->list || !p->first) {
        free(p->list);
        free(p->first);
        free(p);
        return NULL;
    }
    p->flow = f;
    for (size_t i = 0; i < PROBES_MAX; i++)
        probe_init(&p->calls[i], p);
    loop_timer_init(&p->tick, f->env.loop, on_tick, p);
    loop_timer_set(&p->tick, TICK_MS);
    return p;
}

void probes_free(struct probes *p)
{
    if (!p)
        return;
    loop_timer_stop(&p->tick);
    forget(p);
    free(p->list);
    free(p->first);
    free(p);
}
