/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A trial is a child that loads the plugin, tests it and opens it with the
 * settings of its providers: some milliseconds of each reload, for what was
 * seen when the generation that is served was loaded. A staged file's name
 * holds its hash, and staging has just compared its bytes.
 */
#include "app/loader_tried.h"

#include "engine/config_diff.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static bool of_a_trial(const char *path)
{
    return !path || str_starts(str_of(path), STR("provider")) ||
           str_starts(str_of(path), STR("server"));
}

bool loader_same_providers(const struct loaded *served,
                           const struct snapshot *next)
{
    struct err ignored = { 0 };
    struct config_diff d = { 0 };
    bool same = served && served->bundle &&
                config_diff(served->bundle, next, &d, &ignored) == 0;
    const json_t *v;
    size_t i;

    if (!same)
        return false;
    same = d.n == json_array_size(d.changes); /* all of them are named */
    json_array_foreach(d.changes, i, v)
        same = same &&
               !of_a_trial(json_string_value(json_object_get(v, "path")));
    config_diff_clear(&d);
    return same;
}

const struct loaded_plugin *loader_tried(const struct loaded *served,
                                         struct str name, const char *staged)
{
    for (size_t i = 0; i < served->n_plugins; i++) {
        const struct loaded_plugin *p = &served->plugins[i];

        if (str_is(name, p->name) && strcmp(p->path, staged) == 0)
            return p;
    }
    return NULL;
}

static const char *place(const json_t *why, struct str provider,
                         const char *below)
{
    char pointer[320];
    int n = snprintf(pointer, sizeof pointer, "/provider/" STR_FMT "%s",
                     STR_ARG(provider), below);

    return n < (int)sizeof pointer
               ? json_string_value(json_object_get(why, pointer)) : NULL;
}

int loader_refused(const struct plugin_trial *t, const json_t *why,
                   const struct err *said, struct err *err)
{
    size_t i = t->refused ? *t->refused : t->n_settings;
    bool a_setting = i < t->n_settings && *said->at == '/';
    struct str provider;
    char below[sizeof said->at + 16];
    const char *at;

    if (t->n_settings == 0)
        return err_at(err, said->code, said->at, "%s", said->msg);
    provider = t->providers[i < t->n_settings ? i : 0];
    snprintf(below, sizeof below, "/settings%s", said->at);
    at = a_setting ? place(why, provider, below) : NULL;
    at = at ? at : place(why, provider, "/plugin");
    at = at ? at : said->at;
    return err_at(err, said->code, at, "%s%s%s%s", said->msg,
                  a_setting ? " (settings" : "", a_setting ? said->at : "",
                  a_setting ? ")" : "");
}
