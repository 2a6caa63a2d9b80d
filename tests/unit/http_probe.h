/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A server and its clients on one loop, in one process. The handler does what
 * the path says and writes down what it was told:
 *
 *   /hello  "hello" at once          /echo  the body, read up to body_max
 *   /hold   nothing: the test acts   /read  reads the body, then holds
 *   /empty  204 at once              /head  a stream's head, then holds
 */
#ifndef PENSTOCK_UNIT_HTTP_PROBE_H
#define PENSTOCK_UNIT_HTTP_PROBE_H

#include "http_probe_handler.h"
#include "net/listen.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- the loop ---------------------------------------------------------- */

static inline bool probe_read(struct probe *p)
{
    ssize_t n;

    if (p->fd < 0 || p->eof)
        return false;
    if (p->got_cap - p->got_n < 65537) {
        p->got_cap = p->got_cap * 2 + 131072;
        p->got = realloc(p->got, p->got_cap);
    }
    probe_client = p->fd;
    n = recv(p->fd, p->got + p->got_n, 65536, MSG_DONTWAIT);
    if (n > 0)
        p->got_n += (size_t)n;
    p->got[p->got_n] = '\0';
    p->reset |= n < 0 && errno == ECONNRESET;
    p->eof |= n == 0 || p->reset;
    return n > 0;
}

static inline void probe_tick(void *ud)
{
    struct probe *p = ud;

    if (p->until(p) || loop_now_ms(p->l) >= p->deadline_ms)
        loop_stop(p->l);
    loop_timer_set(&p->tick, 0);
}

/** Run until `until` holds; false when it did not within `ms`. */
static inline bool probe_run(struct probe *p, bool (*until)(struct probe *p),
                             uint64_t ms)
{
    p->until = until;
    p->deadline_ms = loop_now_ms(p->l) + ms;
    loop_timer_set(&p->tick, 0);
    loop_run(p->l);
    loop_timer_stop(&p->tick);
    return until(p);
}

static inline bool probe_never(struct probe *p)
{
    (void)p;
    return false;
}

static inline void probe_turns(struct probe *p, uint64_t ms)
{
    probe_run(p, probe_never, ms);
}

static inline bool probe_eof(struct probe *p)
{
    while (probe_read(p))
        ;
    return p->eof;
}

static inline bool probe_ended(struct probe *p)
{
    return p->ends > 0;
}

static inline bool probe_held(struct probe *p)
{
    return p->q != NULL;
}

static inline bool probe_no_connection(struct probe *p)
{
    return http_server_connections(p->s) == 0;
}

/* ---- begin and end ----------------------------------------------------- */

static const struct http_limits probe_limits = {
    .head_bytes = 4096,
    .max_fields = 16,
    .max_connections = 100,
    .head_timeout_ms = 10000,
    .body_timeout_ms = 10000,
    .idle_timeout_ms = 10000,
    .write_stall_ms = 10000,
    .high_water = 65536,
    .low_water = 16384,
};

static inline void probe_open_tls(struct probe *p,
                                  const struct http_limits *limits,
                                  struct tls_server *tls)
{
    *p = (struct probe){ .l = loop_new(), .fd = -1, .body_max = 1 << 20 };
    p->limits = limits ? *limits : probe_limits;
    p->s = http_server_new(p->l, &p->limits, &probe_handler, p);
    CU_ASSERT_EQUAL_FATAL(listen_open(STR("127.0.0.1:0"), 1, &p->lis, NULL),
                          0);
    listen_address(p->lis, &p->addr);
    p->lis_id = http_server_listen(p->s, p->lis, tls, p);
    CU_ASSERT_TRUE_FATAL(p->lis_id > 0);
    loop_timer_init(&p->tick, p->l, probe_tick, p);
}

static inline void probe_open(struct probe *p, const struct http_limits *limits)
{
    probe_open_tls(p, limits, NULL);
}

static inline int probe_socket(struct probe *p)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;

    CU_ASSERT_EQUAL_FATAL(
        connect(fd, (struct sockaddr *)&p->addr.ss, p->addr.len), 0);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

static inline void probe_hang_up(struct probe *p, bool reset)
{
    const struct linger hard = { .l_onoff = 1 };

    if (p->fd >= 0 && reset)
        setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    if (p->fd >= 0)
        close(p->fd);
    p->fd = -1;
}

/** A new client; what the last one got and the log are forgotten. */
static inline void probe_connect(struct probe *p)
{
    probe_hang_up(p, false);
    p->fd = probe_socket(p);
    p->got_n = 0;
    if (p->got)
        p->got[0] = '\0';
    p->eof = p->reset = false;
    p->log[0] = '\0';
    p->heads = p->ends = 0;
}

static inline void probe_send(struct probe *p, struct str s)
{
    UNIT_INT(send(p->fd, s.p, s.n, MSG_NOSIGNAL), s.n);
}

static inline void probe_close(struct probe *p)
{
    probe_hang_up(p, false);
    http_server_free(p->s);
    loop_timer_stop(&p->tick);
    loop_free(p->l);
    close(p->lis);
    free(p->got);
}

/* ---- answers ----------------------------------------------------------- */

/** How often `z` stands in what the client got. */
static inline unsigned probe_count(const struct probe *p, const char *z)
{
    unsigned n = 0;

    for (const char *at = p->got; at && (at = strstr(at, z)); at++)
        n++;
    return n;
}

static inline bool probe_has(const struct probe *p, const char *z)
{
    return p->got && strstr(p->got, z);
}

/** Status of the first answer, 0 = none. */
static inline int probe_first_status(const struct probe *p)
{
    if (p->got_n < 12 || memcmp(p->got, "HTTP/1.1 ", 9) != 0)
        return 0;
    return (p->got[9] - '0') * 100 + (p->got[10] - '0') * 10 + p->got[11] -
           '0';
}

static inline bool probe_answered(struct probe *p)
{
    while (probe_read(p))
        ;
    return p->got_n > 0 && strstr(p->got, "\r\n\r\n") != NULL;
}

#endif
