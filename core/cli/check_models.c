/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Targets of models that the catalogue does not know. */
#include "cli/check_models.h"

#include "engine/config_table.h"
#include "engine/config_walk.h"

#include <string.h>

struct look {
    const struct config_file *f;
    json_t *models, *prices; /* of the catalogue */
    json_t *notes;
};

static json_t *rows_of(const json_t *catalogue, const char *vendor)
{
    return json_object_get(json_object_get(catalogue, "vendors"), vendor);
}

/* Rows end in a version where requests often do not, and the other way. */
static bool has(const json_t *rows, const char *model)
{
    const char *row;
    json_t *v;

    json_object_foreach((json_t *)rows, row, v) {
        size_t n = strlen(row);

        if (strcmp(row, model) == 0 ||
            (n && row[n - 1] == '*' && strncmp(row, model, n - 1) == 0))
            return true;
    }
    return false;
}

/* A `capability` or `price` block says that it is meant. */
static bool is_told(const struct look *l, const char *target)
{
    static const char *const kinds[] = { "capability", "price" };

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (has(json_object_get(l->f->canonical, kinds[i]), target))
            return true;
    }
    return false;
}

static void note(struct look *l, const char *at, const char *target,
                 const char *vendor)
{
    const json_t *place = json_object_get(l->f->why, at);
    const char *model = strchr(target, '/') + 1, *row;
    struct conf_near near;
    char text[512];
    json_t *v;
    int n;

    conf_near_init(&near, str_of(model));
    json_object_foreach(rows_of(l->models, vendor), row, v)
        conf_near_offer(&near, str_of(row));
    n = snprintf(text, sizeof text, "the catalogue knows no '%.100s' of %s",
                 model, vendor);
    if (near.best.p)
        snprintf(text + n, sizeof text - (size_t)n, "; did you mean '" STR_FMT
                 "'?", STR_ARG(near.best));
    else
        snprintf(text + n, sizeof text - (size_t)n, "; it is asked for all "
                 "the same (a capability block says what it can do)");
    json_array_append_new(
        l->notes, json_pack("{s:s, s:s, s:s}", "at",
                            place ? json_string_value(place) : at, "target",
                            target, "note", text));
}

static void look_at(struct look *l, const char *at, const char *target)
{
    const char *slash = target ? strchr(target, '/') : NULL, *vendor;
    const json_t *provider;
    char name[128];

    if (!slash || strchr(slash, '*') || slash == target)
        return; /* a pattern stands for what clients ask for */
    snprintf(name, sizeof name, "%.*s", (int)(slash - target), target);
    provider = json_object_get(json_object_get(l->f->canonical, "provider"),
                               name);
    vendor = json_string_value(json_object_get(provider, "vendor"));
    vendor = vendor ? vendor : name;
    if (!json_object_size(rows_of(l->models, vendor)) ||
        has(rows_of(l->models, vendor), slash + 1) ||
        has(rows_of(l->prices, vendor), slash + 1) || is_told(l, target))
        return;
    note(l, at, target, vendor);
}

static void look_through(struct look *l, const char *model, const json_t *of,
                         const char *list)
{
    json_t *v;
    char at[300], rest[64];
    size_t i;

    json_array_foreach(json_object_get(of, list), i, v) {
        snprintf(rest, sizeof rest, "%s/%zu/target", list, i);
        config_file_pointer("model", model, rest, at, sizeof at);
        look_at(l, at, json_string_value(json_object_get(v, "target")));
    }
}

json_t *check_models(const struct config_file *f)
{
    struct err err = { 0 };
    struct look l = { .f = f, .notes = json_array() };
    const char *model;
    json_t *v;

    l.models = config_beside(f->canonical, f->paths.catalogue, "models.json",
                             &err);
    l.prices = config_beside(f->canonical, f->paths.catalogue, "prices.json",
                             &err);
    json_object_foreach(json_object_get(f->canonical, "model"), model, v) {
        look_through(&l, model, v, "targets");
        look_through(&l, model, v, "fallback");
    }
    json_decref(l.models);
    json_decref(l.prices);
    return l.notes;
}
