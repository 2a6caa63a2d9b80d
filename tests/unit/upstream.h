/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * For tests of the HTTP client: an upstream of plain sockets on the test's
 * own loop, which answers by a function per test.
 */
#ifndef PENSTOCK_TEST_UPSTREAM_H
#define PENSTOCK_TEST_UPSTREAM_H

#include "base/buf.h"
#include "net/loop.h"
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { UP_CONNS = 1100 };

struct up_conn {
    struct up *up;
    struct loop_io io;
    struct buf in, out;
    size_t body_n;    /* of the request being read */
    unsigned served;  /* requests on this connection */
    bool open, close_when_sent, reset_when_sent;
};

struct up {
    struct loop *loop;
    int fd, port;
    char path[108]; /* of a Unix socket, or empty */
    struct loop_io io;
    struct up_conn conn[UP_CONNS];
    size_t n;         /* connections ever */
    size_t closed;    /* whose end by the client was seen */
    size_t requests;
    uint64_t sent;    /* bytes taken by the kernel */
    void (*serve)(struct up_conn *c, struct str head, struct str body);
};

static inline void up_shut(struct up_conn *c, bool rst)
{
    struct linger lg = { 1, 0 };

    if (!c->open)
        return;
    if (rst)
        setsockopt(c->io.fd, SOL_SOCKET, SO_LINGER, &lg, sizeof lg);
    loop_io_stop(&c->io);
    close(c->io.fd);
    c->open = false;
    buf_clear(&c->in);
    buf_clear(&c->out);
}

static inline void up_flush(struct up_conn *c)
{
    struct str s = buf_str(&c->out);
    ssize_t n = s.n ? send(c->io.fd, s.p, s.n, MSG_NOSIGNAL) : 0;

    if (n > 0) {
        buf_consume(&c->out, (size_t)n);
        c->up->sent += (uint64_t)n;
    }
    if (buf_len(&c->out))
        loop_io_want(&c->io, LOOP_READ | LOOP_WRITE);
    else if (c->reset_when_sent || c->close_when_sent)
        up_shut(c, c->reset_when_sent);
    else
        loop_io_want(&c->io, LOOP_READ);
}

static inline void up_send(struct up_conn *c, const char *z)
{
    CU_ASSERT(buf_puts(&c->out, z) == 0);
}

static inline void up_requests(struct up_conn *c)
{
    while (c->open && buf_len(&c->in)) {
        struct str s = buf_str(&c->in), head, body;
        ptrdiff_t at = str_find(s, STR("\r\n\r\n"));
        ptrdiff_t cl;

        if (at < 0)
            return;
        head = (struct str){ s.p, (size_t)at + 4 };
        cl = str_find(head, STR("Content-Length: "));
        c->body_n = cl < 0 ? 0 : strtoul(s.p + cl + 16, NULL, 10);
        if (s.n < head.n + c->body_n)
            return;
        body = (struct str){ s.p + head.n, c->body_n };
        c->up->requests++;
        c->served++;
        c->up->serve(c, head, body);
        buf_consume(&c->in, head.n + body.n);
        up_flush(c);
    }
}

static inline void up_on_conn(void *ud, int what)
{
    struct up_conn *c = ud;
    char *p;
    ssize_t n;

    if (what & LOOP_WRITE)
        up_flush(c);
    if (!c->open || !(what & LOOP_READ))
        return;
    p = buf_reserve(&c->in, 65536);
    n = p ? recv(c->io.fd, p, 65536, 0) : 0;
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0) {
        c->up->closed++;
        up_shut(c, false);
        return;
    }
    buf_commit(&c->in, (size_t)n);
    up_requests(c);
}

static inline void up_on_accept(void *ud, int what)
{
    struct up *u = ud;
    int fd = accept4(u->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    struct up_conn *c;

    (void)what;
    if (fd < 0)
        return;
    if (u->n == UP_CONNS) {
        close(fd);
        return;
    }
    c = &u->conn[u->n++];
    c->up = u;
    c->open = true;
    buf_init(&c->in, 64 << 20);
    buf_init(&c->out, 64 << 20);
    loop_io_init(&c->io, u->loop, fd, up_on_conn, c);
    loop_io_want(&c->io, LOOP_READ);
}

/** Listen on 127.0.0.`last`, or at a Unix path when that is given. */
static inline struct up *up_new(struct loop *l, int last, int port,
                                const char *path)
{
    struct up *u = calloc(1, sizeof *u);
    struct sockaddr_in a = { .sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr =
                                 htonl(0x7f000000u + (unsigned)last) };
    struct sockaddr_un n = { .sun_family = AF_UNIX };
    socklen_t len = sizeof a;
    int one = 1;

    u->loop = l;
    u->fd = socket(path ? AF_UNIX : AF_INET,
                   SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(u->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (path) {
        snprintf(n.sun_path, sizeof n.sun_path, "%s", path);
        snprintf(u->path, sizeof u->path, "%s", path);
        CU_ASSERT(bind(u->fd, (struct sockaddr *)&n, sizeof n) == 0);
    } else {
        CU_ASSERT(bind(u->fd, (struct sockaddr *)&a, sizeof a) == 0);
        getsockname(u->fd, (struct sockaddr *)&a, &len);
        u->port = ntohs(a.sin_port);
    }
    CU_ASSERT(listen(u->fd, 1024) == 0);
    loop_io_init(&u->io, l, u->fd, up_on_accept, u);
    loop_io_want(&u->io, LOOP_READ);
    return u;
}

static inline void up_free(struct up *u)
{
    for (size_t i = 0; i < u->n; i++)
        up_shut(&u->conn[i], false);
    loop_io_stop(&u->io);
    close(u->fd);
    if (u->path[0])
        unlink(u->path);
    free(u);
}

#endif
