/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Listeners, the count of connections, drain. */
#include "net/http_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    ACCEPT_TURN = 64,    /* accepted on a listener in one turn */
    ACCEPT_TURN_TLS = 8, /* their handshakes cost 0.3 ms each */
    ACCEPT_RETRY_MS = 100,
};

/* ---- accepting --------------------------------------------------------- */

static void listeners_want(struct http_server *s)
{
    for (size_t i = 0; i < HTTP_LISTENERS_MAX; i++) {
        if (s->listeners[i].id)
            loop_io_want(&s->listeners[i].io, s->paused ? 0 : LOOP_READ);
    }
}

static void accept_pause(struct http_server *s, bool pause)
{
    if (s->paused == pause)
        return;
    s->paused = pause;
    listeners_want(s);
}

static void on_retry(void *ud)
{
    struct http_server *s = ud;

    accept_pause(s, s->n_conns >= s->limits.max_connections);
}

/* Descriptors or memory are out: later, or this turns for ever. */
static void accept_failed(struct http_server *s)
{
    if (errno == EAGAIN || errno == ECONNABORTED ||
        errno == EINTR)
        return;
    accept_pause(s, true);
    loop_timer_set(&s->retry, ACCEPT_RETRY_MS);
}

static void on_accept(void *ud, int what)
{
    struct http_listener *lis = ud;
    struct http_server *s = lis->s;
    int turn = lis->tls ? ACCEPT_TURN_TLS : ACCEPT_TURN;

    (void)what;
    for (int i = 0; i < turn && !s->paused; i++) {
        struct sockaddr_storage peer = { .ss_family = AF_UNSPEC };
        socklen_t len = sizeof peer;
        int fd = accept4(lis->io.fd, (struct sockaddr *)&peer, &len,
                         SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd < 0) {
            accept_failed(s);
            return;
        }
        http_conn_new(lis, fd, &peer);
        if (s->n_conns >= s->limits.max_connections)
            accept_pause(s, true);
    }
}

static void on_empty_task(void *ud)
{
    struct http_server *s = ud;
    void (*fn)(void *) = s->on_empty;

    if (s->n_conns || !fn)
        return;
    s->on_empty = NULL;
    fn(s->on_empty_ud);
}

void http_server_gone(struct http_server *s, struct http_conn *x)
{
    (void)x;
    s->n_conns--;
    if (s->paused && s->n_conns < s->limits.max_connections &&
        !s->retry.due_ms)
        accept_pause(s, false);
    if (s->draining && s->n_conns == 0)
        loop_defer(s->loop, &s->empty);
}

/* ---- listeners --------------------------------------------------------- */

static struct http_listener *listener_of(struct http_server *s, uint32_t id)
{
    for (size_t i = 0; i < HTTP_LISTENERS_MAX; i++) {
        if (s->listeners[i].id == id)
            return &s->listeners[i];
    }
    return NULL;
}

uint32_t http_server_listen(struct http_server *s, int fd,
                            struct tls_server *tls, void *tag)
{
    struct http_listener *lis = listener_of(s, 0);
    const int on = 1;
    int own;

    if (!lis)
        return 0;
    own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (own < 0)
        return 0;
    /* accepted sockets inherit it */
    setsockopt(own, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    lis->s = s;
    lis->tls = tls;
    if (tls)
        tls_server_ref(tls);
    lis->tag = tag;
    lis->id = ++s->last_id;
    loop_io_init(&lis->io, s->loop, own, on_accept, lis);
    loop_io_want(&lis->io, s->paused ? 0 : LOOP_READ);
    return lis->id;
}

static void listener_close(struct http_listener *lis)
{
    loop_io_stop(&lis->io);
    loop_close(lis->s->loop, lis->io.fd);
    if (lis->tls)
        tls_server_unref(lis->tls);
    lis->id = 0;
}

void http_server_unlisten(struct http_server *s, uint32_t id)
{
    struct http_listener *lis = id ? listener_of(s, id) : NULL;

    if (lis)
        listener_close(lis);
}

bool http_server_set_tls(struct http_server *s, uint32_t id,
                         struct tls_server *tls)
{
    struct http_listener *lis = id ? listener_of(s, id) : NULL;

    if (!lis || !lis->tls || !tls)
        return false;
    tls_server_ref(tls);
    tls_server_unref(lis->tls);
    lis->tls = tls;
    return true;
}

/* ---- the server -------------------------------------------------------- */

struct http_server *http_server_new(struct loop *l,
                                    const struct http_limits *limits,
                                    const struct http_handler *h, void *ud)
{
    struct http_server *s = calloc(1, sizeof *s);

    if (!s)
        return NULL;
    s->scratch = malloc(HTTP_SCRATCH);
    if (!s->scratch) {
        free(s);
        return NULL;
    }
    s->loop = l;
    s->limits = *limits;
    s->h = *h;
    s->ud = ud;
    s->empty = (struct loop_task){ .fn = on_empty_task, .ud = s };
    loop_timer_init(&s->retry, l, on_retry, s);
    return s;
}

void http_server_free(struct http_server *s)
{
    if (!s)
        return;
    s->on_empty = NULL;
    for (size_t i = 0; i < HTTP_LISTENERS_MAX; i++) {
        if (s->listeners[i].id)
            listener_close(&s->listeners[i]);
    }
    while (s->conns)
        http_conn_end(s->conns, -ERR_CANCELLED);
    loop_undefer(&s->empty);
    loop_timer_stop(&s->retry);
    free(s->scratch);
    free(s);
}

void http_server_limits(struct http_server *s, const struct http_limits *l)
{
    s->limits = *l;
    if (!s->retry.due_ms)
        accept_pause(s, s->n_conns >= l->max_connections);
}

void http_server_drain(struct http_server *s, void (*on_empty)(void *ud),
                       void *ud)
{
    s->draining = true;
    s->on_empty = on_empty;
    s->on_empty_ud = ud;
    for (struct http_conn *x = s->conns; x; x = x->next)
        http_conn_drain(x);
    if (s->n_conns == 0)
        loop_defer(s->loop, &s->empty);
}

void http_server_part(struct http_server *s)
{
    for (struct http_conn *x = s->conns; x; x = x->next)
        x->parting = true;
}

size_t http_server_connections(const struct http_server *s)
{
    return s->n_conns;
}

/* Once per second; without strftime, whose names follow the locale. */
struct str http_server_date(struct http_server *s)
{
    static const char days[][4] = { "Sun", "Mon", "Tue", "Wed",
                                    "Thu", "Fri", "Sat" };
    static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                      "Jul", "Aug", "Sep", "Oct", "Nov",
                                      "Dec" };
    time_t now = time(NULL);
    struct tm tm;

    if (now != s->date_at && gmtime_r(&now, &tm)) {
        s->date_at = now;
        snprintf(s->date, sizeof s->date,
                 "%s, %02d %s %04d %02d:%02d:%02d GMT", days[tm.tm_wday % 7],
                 tm.tm_mday % 100, months[tm.tm_mon % 12],
                 (tm.tm_year + 1900) % 10000, tm.tm_hour % 100,
                 tm.tm_min % 100, tm.tm_sec % 100);
    }
    return str_of(s->date);
}
