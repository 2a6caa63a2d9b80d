/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A model's name that leads nowhere: say which ones are near, of those that
 * the caller may use. Distances are counted over the first bytes of the first
 * few hundred names, so that a wrong name costs little, whoever sends it.
 */
#include "engine/principal.h"
#include "engine/target_engine.h"

#include <ctype.h>
#include <stdio.h>

#define NEAR 3
#define NAME_BYTES 48
#define SHOWN 100 /* bytes of the wrong name */

struct near {
    struct str name[NEAR];
    unsigned distance[NEAR];
    size_t n;
};

static unsigned char lower(char c)
{
    return (unsigned char)tolower((unsigned char)c);
}

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    unsigned m = a < b ? a : b;

    return m < c ? m : c;
}

/* Levenshtein's, letters without case. */
static unsigned distance(struct str a, struct str b)
{
    unsigned row[NAME_BYTES + 1], above, left;

    a.n = a.n < NAME_BYTES ? a.n : NAME_BYTES;
    b.n = b.n < NAME_BYTES ? b.n : NAME_BYTES;
    for (size_t j = 0; j <= b.n; j++)
        row[j] = (unsigned)j;
    for (size_t i = 1; i <= a.n; i++) {
        above = row[0];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b.n; j++) {
            left = row[j];
            row[j] = min3(row[j] + 1, row[j - 1] + 1,
                          above + (lower(a.p[i - 1]) != lower(b.p[j - 1])));
            above = left;
        }
    }
    return row[b.n];
}

static void offer(struct near *near, struct str name, unsigned d)
{
    size_t at = near->n;

    if (at == NEAR && d >= near->distance[NEAR - 1])
        return;
    at = at < NEAR ? near->n++ : NEAR - 1;
    for (; at > 0 && near->distance[at - 1] > d; at--) {
        near->name[at] = near->name[at - 1];
        near->distance[at] = near->distance[at - 1];
    }
    near->name[at] = name;
    near->distance[at] = d;
}

static void look(const struct engine *e, struct str model,
                 const struct principal *who, struct near *near)
{
    const struct config *c = e->conf;
    size_t n = c->n_models < ENGINE_NEAR_MAX ? c->n_models : ENGINE_NEAR_MAX;

    for (size_t i = 0; i < n; i++) {
        if (!e->groups[i].pattern &&
            (!who || principal_may_use(who, c->models[i].name)))
            offer(near, c->models[i].name, distance(model, c->models[i].name));
    }
}

/* Where any provider/model goes, the providers are what can be named. */
static void look_open(const struct engine *e, struct str model,
                      struct near *near)
{
    const struct config *c = e->conf;
    struct str wanted = str_split(&model, '/');

    for (size_t i = 0; i < c->n_providers && i < ENGINE_NEAR_MAX; i++)
        offer(near, c->providers[i].name,
              distance(wanted, c->providers[i].name));
}

int engine_refuse(const struct engine *e, struct str model,
                  const struct principal *who, struct err *err)
{
    struct near near = { .n = 0 };
    char list[NEAR * (NAME_BYTES + 4) + 1] = "";
    bool open = engine_is_open(e);
    size_t at = 0;

    if (open)
        look_open(e, model, &near);
    else
        look(e, model, who, &near);
    for (size_t i = 0; i < near.n; i++) {
        if (near.name[i].n > NAME_BYTES) /* half a name helps nobody */
            continue;
        at += (size_t)snprintf(list + at, sizeof list - at, "%s" STR_FMT,
                               at ? ", " : "", STR_ARG(near.name[i]));
    }
    if (model.n > SHOWN)
        model.n = SHOWN;
    return err_set(err, ERR_MODEL_NOT_FOUND,
                   "There is no model '" STR_FMT "' here%s%s.", STR_ARG(model),
                   !at    ? ""
                   : open ? "; write provider/model, with one of: "
                          : "; near it are: ",
                   list);
}
