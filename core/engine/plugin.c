/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Loaded plugins. A file is mapped once and stays mapped: a destructor, a
 * thread-specific key or a string that somebody still holds would outlive a
 * dlclose. New code comes under a new (content-addressed) path, in new
 * workers.
 */
#include "engine/charges.h"
#include "engine/plugin_host.h"

#include "base/sha256.h"

#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>

#define SET_MAX 64

struct plugin_set {
    struct plugin *at[SET_MAX];
    size_t n;
};

struct plugin_set *plugin_set_new(void)
{
    return calloc(1, sizeof(struct plugin_set));
}

void plugin_set_free(struct plugin_set *s)
{
    for (size_t i = 0; s && i < s->n; i++)
        free(s->at[i]);
    free(s);
}

/* The loader may answer with an object it already had under that name. */
static bool is_that_file(void *handle, const char *path)
{
    struct link_map *map = NULL;

    return dlinfo(handle, RTLD_DI_LINKMAP, &map) == 0 && map &&
           strcmp(map->l_name, path) == 0;
}

/* A staged copy's name says what it holds. Nobody but root and we can write
 * there, but disks fill and break. */
static int is_whole(const char *staged, struct str name, struct err *err)
{
    struct str want = plugin_hash(staged);
    uint8_t digest[SHA256_BYTES];
    char hash[CHARGES_HASH + 1], *bytes = NULL;
    size_t n = 0;
    int rc = want.n ? plugin_read(staged, &bytes, &n, err) : 0;

    if (rc || !want.n)
        return rc;
    sha256((struct str){ bytes, n }, digest);
    hex_encode(digest, CHARGES_HASH / 2, hash);
    free(bytes);
    if (str_is(want, hash))
        return 0;
    return err_set(err, ERR_CONFIG, "plugin " STR_FMT ": the hash of %s is "
                   "%s: the copy is damaged; remove it and reload",
                   STR_ARG(name), staged, hash);
}

int plugin_dlopen(const char *staged, struct str name, const ps_plugin **out,
                  struct err *err)
{
    const ps_plugin *d;
    const char *why;
    void *handle;
    int rc;

    if (!strchr(staged, '/')) /* or dlopen would go and search for it */
        return err_set(err, ERR_CONFIG, "plugin path %s has no folder",
                       staged);
    rc = is_whole(staged, name, err);
    if (rc)
        return rc;
    handle = dlopen(staged, RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
        size_t n = strlen(staged);

        why = dlerror();
        if (why && strncmp(why, staged, n) == 0 && why[n] == ':')
            why += n + 1 + strspn(why + n + 1, " "); /* a copy of ours */
        return err_set(err, ERR_CONFIG, "plugin " STR_FMT ": %s",
                       STR_ARG(name), why ? why : "dlopen failed");
    }
    if (!is_that_file(handle, staged))
        return err_set(err, ERR_CONFIG, "plugin " STR_FMT ": %s was replaced",
                       STR_ARG(name), staged);
    d = dlsym(handle, PLUGIN_SYMBOL);
    if (!d)
        return err_set(err, ERR_CONFIG,
                       "plugin " STR_FMT " exports no " PLUGIN_SYMBOL,
                       STR_ARG(name));
    rc = plugin_desc_check(d, name, err);
    if (rc == 0)
        *out = d;
    return rc;
}

void plugin_init(struct plugin *p, const ps_plugin *d)
{
    memset(p, 0, sizeof *p);
    memcpy(&p->ops, d->ops, sizeof p->ops);
    snprintf(p->name, sizeof p->name, "%s", d->name);
    snprintf(p->version, sizeof p->version, "%s", d->version);
}

int plugin_set_load(struct plugin_set *s, struct str name, const char *staged,
                    struct err *err)
{
    const ps_plugin *d = NULL;
    struct plugin *p;
    int rc;

    if (plugin_set_find(s, name))
        return err_set(err, ERR_EXISTS, "plugin " STR_FMT " is loaded already",
                       STR_ARG(name));
    if (s->n == SET_MAX)
        return err_set(err, ERR_LIMIT, "more than %d plugins", SET_MAX);
    rc = plugin_dlopen(staged, name, &d, err);
    if (rc < 0)
        return rc;
    p = malloc(sizeof *p);
    if (!p)
        return err_set(err, ERR_NOMEM, "no memory for a plugin");
    plugin_init(p, d);
    snprintf(p->hash, sizeof p->hash, STR_FMT, STR_ARG(plugin_hash(staged)));
    s->at[s->n++] = p;
    return 0;
}

struct str plugin_hash(const char *staged)
{
    size_t n = strlen(staged);

    if (n < CHARGES_HASH + 4 || strcmp(staged + n - 3, ".so") != 0 ||
        staged[n - CHARGES_HASH - 4] != '-')
        return STR_NULL;
    return (struct str){ staged + n - CHARGES_HASH - 3, CHARGES_HASH };
}

void plugin_set_heed(struct plugin_set *s, const struct charges *c)
{
    for (size_t i = 0; i < s->n; i++) {
        struct plugin *p = s->at[i];

        p->mark = charges_find(c, str_of(p->name), str_of(p->hash));
    }
}

bool plugin_is_out(const struct plugin *p)
{
    return p && p->mark &&
           atomic_load_explicit(&p->mark->out, memory_order_relaxed);
}

const struct plugin *plugin_set_find(const struct plugin_set *s,
                                     struct str name)
{
    for (size_t i = 0; i < s->n; i++) {
        if (str_is(name, s->at[i]->name))
            return s->at[i];
    }
    return NULL;
}

const ps_provider *plugin_ops(const struct plugin *p)
{
    return &p->ops;
}

struct str plugin_name(const struct plugin *p)
{
    return str_of(p->name);
}

struct str plugin_version(const struct plugin *p)
{
    return str_of(p->version);
}

const ps_api *plugin_api_of(const struct plugin *p, int op)
{
    for (uint32_t i = 0; i < p->ops.n_apis; i++) {
        if (p->ops.apis[i].op == op)
            return &p->ops.apis[i];
    }
    return NULL;
}

