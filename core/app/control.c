/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The control socket in the master: connections, who asks, a table of verbs. */
#include "app/control_impl.h"

#include "app/master.h"
#include "keeper/desk.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define REPLY_MAX (4u << 20) /* a page of large records */

/* ---- verbs ------------------------------------------------------------- */

int control_put_error(struct buf *out, const char *message)
{
    buf_puts(out, "{\"error\":{\"message\":");
    buf_json_str(out, str_of(message));
    return buf_puts(out, "}}");
}

static int do_status(struct master *m, struct conn *c, json_t *request)
{
    (void)request;
    return control_status(m, &c->out);
}

static int put_inflight(struct master *m, struct buf *out)
{
    const struct process_cell *p;
    uint64_t n = 0;
    uint32_t at = 0;

    while ((p = cells_next(m->cells, &at)))
        n += atomic_load(&p->inflight);
    return buf_printf(out, "{\"ok\":true,\"in_flight\":%llu}",
                      (unsigned long long)n);
}

static int do_drain(struct master *m, struct conn *c, json_t *request)
{
    (void)request;
    master_drain(m);
    return put_inflight(m, &c->out);
}

static int do_stop(struct master *m, struct conn *c, json_t *request)
{
    (void)request;
    master_stop(m);
    return put_inflight(m, &c->out);
}

static int do_reopen(struct master *m, struct conn *c, json_t *request)
{
    struct err err = { 0 };
    char why[sizeof err.msg + 64];

    (void)request;
    if (master_reopen(m, &err) == 0)
        return buf_puts(&c->out, "{\"ok\":true}");
    snprintf(why, sizeof why, "%s; the old file stays in use", err.msg);
    return control_put_error(&c->out, why);
}

static int do_explain(struct master *m, struct conn *c, json_t *request)
{
    const char *id = json_string_value(json_object_get(request, "id"));
    struct buf *out = &c->out;
    size_t mark = out->n;

    if (!id)
        return control_put_error(out, "explain wants an id");
    buf_puts(out, "{\"explain\":");
    if (cells_explain(m->cells, str_of(id), out) == 0)
        return buf_putc(out, '}');
    out->n = mark;
    return control_put_error(out, "no recent request has that id");
}

static const struct {
    const char *name;
    bool operators;
    int (*fn)(struct master *m, struct conn *c, json_t *request);
} verbs[] = {
    { "status", false, do_status }, { "explain", false, do_explain },
    { "drain", true, do_drain },    { "stop", true, do_stop },
    { "reopen", true, do_reopen },  { "reload", true, control_reload },
    { "rollback", true, control_rollback },
    { "generations", false, control_generations },
    { "shadow", true, control_shadow },
    { "shadow.show", false, control_shadow_show },
    { "shadow.stop", true, control_shadow_stop },
    { "upgrade", true, control_upgrade },
    { "plugin.list", false, control_plugin_list },
    { "plugin.release", true, control_plugin_release },
    { "target.list", false, control_target_list },
    { "target.disable", true, control_target_switch },
    { "target.drain", true, control_target_switch },
    { "target.enable", true, control_target_switch },
};

static int answer(struct master *m, struct conn *c, json_t *request)
{
    const char *verb = json_string_value(json_object_get(request, "verb"));

    for (size_t i = 0; verb && i < sizeof verbs / sizeof *verbs; i++) {
        if (strcmp(verbs[i].name, verb) != 0)
            continue;
        if (verbs[i].operators && !c->is_operator)
            return control_put_error(&c->out,
                                     "not allowed: root, the service user, "
                                      "or a member of group penstock may");
        return verbs[i].fn(m, c, request);
    }
    if (!verb || !desk_knows(verb))
        return control_put_error(&c->out,
                                 "this instance does not know that verb");
    if (!m->config->admin.keys_store)
        return control_put_error(&c->out, "keys live in the configuration "
                                          "alone; to manage them here, add "
                                          "keys { store = true } to it");
    return control_forward(m, c, request);
}

/* ---- connections ------------------------------------------------------- */

static void conn_close(struct conn *c)
{
    if (c->fd >= 0)
        close(c->fd);
    if (c->given >= 0)
        close(c->given);
    c->fd = c->given = -1;
    c->ticket = 0;
    c->on_keeper = false;
    json_decref(c->held);
    c->held = NULL;
    buf_clear(&c->in);
    buf_clear(&c->out);
}

static bool in_group(int fd, gid_t first, gid_t wanted)
{
    gid_t groups[1024];
    socklen_t size = sizeof groups;

    if (wanted == (gid_t)-1)
        return false;
    if (first == wanted)
        return true;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) != 0)
        return false;
    for (size_t i = 0; i < size / sizeof *groups; i++) {
        if (groups[i] == wanted)
            return true;
    }
    return false;
}

static bool is_operator(const struct master *m, int fd, uid_t *uid)
{
    const struct rights *r = &m->loaded.rights;
    struct ucred who;
    socklen_t size = sizeof who;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0)
        return false;
    *uid = who.uid;
    return who.uid == 0 || who.uid == geteuid() || who.uid == r->uid ||
           in_group(fd, who.gid, r->operators);
}

static void accept_one(struct control *c, struct master *m)
{
    int fd = accept4(c->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    for (size_t i = 0; fd >= 0 && i < CONTROL_MAX_CONNS; i++) {
        struct conn *conn = &c->conns[i];

        if (conn->fd >= 0)
            continue;
        conn->fd = fd;
        conn->uid = (uid_t)-1;
        conn->is_operator = is_operator(m, fd, &conn->uid);
        buf_init(&conn->in, CONTROL_LINE_MAX);
        buf_init(&conn->out, REPLY_MAX);
        return;
    }
    if (fd >= 0)
        close(fd);
}

static void flush(struct conn *c)
{
    while (buf_len(&c->out)) {
        struct str s = buf_str(&c->out);
        ssize_t n = send(c->fd, s.p, s.n, MSG_NOSIGNAL);

        if (n < 0 && errno == EAGAIN)
            return;
        if (n < 0) {
            conn_close(c);
            return;
        }
        buf_consume(&c->out, (size_t)n);
    }
    buf_reset(&c->out);
}

static void take_line(struct master *m, struct conn *c, struct str line)
{
    json_t *request = json_loadb(line.p, line.n, 0, NULL);
    size_t mark = c->out.n;

    if (!request)
        control_put_error(&c->out, "a request is a JSON object on one line");
    else if (answer(m, c, request) != 0) {
        c->out.n = mark;
        control_put_error(&c->out, "the answer is too long");
    }
    json_decref(request);
    if (!c->ticket)
        buf_putc(&c->out, '\n');
}

static void take_lines(struct master *m, struct conn *c)
{
    ptrdiff_t end;

    while (c->fd >= 0 && !c->ticket &&
           (end = str_find(buf_str(&c->in), STR("\n"))) >= 0) {
        take_line(m, c, (struct str){ buf_str(&c->in).p, (size_t)end });
        buf_consume(&c->in, (size_t)end + 1);
    }
    flush(c);
}

void control_wait(struct master *m, struct conn *c)
{
    m->control->tickets++;
    c->ticket = m->control->tickets * CONTROL_MAX_CONNS +
                (uint32_t)(c - m->control->conns);
    c->on_keeper = false;
}

void control_go_on(struct master *m, struct conn *c)
{
    c->ticket = 0;
    buf_putc(&c->out, '\n');
    take_lines(m, c);
}

/** As recv; a descriptor that comes along is the connection's. */
static ssize_t receive(struct conn *c, char *to, size_t size)
{
    _Alignas(struct cmsghdr) char room[CMSG_SPACE(sizeof(int))];
    struct iovec iov = { to, size };
    struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
                          .msg_control = room,
                          .msg_controllen = sizeof room };
    ssize_t n = recvmsg(c->fd, &msg, MSG_CMSG_CLOEXEC);
    struct cmsghdr *h = n > 0 ? CMSG_FIRSTHDR(&msg) : NULL;

    if (h && h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_RIGHTS) {
        if (c->given >= 0)
            close(c->given);
        memcpy(&c->given, CMSG_DATA(h), sizeof c->given);
    }
    return n;
}

static void read_some(struct master *m, struct conn *c)
{
    char *to = buf_reserve(&c->in, CONTROL_LINE_MAX - buf_len(&c->in));
    ssize_t n;

    if (!to || buf_len(&c->in) == CONTROL_LINE_MAX) {
        conn_close(c);
        return;
    }
    n = receive(c, to, CONTROL_LINE_MAX - buf_len(&c->in));
    if (n <= 0) {
        if (n == 0 || errno != EAGAIN)
            conn_close(c);
        return;
    }
    buf_commit(&c->in, (size_t)n);
    take_lines(m, c);
}

size_t control_poll(const struct control *c, struct pollfd *p)
{
    size_t n = 0;

    if (!c)
        return 0;
    p[n++] = (struct pollfd){ .fd = c->fd, .events = POLLIN };
    for (size_t i = 0; i < CONTROL_MAX_CONNS; i++) {
        if (c->conns[i].fd < 0)
            continue;
        p[n++] = (struct pollfd){
            .fd = c->conns[i].fd,
            .events = buf_len(&c->conns[i].out) ? POLLOUT
                      : c->conns[i].ticket      ? 0
                                                : POLLIN,
        };
    }
    return n;
}

static void serve_conn(struct master *m, struct conn *c, short got)
{
    if (got & POLLOUT)
        flush(c);
    else if (c->ticket)
        conn_close(c); /* it hung up while it waited */
    else
        read_some(m, c);
}

void control_serve(struct control *c, struct master *m,
                   const struct pollfd *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!p[i].revents)
            continue;
        if (p[i].fd == c->fd) {
            accept_one(c, m);
            continue;
        }
        for (size_t k = 0; k < CONTROL_MAX_CONNS; k++) {
            if (c->conns[k].fd == p[i].fd) {
                serve_conn(m, &c->conns[k], p[i].revents);
                break;
            }
        }
    }
}

/* ---- the socket -------------------------------------------------------- */

/** Does anybody answer there? A dead socket's file is removed. */
static int clear_way(const struct sockaddr_un *at, struct err *err)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int rc;

    if (fd < 0)
        return err_errno(err, "socket");
    rc = connect(fd, (const struct sockaddr *)at, sizeof *at);
    close(fd);
    if (rc == 0)
        return err_set(err, ERR_EXISTS, "an instance is running already: it "
                                        "answers at %s", at->sun_path);
    if (errno == ECONNREFUSED)
        unlink(at->sun_path);
    return 0;
}

static struct control *make(const char *path, struct err *err)
{
    struct control *c = calloc(1, sizeof *c);

    if (!c) {
        err_set(err, ERR_NOMEM, "no memory");
        return NULL;
    }
    for (size_t i = 0; i < CONTROL_MAX_CONNS; i++)
        c->conns[i].fd = c->conns[i].given = -1;
    c->fd = -1;
    c->at.sun_family = AF_UNIX;
    if (strlen(path) >= sizeof c->at.sun_path) {
        err_set(err, ERR_LIMIT, "the control socket's path is longer than "
                                "%zu bytes: %s", sizeof c->at.sun_path - 1,
                path);
        free(c);
        return NULL;
    }
    memcpy(c->at.sun_path, path, strlen(path));
    return c;
}

struct control *control_adopt(const char *path, int fd, struct err *err)
{
    struct control *c = make(path, err);

    if (c)
        c->fd = fd;
    return c;
}

int control_fd(const struct control *c)
{
    return c->fd;
}

void control_hand_over(struct control *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    c->handed = true;
}

struct control *control_new(const char *path, struct err *err)
{
    struct control *c = make(path, err);

    if (!c)
        return NULL;
    if (clear_way(&c->at, err) != 0)
        goto fail;
    c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (c->fd < 0 ||
        bind(c->fd, (struct sockaddr *)&c->at, sizeof c->at) != 0 ||
        chmod(path, 0666) != 0 || listen(c->fd, CONTROL_MAX_CONNS) != 0) {
        err_errno(err, "control socket %s", path);
        goto fail;
    }
    return c;
fail:
    if (c->fd >= 0)
        close(c->fd);
    free(c);
    return NULL;
}

void control_close_fds(struct control *c)
{
    if (!c)
        return;
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    for (size_t i = 0; i < CONTROL_MAX_CONNS; i++)
        conn_close(&c->conns[i]);
}

void control_free(struct control *c)
{
    if (!c)
        return;
    if (!c->handed)
        unlink(c->at.sun_path);
    control_close_fds(c);
    free(c);
}
