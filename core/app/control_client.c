/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Asking a running instance: a blocking line each way, ten seconds at most
 * unless more patience is asked for. */
#include "app/control.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

static int dial(const char *path, struct err *err)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    const struct timeval limit = { .tv_sec = 10 };
    int fd;

    if (strlen(path) >= sizeof at.sun_path)
        return err_set(err, ERR_LIMIT, "the socket's path is too long: %s",
                       path);
    memcpy(at.sun_path, path, strlen(path));
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_errno(err, "socket");
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (connect(fd, (struct sockaddr *)&at, sizeof at) == 0)
        return fd;
    close(fd);
    if (errno == ENOENT || errno == ECONNREFUSED || errno == ENOTDIR)
        return err_set(err, ERR_NOTFOUND, "no instance runs at %s (start one "
                                          "with `penstock serve`, or name its "
                                          "socket with -s)", path);
    return err_errno(err, "%s", path);
}

static int read_line(int fd, struct buf *reply, struct err *err)
{
    for (;;) {
        char *to = buf_reserve(reply, 4096);
        ssize_t n;

        if (!to)
            return err_set(err, ERR_LIMIT, "the answer is too long");
        n = recv(fd, to, 4096, 0);
        if (n == 0 || (n < 0 && errno == ECONNRESET))
            return err_set(err, ERR_CLOSED, "the instance ended");
        if (n < 0)
            return err_errno(err, "no answer");
        buf_commit(reply, (size_t)n);
        if (reply->p[reply->n - 1] == '\n') {
            reply->n--;
            return 0;
        }
    }
}

void control_patience(int *sock, const char *path)
{
    const struct timeval none = { 0 };
    struct err err = { 0 };

    if (*sock < 0)
        *sock = dial(path, &err);
    if (*sock < 0)
        *sock = -1;
    else
        setsockopt(*sock, SOL_SOCKET, SO_RCVTIMEO, &none, sizeof none);
}

static ssize_t send_line(int sock, struct str line, int fd)
{
    _Alignas(struct cmsghdr) char room[CMSG_SPACE(sizeof fd)] = { 0 };
    struct iovec iov = { (char *)(uintptr_t)line.p, line.n };
    struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
    struct cmsghdr *h;

    if (fd >= 0) {
        msg.msg_control = room;
        msg.msg_controllen = sizeof room;
        h = CMSG_FIRSTHDR(&msg);
        h->cmsg_level = SOL_SOCKET;
        h->cmsg_type = SCM_RIGHTS;
        h->cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(h), &fd, sizeof fd);
    }
    return sendmsg(sock, &msg, MSG_NOSIGNAL);
}

int control_ask(int *sock, const char *path, struct str request,
                struct buf *reply, struct err *err)
{
    return control_ask_fd(sock, path, request, -1, reply, err);
}

int control_ask_fd(int *sock, const char *path, struct str request, int fd,
                   struct buf *reply, struct err *err)
{
    struct buf line = BUF_INIT(CONTROL_LINE_MAX);
    int rc;

    if (request.n >= CONTROL_LINE_MAX)
        return err_set(err, ERR_LIMIT, "the request is longer than %d bytes",
                       CONTROL_LINE_MAX);

    buf_reset(reply);
    if (*sock < 0)
        *sock = dial(path, err);
    if (*sock < 0) {
        rc = *sock;
        *sock = -1;
        return rc;
    }
    buf_put(&line, request);
    buf_putc(&line, '\n');
    if (send_line(*sock, buf_str(&line), fd) == (ssize_t)line.n)
        rc = read_line(*sock, reply, err);
    else if (errno == EPIPE || errno == ECONNRESET)
        rc = err_set(err, ERR_CLOSED, "the instance ended");
    else
        rc = err_errno(err, "%s", path);
    buf_clear(&line);
    if (rc) {
        close(*sock);
        *sock = -1;
    }
    return rc;
}
