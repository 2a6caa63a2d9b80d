/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * From a model's name to the targets to try, in order. Names come from
 * clients: a name is only ever compared, and what a '*' stood for becomes an
 * upstream name, never a path or a host.
 */
#include "engine/target_engine.h"

#include "base/clock.h"

#define MODEL_BYTES 256

/* What matched the '*' of a pattern; p NULL when the name does not match. */
static struct str matched(const struct group *g, struct str name)
{
    struct str tail;

    if (name.n < g->prefix.n + g->suffix.n || !str_starts(name, g->prefix))
        return STR_NULL;
    tail = (struct str){ name.p + name.n - g->suffix.n, g->suffix.n };
    if (!str_eq(tail, g->suffix))
        return STR_NULL;
    return (struct str){ name.p + g->prefix.n,
                         name.n - g->prefix.n - g->suffix.n };
}

static const struct group *find_group(const struct engine *e, struct str name,
                                      struct str *star)
{
    const struct group *g = map_get(e->by_model, name);

    *star = STR_NULL;
    for (size_t i = 0; !g && i < e->n_patterns; i++) {
        *star = matched(e->patterns[i], name);
        if (star->p)
            g = e->patterns[i];
    }
    return g;
}

/* Put `star` in the place of the '*'. */
static struct str substitute(struct arena *a, struct str model,
                             struct str star)
{
    struct str rest = model, before = str_split(&rest, '*');

    return arena_fmt(a, STR_FMT STR_FMT STR_FMT, STR_ARG(before),
                     STR_ARG(star), STR_ARG(rest));
}

/* Room for `n` candidates: a plan lives as long as its request. */
static int plan_room(struct arena *a, struct plan *out, size_t n)
{
    n = n < PLAN_MAX ? n : PLAN_MAX;
    out->list = arena_alloc(a, (n ? n : 1) * sizeof *out->list);
    return out->list ? 0 : -ERR_NOMEM;
}

/* Append the hosts of one entry, evenly shuffled. */
static void put_hosts(struct engine *e, struct plan *out, struct target *hosts,
                      size_t n)
{
    uint16_t order[PLAN_MAX];

    n = n < PLAN_MAX ? n : PLAN_MAX;
    balance_order(&e->dice, NULL, n, order);
    for (size_t i = 0; i < n && out->n < PLAN_MAX; i++)
        out->list[out->n++] = (struct candidate){ .target = &hosts[order[i]] };
}

static int put_entry(struct engine *e, struct arena *a, struct plan *out,
                     const struct entry *t, const struct group *g,
                     struct str star)
{
    struct target *hosts = t->hosts;
    struct str model;

    if (!hosts) {
        model = substitute(a, t->conf->model, star);
        if (!model.p)
            return -ERR_NOMEM;
        if (!model.n) /* the '*' stood for nothing, and it is all there is */
            return -ERR_NOTFOUND;
        hosts = targets_make(a, t->provider, model, t->conf, g->conf);
    }
    if (!hosts)
        return -ERR_NOMEM;
    put_hosts(e, out, hosts, t->n_hosts);
    return 0;
}

/* Of its hosts together, so that one of several that is degraded counts for
 * its part. */
static uint32_t entry_weight(const struct entry *t, uint64_t now_ms)
{
    uint64_t sum = 0;

    for (size_t i = 0; t->hosts && i < t->n_hosts; i++)
        sum += target_weight(&t->hosts[i], now_ms);
    return t->hosts ? (uint32_t)(sum / t->n_hosts) : t->conf->weight * 1000;
}

static int plan_group(struct engine *e, struct arena *a, const struct group *g,
                      struct str star, struct plan *out)
{
    size_t n = g->n_targets < PLAN_MAX ? g->n_targets : PLAN_MAX, room = 0;
    uint32_t weights[PLAN_MAX] = { 0 };
    uint16_t order[PLAN_MAX];
    uint64_t now = g->conf->balance == BALANCE_WEIGHTED ? clock_mono_ms() : 0;
    int rc = 0;

    for (size_t i = 0; i < g->n; i++)
        room += g->entries[i].n_hosts;
    if (plan_room(a, out, room))
        return -ERR_NOMEM;
    for (size_t i = 0; i < n; i++) {
        weights[i] = now ? entry_weight(&g->entries[i], now) : 1;
        order[i] = (uint16_t)i;
    }
    if (g->conf->balance == BALANCE_WEIGHTED)
        balance_order(&e->dice, weights, n, order);
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = put_entry(e, a, out, &g->entries[order[i]], g, star);
    out->n_first = out->n;
    for (size_t i = g->n_targets; i < g->n && rc == 0; i++)
        rc = put_entry(e, a, out, &g->entries[i], g, star);
    out->model = g->conf->name;
    return rc;
}

int engine_plan_block(struct engine *e, struct arena *a,
                      const struct conf_model *m, struct plan *out,
                      struct err *err)
{
    memset(out, 0, sizeof *out);
    if (plan_group(e, a, &e->groups[m - e->conf->models], STR_NULL, out))
        return err_set(err, ERR_NOMEM, "no memory for a plan");
    return 0;
}

/* provider/model, split at the first slash; -ERR_NOTFOUND when it is none. */
static int plan_named(struct engine *e, struct arena *a, struct str name,
                      struct plan *out)
{
    struct str model = name, provider = str_split(&model, '/');
    struct provider *p;
    struct target *hosts;

    if (!provider.n || !model.n)
        return -ERR_NOTFOUND;
    p = engine_provider_find(e, provider);
    if (!p)
        return -ERR_NOTFOUND;
    out->model = arena_dup(a, name);
    model = arena_dup(a, model);
    if (!out->model.p || !model.p)
        return -ERR_NOMEM;
    hosts = targets_make(a, p, model, NULL, NULL);
    if (!hosts || plan_room(a, out, provider_hosts(p)))
        return -ERR_NOMEM;
    put_hosts(e, out, hosts, provider_hosts(p));
    return 0;
}

static bool is_sound(struct str name)
{
    if (!name.n || name.n > MODEL_BYTES || !str_utf8_valid(name))
        return false;
    for (size_t i = 0; i < name.n; i++) {
        if ((unsigned char)name.p[i] < 0x20 || name.p[i] == 0x7f)
            return false;
    }
    return true;
}

int engine_plan(struct engine *e, struct arena *a, struct str model,
                const struct principal *who, struct plan *out, struct err *err)
{
    const struct group *g = NULL;
    struct str star;
    int rc = -ERR_NOTFOUND;

    memset(out, 0, sizeof *out);
    if (!is_sound(model))
        return engine_refuse(e, model, who, err);
    g = find_group(e, model, &star);
    if (g)
        rc = plan_group(e, a, g, star, out);
    else if (engine_is_open(e))
        rc = plan_named(e, a, model, out);
    if (rc == -ERR_NOTFOUND)
        return engine_refuse(e, model, who, err);
    return rc < 0 ? err_set(err, -rc, "no memory for a plan") : 0;
}

struct str engine_model_block(const struct engine *e, struct str model)
{
    struct str star;
    const struct group *g = is_sound(model) ? find_group(e, model, &star)
                                            : NULL;

    return g ? g->conf->name : STR_NULL;
}
