/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The old master: start the heir, wait for its word, step aside. It stays the
 * parent of its own workers until they have drained; the heir starts nothing
 * that it would have to undo, so ending it is all there is to going back.
 */
#include "app/upgrade.h"

#include "app/control_impl.h"
#include "app/master.h"
#include "app/master_open.h"
#include "app/message.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/share.h"
#include "engine/config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define READY_MS 30000  /* for the heir */
#define KEEPER_MS 15000 /* for our keeper to let go of the database */
#define ARGS_MAX 128
#define ARGS_BYTES (64 * 1024)
#define TOLD UINT64_MAX /* in place of a generation's number */

/* ---- which program ----------------------------------------------------- */

/** Our own arguments, as the system keeps them. */
static size_t read_args(char *room, size_t size, char **args)
{
    int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, room, size - 1);
    size_t count = 0;

    if (fd >= 0)
        close(fd);
    if (n <= 0)
        return 0;
    room[n] = '\0';
    for (char *p = room; p < room + n && count < ARGS_MAX - 1;
         p += strlen(p) + 1)
        args[count++] = p;
    args[count] = NULL;
    return count;
}

static bool same_file(const char *a, const char *b)
{
    struct stat x, y;

    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev &&
           x.st_ino == y.st_ino;
}

/** The path that we were started by, since it may be a link that is turned to
 * the next version; else where our file lies. */
void upgrade_init(struct master *m)
{
    static char room[ARGS_BYTES];
    char *args[ARGS_MAX];
    struct upgrade *u = &m->upgrade;
    ssize_t n;

    u->sock = -1;
    if (read_args(room, sizeof room, args) && strchr(args[0], '/') &&
        strlen(args[0]) < sizeof u->program &&
        same_file(args[0], "/proc/self/exe")) {
        snprintf(u->program, sizeof u->program, "%s", args[0]);
        return;
    }
    n = readlink("/proc/self/exe", u->program, sizeof u->program - 1);
    u->program[n > 0 ? n : 0] = '\0';
}

/** In each refusal: which file it was. */
#define NEW_PROGRAM "the new program %.200s"

/* ---- the start --------------------------------------------------------- */

static int may_start(const struct master *m, struct err *err)
{
    const struct upgrade *u = &m->upgrade;

    if (u->stage == UPGRADE_RISING)
        return err_set(err, ERR_BUSY, "an upgrade is under way: pid %d is "
                       "starting", (int)u->pid);
    if (m->phase != MASTER_RUNNING)
        return err_set(err, ERR_BUSY, "it is not running: it starts or ends "
                                      "just now");
    if (m->reload.n_wishes)
        return err_set(err, ERR_BUSY, "a reload is under way; try again when "
                                      "it is over");
    if (m->reload.pinned)
        return err_set(err, ERR_BUSY, "generation %llu is pinned by a "
                       "rollback, and the new program would serve the files "
                       "on disk: mend them and `penstock reload` first",
                       (unsigned long long)m->reload.pinned);
    if (getpid() == 1)
        return err_set(err, ERR_BUSY, "process 1 cannot be followed by "
                       "another: its container would end; start a new one");
    if (cells_free_count(m->cells) < 2 * m->n_workers + 2)
        return err_set(err, ERR_BUSY, "workers of earlier programs still have "
                       "requests, and there is no room for more; wait until "
                       "they have drained");
    if (!*u->program || access(u->program, X_OK) != 0)
        return err_errno(err, "%s", *u->program ? u->program
                                                : "this program's file");
    return 0;
}

/** In the child: become the heir. Returns only when that fails. */
static void become(const struct master *m, int sock, int list)
{
    static char room[ARGS_BYTES];
    char *args[ARGS_MAX], fds[64], why[160];

    if (read_args(room, sizeof room, args) == 0)
        args[0] = NULL;
    manifest_inherit(m);
    fcntl(sock, F_SETFD, 0);
    fcntl(list, F_SETFD, 0);
    snprintf(fds, sizeof fds, "%d,%d", sock, list);
    setenv(UPGRADE_ENV, fds, 1);
    unsetenv("WATCHDOG_PID"); /* it was us; the manager is told of the heir */
    execv(m->upgrade.program, args);
    snprintf(why, sizeof why, "cannot be started: %s", strerror(errno));
    message_send(sock, MSG_FAILED, 0, str_of(why), -1);
}

static int start(struct master *m, struct err *err)
{
    struct upgrade *u = &m->upgrade;
    int ends[2], list;

    if (message_pair(ends, err) != 0)
        return -err->code;
    list = manifest_write(m, err);
    fflush(NULL);
    u->pid = list < 0 ? -1 : fork();
    if (u->pid == 0) {
        close(ends[0]);
        become(m, ends[1], list);
        _exit(127);
    }
    close(ends[1]);
    if (u->pid < 0) {
        if (list >= 0)
            err_errno(err, "fork");
        close(ends[0]);
    } else {
        u->sock = ends[0];
    }
    if (list >= 0)
        close(list);
    return u->pid < 0 ? -err->code : 0;
}

int upgrade_want(struct master *m, uint32_t ticket, struct err *err)
{
    struct upgrade *u = &m->upgrade;
    int rc = may_start(m, err);

    if (!rc)
        rc = start(m, err);
    if (rc) {
        log_event(EV_upgrade_refused, LOG_Z("why", err->msg));
        return rc;
    }
    u->stage = UPGRADE_RISING;
    u->ticket = ticket;
    u->why[0] = '\0';
    u->keeper_told = u->keeper_kept = false;
    u->started_ms = clock_mono_ms();
    u->until_ms = u->started_ms + READY_MS;
    log_event(EV_upgrade_start, LOG_I("pid", u->pid),
              LOG_Z("program", u->program));
    return 0;
}

int control_upgrade(struct master *m, struct conn *c, json_t *request)
{
    struct err err = { 0 };

    (void)request;
    control_wait(m, c);
    if (upgrade_want(m, c->ticket, &err) == 0)
        return 0;
    c->ticket = 0;
    return control_put_error(&c->out, err.msg);
}

/* ---- how it ends ------------------------------------------------------- */

static void answer(struct master *m, const struct buf *text)
{
    uint32_t ticket = m->upgrade.ticket;

    m->upgrade.ticket = 0;
    if (ticket)
        control_tell(m, ticket, buf_str(text));
}

static void close_sock(struct upgrade *u)
{
    if (u->sock >= 0)
        close(u->sock);
    u->sock = -1;
}

/** Nothing has changed; an heir that still lives is ended, and its workers,
 * who see that, finish what they took. */
static void refuse(struct master *m, const char *why)
{
    struct buf text = BUF_INIT(4096);
    struct upgrade *u = &m->upgrade;

    log_event(EV_upgrade_refused, LOG_I("pid", u->pid), LOG_Z("why", why));
    control_put_error(&text, why);
    answer(m, &text);
    buf_clear(&text);
    close_sock(u);
    u->stage = UPGRADE_NONE;
}

static void keeper_steps_aside(struct master *m)
{
    struct post *k = &m->posts[m->n_workers];
    struct upgrade *u = &m->upgrade;

    u->until_ms = clock_mono_ms() + KEEPER_MS;
    if (k->sock < 0)
        return;
    if (!u->keeper_kept)
        k->retired = true;
    if (message_send(k->sock, u->keeper_kept ? MSG_HAND_OVER : MSG_STOP, 0,
                     STR_NULL, -1) != 0)
        kill(k->pid, SIGKILL); /* it does not listen; rings keep */
}

/** Our part is over but for the requests that run. */
static void step_aside(struct master *m)
{
    char text[64];

    snprintf(text, sizeof text, "MAINPID=%d", (int)m->upgrade.pid);
    notify_manager(text);
    m->phase = MASTER_DRAINING;
    m->give_up_ms = clock_mono_ms() + m->config->server.drain_timeout_ms +
                    MASTER_GRACE_MS;
    master_hand_over(m);
    keeper_steps_aside(m);
    message_send(m->upgrade.sock, MSG_SWITCHED, 0, STR_NULL, -1);
}

static void switch_over(struct master *m, const struct message *msg)
{
    struct upgrade *u = &m->upgrade;
    json_t *said = json_loadb(msg->text, msg->size, 0, NULL);
    const char *version = json_string_value(json_object_get(said, "version"));
    const char *fresh = json_string_value(json_object_get(said, "fresh"));
    uint64_t ms = clock_mono_ms() - u->started_ms;
    struct buf text = BUF_INIT(4096);

    u->stage = UPGRADE_SWITCHED;
    u->keeper_kept = json_is_true(json_object_get(said, "keeper"));
    step_aside(m);
    log_event(EV_upgrade_done, LOG_I("pid", u->pid),
              LOG_Z("version", version ? version : "?"),
              LOG_I("ms", (int64_t)ms), LOG_Z("fresh", fresh ? fresh : ""));
    buf_printf(&text, "{\"ok\":true,\"pid\":%d,\"former\":%d,\"ms\":%llu,"
               "\"version\":", (int)u->pid, (int)getpid(),
               (unsigned long long)ms);
    buf_json_str(&text, str_of(version ? version : "?"));
    buf_puts(&text, ",\"fresh\":");
    buf_json_str(&text, str_of(fresh ? fresh : ""));
    buf_putc(&text, '}');
    answer(m, &text);
    buf_clear(&text);
    json_decref(said);
}

/* ---- steps ------------------------------------------------------------- */

static void hear(struct master *m)
{
    static struct message msg; /* 48 KiB: not for the stack */
    struct upgrade *u = &m->upgrade;
    int rc;

    while (u->stage == UPGRADE_RISING && u->sock >= 0 &&
           (rc = message_recv(u->sock, &msg)) != 0) {
        if (rc < 0) {
            close_sock(u); /* its end itself comes by SIGCHLD */
            return;
        }
        if (msg.type == MSG_READY)
            switch_over(m, &msg);
        else if (msg.type == MSG_FAILED)
            snprintf(u->why, sizeof u->why, NEW_PROGRAM ": %.*s", u->program,
                     (int)sizeof u->why / 2, msg.text);
        if (msg.fd >= 0)
            close(msg.fd);
    }
}

/** The heir is ended at once, or gone; then we drain for ourselves. */
static void hear_after(struct master *m)
{
    static struct message msg; /* 48 KiB: not for the stack */
    struct upgrade *u = &m->upgrade;
    int rc;

    while (u->sock >= 0 && (rc = message_recv(u->sock, &msg)) != 0) {
        if (rc < 0)
            close_sock(u);
        else if (msg.type == MSG_STOP)
            master_stop(m);
        if (rc > 0 && msg.fd >= 0)
            close(msg.fd);
    }
}

/** Workers hear it again whose socket was full. */
static void tell_workers(struct master *m)
{
    for (size_t i = 0; i < m->n_posts; i++) {
        struct post *p = &m->posts[i];

        if (p->kind == PROC_WORKER && p->sock >= 0 && p->told != TOLD &&
            message_send(p->sock, MSG_DRAIN, 1, STR_NULL, -1) == 0)
            p->told = TOLD;
    }
}

/** The heir's keeper waits until ours has let go. */
static void tell_keeper(struct master *m, uint64_t now_ms)
{
    struct post *k = &m->posts[m->n_workers];
    struct upgrade *u = &m->upgrade;

    if (u->keeper_told)
        return;
    if (k->pid != 0 && now_ms >= u->until_ms)
        kill(k->pid, SIGKILL); /* its disk stalls; what it read is in a ring */
    if (k->pid == 0 || (u->keeper_kept && k->handed))
        u->keeper_told = message_send(u->sock, MSG_HANDED, 0, STR_NULL, -1) ==
                         0;
}

void upgrade_step(struct master *m, uint64_t now_ms)
{
    struct upgrade *u = &m->upgrade;

    if (u->stage == UPGRADE_RISING)
        hear(m);
    if (u->stage == UPGRADE_RISING && now_ms >= u->until_ms) {
        kill(u->pid, SIGKILL);
        snprintf(u->why, sizeof u->why, NEW_PROGRAM " was not ready within "
                 "30 s", u->program);
        refuse(m, u->why);
    }
    if (u->stage == UPGRADE_SWITCHED) {
        hear_after(m);
        tell_workers(m);
        tell_keeper(m, now_ms);
    }
}

void upgrade_reaped(struct master *m, pid_t pid, int status)
{
    struct upgrade *u = &m->upgrade;

    if (pid != u->pid || u->stage != UPGRADE_RISING)
        return;
    hear(m); /* its last words */
    if (u->stage != UPGRADE_RISING)
        return;
    if (WIFSIGNALED(status))
        snprintf(u->why, sizeof u->why, NEW_PROGRAM " was ended by signal %d "
                 "before it was ready", u->program, WTERMSIG(status));
    else if (!*u->why)
        snprintf(u->why, sizeof u->why, NEW_PROGRAM " ended with code %d "
                 "before it was ready; the log may say why", u->program,
                 WEXITSTATUS(status));
    refuse(m, u->why);
}

void upgrade_end(struct master *m)
{
    struct upgrade *u = &m->upgrade;

    if (u->stage != UPGRADE_RISING)
        return;
    kill(u->pid, SIGKILL);
    refuse(m, "the instance is ending");
}

void upgrade_let_go(const struct master *m)
{
    const struct given *g = &m->heir.given;

    if (m->upgrade.stage != UPGRADE_NONE && m->upgrade.sock >= 0)
        close(m->upgrade.sock);
    if (m->heir.former && m->heir.sock >= 0)
        close(m->heir.sock);
    if (m->addresses_fd > 0)
        close(m->addresses_fd);
    if (m->jwks_fd > 0)
        close(m->jwks_fd);
    if (m->fetched_fd > 0)
        close(m->fetched_fd);
    for (size_t i = 0; i < g->listeners.n; i++) {
        for (size_t k = 0; k < g->listeners.slots; k++) {
            if (!g->listeners.list[i].taken)
                close(g->listeners.list[i].fds[k]);
        }
    }
    for (size_t i = 0; i < g->n; i++) {
        if (g->fds[i].fd >= 0)
            close(g->fds[i].fd);
    }
    share_let_go();
}
