/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The connection: address, TCP or a Unix socket, TLS, password and database,
 * then bytes both ways. A try that does not come to its first reply within the
 * connect timeout has failed: a stopped Redis still accepts connections.
 */
#include "net/redis_impl.h"

#include "net/hash.h"
#include "net/tls_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    PAUSE_MS = 50,       /* before the second try; doubled up to */
    PAUSE_MAX_MS = 5000,
    READ_BYTES = 16 << 10,
    KEEP_BYTES = 64 << 10, /* of memory for commands */
    HELLO_BYTES = 256 << 10, /* a password may be 64 KiB */
    TURN_BYTES = 512 << 10, /* read in one turn of the loop */
};

/* ---- the end of a connection ------------------------------------------- */

void redis_disconnect(struct redis *r)
{
    if (r->state >= REDIS_CONNECT)
        conn_close(&r->conn, false);
    redis_codec_free(r->codec);
    r->codec = NULL;
    loop_undefer(&r->more);
    r->state = REDIS_PAUSE;
}

void redis_pause(struct redis *r)
{
    uint32_t ms = PAUSE_MAX_MS, dice = 0;

    if (r->tries < 7)
        ms = (uint32_t)PAUSE_MS << r->tries;
    if (ms > PAUSE_MAX_MS)
        ms = PAUSE_MAX_MS;
    r->tries++;
    if (hash_random(&dice, sizeof dice) != 0)
        dice = (uint32_t)loop_now_ns(r->loop);
    loop_timer_set(&r->attempt, ms / 2 + dice % (ms / 2 + 1));
}

/* The pause is over; or the try took too long. */
void redis_on_attempt(void *ud)
{
    static const char *const late[] = {
        [REDIS_ADDRESS] = "its address is not known",
        [REDIS_CONNECT] = "no connection within the connect timeout",
        [REDIS_TLS] = "no TLS within the connect timeout",
        [REDIS_HELLO] = "no answer within the connect timeout",
    };
    struct redis *r = ud;

    if (r->state == REDIS_PAUSE) {
        redis_connect(r);
        return;
    }
    redis_enter(r);
    redis_lost(r, r->state == REDIS_BROKEN ? r->cause : late[r->state],
               false);
    redis_leave(r);
}

/* ---- hello ------------------------------------------------------------- */

static void want(struct redis *r)
{
    loop_io_want(&r->conn.io, LOOP_READ | (r->conn.blocked ? LOOP_WRITE : 0));
}

static int put_hello(struct redis *r, struct buf *out, const struct str *args,
                     size_t n)
{
    r->hello++;
    return redis_format(out, args, n);
}

/* Password, database, and a question that any Redis answers. */
static int put_hellos(struct redis *r, struct buf *out)
{
    const struct redis_spec *s = &r->spec;
    struct str auth[3] = { STR("AUTH"), s->user, s->password };
    struct str select[2] = { STR("SELECT"), STR_NULL };
    struct str ping = STR("PING");
    char db[16];
    int rc = 0;

    if (!s->user.n)
        auth[1] = s->password;
    if (s->password.n)
        rc = put_hello(r, out, auth, s->user.n ? 3 : 2);
    snprintf(db, sizeof db, "%u", s->db);
    select[1] = str_of(db);
    if (rc == 0 && s->db)
        rc = put_hello(r, out, select, 2);
    return rc ? rc : put_hello(r, out, &ping, 1);
}

static void say_hello(struct redis *r)
{
    struct buf out = BUF_INIT(HELLO_BYTES);
    int rc;

    r->state = REDIS_HELLO;
    r->hello = 0;
    rc = put_hellos(r, &out);
    if (rc == 0 && !(r->codec = redis_codec_new()))
        rc = -ERR_NOMEM;
    if (rc == 0) {
        struct str bytes = buf_str(&out);

        rc = conn_write(&r->conn, &bytes, 1) < 0 ? -ERR_CLOSED : 0;
    }
    if (out.p)
        explicit_bzero(out.p, out.n);
    buf_clear(&out);
    if (rc)
        redis_lost(r, rc == -ERR_CLOSED ? "the connection broke"
                                        : "not enough memory", false);
    else
        want(r);
}

/* A reply to one of those. */
static void hear_hello(struct redis *r, struct resp *reply)
{
    char why[REDIS_WHY] = "";

    if (reply->type == RESP_ERROR)
        snprintf(why, sizeof why, "it refused us: %.120s", reply->text);
    resp_free(reply);
    if (*why)
        redis_lost(r, why, false);
    else if (--r->hello == 0)
        redis_up(r);
}

/* ---- bytes ------------------------------------------------------------- */

static const char *fault_text(int rc)
{
    switch (rc) {
    case -ERR_LIMIT: return "a reply was too large";
    case -ERR_SYNTAX: return "it does not speak Redis's protocol";
    case -ERR_CLOSED: return "it closed the connection";
    default: return "not enough memory";
    }
}

/* The replies that are whole. 0 or -ERR_x. */
static int hear(struct redis *r)
{
    struct resp *reply;
    int rc;

    while ((rc = redis_codec_next(r->codec, &reply)) == 1) {
        if (r->state == REDIS_HELLO) {
            hear_hello(r, reply);
        } else if (r->sent) {
            redis_reply(r, reply);
        } else { /* to nothing that we sent */
            resp_free(reply);
            return -ERR_SYNTAX;
        }
        if (!r->codec) /* lost, or freed */
            return 0;
    }
    return rc;
}

static int feed(struct redis *r, struct str bytes)
{
    int rc = redis_codec_feed(r->codec, bytes);

    return rc ? rc : hear(r);
}

static void on_bytes(struct redis *r)
{
    bool was_good = r->state == REDIS_READY;
    char bytes[READ_BYTES];
    size_t sum = 0;
    ssize_t n = 0;
    int rc = 0;

    while (r->codec && rc == 0 && sum < TURN_BYTES) {
        n = conn_read(&r->conn, bytes, sizeof bytes);
        if (n <= 0)
            break;
        sum += (size_t)n;
        rc = feed(r, (struct str){ bytes, (size_t)n });
    }
    if (rc == 0 && n < 0)
        rc = (int)n;
    if (r->codec && rc == -ERR_LIMIT && r->sent)
        redis_refuse(r, "too large");
    if (r->codec && rc)
        redis_lost(r, fault_text(rc), was_good);
    else if (r->codec && sum >= TURN_BYTES && r->conn.more)
        loop_defer(r->loop, &r->more); /* no event will tell of those */
}

int redis_send(struct redis *r)
{
    struct str bytes = buf_str(&r->unsent);

    if (bytes.n == 0 || r->conn.blocked)
        return 0;
    if (conn_write(&r->conn, &bytes, 1) < 0)
        return -ERR_CLOSED;
    if (r->unsent.cap > KEEP_BYTES)
        buf_clear(&r->unsent);
    buf_reset(&r->unsent);
    r->sent = r->n;
    want(r);
    return 0;
}

/* ---- the way there ----------------------------------------------------- */

static void do_tls(struct redis *r)
{
    int rc = conn_handshake(&r->conn);
    const char *why;
    char text[REDIS_WHY];

    if (rc > 0) {
        loop_io_want(&r->conn.io, rc);
    } else if (rc == 0) {
        say_hello(r);
    } else {
        why = tls_client_why(r->conn.tls);
        snprintf(text, sizeof text, "TLS: %.120s",
                 why ? why : "the handshake failed");
        redis_lost(r, text, false);
    }
}

/* TCP's answer. */
static void on_connected(struct redis *r)
{
    socklen_t n = sizeof(int);
    const int one = 1;
    char host[256];
    int e = 0;

    if (getsockopt(r->conn.io.fd, SOL_SOCKET, SO_ERROR, &e, &n) < 0 || e) {
        redis_lost(r, strerror(e), false);
        return;
    }
    setsockopt(r->conn.io.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (!r->tls) {
        say_hello(r);
        return;
    }
    snprintf(host, sizeof host, STR_FMT, STR_ARG(r->spec.host));
    r->state = REDIS_TLS;
    if (conn_tls_client(&r->conn, r->tls, host) != 0)
        redis_lost(r, "not enough memory", false);
    else
        do_tls(r);
}

static void on_writable(struct redis *r)
{
    bool was_good = r->state == REDIS_READY;
    int rc;

    r->conn.blocked = false;
    rc = conn_flush(&r->conn) < 0 ? -ERR_CLOSED : 0;
    if (rc == 0 && was_good)
        rc = redis_send(r);
    if (rc)
        redis_lost(r, "the connection broke", was_good);
    else
        want(r);
}

static void on_io(void *ud, int what)
{
    struct redis *r = ud;

    redis_enter(r);
    if (r->state == REDIS_CONNECT) {
        on_connected(r);
    } else if (r->state == REDIS_TLS) {
        do_tls(r);
    } else {
        if (what & LOOP_WRITE)
            on_writable(r);
        if (r->codec && (what & LOOP_READ))
            on_bytes(r);
    }
    redis_leave(r);
}

void redis_on_more(void *ud)
{
    on_io(ud, LOOP_READ);
}

union address {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    struct sockaddr_un un;
};

/* "1.2.3.4" or "[::1]" */
static socklen_t read_address(struct str s, uint16_t port, union address *a)
{
    char text[INET6_ADDRSTRLEN];
    bool six = s.n > 2 && s.p[0] == '[';

    memset(a, 0, sizeof *a);
    if (six)
        s = (struct str){ s.p + 1, s.n - 2 };
    if (s.n >= sizeof text)
        return 0;
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    a->in6.sin6_port = htons(port); /* at the same place in both */
    a->any.sa_family = six ? AF_INET6 : AF_INET;
    if (six)
        return inet_pton(AF_INET6, text, &a->in6.sin6_addr) == 1
                   ? sizeof a->in6 : 0;
    return inet_pton(AF_INET, text, &a->in.sin_addr) == 1 ? sizeof a->in : 0;
}

/* This try has failed: told later, from the loop. */
static void broken(struct redis *r, const char *why)
{
    r->state = REDIS_BROKEN;
    snprintf(r->cause, sizeof r->cause, "%s", why);
    loop_timer_set(&r->attempt, 0);
}

/* Each try takes the next of the addresses. 0: none (see the state). */
static socklen_t find_address(struct redis *r, union address *a)
{
    const struct redis_spec *s = &r->spec;
    const char *list, *why = NULL;
    struct str rest;
    uint32_t n = 1;

    if (s->unix_path.n) {
        memset(a, 0, sizeof *a);
        a->un.sun_family = AF_UNIX;
        memcpy(a->un.sun_path, s->unix_path.p,
               s->unix_path.n < sizeof a->un.sun_path - 1
                   ? s->unix_path.n : sizeof a->un.sun_path - 1);
        return sizeof a->un;
    }
    list = s->addresses(s->ud, s->host, &why);
    if (!list) {
        if (!why)
            r->state = REDIS_ADDRESS;
        else
            broken(r, why);
        return 0;
    }
    for (const char *p = list; *p; p++)
        n += *p == ',';
    rest = str_of(list);
    for (uint32_t skip = r->tries % n; skip > 0; skip--)
        str_split(&rest, ',');
    return read_address(str_split(&rest, ','), s->port, a);
}

static void open_socket(struct redis *r, const union address *a, socklen_t n)
{
    int fd = socket(a->any.sa_family,
                    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0 || (connect(fd, &a->any, n) < 0 && errno != EINPROGRESS)) {
        broken(r, strerror(errno));
        if (fd >= 0)
            close(fd);
        return;
    }
    r->state = REDIS_CONNECT;
    conn_init(&r->conn, r->loop, fd, on_io, r);
    loop_io_want(&r->conn.io, LOOP_WRITE);
}

void redis_connect(struct redis *r)
{
    union address a;
    socklen_t n;

    r->state = REDIS_PAUSE;
    loop_timer_set(&r->attempt, r->spec.connect_timeout_ms);
    if (r->spec.tls && !r->tls) {
        broken(r, r->tls_why);
        return;
    }
    n = find_address(r, &a);
    if (n)
        open_socket(r, &a, n);
    else if (r->state == REDIS_PAUSE)
        broken(r, "its address cannot be read");
}

void redis_addresses_changed(struct redis *r)
{
    if (r->state == REDIS_ADDRESS)
        redis_connect(r);
}
