/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Folders, not files: a file that is replaced is another file. */
#include "app/watch.h"

#include "app/master.h"
#include "base/clock.h"
#include "base/log.h"
#include "engine/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MASK = IN_CLOSE_WRITE | IN_MODIFY | IN_CREATE | IN_DELETE |
              IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF |
              IN_ONLYDIR };

static struct watch *of(const struct master *m)
{
    return (struct watch *)(uintptr_t)&m->reload.watch;
}

/* ---- what is watched --------------------------------------------------- */

static void cannot(struct watch *w, const char *what)
{
    if (!w->failed)
        log_event(EV_reload_unwatched, LOG_Z("path", what),
                  LOG_Z("why", strerror(errno)));
    w->failed = true;
}

/** 0, or -ENOENT: there is none. */
static int add_folder(struct watch *w, const char *path)
{
    struct watch_folder *f = &w->folders[w->n];

    for (size_t i = 0; i < w->n; i++) {
        if (strcmp(w->folders[i].path, path) == 0)
            return 0;
    }
    if (w->n == WATCH_FOLDERS) {
        errno = ENOSPC;
        cannot(w, path);
        return 0;
    }
    snprintf(f->path, sizeof f->path, "%s", path);
    f->id = inotify_add_watch(w->fd, path, MASK);
    if (f->id >= 0)
        w->n++;
    else if (errno == ENOENT || errno == ENOTDIR)
        return -ENOENT;
    else
        cannot(w, path);
    return 0;
}

/** The file's own folder; that of each link on the way, which may be turned to
 * another; and where a folder is not there, the first above it that is. */
static void add_spelling(struct watch *w, const char *path)
{
    char at[PATHS_MAX], *slash;
    struct stat st;
    bool lowest = true;

    if (snprintf(at, sizeof at, "%s", path) >= (int)sizeof at)
        return;
    while ((slash = strrchr(at, '/'))) {
        bool link = lstat(at, &st) == 0 && S_ISLNK(st.st_mode);
        bool top = slash == at;

        slash[top ? 1 : 0] = '\0';
        if (lowest || link)
            lowest = add_folder(w, at) == -ENOENT;
        if (top)
            return;
    }
    if (lowest)
        add_folder(w, ".");
}

/** The same file's next spelling: the topmost link replaced by what it says.
 * False: no link is on the way. */
static bool follow(char path[PATHS_MAX])
{
    char to[PATHS_MAX], next[PATHS_MAX];
    size_t at = 0, end;
    ssize_t n;
    int size;

    for (;; at = end) {
        char was;

        end = at + strspn(path + at, "/");
        if (path[end] == '\0')
            return false;
        end += strcspn(path + end, "/");
        was = path[end];
        path[end] = '\0';
        n = readlink(path, to, sizeof to - 1);
        path[end] = was;
        if (n > 0)
            break;
    }
    to[n] = '\0';
    if (*to == '/')
        size = snprintf(next, sizeof next, "%s%s", to, path + end);
    else
        size = snprintf(next, sizeof next, "%.*s%s%s%s", (int)at, path,
                        *path == '/' || at ? "/" : "", to, path + end);
    if (size >= (int)sizeof next)
        return false;
    memcpy(path, next, (size_t)size + 1);
    return true;
}

/** An event is compared with these: no look at the disk for each. Where they
 * are too many, or there is no memory, all counts. */
static void note_spelling(struct watch *w, const char *path)
{
    if (buf_put(&w->names, (struct str){ path, strlen(path) + 1 }) != 0)
        w->any = true;
}

/** The file under each of its names, down to the one without links. */
static void add_file(struct watch *w, const char *path)
{
    char at[PATHS_MAX];
    int links = 0;

    if (snprintf(at, sizeof at, "%s", path) >= (int)sizeof at)
        return;
    do {
        add_spelling(w, at);
        note_spelling(w, at);
    } while (follow(at) && ++links < WATCH_LINKS);
}

static void stop(struct watch *w)
{
    if (w->fd > 0)
        close(w->fd);
    w->fd = 0;
    w->n = 0;
    buf_clear(&w->names);
    w->any = false;
    w->begun = false;
    w->quiet_ms = 0;
}

static void begin(struct master *m)
{
    struct watch *w = of(m);
    const struct sources *s = m->loaded.sources;
    uint64_t quiet_ms = w->quiet_ms;

    stop(w);
    w->quiet_ms = quiet_ms; /* what was seen is not forgotten */
    w->gone = false;
    w->begun = true;
    buf_init(&w->names, WATCH_NAMES_MAX);
    w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (w->fd < 0) {
        w->fd = 0;
        cannot(w, "inotify");
        return;
    }
    if (m->file)
        add_file(w, m->file);
    for (size_t i = 0; s && i < s->n; i++)
        add_file(w, s->list[i].path);
}

/* ---- what happens ------------------------------------------------------ */

static bool ends_in(const char *name, const char *end)
{
    size_t n = strlen(name), k = strlen(end);

    return n > k && strcmp(name + n - k, end) == 0;
}

/** A file that is served, or a folder on the way to one. */
static bool leads_to(const char *path, const char *folder, const char *name)
{
    size_t n = strlen(folder), k = strlen(name);

    n -= n && folder[n - 1] == '/';
    return strncmp(path, folder, n) == 0 && path[n] == '/' &&
           strncmp(path + n + 1, name, k) == 0 &&
           (path[n + 1 + k] == '\0' || path[n + 1 + k] == '/');
}

static bool is_source(const struct watch *w, const char *folder,
                      const char *name)
{
    struct str rest = buf_str(&w->names);

    while (rest.n) {
        if (leads_to(str_split(&rest, '\0').p, folder, name))
            return true;
    }
    return w->any;
}

/** Files that are served, those that may be next, and the link that
 * Kubernetes moves; not what editors put beside them. */
static bool counts(const struct watch *w, const struct inotify_event *e)
{
    const char *name = e->len ? e->name : "";

    if (e->mask & (IN_Q_OVERFLOW | IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED))
        return true;
    if (strncmp(name, "..data", 6) == 0)
        return true;
    if (*name == '.' || *name == '#')
        return false;
    if (ends_in(name, ".conf") || ends_in(name, ".lua") ||
        ends_in(name, ".json"))
        return true;
    for (size_t i = 0; i < w->n; i++) {
        if (w->folders[i].id == e->wd &&
            is_source(w, w->folders[i].path, name))
            return true;
    }
    return false;
}

/** Of one read: what counts once is not asked again. */
static void hear(struct watch *w, char *at, const char *end)
{
    const struct inotify_event *e;
    bool news = false;

    for (; at < end; at += sizeof *e + e->len) {
        e = (const struct inotify_event *)(const void *)at;
        if (e->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED))
            w->gone = true;
        news = news || counts(w, e);
    }
    if (news)
        w->quiet_ms = clock_mono_ms() + WATCH_QUIET_MS;
}

/** What is left after some reads is for the next turn: it is readable yet. */
void watch_hear(struct master *m)
{
    _Alignas(struct inotify_event) char room[8192];
    struct watch *w = of(m);
    ssize_t n;

    for (int i = 0; i < WATCH_READS; i++) {
        n = read(w->fd, room, sizeof room);
        if (n <= 0)
            return;
        hear(w, room, room + n);
    }
}

int watch_sock(const struct master *m)
{
    const struct watch *w = &m->reload.watch;

    return w->fd > 0 ? w->fd : -1;
}

uint64_t watch_wait(const struct master *m, uint64_t now_ms)
{
    uint64_t at = m->reload.watch.quiet_ms;

    if (!at || at <= now_ms)
        return UINT64_MAX; /* a reload is under way: its end is a turn */
    return at - now_ms;
}

void watch_step(struct master *m, uint64_t now_ms)
{
    struct watch *w = of(m);
    struct reload *r = &m->reload;

    if (!m->config || !m->config->reload.watch) {
        if (w->fd > 0)
            stop(w);
        return;
    }
    if (r->stage != RELOAD_NONE || m->phase != MASTER_RUNNING ||
        heir_waits(&m->heir) || upgrade_is_on(&m->upgrade))
        return;
    if (!w->begun || w->gone) {
        begin(m);
        /* nobody saw what was written since they were read */
        if (!r->pinned && !w->quiet_ms && sources_changed(m->loaded.sources))
            w->quiet_ms = now_ms + WATCH_QUIET_MS;
    }
    if (!w->quiet_ms || now_ms < w->quiet_ms || r->n_wishes)
        return;
    begin(m); /* a link may lead elsewhere now, also where this is refused */
    w->quiet_ms = 0;
    reload_want(m, &(struct reload_wish){ .watched = true });
}

bool watch_is_news(struct master *m, const struct err *why)
{
    struct watch *w = of(m);

    if (strcmp(w->said.msg, why->msg) == 0 &&
        strcmp(w->said.at, why->at) == 0)
        return false;
    w->said = *why;
    return true;
}

void watch_close(struct master *m)
{
    stop(of(m));
}
