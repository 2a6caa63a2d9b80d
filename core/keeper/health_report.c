/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
#include "keeper/health_report.h"

#include <stdio.h>

enum level { OK, DEGRADED, DOWN };

/* What is known of a thing's parts so far. */
struct sum {
    size_t n, ok, down;
    size_t half; /* targets whose breaker lets one request try */
    json_t *reasons;
};

static const char *level_name(enum level l)
{
    static const char *const names[] = { "ok", "degraded", "down" };

    return names[l];
}

static void count(struct sum *s, enum level l, struct str name,
                  const char *why)
{
    s->n++;
    s->ok += l == OK;
    s->down += l == DOWN;
    if (l != OK)
        json_array_append_new(s->reasons, json_sprintf(STR_FMT ": %s",
                                                      STR_ARG(name), why));
}

static enum level level_of(const struct sum *s)
{
    if (s->n && s->down == s->n)
        return DOWN;
    return s->ok == s->n ? OK : DEGRADED;
}

/* One entry of a list; takes the reasons. */
static enum level put(json_t *list, struct str name, const struct sum *s)
{
    enum level l = level_of(s);

    json_array_append_new(list, json_pack("{s:s%, s:s, s:o}", "name", name.p,
                                          name.n, "status", level_name(l),
                                          "reasons", s->reasons));
    return l;
}

/* ---- targets and credentials -------------------------------------------- */

static enum level target_level(const struct health_cell *c, uint64_t now,
                               char *why, size_t size)
{
    enum breaker_state b = breaker_state(&c->breaker, now);
    uint64_t until = atomic_load(&c->rest.until_ms);
    uint32_t off = atomic_load(&c->off);

    if (off != TARGET_ON)
        snprintf(why, size, "%s by an operator", target_off_name(off));
    else if (autooff_why(&c->autooff))
        snprintf(why, size, "taken out by itself: %s",
                 autooff_name(autooff_why(&c->autooff)));
    else if (until > now)
        snprintf(why, size, "cooling for %llu s as its provider asked",
                 (unsigned long long)(until - now + 999) / 1000);
    else if (b == BREAKER_OPEN)
        snprintf(why, size, "its breaker is open, tried again in %llu s",
                 (unsigned long long)(breaker_wait_ms(&c->breaker, now) +
                                      999) / 1000);
    else if (b == BREAKER_HALF)
        snprintf(why, size, "its breaker lets one request at a time through");
    else if (breaker_share(&c->breaker, now) < 1000)
        snprintf(why, size, "%u %% of its share since it came back",
                 breaker_share(&c->breaker, now) / 10);
    else if (trend_share(&c->trend, now) < 1000)
        snprintf(why, size, "worse than it was: half of its weight");
    else
        return OK;
    if (off != TARGET_ON || until > now || b == BREAKER_OPEN)
        return DOWN;
    return autooff_why(&c->autooff) ? DOWN : DEGRADED;
}

/* Is it "provider/model", or that at one of several hosts? */
static bool is_of(const struct health_cell *c, struct str provider,
                  struct str model)
{
    struct str name = str_of(c->name);
    struct str first = str_split(&name, '/');

    if (!str_eq(first, provider))
        return false;
    return !model.p || str_eq(name, model) ||
           (name.n > model.n && str_starts(name, model) &&
            name.p[model.n] == '@');
}

static void count_targets(struct sum *s, const struct health *h,
                          struct str provider, struct str model, uint64_t now)
{
    const struct health_cell *c;
    uint32_t at = 0;
    char why[96];

    while ((c = health_next(h, &at))) {
        enum level l;

        if (!is_of(c, provider, model))
            continue;
        l = target_level(c, now, why, sizeof why);
        count(s, l, str_of(c->name), why);
        s->half += l == DEGRADED &&
                   breaker_state(&c->breaker, now) == BREAKER_HALF;
    }
}

/* How many of a provider's credentials do not rest? */
static void count_keys(struct sum *s, const struct health *h,
                       struct str provider, uint64_t now)
{
    const struct health_cell *c;
    uint32_t at = 0;

    while ((c = health_next_credential(h, &at))) {
        struct str rest = str_of(c->name);
        enum rest_state state = rest_state(&c->rest, now);

        if (str_eq(str_split(&rest, '#'), provider))
            count(s, state == REST_OK ? OK : DOWN, str_of(c->name),
                  rest_state_name(state));
    }
}

static json_t *list_targets(const struct health *h, uint64_t now)
{
    json_t *list = json_array();
    const struct health_cell *c;
    uint32_t at = 0;
    char why[96];

    while ((c = health_next(h, &at))) {
        struct sum s = { .reasons = json_array() };
        enum level l = target_level(c, now, why, sizeof why);

        s.n = 1;
        s.ok = l == OK;
        s.down = l == DOWN;
        if (l != OK)
            json_array_append_new(s.reasons, json_string(why));
        put(list, str_of(c->name), &s);
        json_object_set_new(json_array_get(list, json_array_size(list) - 1),
                            "in_flight", json_integer(health_inflight(h, c)));
    }
    return list;
}

/* ---- providers, models, all of it -------------------------------------- */

static void add(struct sum *all, const struct sum *one)
{
    all->n += one->n;
    all->ok += one->ok;
    all->down += one->down;
}

/* All its keys out, or all its targets: nothing is left of it. */
static enum level provider_level(const struct health *h, struct str name,
                                 uint64_t now, json_t *reasons)
{
    struct sum keys = { .reasons = reasons }, targets = keys, all = { 0 };

    count_keys(&keys, h, name, now);
    count_targets(&targets, h, name, STR_NULL, now);
    if (level_of(&keys) == DOWN || level_of(&targets) == DOWN)
        return DOWN;
    add(&all, &keys);
    add(&all, &targets);
    return level_of(&all);
}

static void put_providers(const struct config *c, const struct health *h,
                          uint64_t now, json_t *list, struct sum *all)
{
    for (size_t i = 0; i < c->n_providers; i++) {
        struct str name = c->providers[i].name;
        json_t *reasons = json_array();
        enum level l = provider_level(h, name, now, reasons);

        json_array_append_new(list, json_pack("{s:s%, s:s, s:o}", "name",
                                              name.p, name.n, "status",
                                              level_name(l), "reasons",
                                              reasons));
        if (!c->n_models)
            count(all, l, name, level_name(l));
    }
}

/* A target's provider without a key left takes the target with it. */
static void count_entry(struct sum *s, const struct health *h,
                        const struct conf_target *t, uint64_t now)
{
    struct sum keys = { .reasons = json_array() };
    char name[HEALTH_NAME * 2];

    count_keys(&keys, h, t->provider->name, now);
    snprintf(name, sizeof name, STR_FMT "/" STR_FMT,
             STR_ARG(t->provider->name), STR_ARG(t->model));
    if (level_of(&keys) == DOWN)
        count(s, DOWN, str_of(name), "no credential is left");
    else if (memchr(t->model.p, '*', t->model.n))
        count(s, OK, str_of(name), ""); /* made as its names come */
    else
        count_targets(s, h, t->provider->name, t->model, now);
    json_decref(keys.reasons);
}

static enum level model_level(const struct health *h,
                              const struct conf_model *m, uint64_t now,
                              struct sum *s)
{
    for (size_t k = 0; k < m->n_targets; k++)
        count_entry(s, h, &m->targets[k], now);
    for (size_t k = 0; k < m->n_fallback; k++)
        count_entry(s, h, &m->fallback[k], now);
    return level_of(s);
}

static void put_models(const struct config *c, const struct health *h,
                       uint64_t now, json_t *list, struct sum *all)
{
    for (size_t i = 0; i < c->n_models; i++) {
        const struct conf_model *m = &c->models[i];
        struct sum s = { .reasons = json_array() };
        enum level l;

        model_level(h, m, now, &s);
        l = put(list, m->name, &s);
        count(all, l, m->name, level_name(l));
    }
}

bool health_model_is_down(const struct health *h, const struct conf_model *m,
                          bool was, uint64_t now_ms)
{
    struct sum s = { .reasons = json_array() };
    bool down = model_level(h, m, now_ms, &s) == DOWN ||
                (was && s.n && s.down + s.half == s.n);

    json_decref(s.reasons);
    return down;
}

bool health_provider_is_down(const struct health *h, struct str name,
                             uint64_t now_ms)
{
    json_t *reasons = json_array();
    bool down = provider_level(h, name, now_ms, reasons) == DOWN;

    json_decref(reasons);
    return down;
}

json_t *health_report(const struct config *c, const struct health *h,
                      uint64_t now_ms, bool *down)
{
    struct sum all = { .reasons = json_array() };
    json_t *models = json_array(), *providers = json_array();

    put_providers(c, h, now_ms, providers, &all);
    put_models(c, h, now_ms, models, &all);
    *down = level_of(&all) == DOWN;
    return json_pack("{s:s, s:o, s:o, s:o, s:o}", "status",
                     level_name(level_of(&all)), "reasons", all.reasons,
                     "models", models, "providers", providers, "targets",
                     list_targets(h, now_ms));
}
