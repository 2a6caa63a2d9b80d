/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The folder of kept bundles: names, writing, reading, removing. */
#include "app/kept.h"

#include "base/snapshot.h"
#include "engine/plugin.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER "generations"

static bool folder_of(const char *state, char *out)
{
    return snprintf(out, PATHS_MAX, "%s/" FOLDER, state) < PATHS_MAX;
}

static bool path_of(const char *state, uint64_t number, const char *kind,
                    char *out)
{
    return snprintf(out, PATHS_MAX, "%s/" FOLDER "/%llu.%s", state,
                    (unsigned long long)number, kind) < PATHS_MAX;
}

/* ---- what is there ----------------------------------------------------- */

/* Of those that served. */
static const char *const kinds[] = { "good", "served", "left" };
enum { KINDS = sizeof kinds / sizeof kinds[0] };

/** "12.good"; false: something else. */
static bool parse(const char *name, uint64_t *number, const char **kind)
{
    const char *dot = strchr(name, '.');

    if (!dot || !str_u64((struct str){ name, (size_t)(dot - name) }, number) ||
        *number == 0)
        return false;
    *kind = dot + 1;
    for (size_t i = 0; i < KINDS; i++) {
        if (strcmp(*kind, kinds[i]) == 0)
            return true;
    }
    return strcmp(*kind, "new") == 0;
}

static int newest_first(const void *a, const void *b)
{
    const struct kept_file *x = a, *y = b;

    if (x->served_ns != y->served_ns)
        return x->served_ns < y->served_ns ? 1 : -1;
    return x->number < y->number ? 1 : x->number > y->number ? -1 : 0;
}

static void take(struct kept_list *out, int folder, const char *name,
                 uint64_t *last)
{
    struct stat st;
    uint64_t number;
    const char *kind;

    if (!parse(name, &number, &kind) ||
        fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
        !S_ISREG(st.st_mode))
        return;
    if (number > *last)
        *last = number;
    if (strcmp(kind, "new") == 0 || out->n == KEPT_FILES)
        return;
    out->at[out->n++] = (struct kept_file){
        .number = number, .good = strcmp(kind, "good") == 0,
        .left = strcmp(kind, "left") == 0,
        .served_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 +
                     st.st_mtim.tv_nsec };
}

void kept_scan(const char *state, struct kept_list *out, uint64_t *last)
{
    char folder[PATHS_MAX];
    struct dirent *e;
    DIR *d;

    out->n = 0;
    *last = 0;
    d = folder_of(state, folder) ? opendir(folder) : NULL;
    while (d && (e = readdir(d)))
        take(out, dirfd(d), e->d_name, last);
    if (d)
        closedir(d);
    qsort(out->at, out->n, sizeof *out->at, newest_first);
}

void kept_tidy(const char *state)
{
    char folder[PATHS_MAX];
    struct dirent *e;
    DIR *d = folder_of(state, folder) ? opendir(folder) : NULL;

    while (d && (e = readdir(d))) {
        uint64_t number;
        const char *kind;

        if (strncmp(e->d_name, ".tmp-", 5) == 0 ||
            (parse(e->d_name, &number, &kind) && strcmp(kind, "new") == 0))
            unlinkat(dirfd(d), e->d_name, 0);
    }
    if (d)
        closedir(d);
}

/* ---- writing ----------------------------------------------------------- */

static int list_plugins(const struct loaded *l, struct kept_plugin *out,
                        struct err *err)
{
    int rc = 0;

    _Static_assert(sizeof out->version == PLUGIN_VERSION_MAX,
                   "a version fits, and no more");
    for (size_t i = 0; i < l->n_plugins && !rc; i++) {
        const char *slash = strrchr(l->plugins[i].path, '/');

        snprintf(out[i].name, sizeof out[i].name, "%s", l->plugins[i].name);
        snprintf(out[i].version, sizeof out[i].version, "%s",
                 l->plugins[i].version);
        if (snprintf(out[i].file, sizeof out[i].file, "%s",
                     slash ? slash + 1 : l->plugins[i].path) >=
            (int)sizeof out[i].file)
            return err_set(err, ERR_LIMIT, "a plugin's name is too long");
        rc = plugin_staged_hash(l->plugins[i].path, out[i].sha256, err);
    }
    return rc;
}

static int write_all(int fd, struct str s)
{
    while (s.n) {
        ssize_t put = write(fd, s.p, s.n);

        if (put < 0 && errno != EINTR)
            return -1;
        s.p += put > 0 ? put : 0;
        s.n -= put > 0 ? (size_t)put : 0;
    }
    return 0;
}

static int write_file(const char *folder, const char *path, struct str bytes,
                      struct err *err)
{
    char tmp[PATHS_MAX + 16];
    int fd, rc = 0;

    snprintf(tmp, sizeof tmp, "%s/.tmp-XXXXXX", folder);
    fd = mkostemp(tmp, O_CLOEXEC); /* mode 0600 */
    if (fd < 0)
        return err_errno(err, "cannot write to %s", folder);
    if (write_all(fd, bytes) != 0 || fsync(fd) != 0)
        rc = err_errno(err, "cannot write %s", tmp);
    close(fd);
    if (!rc && rename(tmp, path) != 0)
        rc = err_errno(err, "cannot rename to %s", path);
    if (rc)
        unlink(tmp);
    return rc; /* the folder is not synced: a lost name is a lost bundle */
}

/** A folder of ours alone. */
static int make_folder(const char *folder, struct err *err)
{
    struct stat st;

    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        return err_errno(err, "cannot make the folder %s", folder);
    if (lstat(folder, &st) != 0)
        return err_errno(err, "%s", folder);
    if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077))
        return err_set(err, ERR_IO, "%s must be a folder of uid %u, with mode "
                       "0700", folder, (unsigned)geteuid());
    return 0;
}

int kept_write(const char *state, const struct loaded *l, const char *kind,
               struct err *err)
{
    struct kept_plugin plugins[LOADER_MAX_PLUGINS] = { { .name = "" } };
    struct buf bytes = BUF_INIT(KEPT_BYTES_MAX + KEPT_HEAD_MAX);
    char folder[PATHS_MAX], path[PATHS_MAX];
    int rc;

    if (!folder_of(state, folder) ||
        !path_of(state, snapshot_generation(l->bundle), kind, path))
        return err_set(err, ERR_LIMIT, "the state folder's path is too long");
    rc = make_folder(folder, err);
    if (!rc)
        rc = list_plugins(l, plugins, err);
    if (!rc)
        rc = kept_encode(l->bundle, plugins, l->n_plugins, &bytes, err);
    if (!rc)
        rc = write_file(folder, path, buf_str(&bytes), err);
    buf_clear(&bytes);
    return rc;
}

/* ---- reading ----------------------------------------------------------- */

static int open_kept(const char *state, uint64_t number, struct err *err)
{
    char path[PATHS_MAX];
    struct stat st;

    for (size_t i = 0; i < KINDS; i++) {
        int fd = path_of(state, number, kinds[i], path)
                     ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW |
                                      O_NONBLOCK)
                     : -1;

        if (fd < 0)
            continue;
        if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
            st.st_uid == geteuid() && (st.st_mode & 022) == 0)
            return fd;
        close(fd);
        return err_set(err, ERR_CONFIG, "%s is not a file of ours alone (uid "
                       "%u, mode 0600)", path, (unsigned)geteuid());
    }
    return err_set(err, ERR_NOTFOUND, "generation %llu is not kept; `penstock "
                   "status` lists those that are",
                   (unsigned long long)number);
}

static int read_all(int fd, struct buf *out, struct err *err)
{
    for (;;) {
        char *room = buf_reserve(out, 65536);
        ssize_t n = room ? read(fd, room, 65536) : -1;

        if (!room)
            return err_set(err, ERR_CONFIG, "the kept bundle is damaged: it "
                           "is larger than one can be");
        if (n < 0)
            return err_errno(err, "a kept bundle");
        if (n == 0)
            return 0;
        buf_commit(out, (size_t)n);
    }
}

struct kept *kept_read(const char *state, uint64_t number, struct buf *bytes,
                       struct err *err)
{
    int fd = open_kept(state, number, err);
    struct kept *k = NULL;

    if (fd < 0)
        return NULL;
    if (read_all(fd, bytes, err) == 0)
        k = kept_parse(buf_str(bytes), err);
    close(fd);
    if (k && kept_number(k) != number) {
        err_set(err, ERR_CONFIG, "the kept bundle is damaged: it calls itself "
                "generation %llu", (unsigned long long)kept_number(k));
        kept_free(k);
        k = NULL;
    }
    return k;
}

/* ---- names ------------------------------------------------------------- */

bool kept_rename(const char *state, uint64_t number, const char *from,
                 const char *to)
{
    char a[PATHS_MAX], b[PATHS_MAX];

    return path_of(state, number, from, a) && path_of(state, number, to, b) &&
           rename(a, b) == 0;
}

void kept_touch(const char *state, uint64_t number, bool good)
{
    char path[PATHS_MAX];

    if (path_of(state, number, good ? "good" : "served", path))
        utimensat(AT_FDCWD, path, NULL, AT_SYMLINK_NOFOLLOW);
}

static bool names_file(const struct kept *k, const char *file)
{
    size_t n;
    const struct kept_plugin *p = kept_plugins(k, &n);

    for (size_t i = 0; i < n; i++) {
        if (strcmp(p[i].file, file) == 0)
            return true;
    }
    return false;
}

static bool uses(const struct loaded *l, const char *file)
{
    for (size_t i = 0; i < l->n_plugins; i++) {
        const char *slash = strrchr(l->plugins[i].path, '/');

        if (slash && strcmp(slash + 1, file) == 0)
            return true;
    }
    return false;
}

static bool in_use(const struct kept_use *use, const char *file)
{
    for (size_t i = 0; i < use->n; i++) {
        if (uses(use->at[i], file))
            return true;
    }
    return false;
}

/** Does another kept bundle name it? One that cannot be read may. */
static bool is_wanted(const char *state, const struct kept_list *rest,
                      uint64_t but, const char *file)
{
    bool wanted = false;

    for (size_t i = 0; i < rest->n && !wanted; i++) {
        struct buf bytes = BUF_INIT(KEPT_BYTES_MAX + KEPT_HEAD_MAX);
        struct err err = { 0 };
        struct kept *k;

        if (rest->at[i].number == but)
            continue;
        k = kept_read(state, rest->at[i].number, &bytes, &err);
        wanted = !k || names_file(k, file);
        kept_free(k);
        buf_clear(&bytes);
    }
    return wanted;
}

static void remove_plugins(const char *state, const struct kept *k,
                           const struct kept_list *rest,
                           const struct kept_use *use)
{
    char path[PATHS_MAX + 192];
    size_t n;
    const struct kept_plugin *p = kept_plugins(k, &n);

    for (size_t i = 0; i < n; i++) {
        if (in_use(use, p[i].file) ||
            is_wanted(state, rest, kept_number(k), p[i].file))
            continue;
        snprintf(path, sizeof path, "%s/plugins/%s", state, p[i].file);
        unlink(path);
    }
}

void kept_remove(const char *state, uint64_t number,
                 const struct kept_list *rest, const struct kept_use *use)
{
    struct buf bytes = BUF_INIT(KEPT_BYTES_MAX + KEPT_HEAD_MAX);
    struct err err = { 0 };
    struct kept *k = kept_read(state, number, &bytes, &err);
    char path[PATHS_MAX];

    if (k)
        remove_plugins(state, k, rest, use);
    kept_free(k);
    buf_clear(&bytes);
    for (size_t i = 0; i < KINDS; i++) {
        if (path_of(state, number, kinds[i], path))
            unlink(path);
    }
}
