/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Verbs about plugins: which files which generations have, what is
 * quarantined, and the way back from that. No verb names a path: files are
 * put into the plugin folder by who may write there.
 */
#include "app/control_impl.h"

#include "app/charge.h"
#include "app/reload_impl.h"
#include "base/clock.h"
#include "base/log.h"
#include "engine/config.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- list --------------------------------------------------------------- */

static bool drains(const struct master *m, uint64_t generation)
{
    for (size_t i = m->n_workers; i < m->n_posts; i++) {
        if (m->posts[i].leaving && m->posts[i].generation == generation)
            return true;
    }
    return false;
}

static const char *state_of(const struct master *m, uint64_t generation,
                            const struct plugin_mark *k)
{
    if (k && atomic_load(&k->out))
        return "quarantined";
    if (generation == m->generation)
        return "serving";
    if (generation == m->reload.next.number &&
        m->reload.stage == RELOAD_CANARY)
        return "canary";
    return drains(m, generation) ? "draining" : "kept";
}

/** A plugin's file: of a generation that is in memory, or on disk alone. */
struct file {
    const char *name, *version, *path;
};

/** The row of that file, made where there is none. */
static json_t *row_of(const struct master *m, json_t *rows,
                      const struct file *p, uint64_t generation)
{
    struct str hash = plugin_hash(p->path);
    const struct plugin_mark *k = charges_find(cells_charges(m->cells),
                                               str_of(p->name), hash);
    struct charge_sum sum = charge_sum(&m->charges, k, clock_mono_ms());
    json_t *row;
    size_t i;

    json_array_foreach(rows, i, row) {
        const char *path = json_string_value(json_object_get(row, "path"));

        if (path && strcmp(path, p->path) == 0)
            return row;
    }
    row = json_pack("{s:s, s:s, s:s%, s:s, s:I, s:[], s:s}", "plugin", p->name,
                    "version", p->version, "hash", hash.n ? hash.p : "",
                    hash.n, "state", state_of(m, generation, k), "charges",
                    (json_int_t)sum.n, "generations", "path", p->path);
    json_array_append_new(rows, row);
    return row;
}

static void add_file(const struct master *m, json_t *rows,
                     const struct file *p, uint64_t generation)
{
    json_t *row = row_of(m, rows, p, generation);

    json_array_append_new(json_object_get(row, "generations"),
                          json_integer((json_int_t)generation));
}

static void add(const struct master *m, json_t *rows, const struct loaded *l,
                uint64_t generation)
{
    for (size_t i = 0; i < l->n_plugins; i++) {
        const struct loaded_plugin *p = &l->plugins[i];
        const struct file f = { p->name, p->version, p->path };

        add_file(m, rows, &f, generation);
    }
}

/** Look at the files that a generation of the state folder names, until one is
 * what is looked for. What is damaged names none: a rollback to it is refused
 * with the reason. */
static bool on_disk(const struct master *m, const char *state, uint64_t number,
                    bool (*see)(const struct master *m, const struct file *f,
                                uint64_t number, json_t *rows), json_t *rows)
{
    struct buf bytes = BUF_INIT(KEPT_BYTES_MAX + KEPT_HEAD_MAX);
    struct err ignored = { 0 };
    struct kept *k = kept_read(state, number, &bytes, &ignored);
    size_t n = 0;
    const struct kept_plugin *p = k ? kept_plugins(k, &n) : NULL;
    char path[PATHS_MAX + 192];
    bool found = false;

    for (size_t i = 0; i < n && !found; i++) {
        const struct file f = { p[i].name, p[i].version, path };

        snprintf(path, sizeof path, "%s/plugins/%s", state, p[i].file);
        found = see(m, &f, number, rows);
    }
    kept_free(k);
    buf_clear(&bytes);
    return found;
}

static bool list_file(const struct master *m, const struct file *f,
                      uint64_t number, json_t *rows)
{
    add_file(m, rows, f, number);
    return false; /* all of them */
}

/** Those that a rollback could serve and memory does not have. */
static void add_disks(const struct master *m, json_t *rows)
{
    const struct reload *r = &m->reload;
    const struct kept_list *all = &r->kept_life.list;
    char state[PATHS_MAX];

    snprintf(state, sizeof state, STR_FMT, STR_ARG(m->config->state));
    for (size_t i = 0; i < all->n && i <= KEPT_MAX; i++) {
        uint64_t number = all->at[i].number;

        if (number != m->generation && !reload_has(m, number) &&
            !(r->next.loaded.bundle && number == r->next.number) &&
            !(r->former.loaded.bundle && number == r->former.number))
            on_disk(m, state, number, list_file, rows);
    }
}

int control_plugin_list(struct master *m, struct conn *c, json_t *request)
{
    const struct reload *r = &m->reload;
    json_t *rows = json_array(), *all;
    char *text;
    int rc;

    (void)request;
    add(m, rows, &m->loaded, m->generation);
    if (r->next.loaded.bundle)
        add(m, rows, &r->next.loaded, r->next.number);
    if (r->former.loaded.bundle)
        add(m, rows, &r->former.loaded, r->former.number);
    for (size_t i = 0; i < r->n_kept; i++)
        add(m, rows, &r->kept[i].loaded, r->kept[i].number);
    add_disks(m, rows);
    all = json_pack("{s:o, s:s%, s:I}", "plugins", rows, "plugin_path",
                    m->config->plugin_path.p, m->config->plugin_path.n,
                    "generation", (json_int_t)m->generation);
    text = all ? json_dumps(all, JSON_COMPACT) : NULL;
    rc = text ? buf_puts(&c->out, text)
              : control_put_error(&c->out, "no memory");
    free(text);
    json_decref(all);
    return rc;
}

/* ---- release ------------------------------------------------------------ */

static bool names(const struct loaded *l, const char *path)
{
    for (size_t i = 0; i < l->n_plugins; i++) {
        if (strcmp(l->plugins[i].path, path) == 0)
            return true;
    }
    return false;
}

/** Does that generation have a plugin file that is not in force? */
static bool has_others(const struct master *m, const struct loaded *l)
{
    for (size_t i = 0; i < l->n_plugins; i++) {
        if (!names(&m->loaded, l->plugins[i].path))
            return true;
    }
    return false;
}

static bool is_needed(const struct master *m, const char *path)
{
    if (names(&m->loaded, path))
        return true;
    for (size_t i = 0; i < m->reload.n_kept; i++) {
        if (names(&m->reload.kept[i].loaded, path))
            return true;
    }
    return false;
}

struct freed {
    size_t generations, files;
    uint64_t bytes;
};

/** What workers have mapped stays mapped. */
static void drop_copies(const struct master *m, const struct loaded *l)
{
    for (size_t i = 0; i < l->n_plugins; i++) {
        if (!is_needed(m, l->plugins[i].path))
            unlink(l->plugins[i].path); /* it may be gone with its bundle */
    }
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/** The staged files that there are; `unknown` where the folder cannot be
 * read. */
static struct freed staged(const char *state, struct freed unknown)
{
    struct freed all = { 0 };
    char path[PATHS_MAX + 16];
    const struct dirent *e;
    struct stat st;
    DIR *d;

    snprintf(path, sizeof path, "%s/plugins", state);
    d = opendir(path);
    if (!d)
        return unknown;
    while ((e = readdir(d))) {
        if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
            !S_ISREG(st.st_mode))
            continue;
        all.files++;
        all.bytes += (uint64_t)st.st_size;
    }
    closedir(d);
    return all;
}

static bool is_other(const struct master *m, const struct file *f,
                     uint64_t number, json_t *rows)
{
    (void)number;
    (void)rows;
    return !names(&m->loaded, f->path);
}

static void drop_disk(struct master *m, const char *state, struct freed *out)
{
    const struct kept_list all = m->reload.kept_life.list;

    for (size_t i = 0; i < all.n; i++) {
        uint64_t number = all.at[i].number;

        if (number == m->generation || reload_has(m, number) ||
            drains(m, number) || !on_disk(m, state, number, is_other, NULL))
            continue;
        kept_drop(m, number);
        out->generations++;
    }
}

static void drop_kept(struct master *m, struct freed *out)
{
    struct reload *r = &m->reload;
    struct served gone[RELOAD_KEPT];
    size_t to = 0, n = r->n_kept;

    for (size_t i = 0; i < n; i++) {
        struct served *s = &r->kept[i];

        if (has_others(m, &s->loaded) && !drains(m, s->number))
            gone[out->generations++] = *s;
        else
            r->kept[to++] = *s;
    }
    r->n_kept = to;
    for (size_t i = 0; i < out->generations; i++) {
        kept_drop(m, gone[i].number);
        drop_copies(m, &gone[i].loaded);
        served_clear(&gone[i]);
    }
}

static int release_old(struct master *m, struct conn *c)
{
    struct freed freed = { 0 }, before, after;
    char state[PATHS_MAX];

    if (m->reload.stage != RELOAD_NONE)
        return control_put_error(&c->out, "a reload is under way; try again "
                                          "when it is over");
    snprintf(state, sizeof state, STR_FMT, STR_ARG(m->config->state));
    before = staged(state, freed);
    drop_kept(m, &freed);
    drop_disk(m, state, &freed);
    after = staged(state, before);
    freed.files = before.files - least(before.files, after.files);
    freed.bytes = before.bytes - least(before.bytes, after.bytes);
    return buf_printf(&c->out, "{\"ok\":true,\"generations\":%zu,"
                               "\"files\":%zu,\"bytes\":%llu}",
                      freed.generations, freed.files,
                      (unsigned long long)freed.bytes);
}

int control_plugin_release(struct master *m, struct conn *c, json_t *request)
{
    const char *name = json_string_value(json_object_get(request, "name"));
    struct err err = { 0 };
    size_t n;

    if (!name)
        return release_old(m, c);
    if (charge_release(m, str_of(name), &n, &err) != 0)
        return control_put_error(&c->out, err.msg);
    if (n == 0)
        return control_put_error(&c->out, "no plugin of that name is "
                                          "quarantined; `penstock plugin "
                                          "list` shows them");
    return buf_printf(&c->out, "{\"ok\":true,\"released\":%zu,\"audit\":%s}",
                      n, control_audit(m, c, request) ? "true" : "false");
}
