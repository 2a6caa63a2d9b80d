/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What the loader does: file to tree, tree to bundle, then the bundle is
 * opened as workers will open it, and every plugin that it names is staged
 * and tried. Nothing of this happens in the master.
 */
#include "app/loader_run.h"

#include "app/loader.h"
#include "app/loader_certs.h"
#include "app/loader_kept.h"
#include "app/loader_tests.h"
#include "app/loader_tried.h"
#include "app/loader_urls.h"
#include "app/message.h"
#include "base/snapshot.h"
#include "engine/config_builtin.h"
#include "engine/config_diff.h"
#include "engine/config_divert.h"
#include "engine/plugin.h"
#include "policy/conf_lua.h"
#include "policy/policy.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct load {
    const struct load_order *order;
    const struct paths *paths;
    struct config_paths where;
    char own_policies[PATHS_MAX], user[64];
    struct config *config;
    struct rights rights;
    struct loaded out; /* its descriptor is `bundle` */
    json_t *files;     /* what was read */
    json_t *why;       /* where of the file what stands; or NULL */
    struct kept *kept; /* what is read in place of the file; or NULL */
    struct buf kept_bytes;
    int bundle, sock;
    bool same_providers; /* as those of what is served */
};

static void load_clear(struct load *l)
{
    config_free(l->config);
    json_decref(l->files);
    json_decref(l->why);
    kept_free(l->kept);
    buf_clear(&l->kept_bytes);
    loaded_clear(&l->out);
    if (l->bundle >= 0)
        close(l->bundle);
}

/** The canonical tree, of the file or of what was kept. */
static json_t *read_tree(struct load *l, json_t **why, struct err *err)
{
    const char *file = l->order->file;
    json_t *tree, *canonical;

    if (l->order->kept) {
        l->kept = kept_read(l->order->state, l->order->kept, &l->kept_bytes,
                            err);
        return l->kept ? loader_kept_tree(l->kept, &l->where, err) : NULL;
    }
    tree = file ? conf_load(file, err) : config_builtin(&l->where, err);
    canonical = tree ? config_check_why(tree, &l->where, why, err) : NULL;
    if (canonical && file)
        sources_of_marks(l->files, file, tree);
    json_decref(tree);
    return canonical;
}

/** Tree, canonical tree, bundle. */
static int read_config(struct load *l, struct err *err)
{
    json_t *canonical = read_tree(l, &l->why, err);
    uint64_t number = l->order->generation;
    char sock[PATHS_MAX + 8];
    int rc;

    if (!canonical)
        return -err->code;
    if (*l->paths->divert)
        json_object_set_new(canonical, "state", json_string(l->paths->state));
    rc = loader_urls(canonical, l->why, err);
    if (!rc && *l->paths->divert)
        rc = config_divert(canonical, l->paths->divert, err);
    if (rc) {
        json_decref(canonical);
        return -err->code;
    }
    snprintf(sock, sizeof sock, "%s/sock", l->paths->sim);
    l->out.sim = config_set_sim_socket(canonical, sock) > 0;
    if (number == LOADER_NEXT)
        number = loader_next(canonical);
    l->bundle = config_bundle(canonical, &l->where, number, err);
    json_decref(canonical);
    return l->bundle < 0 ? l->bundle : 0;
}

static int open_config(struct load *l, struct err *err)
{
    l->out.bundle = snapshot_open(l->bundle, err);
    l->config = l->out.bundle ? config_open(l->out.bundle, err) : NULL;
    return l->config ? 0 : -err->code;
}

/** A policy that does not compile is a fault here, not in each worker. */
static int try_policies(struct load *l, struct err *err)
{
    struct policy_set *set = policy_set_new(l->config, err);

    if (!set)
        return -err->code;
    policy_set_free(set);
    return 0;
}

/** Nothing of a trial would be another than it was. */
static bool tried(const struct load *l, struct plugin_trial *t)
{
    const struct loaded_plugin *p =
        l->same_providers ? loader_tried(l->order->served, t->name, t->staged)
                          : NULL;

    if (p)
        snprintf(t->version, PLUGIN_VERSION_MAX, "%s", p->version);
    return p;
}

static void note_plugin(struct load *l, const struct plugin_trial *t)
{
    struct loaded_plugin *p = &l->out.plugins[l->out.n_plugins++];

    snprintf(p->name, sizeof p->name, STR_FMT, STR_ARG(t->name));
    snprintf(p->path, sizeof p->path, "%s", t->staged);
    snprintf(p->version, sizeof p->version, "%s", t->version);
}

/** Stage a plugin and try it with the settings of all its providers. */
static int take_plugin(struct load *l, struct str name, struct err *err)
{
    char folder[PATHS_MAX], state[PATHS_MAX], staged[PATHS_MAX];
    char version[PLUGIN_VERSION_MAX] = "";
    struct str settings[LOADER_MAX_PLUGINS], names[LOADER_MAX_PLUGINS];
    size_t refused = LOADER_MAX_PLUGINS;
    struct plugin_trial trial = { .staged = staged, .name = name,
                                  .settings = settings, .providers = names,
                                  .user = l->user, .version = version,
                                  .refused = &refused };
    const struct config *c = l->config;
    struct err said = { 0 };
    int rc;

    snprintf(folder, sizeof folder, STR_FMT, STR_ARG(c->plugin_path));
    snprintf(state, sizeof state, STR_FMT, STR_ARG(c->state));
    if (l->kept)
        rc = loader_kept_plugin(l->kept, state, name, staged, sizeof staged,
                                &said);
    else
        rc = plugin_stage(folder, name, state, staged, sizeof staged, &said);
    for (size_t i = 0; i < c->n_providers; i++) {
        if (str_eq(c->providers[i].plugin, name) &&
            trial.n_settings < LOADER_MAX_PLUGINS) {
            names[trial.n_settings] = c->providers[i].name;
            settings[trial.n_settings++] = c->providers[i].settings;
        }
    }
    if (!rc && !tried(l, &trial))
        rc = plugin_try_in_child(&trial, &said);
    if (rc)
        return loader_refused(&trial, l->why, &said, err);
    note_plugin(l, &trial);
    return 0;
}

static bool seen_before(const struct config *c, size_t i)
{
    for (size_t k = 0; k < i; k++) {
        if (str_eq(c->providers[k].plugin, c->providers[i].plugin))
            return true;
    }
    return false;
}

static int take_plugins(struct load *l, struct err *err)
{
    char state[PATHS_MAX];
    int rc;

    snprintf(state, sizeof state, STR_FMT, STR_ARG(l->config->state));
    /* workers read the staged plugins there after they dropped their rights */
    rc = paths_make(state, geteuid() == 0 ? 0755 : 0700, err);
    l->same_providers = loader_same_providers(l->order->served,
                                              l->out.bundle);
    l->out.plugins = calloc(LOADER_MAX_PLUGINS, sizeof *l->out.plugins);
    if (!l->out.plugins)
        rc = err_set(err, ERR_NOMEM, "no memory");
    for (size_t i = 0; i < l->config->n_providers && !rc; i++) {
        if (seen_before(l->config, i))
            continue;
        if (l->out.n_plugins == LOADER_MAX_PLUGINS)
            return err_set(err, ERR_LIMIT, "more than %d plugins",
                           LOADER_MAX_PLUGINS);
        rc = take_plugin(l, l->config->providers[i].plugin, err);
    }
    return rc;
}

static int find_rights(struct load *l, struct err *err)
{
    struct str user = l->config->server.user;
    int rc = rights_find(&l->out.rights, user, err);

    snprintf(l->user, sizeof l->user, STR_FMT, STR_ARG(user));
    return rc;
}

static int compare(struct load *l, struct err *err)
{
    const struct loaded *served = l->order->served;

    return served && served->bundle ? loaded_compare(&l->out, served, err) : 0;
}

static json_t *plugins_json(const struct loaded *l)
{
    json_t *all = json_array();

    for (size_t i = 0; i < l->n_plugins; i++)
        json_array_append_new(all, json_pack("[sss]", l->plugins[i].name,
                                             l->plugins[i].path,
                                             l->plugins[i].version));
    return all;
}

static json_t *diff_json(const struct loaded *l)
{
    json_t *changes;

    if (!l->changes)
        return json_null();
    changes = json_loads(l->changes, 0, NULL);
    return json_pack("{s:o, s:I, s:I, s:b, s:b}", "changes", changes, "n",
                     (json_int_t)l->n_changes, "applies",
                     (json_int_t)l->applies, "helpers", l->helpers,
                     "new_code", l->new_code);
}

/** Tell the master; the bundle's descriptor goes with it. */
static int report(const struct load *l, int sock)
{
    const struct rights *r = &l->out.rights;
    json_t *groups = json_array(), *tree;
    char *text;
    int rc = -ERR_NOMEM;

    for (size_t i = 0; i < r->n_groups; i++)
        json_array_append_new(groups, json_integer(r->groups[i]));
    tree = json_pack("{s:o, s:o, s:b, s:b, s:I, s:I, s:I, s:o, s:b}",
                     "plugins",
                     plugins_json(&l->out), "groups", groups, "sim",
                     l->out.sim, "change", r->change, "uid",
                     (json_int_t)r->uid, "gid", (json_int_t)r->gid,
                     "operators", (json_int_t)r->operators, "diff",
                     diff_json(&l->out), "same_files", l->out.same_files);
    text = tree ? json_dumps(tree, JSON_COMPACT) : NULL;
    if (text)
        rc = message_send(sock, MSG_BUNDLE, 0, str_of(text), l->bundle);
    free(text);
    json_decref(tree);
    return rc;
}

/** What a bundle needs is in it; this is for those who look after the files,
 * so that a load does not fail for it. */
static void note_sources(struct load *l)
{
    struct str text = snapshot_section(l->out.bundle, STR("config"));
    json_t *tree = json_loadb(text.p, text.n, 0, NULL);
    struct err ignored = { 0 };
    int fd;

    sources_of_tree(l->files, tree);
    json_decref(tree);
    fd = sources_seal(l->files, &ignored);
    if (fd < 0)
        return;
    message_send(l->sock, MSG_SOURCES, 0, STR_NULL, fd);
    close(fd);
}

static bool same_plugins(const struct load *l)
{
    char folder[PATHS_MAX], state[PATHS_MAX], staged[PATHS_MAX];
    struct err ignored = { 0 };

    snprintf(folder, sizeof folder, STR_FMT, STR_ARG(l->config->plugin_path));
    snprintf(state, sizeof state, STR_FMT, STR_ARG(l->config->state));
    for (size_t i = 0; i < l->out.n_plugins; i++) {
        const struct loaded_plugin *p = &l->out.plugins[i];

        if (plugin_stage(folder, str_of(p->name), state, staged, sizeof staged,
                         &ignored) != 0 || strcmp(staged, p->path) != 0)
            return false;
    }
    return true;
}

/** Do the files say what the kept bundle says? They may be broken. They are
 * noted, so that they are followed. */
static bool same_files(const struct load *l)
{
    struct load_order order = *l->order;
    struct load f = { .order = &order, .paths = l->paths, .where = l->where,
                      .bundle = -1, .sock = l->sock, .files = json_array() };
    struct config_diff d = { 0 };
    struct err ignored = { 0 };
    bool same;

    order.kept = 0;
    f.where.kept = NULL;
    same = read_config(&f, &ignored) == 0 && open_config(&f, &ignored) == 0;
    if (same)
        note_sources(&f);
    same = same &&
           config_diff(l->out.bundle, f.out.bundle, &d, &ignored) == 0 &&
           d.n == 0 && same_plugins(l);
    config_diff_clear(&d);
    load_clear(&f);
    return same;
}

static int load(struct load *l, struct err *err)
{
    int rc = read_config(l, err);

    if (!rc)
        rc = open_config(l, err);
    if (!rc && !l->kept)
        note_sources(l);
    if (!rc)
        rc = loader_certs(l->config, l->out.bundle, l->why, err);
    if (!rc)
        rc = try_policies(l, err);
    if (!rc)
        rc = find_rights(l, err);
    if (!rc)
        rc = take_plugins(l, err);
    if (!rc && l->config->reload.tests && !l->kept)
        rc = loader_tests(l->config, err); /* it passed them in its time */
    if (!rc)
        rc = compare(l, err);
    if (!rc)
        l->out.same_files = !l->kept || same_files(l);
    if (!rc && l->order->keep && l->out.n_changes)
        loader_keep(l->order->state, &l->out);
    return rc;
}

static void own_signals(void)
{
    sigset_t none;

    sigemptyset(&none);
    signal(SIGINT, SIG_IGN); /* the master hears it and ends us */
    sigprocmask(SIG_SETMASK, &none, NULL);
}

int loader_run(const struct load_order *order, int sock)
{
    const struct paths *p = order->paths;
    struct load l = {
        .order = order,
        .paths = p,
        .where = { .shipped_policies = p->policies, .catalogue = p->catalogue,
                   .state = p->state, .plugins = p->plugins,
                   .static_only = *p->divert != '\0' },
        .where.candidate = order->candidate,
        .own_policies = PS_SYSCONFDIR "/policies",
        .bundle = -1,
        .sock = sock,
        .files = json_array(),
        .kept_bytes = BUF_INIT(KEPT_BYTES_MAX + KEPT_HEAD_MAX),
    };
    struct err err = { 0 };
    int rc;

    own_signals();
    if (access(l.own_policies, R_OK | X_OK) == 0)
        l.where.policy_path = l.own_policies;
    rc = load(&l, &err);
    if (!rc && report(&l, sock) != 0)
        rc = err_set(&err, ERR_LIMIT, "the answer is too long to be sent");
    if (rc) {
        char text[sizeof err.at + sizeof err.msg + 2];
        int n = snprintf(text, sizeof text, "%s\n%s", err.at, err.msg);

        message_send(sock, MSG_FAILED, 0, (struct str){ text, (size_t)n }, -1);
    }
    load_clear(&l);
    return rc ? 1 : 0;
}
