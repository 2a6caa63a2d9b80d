/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Which files a bundle was made of: a line each, "mtime size inode path". */
#include "app/sources.h"

#include "app/paths.h"
#include "base/snapshot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { LIST_BYTES = 2 << 20 };

/* ---- collecting -------------------------------------------------------- */

static void note(json_t *files, const char *path)
{
    json_t *v;
    size_t i;

    if (!path || *path != '/' || strchr(path, '\n') ||
        json_array_size(files) >= SOURCES_MAX)
        return;
    json_array_foreach(files, i, v) {
        if (strcmp(json_string_value(v), path) == 0)
            return;
    }
    json_array_append_new(files, json_string(path));
}

/** "conf.d/a.conf:7" in the folder of `file`. */
static void note_mark(json_t *files, const char *file, const char *mark)
{
    const char *slash = strrchr(file, '/'), *colon = strrchr(mark, ':');
    char path[PATHS_MAX * 2];

    if (!colon || (size_t)(colon - mark) >= PATHS_MAX)
        return;
    if (*mark == '/')
        snprintf(path, sizeof path, "%.*s", (int)(colon - mark), mark);
    else
        snprintf(path, sizeof path, "%.*s/%.*s",
                 slash ? (int)(slash - file) : 1, slash ? file : ".",
                 (int)(colon - mark), mark);
    note(files, path);
}

void sources_of_marks(json_t *files, const char *file, const json_t *tree)
{
    json_t *marks = json_object_get(tree, "@"), *v;
    char whole[PATHS_MAX * 2];
    const char *name;

    if (*file != '/') { /* the master stays where it was started */
        char *cwd = realpath(".", NULL);

        snprintf(whole, sizeof whole, "%s/%s", cwd ? cwd : "", file);
        free(cwd);
        file = whole;
    }
    note(files, file);
    json_object_foreach(marks, name, v) {
        if (json_is_string(v))
            note_mark(files, file, json_string_value(v));
    }
}

/** References to files, anywhere in the tree. */
static void note_refs(json_t *files, const json_t *v)
{
    const char *key;
    json_t *item;
    size_t i;

    note(files, json_string_value(json_object_get(v, "$file")));
    json_object_foreach((json_t *)(uintptr_t)v, key, item)
        note_refs(files, item);
    json_array_foreach(v, i, item)
        note_refs(files, item);
}

static const char *text_of(const json_t *v, const char *key)
{
    return json_string_value(json_object_get(v, key));
}

static void note_listeners(json_t *files, const json_t *canonical)
{
    json_t *all = json_object_get(canonical, "listen"), *l, *tls;
    const char *address;
    size_t i;

    json_object_foreach(all, address, l) {
        json_array_foreach(json_object_get(l, "tls"), i, tls)
            note(files, text_of(tls, "cert"));
        note(files, text_of(l, "client_ca"));
        note(files, text_of(l, "client_crl"));
    }
}

static void note_plugins(json_t *files, const json_t *canonical)
{
    json_t *all = json_object_get(canonical, "provider"), *p;
    const char *folder = text_of(canonical, "plugin_path"), *name;
    char path[PATHS_MAX * 2];

    json_object_foreach(all, name, p) {
        const char *plugin = text_of(p, "plugin");

        if (!folder || !plugin)
            continue;
        snprintf(path, sizeof path, "%s/%s.so", folder, plugin);
        note(files, path);
    }
}

void sources_of_tree(json_t *files, const json_t *canonical)
{
    json_t *p;
    size_t i;

    json_array_foreach(json_object_get(canonical, "policies"), i, p)
        note(files, text_of(p, "path"));
    note_listeners(files, canonical);
    note_plugins(files, canonical);
    note_refs(files, canonical);
}

static struct source look(const char *path)
{
    struct source s = { .path = (char *)(uintptr_t)path };
    struct stat st;

    if (stat(path, &st) != 0)
        return s;
    s.mtime_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
    s.size = (uint64_t)st.st_size;
    s.inode = st.st_ino;
    return s;
}

int sources_seal(const json_t *files, struct err *err)
{
    struct snapshot_builder *b = snapshot_builder_new("sources", 0, err);
    struct buf list = BUF_INIT(LIST_BYTES);
    int fd = -ERR_NOMEM;
    json_t *v;
    size_t i;

    json_array_foreach(files, i, v) {
        struct source s = look(json_string_value(v));

        buf_printf(&list, "%lld %llu %llu %s\n", (long long)s.mtime_ns,
                   (unsigned long long)s.size, (unsigned long long)s.inode,
                   s.path);
    }
    if (b && snapshot_builder_add(b, STR("list"), buf_str(&list), err) == 0)
        fd = snapshot_builder_seal(b, err);
    snapshot_builder_free(b);
    buf_clear(&list);
    return fd;
}

/* ---- looking ----------------------------------------------------------- */

static bool read_line(struct str line, struct source *s)
{
    struct str mtime = str_split(&line, ' '), size = str_split(&line, ' ');
    struct str inode = str_split(&line, ' ');
    uint64_t ns;

    if (!line.n || !str_u64(mtime, &ns) || !str_u64(size, &s->size) ||
        !str_u64(inode, &s->inode))
        return false;
    s->mtime_ns = (int64_t)ns;
    s->path = strndup(line.p, line.n);
    return s->path != NULL;
}

struct sources *sources_open(int fd, struct err *err)
{
    struct snapshot *snap = snapshot_open(fd, err);
    struct sources *s = snap ? calloc(1, sizeof *s) : NULL;
    struct str rest = snap ? snapshot_section(snap, STR("list")) : STR_NULL;

    if (s)
        s->list = calloc(SOURCES_MAX, sizeof *s->list);
    while (s && s->list && rest.p && s->n < SOURCES_MAX) {
        if (read_line(str_split(&rest, '\n'), &s->list[s->n]))
            s->n++;
    }
    snapshot_unref(snap);
    if (s && s->list)
        return s;
    free(s);
    err_set(err, ERR_NOMEM, "no memory");
    return NULL;
}

void sources_free(struct sources *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n; i++)
        free(s->list[i].path);
    free(s->list);
    free(s);
}

const char *sources_changed(const struct sources *s)
{
    for (size_t i = 0; s && i < s->n; i++) {
        const struct source *was = &s->list[i];
        struct source is = look(was->path);

        if (is.mtime_ns != was->mtime_ns || is.size != was->size ||
            is.inode != was->inode)
            return was->path;
    }
    return NULL;
}
