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
#include "engine/config_diff.h"

#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOAD_MS 60000 /* plugins on trial have limits of their own */
enum { LOADER_NICE = 15, LOADER_SLICE_NS = 100000 };

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
        const char *name, *path, *version;
        struct loaded_plugin *p = &out->plugins[i];

        if (json_unpack(json_array_get(list, i), "[sss]", &name, &path,
                        &version) != 0)
            return -ERR_BUG;
        snprintf(p->name, sizeof p->name, "%s", name);
        snprintf(p->path, sizeof p->path, "%s", path);
        snprintf(p->version, sizeof p->version, "%s", version);
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

static int read_diff(struct loaded *out, const json_t *diff)
{
    json_t *changes = NULL;
    json_int_t n = 0, applies = 0;
    int helpers = 0, new_code = 0;

    if (!json_is_object(diff))
        return 0; /* there was nothing to compare with */
    if (json_unpack((json_t *)(uintptr_t)diff, "{s:o, s:I, s:I, s:b, s:b}",
                    "changes", &changes, "n", &n, "applies", &applies,
                    "helpers", &helpers, "new_code", &new_code) != 0)
        return -ERR_BUG;
    out->changes = json_dumps(changes, JSON_COMPACT);
    out->n_changes = (uint32_t)n;
    out->applies = (enum conf_applies)applies;
    out->helpers = helpers;
    out->new_code = new_code;
    return out->changes ? 0 : -ERR_NOMEM;
}

static int read_answer(struct loaded *out, struct message *m, struct err *err)
{
    json_t *tree = json_loadb(m->text, m->size, 0, NULL);
    json_t *plugins = NULL, *groups = NULL, *diff = NULL;
    json_int_t uid = 0, gid = 0, operators = 0;
    int sim = 0, change = 0, same = 0, rc = -ERR_BUG;

    if (json_unpack(tree, "{s:o, s:o, s:b, s:b, s:I, s:I, s:I, s:o, s:b}",
                    "plugins", &plugins, "groups", &groups, "sim", &sim,
                    "change", &change, "uid", &uid, "gid", &gid, "operators",
                    &operators, "diff", &diff, "same_files", &same) == 0)
        rc = read_plugins(out, plugins);
    if (!rc)
        rc = read_rights(&out->rights, groups);
    if (!rc)
        rc = read_diff(out, diff);
    json_decref(tree);
    if (rc)
        return err_set(err, ERR_BUG, "the loader's answer is broken");
    out->sim = sim;
    out->same_files = same;
    out->rights.change = change;
    out->rights.uid = (uid_t)uid;
    out->rights.gid = (gid_t)gid;
    out->rights.operators = (gid_t)operators;
    out->bundle = snapshot_open(m->fd, err);
    if (!out->bundle)
        return -err->code;
    out->fd = m->fd;
    m->fd = -1;
    return 0;
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

/* ---- a load under way -------------------------------------------------- */

static void forget_child(struct loading *l)
{
    close(l->sock);
    sources_free(l->sources);
    *l = (struct loading){ .sock = -1 };
}

/** It has answered. Its end takes a millisecond, for which nobody waits. */
static void dismiss_child(struct loading *l)
{
    kill(l->pid, SIGKILL);
    forget_child(l);
}

static void end_child(struct loading *l, struct err *err)
{
    int status = 0;

    kill(l->pid, SIGKILL); /* it has answered, or it never will */
    while (waitpid(l->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (err->code == ERR_IO && WIFSIGNALED(status) &&
        WTERMSIG(status) != SIGKILL)
        snprintf(err->msg, sizeof err->msg,
                 "the loader was ended by signal %d", WTERMSIG(status));
    forget_child(l);
}

/* Who serves comes first: what this takes of a busy core, requests would wait
 * for. Little of it at a time as well (Linux 6.12; ignored before): who wakes
 * meanwhile waits for a tenth of a millisecond, not for three. Not SCHED_IDLE,
 * which gets nothing at all where all cores are busy. */
static void give_way(void)
{
    struct {
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime, deadline, period;
    } attr = { .size = sizeof attr, .runtime = LOADER_SLICE_NS };

    errno = 0;
    attr.nice = nice(LOADER_NICE); /* beside the master's own */
    if (attr.nice == -1 && errno)
        attr.nice = 0;
    syscall(SYS_sched_setattr, 0, &attr, 0); /* a kernel may not know it */
    errno = 0;
}

int loading_start(struct loading *l, const struct load_order *order,
                  struct err *err)
{
    int ends[2];

    *l = (struct loading){ .sock = -1 };
    if (message_pair(ends, err) != 0)
        return -err->code;
    fflush(NULL);
    l->pid = fork();
    if (l->pid == 0) {
        close(ends[0]);
        if (order->signal_fd >= 0)
            close(order->signal_fd);
        if (order->let_go)
            order->let_go(order->ud);
        give_way();
        exit(loader_run(order, ends[1]));
    }
    close(ends[1]);
    if (l->pid < 0) {
        err_errno(err, "fork");
        close(ends[0]);
        l->pid = 0;
        return -err->code;
    }
    l->sock = ends[0];
    l->patience_ms = order->patience_ms ? order->patience_ms : LOAD_MS;
    l->until_ms = clock_mono_ms() + l->patience_ms;
    return 0;
}

/** Which files it reads; the bundle is yet to come. */
static int take_sources(struct loading *l, struct message *m, struct err *err)
{
    struct err none = { 0 };

    sources_free(l->sources);
    l->sources = m->fd >= 0 ? sources_open(m->fd, &none) : NULL;
    if (m->fd >= 0)
        close(m->fd);
    (void)err;
    return 0;
}

int loading_take(struct loading *l, struct loaded *out, uint64_t now_ms,
                 struct err *err)
{
    static struct message m; /* 48 KiB: not for the stack */
    int got = message_recv(l->sock, &m), rc;

    if (got == 0 && now_ms < l->until_ms)
        return 0;
    *out = (struct loaded){ 0 };
    if (got == 0)
        rc = err_set(err, ERR_TIMEOUT,
                     "the configuration was not loaded within %u s",
                     l->patience_ms / 1000);
    else if (got < 0)
        rc = err_set(err, ERR_IO, "the loader ended without an answer");
    else if (m.type == MSG_SOURCES)
        return take_sources(l, &m, err);
    else if (m.type == MSG_BUNDLE)
        rc = read_answer(out, &m, err);
    else
        rc = read_reason(&m, err);
    out->sources = l->sources;
    l->sources = NULL;
    if (rc)
        end_child(l, err);
    else
        dismiss_child(l);
    if (got > 0 && m.fd >= 0)
        close(m.fd);
    if (rc)
        loaded_clear(out);
    return rc ? rc : 1;
}

void loading_stop(struct loading *l)
{
    struct err err = { 0 };

    if (l->pid > 0)
        end_child(l, &err);
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

int loader_load(struct loaded *out, const char *file, const struct paths *p,
                uint64_t generation, int signal_fd, struct err *err)
{
    const struct load_order order = { .file = file, .paths = p,
                                      .generation = generation,
                                      .signal_fd = signal_fd };

    return loader_wait(out, &order, err);
}

int loader_wait(struct loaded *out, const struct load_order *order,
                struct err *err)
{
    int signal_fd = order->signal_fd;
    struct loading l;
    int rc = loading_start(&l, order, err);
    pid_t pid = l.pid;

    while (rc == 0) {
        struct pollfd fds[2] = { { .fd = l.sock, .events = POLLIN },
                                 { .fd = signal_fd, .events = POLLIN } };
        uint64_t now = clock_mono_ms();
        int wait = l.until_ms > now ? (int)(l.until_ms - now) : 0;

        if (poll(fds, 2, wait) < 0 && errno != EINTR)
            rc = err_errno(err, "poll");
        else if (told_to_end(signal_fd))
            rc = err_set(err, ERR_CANCELLED, "stopped while loading");
        else
            rc = loading_take(&l, out, clock_mono_ms(), err);
    }
    loading_stop(&l);
    /* one that has answered is ours to reap */
    while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    return rc < 0 ? rc : 0;
}

void loaded_clear(struct loaded *l)
{
    snapshot_unref(l->bundle);
    if (l->fd > 0)
        close(l->fd);
    free(l->plugins);
    free(l->changes);
    sources_free(l->sources);
    *l = (struct loaded){ 0 };
}

/* ---- one against another ----------------------------------------------- */

static const char *path_of(const struct loaded *l, const char *name)
{
    for (size_t i = 0; i < l->n_plugins; i++) {
        if (strcmp(l->plugins[i].name, name) == 0)
            return l->plugins[i].path;
    }
    return NULL;
}

/** Another file under the same name, or one more: a process never holds two
 * versions of a plugin, so that this is for new workers. */
static int compare_plugins(struct config_diff *d, struct loaded *next,
                           const struct loaded *served)
{
    int rc = 0;

    next->new_code = false;
    for (size_t i = 0; i < next->n_plugins && !rc; i++) {
        const struct loaded_plugin *p = &next->plugins[i];
        const char *old = path_of(served, p->name);
        char what[sizeof p->name + 8];

        if (old && strcmp(old, p->path) == 0)
            continue;
        next->new_code = true;
        snprintf(what, sizeof what, "plugin %s", p->name);
        rc = config_diff_add(d, what, old ? "changed" : "added",
                             CONF_WORKERS);
    }
    return rc;
}

int loaded_compare(struct loaded *next, const struct loaded *served,
                   struct err *err)
{
    struct config_diff d;
    int rc = config_diff(served->bundle, next->bundle, &d, err);

    if (rc)
        return rc;
    free(next->changes);
    next->changes = NULL;
    if (compare_plugins(&d, next, served) == 0)
        next->changes = json_dumps(d.changes, JSON_COMPACT);
    next->n_changes = (uint32_t)d.n;
    next->applies = d.applies;
    next->helpers = d.helpers;
    config_diff_clear(&d);
    return next->changes ? 0 : err_set(err, ERR_NOMEM, "no memory");
}
