/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* One request written, one answer read, on the loop. */
#include "app/dry_client.h"

#include "net/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { REQUEST_MAX = 64 << 20, CHUNK = 65536 };

struct dry_client {
    struct loop_io io;
    int fd;
    struct buf out, in;
    bool done;
    void (*on_done)(void *ud);
    void *ud;
};

static void finish(struct dry_client *c)
{
    loop_io_want(&c->io, 0);
    c->done = true;
    c->on_done(c->ud);
}

/* False: the connection is no more. */
static bool flush(struct dry_client *c)
{
    while (buf_len(&c->out)) {
        struct str s = buf_str(&c->out);
        ssize_t n = write(c->fd, s.p, s.n);

        if (n < 0)
            return errno == EAGAIN || errno == EINTR;
        buf_consume(&c->out, (size_t)n);
    }
    return true;
}

/* False: its end. */
static bool take(struct dry_client *c)
{
    for (;;) {
        char *p = buf_reserve(&c->in, CHUNK);
        ssize_t n = p ? read(c->fd, p, CHUNK) : 0;

        if (n < 0)
            return errno == EAGAIN || errno == EINTR;
        if (n == 0)
            return false;
        buf_commit(&c->in, (size_t)n);
    }
}

static void on_io(void *ud, int what)
{
    struct dry_client *c = ud;
    bool alive = true;

    if (what & LOOP_WRITE)
        alive = flush(c);
    if (what & (LOOP_READ | LOOP_GONE))
        alive = take(c);
    if (!alive)
        finish(c);
    else
        loop_io_want(&c->io, LOOP_READ | (buf_len(&c->out) ? LOOP_WRITE : 0));
}

static int write_request(struct buf *b, const struct dry_ask *ask)
{
    buf_put(b, ask->head);
    if (ask->client_ip)
        buf_printf(b, "x-forwarded-for: %s\r\n", ask->client_ip);
    buf_puts(b, "connection: close\r\n");
    if (ask->body.n)
        buf_printf(b, "content-length: %zu\r\n", ask->body.n);
    buf_puts(b, "\r\n");
    return buf_put(b, ask->body);
}

static int connect_to(int listener, struct err *err)
{
    struct listen_addr at;
    int fd = -1;

    if (listen_address(listener, &at) == 0)
        fd = socket(at.ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    /* it listens already: the kernel accepts at once */
    if (fd < 0 || connect(fd, (struct sockaddr *)&at.ss, at.len) != 0) {
        err_errno(err, "cannot connect to the dry run's server");
        if (fd >= 0)
            close(fd);
        return -1;
    }
    return fd;
}

struct dry_client *dry_client_new(struct loop *l, int listener,
                                  const struct dry_ask *ask,
                                  void (*done)(void *ud), void *ud,
                                  struct err *err)
{
    struct dry_client *c = calloc(1, sizeof *c);

    if (!c) {
        err_set(err, ERR_NOMEM, "no memory");
        return NULL;
    }
    buf_init(&c->out, REQUEST_MAX);
    buf_init(&c->in, DRY_ANSWER_MAX);
    c->on_done = done;
    c->ud = ud;
    c->fd = connect_to(listener, err);
    if (c->fd >= 0 && write_request(&c->out, ask) != 0)
        err_set(err, ERR_LIMIT, "the request is larger than %d MiB",
                REQUEST_MAX >> 20);
    if (c->fd < 0 || err->code) {
        dry_client_free(c);
        return NULL;
    }
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    loop_io_init(&c->io, l, c->fd, on_io, c);
    loop_io_want(&c->io, LOOP_READ | LOOP_WRITE);
    return c;
}

void dry_client_free(struct dry_client *c)
{
    if (!c)
        return;
    if (c->io.loop)
        loop_io_stop(&c->io);
    if (c->fd >= 0)
        close(c->fd);
    buf_clear(&c->out);
    buf_clear(&c->in);
    free(c);
}

bool dry_client_done(const struct dry_client *c)
{
    return c->done;
}

struct str dry_client_answer(const struct dry_client *c)
{
    return buf_str(&c->in);
}
