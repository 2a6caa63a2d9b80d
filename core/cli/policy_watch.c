/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Waiting for files to change: inotify on their folders (an editor writes a
 * new file and renames it, so that watching the file itself would lose it),
 * signals through a descriptor of their own.
 */
#include "cli/policy_run.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { MAX_FOLDERS = 64, SETTLE_MS = 100, MAX_CHANGES = 50 };

struct policy_watch {
    int files, signals;
};

static int watch_folder(struct policy_watch *w, const char *file,
                        struct err *err)
{
    const char *slash = strrchr(file, '/');
    char *folder = slash == file ? strdup("/")
                   : slash       ? strndup(file, (size_t)(slash - file))
                                 : strdup(".");
    int rc = 0;

    if (!folder)
        return err_set(err, ERR_NOMEM, "no memory");
    /* the same folder twice is one watch */
    if (inotify_add_watch(w->files, folder, IN_CLOSE_WRITE | IN_MOVED_TO |
                                                IN_MOVED_FROM | IN_DELETE) < 0)
        rc = err_errno(err, "cannot watch %s", folder);
    free(folder);
    return rc;
}

struct policy_watch *policy_watch_new(const struct policy_paths *files,
                                      struct err *err)
{
    struct policy_watch *w = calloc(1, sizeof *w);
    sigset_t set;
    int rc = 0;

    if (!w) {
        err_set(err, ERR_NOMEM, "no memory");
        return NULL;
    }
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    w->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    w->files = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (w->signals < 0 || w->files < 0)
        rc = err_errno(err, "cannot watch files");
    for (size_t i = 0; rc == 0 && i < files->n && i < MAX_FOLDERS; i++)
        rc = watch_folder(w, files->list[i], err);
    if (rc == 0)
        return w;
    policy_watch_free(w);
    return NULL;
}

void policy_watch_free(struct policy_watch *w)
{
    if (!w)
        return;
    if (w->signals >= 0)
        close(w->signals);
    if (w->files >= 0)
        close(w->files);
    free(w);
}

/* Take what has happened; was a Lua file among it? */
static bool drain(struct policy_watch *w)
{
    _Alignas(struct inotify_event) char room[16384];
    bool lua = false;
    ssize_t n;

    while ((n = read(w->files, room, sizeof room)) > 0) {
        for (char *at = room; at < room + n;) {
            const struct inotify_event *e = (const void *)at;
            size_t len = e->len ? strlen(e->name) : 0;

            lua |= len > 4 && strcmp(e->name + len - 4, ".lua") == 0;
            at += sizeof *e + e->len;
        }
    }
    return lua;
}

int policy_watch_wait(struct policy_watch *w, struct err *err)
{
    int changes = 0;

    for (;;) {
        struct pollfd p[2] = { { .fd = w->files, .events = POLLIN },
                               { .fd = w->signals, .events = POLLIN } };
        int n = poll(p, 2, changes ? SETTLE_MS : -1);

        if (n < 0 && errno != EINTR)
            return err_errno(err, "poll");
        if (n > 0 && p[1].revents)
            return 0;
        if (n > 0 && p[0].revents)
            changes += changes || drain(w);
        if (changes && (n == 0 || changes > MAX_CHANGES))
            return 1;
    }
}
