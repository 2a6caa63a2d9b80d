/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The loader, both sides. The child answers with one message: the bundle's
 * descriptor and, as JSON, what stands outside it (whose rights workers take,
 * which plugin files they load), or the reason why not.
 */
#include "app/loader.h"

#include "app/loader_run.h"
#include "app/message.h"
#include "base/clock.h"
#include "base/snapshot.h"

#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOAD_MS 60000 /* plugins on trial have limits of their own */

/* ---- the answer -------------------------------------------------------- */

static int read_plugins(struct loaded *out, const json_t *list)
{
    size_t n = json_array_size(list);

    if (n > LOADER_MAX_PLUGINS)
        return -ERR_LIMIT;
    out->plugins = calloc(n + 1, sizeof *out->plugins);
    if (!out->plugins)
        return -ERR_NOMEM;
    for (size_t i = 0; i < n; i++) {
        const char *name, *path;
        struct loaded_plugin *p = &out->plugins[i];

        if (json_unpack(json_array_get(list, i), "[ss]", &name, &path) != 0)
            return -ERR_BUG;
        snprintf(p->name, sizeof p->name, "%s", name);
        snprintf(p->path, sizeof p->path, "%s", path);
    }
    out->n_plugins = n;
    return 0;
}

static int read_rights(struct rights *r, const json_t *groups)
{
    r->n_groups = json_array_size(groups);
    if (r->n_groups > RIGHTS_MAX_GROUPS)
        return -ERR_LIMIT;
    for (size_t i = 0; i < r->n_groups; i++)
        r->groups[i] = (gid_t)json_integer_value(json_array_get(groups, i));
    return 0;
}

static int read_answer(struct loaded *out, const struct message *m,
                       struct err *err)
{
    json_t *tree = json_loadb(m->text, m->size, 0, NULL);
    json_t *plugins = NULL, *groups = NULL;
    json_int_t uid = 0, gid = 0, operators = 0;
    int sim = 0, change = 0, rc = -ERR_BUG;

    if (json_unpack(tree, "{s:o, s:o, s:b, s:b, s:I, s:I, s:I}", "plugins",
                    &plugins, "groups", &groups, "sim", &sim, "change",
                    &change, "uid", &uid, "gid", &gid, "operators",
                    &operators) == 0)
        rc = read_plugins(out, plugins);
    if (!rc)
        rc = read_rights(&out->rights, groups);
    json_decref(tree);
    if (rc)
        return err_set(err, ERR_BUG, "the loader's answer is broken");
    out->sim = sim;
    out->rights.change = change;
    out->rights.uid = (uid_t)uid;
    out->rights.gid = (gid_t)gid;
    out->rights.operators = (gid_t)operators;
    out->bundle = snapshot_open(m->fd, err);
    return out->bundle ? 0 : -err->code;
}

/** The reason: "at\nmessage". */
static int read_reason(const struct message *m, struct err *err)
{
    struct str rest = { m->text, m->size };
    struct str at = str_split(&rest, '\n');
    char place[sizeof err->at];

    snprintf(place, sizeof place, STR_FMT, STR_ARG(at));
    return err_at(err, ERR_CONFIG, place, STR_FMT, STR_ARG(rest));
}

/* ---- waiting for it ---------------------------------------------------- */

/** A signal that ends us came: true. The child's own end is not one. */
static bool told_to_end(int signal_fd)
{
    struct signalfd_siginfo info;

    while (signal_fd >= 0 &&
           read(signal_fd, &info, sizeof info) == sizeof info) {
        if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)
            return true;
    }
    return false;
}

static int wait_answer(int sock, int signal_fd, struct message *m,
                       struct err *err)
{
    uint64_t end = clock_mono_ms() + LOAD_MS;

    for (;;) {
        struct pollfd p[2] = { { .fd = sock, .events = POLLIN },
                               { .fd = signal_fd, .events = POLLIN } };
        uint64_t now = clock_mono_ms();
        int rc;

        if (now >= end)
            return err_set(err, ERR_TIMEOUT,
                           "the configuration was not loaded within %d s",
                           LOAD_MS / 1000);
        if (poll(p, 2, (int)(end - now)) < 0 && errno != EINTR)
            return err_errno(err, "poll");
        if (told_to_end(signal_fd))
            return err_set(err, ERR_CANCELLED, "stopped while loading");
        rc = message_recv(sock, m);
        if (rc > 0)
            return 0;
        if (rc < 0)
            return err_set(err, ERR_IO, "the loader ended without an answer");
    }
}

static void end_child(pid_t pid, struct err *err)
{
    int status = 0;

    kill(pid, SIGKILL); /* it has answered, or it never will */
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (err->code == ERR_IO && WIFSIGNALED(status) &&
        WTERMSIG(status) != SIGKILL)
        snprintf(err->msg, sizeof err->msg,
                 "the loader was ended by signal %d", WTERMSIG(status));
}

int loader_load(struct loaded *out, const char *file, const struct paths *p,
                uint64_t generation, int signal_fd, struct err *err)
{
    struct message *m = malloc(sizeof *m);
    int ends[2], rc;
    pid_t pid;

    if (!m)
        return err_set(err, ERR_NOMEM, "no memory");
    if (message_pair(ends, err) != 0) {
        free(m);
        return -err->code;
    }
    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        close(ends[0]);
        if (signal_fd >= 0)
            close(signal_fd);
        free(m);
        exit(loader_run(file, p, generation, ends[1]));
    }
    close(ends[1]);
    if (pid < 0) {
        rc = err_errno(err, "fork");
    } else {
        m->fd = -1;
        rc = wait_answer(ends[0], signal_fd, m, err);
        if (!rc)
            rc = m->type == MSG_BUNDLE ? read_answer(out, m, err)
                                       : read_reason(m, err);
        end_child(pid, err);
        if (m->fd >= 0)
            close(m->fd);
    }
    close(ends[0]);
    free(m);
    return rc;
}

void loaded_clear(struct loaded *l)
{
    snapshot_unref(l->bundle);
    free(l->plugins);
    *l = (struct loaded){ 0 };
}
