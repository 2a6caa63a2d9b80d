/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A Redis of plain sockets on the test's own loop: it says PONG, keeps a
 * handful of strings, and otherwise does what the test's function says.
 */
#ifndef PENSTOCK_TEST_FAKE_REDIS_H
#define PENSTOCK_TEST_FAKE_REDIS_H

#include "net/redis_codec.h"
#include "unit.h"

#include "net/loop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FR_CONNS = 64 };

struct fr_conn {
    struct fr *fr;
    struct loop_io io;
    struct redis_codec *codec;
    bool open;
    unsigned commands;
};

struct fr {
    struct loop *loop;
    int fd, port;
    struct loop_io io;
    struct fr_conn conn[FR_CONNS];
    size_t n; /* connections ever */
    size_t commands;
    char log[8192]; /* names and first arguments of commands */
    bool mute;      /* takes all, says nothing */
    /** True = it has answered; false = the fake does. */
    bool (*serve)(struct fr_conn *c, const struct resp *command);
};

static inline void fr_say(struct fr_conn *c, struct str s)
{
    while (c->open && s.n) {
        ssize_t n = send(c->io.fd, s.p, s.n, MSG_NOSIGNAL);

        if (n <= 0 && errno != EAGAIN)
            return;
        if (n > 0)
            s = (struct str){ s.p + n, s.n - (size_t)n };
    }
}

static inline void fr_close(struct fr_conn *c)
{
    if (!c->open)
        return;
    c->open = false;
    loop_io_stop(&c->io);
    close(c->io.fd);
    redis_codec_free(c->codec);
}

static inline const char *fr_word(const struct resp *command, size_t i)
{
    return i < command->n ? command->list[i].text : "";
}

/* PING, AUTH, SELECT; ECHO gives its argument back; all else is OK. */
static inline void fr_answer(struct fr_conn *c, const struct resp *command)
{
    char text[256];

    if (strcmp(fr_word(command, 0), "PING") == 0) {
        fr_say(c, STR("+PONG\r\n"));
    } else if (strcmp(fr_word(command, 0), "ECHO") == 0) {
        snprintf(text, sizeof text, "$%zu\r\n%s\r\n", command->list[1].n,
                 fr_word(command, 1));
        fr_say(c, str_of(text));
    } else {
        fr_say(c, STR("+OK\r\n"));
    }
}

static inline void fr_command(struct fr_conn *c, const struct resp *command)
{
    struct fr *f = c->fr;
    size_t n = strlen(f->log);

    f->commands++;
    c->commands++;
    snprintf(f->log + n, sizeof f->log - n, "%s%s%.20s\n",
             fr_word(command, 0), command->n > 1 ? " " : "",
             fr_word(command, 1));
    if (f->mute || (f->serve && f->serve(c, command)))
        return;
    fr_answer(c, command);
}

static inline void fr_on_conn(void *ud, int what)
{
    struct fr_conn *c = ud;
    char bytes[65536];
    ssize_t n = recv(c->io.fd, bytes, sizeof bytes, MSG_DONTWAIT);
    struct resp *command;

    (void)what;
    if (n <= 0) {
        fr_close(c);
        return;
    }
    redis_codec_feed(c->codec, (struct str){ bytes, (size_t)n });
    while (c->open && redis_codec_next(c->codec, &command) == 1) {
        fr_command(c, command);
        resp_free(command);
    }
}

static inline void fr_on_accept(void *ud, int what)
{
    struct fr *f = ud;
    int fd = accept4(f->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    struct fr_conn *c = &f->conn[f->n % FR_CONNS];

    (void)what;
    if (fd < 0)
        return;
    fr_close(c);
    f->n++;
    *c = (struct fr_conn){ .fr = f, .codec = redis_codec_new(),
                           .open = true };
    loop_io_init(&c->io, f->loop, fd, fr_on_conn, c);
    loop_io_want(&c->io, LOOP_READ);
}

/** Listen (again on the same port where there was one). */
static inline void fr_listen(struct fr *f, struct loop *l)
{
    struct sockaddr_in a = { .sin_family = AF_INET,
                             .sin_port = htons((uint16_t)f->port) };
    socklen_t n = sizeof a;
    const int one = 1;

    f->loop = l;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    f->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(f->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    CU_ASSERT_EQUAL_FATAL(bind(f->fd, (struct sockaddr *)&a, n), 0);
    CU_ASSERT_EQUAL_FATAL(listen(f->fd, 128), 0);
    getsockname(f->fd, (struct sockaddr *)&a, &n);
    f->port = ntohs(a.sin_port);
    loop_io_init(&f->io, l, f->fd, fr_on_accept, f);
    loop_io_want(&f->io, LOOP_READ);
}

static inline void fr_drop(struct fr *f)
{
    for (size_t i = 0; i < FR_CONNS; i++)
        fr_close(&f->conn[i]);
}

/** As if it were killed. */
static inline void fr_stop(struct fr *f)
{
    loop_io_stop(&f->io);
    close(f->fd);
    fr_drop(f);
}

#endif
