/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The members "on" and "on_exhausted" of models: who is named there exists
 * and is a name that can be asked for, and no chain of them leads back to
 * where it began, whatever the classes on the way: a request would go round
 * until its tries are spent.
 */
#include "engine/config_open.h"
#include "engine/config_walk.h"

#include <string.h>

/* Where a model names another one. */
static const struct {
    const char *member, *key;
} classes[] = { { "on", "context_length" },
                { "on", "content_filter" },
                { "on_exhausted", "model" } };

enum { N_CLASSES = sizeof classes / sizeof classes[0] };

static const char *leads_to(const json_t *models, const char *name, size_t cls)
{
    const json_t *m = json_object_get(models, name);

    return json_string_value(
        json_object_get(json_object_get(m, classes[cls].member),
                        classes[cls].key));
}

/* Walk all chains on from chain[n - 1], the names so far. */
static int follow(struct conf_walk *w, const json_t *models,
                  const char **chain, size_t n)
{
    int rc = 0;

    for (size_t c = 0; c < N_CLASSES && rc == 0; c++) {
        const char *to = leads_to(models, chain[n - 1], c);

        for (size_t i = 0; to && rc == 0 && i < n; i++) {
            if (strcmp(chain[i], to) == 0)
                rc = walk_fail(w, "leads back to \"%.64s\"", to);
        }
        if (!to || rc)
            continue;
        if (n > CONF_ON_DEPTH)
            return walk_fail(w, "begins a chain of more than %d models",
                             CONF_ON_DEPTH);
        chain[n] = to;
        rc = follow(w, models, chain, n + 1);
    }
    return rc;
}

static int named(struct conf_walk *w, const json_t *models, const char *to)
{
    if (strchr(to, '*'))
        return walk_fail(w, "\"%.64s\" is a pattern; write a model's name",
                         to);
    return json_object_get(models, to) ? 0
                                       : walk_no_such(w, "model", to, models);
}

static bool is_empty(const json_t *models, const char *name)
{
    const json_t *e = json_object_get(json_object_get(models, name),
                                      "on_exhausted");

    return e && !json_object_get(e, "model") && !json_object_get(e, "reply");
}

static int one(struct conf_walk *w, const json_t *models, const char *name)
{
    const char *chain[CONF_ON_DEPTH + 2] = { name };
    int rc = 0;

    for (size_t c = 0; c < N_CLASSES && rc == 0; c++) {
        const char *to = leads_to(models, name, c);

        if (!to)
            continue;
        walk_member(w, classes[c].member);
        walk_member(w, classes[c].key);
        rc = named(w, models, to);
        walk_leave(w);
        walk_leave(w);
    }
    walk_member(w, json_object_get(json_object_get(models, name), "on")
                       ? "on" : "on_exhausted");
    if (rc == 0 && is_empty(models, name))
        rc = walk_fail(w, "names nothing; write { model = \"...\" } or "
                          "{ reply = \"...\" }");
    if (rc == 0)
        rc = follow(w, models, chain, 1);
    walk_leave(w);
    return rc;
}

int walk_on(struct conf_walk *w, json_t *canonical)
{
    json_t *models = json_object_get(canonical, "model"), *m;
    const char *name;
    int rc = 0;

    walk_member(w, "model");
    json_object_foreach(models, name, m) {
        if (rc < 0)
            break;
        walk_named(w, name);
        rc = one(w, models, name);
        walk_leave(w);
    }
    walk_leave(w);
    return rc;
}

static const struct conf_model *find(struct opener *o, const struct config *c,
                                     const json_t *on, const char *cls)
{
    struct str name = open_text(o, on, cls);

    for (size_t i = 0; name.n && i < c->n_models; i++) {
        if (str_eq(c->models[i].name, name))
            return &c->models[i];
    }
    if (name.n)
        o->broken = "a model that another one names is not there";
    return NULL;
}

void open_on(struct opener *o, struct config *c)
{
    json_t *all = json_object_get(o->root, "model"), *v;
    struct conf_model *m = c->models;
    const char *name;

    json_object_foreach(all, name, v) {
        const json_t *on = json_object_get(v, "on");

        if (o->broken)
            return;
        m->on.context_length = find(o, c, on, "context_length");
        m->on.content_filter = find(o, c, on, "content_filter");
        on = json_object_get(v, "on_exhausted");
        m->exhausted.model = find(o, c, on, "model");
        m->exhausted.reply = open_text(o, on, "reply");
        m++;
    }
}
