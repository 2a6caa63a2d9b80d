/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The handler of http_probe.h: it does what the path says and writes down
 * what it was told; and the socket calls, counted (they can be, because they
 * are ours here).
 */
#ifndef PENSTOCK_UNIT_HTTP_PROBE_HANDLER_H
#define PENSTOCK_UNIT_HTTP_PROBE_HANDLER_H

#include "net/http_server.h"
#include "net/listen.h"
#include "net/tls.h"

#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static uint64_t probe_recvs, probe_recv_bytes, probe_sends;
static int probe_client = -1; /* its calls do not count */

ssize_t recv(int fd, void *p, size_t n, int flags);
ssize_t sendmsg(int fd, const struct msghdr *msg, int flags);

ssize_t recv(int fd, void *p, size_t n, int flags)
{
    ssize_t got = syscall(SYS_recvfrom, fd, p, n, flags, NULL, NULL);

    if (fd != probe_client && !(flags & MSG_PEEK)) {
        probe_recvs++;
        probe_recv_bytes += got > 0 ? (uint64_t)got : 0;
    }
    return got;
}

ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
    probe_sends++;
    return syscall(SYS_sendmsg, fd, msg, flags);
}

struct probe {
    struct loop *l;
    struct http_server *s;
    struct http_limits limits;
    int lis;
    uint32_t lis_id;
    struct listen_addr addr;

    int fd;         /* the client */
    char *got;      /* what it received; NUL after it */
    size_t got_n, got_cap;
    bool eof, reset;

    struct http_req *q; /* the last one on its way */
    char log[512];      /* "head /x body 0 drained end 0 " */
    unsigned heads, ends;
    int end_rc;
    size_t body_max;
    bool empty;

    struct loop_timer tick;
    bool (*until)(struct probe *p);
    uint64_t deadline_ms;
};

static inline void probe_note(struct probe *p, const char *what, int rc,
                              bool with_rc)
{
    size_t n = strlen(p->log);

    if (with_rc)
        snprintf(p->log + n, sizeof p->log - n, "%s %d ", what, rc);
    else
        snprintf(p->log + n, sizeof p->log - n, "%s ", what);
}

static inline void probe_on_head(void *ud, struct http_req *q)
{
    struct probe *p = ud;
    struct str path = http_req_path(q);

    p->q = q;
    p->heads++;
    probe_note(p, "head", 0, false);
    if (str_is(path, "/hello"))
        http_reply(q, 200, NULL, 0, STR("hello"));
    else if (str_is(path, "/empty"))
        http_reply(q, 204, NULL, 0, STR_NULL);
    else if (str_is(path, "/echo") || str_is(path, "/read"))
        http_req_read_body(q, p->body_max);
    else if (str_is(path, "/head"))
        http_reply_head(q, 200, NULL, 0, HTTP_LENGTH_STREAM);
}

static inline int probe_status(int rc)
{
    return rc == -ERR_TOO_LARGE         ? 413
           : rc == -ERR_REQUEST_TIMEOUT ? 408
           : rc == -ERR_INVALID_REQUEST ? 400
                                        : 500;
}

static inline void probe_on_body(void *ud, struct http_req *q, int rc)
{
    struct probe *p = ud;

    probe_note(p, "body", rc, true);
    if (rc)
        http_reply(q, probe_status(rc), NULL, 0, STR("no"));
    else if (str_is(http_req_path(q), "/echo"))
        http_reply(q, 200, NULL, 0, http_req_body(q));
}

static inline void probe_on_drained(void *ud, struct http_req *q)
{
    (void)q;
    probe_note(ud, "drained", 0, false);
}

static inline void probe_on_end(void *ud, struct http_req *q, int rc)
{
    struct probe *p = ud;

    probe_note(p, "end", rc, true);
    p->ends++;
    p->end_rc = rc;
    if (p->q == q)
        p->q = NULL;
}

static const struct http_handler probe_handler = {
    .on_head = probe_on_head, .on_body = probe_on_body,
    .on_drained = probe_on_drained, .on_end = probe_on_end
};

#endif
