/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A row of the key table as a principal. The row is copied into the arena in
 * one piece and the texts point into the copy. Teams are followed upwards; the
 * configuration's win over the store's of the same name.
 */
#include "engine/key_table_impl.h"

struct maker {
    const struct key_table *table;
    const struct config *config;
    struct arena *arena;
    struct principal *p;
    bool broken; /* memory is out */
};

/* A copy of the row, whose texts live as long as the arena. */
static const struct key_row *copy(struct maker *m, const struct key_row *row)
{
    void *to = arena_alloc(m->arena, row->size);

    if (!to)
        m->broken = true;
    else
        memcpy(to, row, row->size);
    return to;
}

static struct str *take_list(struct maker *m, struct key_text_at *t, size_t n)
{
    struct str *list = n ? arena_alloc(m->arena, n * sizeof *list) : NULL;

    m->broken |= n && !list;
    for (size_t i = 0; list && i < n; i++)
        list[i] = key_text_next(t);
    return list;
}

static bool has_tag(const struct principal *p, struct str name)
{
    for (size_t i = 0; i < p->n_tags; i++) {
        if (str_eq(p->tags[i].key, name))
            return true;
    }
    return false;
}

/* Those that are there count before those that come; a request's list is
 * short, so it is copied to grow. */
static void add_tags(struct maker *m, const struct conf_pair *tags, size_t n)
{
    struct principal *p = m->p;
    struct conf_pair *all =
        n ? arena_alloc(m->arena, (p->n_tags + n) * sizeof *all) : NULL;

    m->broken |= n && !all;
    if (!all)
        return;
    if (p->n_tags)
        memcpy(all, p->tags, p->n_tags * sizeof *all);
    p->tags = all;
    for (size_t i = 0; i < n; i++) {
        if (!has_tag(p, tags[i].key))
            p->tags[p->n_tags++] = tags[i];
    }
}

static void take_tags(struct maker *m, struct key_text_at *t, size_t n)
{
    struct conf_pair *tags =
        n ? arena_alloc(m->arena, n * sizeof *tags) : NULL;

    m->broken |= n && !tags;
    for (size_t i = 0; tags && i < n; i++) {
        tags[i].key = key_text_next(t);
        tags[i].value = key_text_next(t);
    }
    if (tags)
        add_tags(m, tags, n);
}

/* ---- teams ------------------------------------------------------------- */

static const struct conf_team *configured(const struct config *c,
                                          struct str name)
{
    for (size_t i = 0; i < c->n_teams; i++) {
        if (str_eq(c->teams[i].name, name))
            return &c->teams[i];
    }
    return NULL;
}

/* A team of the store; returns the name of the one above it. */
static struct str add_stored(struct maker *m, struct principal_team *to,
                             const struct key_row *row)
{
    struct key_text_at t = { NULL, NULL };
    struct str parent;

    row = copy(m, row);
    if (!row)
        return STR_NULL;
    t = key_row_texts(row);
    to->name = key_text_next(&t);
    parent = key_text_next(&t);
    to->limits = conf_limits_stored(key_text_next(&t));
    to->n_models = row->n_models;
    to->models = take_list(m, &t, row->n_models);
    take_tags(m, &t, row->n_tags);
    return parent;
}

/* One team upwards; returns the next name, empty at the top. A name that is
 * nobody's allows nothing: what it forbade is not known any more. */
static struct str add_team(struct maker *m, struct str name)
{
    struct principal_team *to = &m->p->teams[m->p->n_teams++];
    const struct conf_team *team = configured(m->config, name);
    const struct key_row *row;

    if (team) {
        to->name = team->name;
        to->models = team->models;
        to->n_models = team->n_models;
        to->limits = team->limits;
        add_tags(m, team->tags, team->n_tags);
        return team->parent;
    }
    row = m->table ? map_get(m->table->teams, name) : NULL;
    if (row)
        return add_stored(m, to, row);
    to->name = name;
    m->p->fault = "The team of this key does not exist any more.";
    return STR_NULL;
}

static void add_teams(struct maker *m)
{
    struct str name = m->p->team;

    m->p->teams = arena_alloc(m->arena,
                              KEY_TEAM_DEPTH * sizeof *m->p->teams);
    m->broken |= !m->p->teams;
    while (name.n && !m->broken && m->p->n_teams < KEY_TEAM_DEPTH)
        name = add_team(m, name);
    if (m->p->n_teams)
        m->p->team_limits = m->p->teams[0].limits;
    if (name.n)
        m->p->fault = "The teams above this key are too many.";
}

struct principal *key_principal(const struct key_table *t,
                                const struct config *c,
                                const struct key_row *row, struct arena *a)
{
    struct maker m = { .table = t, .config = c, .arena = a,
                       .p = arena_alloc(a, sizeof *m.p) };
    struct principal *p = m.p;
    struct key_text_at at;

    row = p ? copy(&m, row) : NULL;
    if (!row)
        return NULL;
    at = key_row_texts(row);
    p->id = p->key = key_text_next(&at);
    p->team = key_text_next(&at);
    p->user = key_text_next(&at);
    p->limits = conf_limits_stored(key_text_next(&at));
    p->disabled = (row->flags & ROW_DISABLED) != 0;
    p->expires_ms = row->expires_ms;
    p->n_models = row->n_models;
    p->models = take_list(&m, &at, row->n_models);
    p->n_endpoints = row->n_endpoints;
    p->endpoints = take_list(&m, &at, row->n_endpoints);
    p->n_cidrs = row->n_cidrs;
    p->cidrs = take_list(&m, &at, row->n_cidrs);
    take_tags(&m, &at, row->n_tags);
    if (p->team.n)
        add_teams(&m);
    return m.broken ? NULL : p;
}

/* ---- a principal of a policy's own -------------------------------------- */

static struct conf_limits over(struct conf_limits team, struct conf_limits own)
{
    if (!team.requests.n)
        team.requests = own.requests;
    if (!team.tokens.n)
        team.tokens = own.tokens;
    if (!team.concurrent)
        team.concurrent = own.concurrent;
    return team;
}

int key_table_join(const struct key_table *t, const struct config *c,
                   struct arena *a, struct principal *p)
{
    struct maker m = { .table = t, .config = c, .arena = a, .p = p };
    struct conf_limits own = p->team_limits;

    if (!p->team.n)
        return 0;
    if (!configured(c, p->team)) {
        if (!c->admin.keys_store)
            return 0;
        if (!key_table_ready(t))
            return -ERR_AUTH_UNAVAILABLE;
        if (!map_get(t->teams, p->team))
            return 0;
    }
    add_teams(&m);
    p->team_limits = over(p->team_limits, own);
    return m.broken ? -ERR_NOMEM : 0;
}
