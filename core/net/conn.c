/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The socket's calls, plain or through TLS, and the queue behind them. */
#include "net/conn.h"

#include "base/err.h"
#include "net/tls_client.h"

#include <errno.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PARTS_MAX = 3 };

void conn_init(struct conn *c, struct loop *l, int fd,
               void (*fn)(void *ud, int what), void *ud)
{
    loop_io_init(&c->io, l, fd, fn, ud);
    c->tls = NULL;
    c->blocked = c->more = false;
    buf_init(&c->out, CONN_QUEUE_MAX);
}

int conn_tls(struct conn *c, struct tls_server *t)
{
    c->tls = tls_conn_new(t, c->io.fd);
    return c->tls ? 0 : -ERR_NOMEM;
}

int conn_tls_client(struct conn *c, struct tls_client *t, const char *host)
{
    c->tls = tls_client_conn(t, c->io.fd, host);
    return c->tls ? 0 : -ERR_NOMEM;
}

int conn_handshake(struct conn *c)
{
    int rc = tls_handshake(c->tls);

    c->more = rc == 0;
    return rc;
}

static bool is_later(int e)
{
    return e == EAGAIN || e == EINTR;
}

ssize_t conn_read(struct conn *c, void *p, size_t n)
{
    ssize_t got;

    if (c->tls) {
        got = tls_read(c->tls, p, n);
        c->more = got > 0;
        return got;
    }
    got = recv(c->io.fd, p, n, MSG_DONTWAIT);
    if (got > 0)
        return got;
    return got < 0 && is_later(errno) ? 0 : -ERR_CLOSED;
}

int conn_peek(struct conn *c)
{
    char b;
    ssize_t got = recv(c->io.fd, &b, 1, MSG_PEEK | MSG_DONTWAIT);

    if (got > 0)
        return 1;
    return got < 0 && is_later(errno) ? 0 : -ERR_CLOSED;
}

int conn_queue(struct conn *c, struct str s)
{
    return buf_put(&c->out, s);
}

/* An empty queue holds no memory: a stream is quiet most of the time. */
static void consume(struct conn *c, size_t n)
{
    buf_consume(&c->out, n);
    if (buf_len(&c->out) == 0)
        buf_clear(&c->out);
}

static ssize_t flush_tls(struct conn *c)
{
    size_t sum = 0;

    while (buf_len(&c->out) && sum < CONN_TURN_MAX) {
        struct str s = buf_str(&c->out);
        ssize_t n = tls_write(c->tls, s.p, s.n);

        if (n < 0)
            return n;
        if (n == 0) {
            c->blocked = true;
            break;
        }
        consume(c, (size_t)n);
        sum += (size_t)n;
    }
    return (ssize_t)sum;
}

/* Queue and parts in one call; *taken of all bytes. */
static ssize_t send_plain(struct conn *c, const struct str *parts, size_t n)
{
    struct iovec iov[PARTS_MAX + 1];
    struct msghdr msg = { .msg_iov = iov };
    size_t total = buf_len(&c->out);
    ssize_t sent;

    if (total)
        iov[msg.msg_iovlen++] =
            (struct iovec){ c->out.p + c->out.off, total };
    for (size_t i = 0; i < n; i++) {
        iov[msg.msg_iovlen++] =
            (struct iovec){ (void *)(uintptr_t)parts[i].p, parts[i].n };
        total += parts[i].n;
    }
    sent = sendmsg(c->io.fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) {
        if (!is_later(errno))
            return -ERR_CLOSED;
        sent = 0;
    }
    c->blocked = (size_t)sent < total;
    return sent;
}

ssize_t conn_write(struct conn *c, const struct str *parts, size_t n)
{
    size_t queued = buf_len(&c->out), skip;
    ssize_t sent = 0;
    int rc = 0;

    /* records want their bytes together: copied, then sent */
    if (!c->tls && !c->blocked) {
        sent = send_plain(c, parts, n);
        if (sent < 0)
            return sent;
    }
    skip = (size_t)sent > queued ? (size_t)sent - queued : 0;
    consume(c, (size_t)sent - skip);
    for (size_t i = 0; i < n && rc == 0; i++) {
        size_t cut = skip < parts[i].n ? skip : parts[i].n;

        skip -= cut;
        rc = conn_queue(c, (struct str){ parts[i].p + cut, parts[i].n - cut });
    }
    if (rc)
        return rc;
    return c->tls && !c->blocked ? flush_tls(c) : sent;
}

ssize_t conn_flush(struct conn *c)
{
    ssize_t sent;

    if (buf_len(&c->out) == 0)
        return 0;
    if (c->tls)
        return flush_tls(c);
    sent = send_plain(c, NULL, 0);
    if (sent > 0)
        consume(c, (size_t)sent);
    return sent;
}

int conn_unread(const struct conn *c)
{
    int n = 0;

    return ioctl(c->io.fd, SIOCOUTQ, &n) ? 0 : n;
}

void conn_finish(struct conn *c)
{
    if (c->tls)
        tls_bye(c->tls);
    shutdown(c->io.fd, SHUT_WR);
}

void conn_close(struct conn *c, bool reset)
{
    const struct linger hard = { .l_onoff = 1 };

    loop_io_stop(&c->io);
    if (c->tls)
        tls_conn_free(c->tls);
    c->tls = NULL;
    if (reset)
        setsockopt(c->io.fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close(c->io.fd);
    buf_clear(&c->out);
}
