/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The engine of one worker and generation: providers, and the model blocks
 * with a target for each host of each line. Built once, from a configuration
 * that was checked; all of it lies in one arena.
 */
#include "engine/target_engine.h"

#include <stdlib.h>
#include <sys/random.h>

#define ENGINE_BYTES (64u << 20)
#define MAX_NAMES 100000
#define NO_URL "http://localhost"

/* "10.0.8.1:8000" of "http://10.0.8.1:8000/v1" */
static struct str host_of(struct str url)
{
    ptrdiff_t at = str_find(url, STR("://"));

    if (at >= 0) {
        url.p += at + 3;
        url.n -= (size_t)at + 3;
    }
    return str_split(&url, '/');
}

size_t provider_hosts(const struct provider *p)
{
    return p->conf->n_base_urls ? p->conf->n_base_urls : 1;
}

struct target *targets_make(struct arena *a, struct provider *p,
                            struct str model, const struct conf_target *line,
                            const struct conf_model *group)
{
    size_t n = provider_hosts(p);
    struct target *list = arena_alloc(a, n * sizeof *list);
    struct str url, name = p->conf->name;

    for (size_t i = 0; list && i < n; i++) {
        url = p->conf->n_base_urls ? p->conf->base_urls[i] : STR(NO_URL);
        list[i].provider = p;
        list[i].base_url = url;
        list[i].model = model;
        list[i].weight = line ? line->weight : 1;
        target_set_places(&list[i], line);
        list[i].group = group;
        list[i].name =
            n == 1 ? arena_fmt(a, STR_FMT "/" STR_FMT, STR_ARG(name),
                               STR_ARG(model))
                   : arena_fmt(a, STR_FMT "/" STR_FMT "@" STR_FMT,
                               STR_ARG(name), STR_ARG(model),
                               STR_ARG(host_of(url)));
        if (!list[i].name.p)
            return NULL;
        if (p->health)
            list[i].cell = health_find(p->health, list[i].name, 0);
    }
    return list;
}

bool target_reasons(const struct target *t)
{
    const struct conf_provider *c = t->provider->conf;

    for (size_t i = 0; i < c->n_reasoning; i++) {
        if (str_glob(c->reasoning[i], t->model))
            return true;
    }
    return false;
}

/* ---- providers --------------------------------------------------------- */

static int make_credentials(struct engine *e, struct provider *p)
{
    const struct conf_provider *c = p->conf;
    bool keyless = c->keys_from_client || !c->n_keys;

    p->n_credentials = keyless ? 1 : c->n_keys;
    p->credentials =
        arena_alloc(e->arena, p->n_credentials * sizeof *p->credentials);
    if (!p->credentials)
        return -ERR_NOMEM;
    if (keyless) {
        p->credentials[0].label = c->name;
        return 0;
    }
    for (size_t i = 0; i < c->n_keys; i++) {
        p->credentials[i].conf = &c->keys[i];
        p->credentials[i].label =
            arena_fmt(e->arena, STR_FMT "#" STR_FMT, STR_ARG(c->name),
                      STR_ARG(c->keys[i].name));
        if (!p->credentials[i].label.p)
            return -ERR_NOMEM;
    }
    return 0;
}

static int make_providers(struct engine *e, struct plugin_set *plugins,
                          struct err *err)
{
    const struct config *c = e->conf;
    struct provider *p;

    e->providers =
        arena_alloc(e->arena, (c->n_providers + 1) * sizeof *e->providers);
    if (!e->providers)
        return -ERR_NOMEM;
    for (size_t i = 0; i < c->n_providers; i++) {
        p = &e->providers[i];
        p->conf = &c->providers[i];
        p->plugin = plugin_set_find(plugins, p->conf->plugin);
        if (!p->plugin)
            return err_set(err, ERR_CONFIG,
                           "provider " STR_FMT ": plugin '" STR_FMT
                           "' is not loaded",
                           STR_ARG(p->conf->name), STR_ARG(p->conf->plugin));
        if (make_credentials(e, p) < 0 ||
            map_set(e->by_provider, p->conf->name, p) < 0)
            return -ERR_NOMEM;
    }
    return 0;
}

int provider_open(struct provider *p, struct err *err)
{
    struct str url = p->conf->n_base_urls ? p->conf->base_urls[0] : STR(NO_URL);

    if (!p->inst)
        p->inst = plugin_open(p->plugin, p->conf->name, url, p->conf->settings,
                              err);
    return p->inst ? 0 : -ERR_CONFIG;
}

/* ---- model blocks ------------------------------------------------------ */

static bool has_star(struct str s)
{
    return s.n && memchr(s.p, '*', s.n);
}

static int make_entry(struct engine *e, struct entry *out,
                      const struct conf_target *t, const struct conf_model *m)
{
    out->conf = t;
    out->provider = &e->providers[t->provider - e->conf->providers];
    out->n_hosts = provider_hosts(out->provider);
    if (has_star(t->model)) /* made when it is known what the '*' is */
        return 0;
    out->hosts = targets_make(e->arena, out->provider, t->model, t, m);
    return out->hosts ? 0 : -ERR_NOMEM;
}

static int make_group(struct engine *e, struct group *g,
                      const struct conf_model *m)
{
    struct str rest = m->name;
    int rc = 0;

    g->conf = m;
    g->n_targets = m->n_targets;
    g->n = m->n_targets + m->n_fallback;
    g->entries = arena_alloc(e->arena, (g->n + 1) * sizeof *g->entries);
    if (!g->entries)
        return -ERR_NOMEM;
    for (size_t i = 0; i < g->n && rc == 0; i++)
        rc = make_entry(e, &g->entries[i],
                        i < m->n_targets ? &m->targets[i]
                                         : &m->fallback[i - m->n_targets],
                        m);
    g->pattern = has_star(m->name);
    if (!g->pattern)
        return rc ? rc : map_set(e->by_model, m->name, g);
    g->prefix = str_split(&rest, '*');
    g->suffix = rest;
    e->patterns[e->n_patterns++] = g;
    return rc;
}

static int by_length(const void *a, const void *b)
{
    const struct group *x = *(struct group *const *)a;
    const struct group *y = *(struct group *const *)b;

    if (x->prefix.n != y->prefix.n)
        return x->prefix.n < y->prefix.n ? 1 : -1;
    if (x->suffix.n != y->suffix.n)
        return x->suffix.n < y->suffix.n ? 1 : -1;
    return x < y ? -1 : x > y;
}

static int make_groups(struct engine *e)
{
    size_t n = e->conf->n_models;
    int rc = 0;

    e->groups = arena_alloc(e->arena, (n + 1) * sizeof *e->groups);
    e->patterns = arena_alloc(e->arena, (n + 1) * sizeof *e->patterns);
    if (!e->groups || !e->patterns)
        return -ERR_NOMEM;
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = make_group(e, &e->groups[i], &e->conf->models[i]);
    qsort(e->patterns, e->n_patterns, sizeof *e->patterns, by_length);
    return rc;
}

/* ---- the whole --------------------------------------------------------- */

struct engine *engine_new(const struct config *c, struct plugin_set *plugins,
                          struct err *err)
{
    struct engine *e = calloc(1, sizeof *e);
    uint64_t seed = 0;
    int rc = -ERR_NOMEM;

    if (!e)
        goto fail;
    e->conf = c;
    e->arena = arena_new(ENGINE_BYTES);
    e->by_provider = map_new(MAX_NAMES);
    e->by_model = map_new(MAX_NAMES);
    if (!e->arena || !e->by_provider || !e->by_model)
        goto fail;
    if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) < 0)
        seed = (uintptr_t)e; /* chance enough to spread load */
    balance_seed(&e->dice, seed);
    rc = make_providers(e, plugins, err);
    if (rc == 0)
        rc = make_groups(e);
    if (rc == 0)
        return e;
fail:
    err_set(err, rc < 0 ? -rc : ERR_NOMEM, "no memory for the engine");
    engine_free(e);
    return NULL;
}

void engine_free(struct engine *e)
{
    if (!e)
        return;
    for (size_t i = 0; e->providers && i < e->conf->n_providers; i++)
        plugin_close(e->providers[i].inst);
    engine_leave_fetched(e);
    map_free(e->by_provider);
    map_free(e->by_model);
    arena_free(e->arena);
    free(e);
}

const struct config *engine_config(const struct engine *e)
{
    return e->conf;
}

size_t engine_providers(const struct engine *e)
{
    return e->conf->n_providers;
}

struct provider *engine_provider(struct engine *e, size_t i)
{
    return i < e->conf->n_providers ? &e->providers[i] : NULL;
}

struct provider *engine_provider_find(const struct engine *e, struct str name)
{
    return map_get(e->by_provider, name);
}

void engine_seed(struct engine *e, uint64_t seed)
{
    balance_seed(&e->dice, seed);
}

bool engine_is_open(const struct engine *e)
{
    return e->conf->n_models == 0;
}

static bool is_listed(const struct target *const *list, size_t n,
                      struct str name)
{
    while (n--) {
        if (str_eq(list[n]->name, name))
            return true;
    }
    return false;
}

size_t engine_targets(const struct engine *e, const struct target **out,
                      size_t max)
{
    size_t n = 0;

    for (size_t i = 0; i < e->conf->n_models; i++) {
        const struct group *g = &e->groups[i];

        for (size_t k = 0; k < g->n; k++) {
            const struct entry *x = &g->entries[k];

            for (size_t h = 0; x->hosts && h < x->n_hosts && n < max; h++) {
                if (!is_listed(out, n, x->hosts[h].name))
                    out[n++] = &x->hosts[h];
            }
        }
    }
    return n;
}

size_t engine_model_names(const struct engine *e, struct str *out, size_t max)
{
    size_t n = 0;

    for (size_t i = 0; i < e->conf->n_models && n < max; i++) {
        if (!e->groups[i].pattern)
            out[n++] = e->conf->models[i].name;
    }
    return n;
}
