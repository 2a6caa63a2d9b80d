/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A connection's life: shake hands, read a head, let the handler answer, go
 * on or end. Events come from the socket (on_io), the timer (on_timer) and
 * from what handlers asked for (http_conn_work).
 */
#include "net/http_impl.h"

#include "net/tls_peer.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define NEVER_MS 86400000u /* the timer stays armed: setting it is free */

static void http_conn_work(void *ud);
static void on_io(void *ud, int what);
static void on_timer(void *ud);

/* ---- beginning and end ------------------------------------------------- */

static void conn_drop(struct http_conn *x, bool reset)
{
    struct http_server *s = x->s;

    loop_undefer(&x->task);
    loop_timer_stop(&x->timer);
    conn_close(&x->c, reset);
    buf_clear(&x->in);
    *x->prev = x->next;
    if (x->next)
        x->next->prev = x->prev;
    http_server_gone(s, x);
    free(x);
}

static void request_over(struct http_conn *x, int rc)
{
    struct http_req *q = x->q;

    x->s->h.on_end(x->s->ud, q, rc);
    x->q = NULL;
    http_req_free(q);
}

void http_conn_end(struct http_conn *x, int rc)
{
    if (x->q)
        request_over(x, rc);
    conn_drop(x, false);
}

void http_conn_later(struct http_conn *x)
{
    loop_defer(x->s->loop, &x->task);
}

static bool wants_read(const struct http_conn *x)
{
    switch (x->state) {
    case HTTP_IDLE:
    case HTTP_HEAD:
        return true;
    case HTTP_BUSY:
        return http_body_wanted(x->q);
    default:
        return false;
    }
}

static int io_wanted(const struct http_conn *x)
{
    int out = conn_queued(&x->c) ? LOOP_WRITE : 0;

    switch (x->state) {
    case HTTP_SHAKING:
        return x->shake;
    case HTTP_BUSY:
        if (x->noisy && !http_body_wanted(x->q))
            return out | LOOP_GONE;
        return out | LOOP_READ;
    case HTTP_LINGERING:
        return x->discard ? out | LOOP_READ : out;
    default:
        return out | LOOP_READ;
    }
}

static enum http_wait wait_wanted(const struct http_conn *x)
{
    switch (x->state) {
    case HTTP_SHAKING:
    case HTTP_HEAD:
        return HTTP_T_HEAD;
    case HTTP_IDLE:
        return HTTP_T_IDLE;
    case HTTP_LINGERING:
        return conn_queued(&x->c) ? HTTP_T_STALL : HTTP_T_LINGER;
    default:
        if (http_body_wanted(x->q))
            return HTTP_T_BODY;
        return conn_queued(&x->c) ? HTTP_T_STALL : HTTP_T_NONE;
    }
}

static uint64_t wait_ms(const struct http_server *s, enum http_wait wait)
{
    switch (wait) {
    case HTTP_T_HEAD:
        return s->limits.head_timeout_ms;
    case HTTP_T_IDLE:
        return s->draining && s->limits.idle_timeout_ms > HTTP_DRAIN_IDLE_MS
                   ? HTTP_DRAIN_IDLE_MS
                   : s->limits.idle_timeout_ms;
    case HTTP_T_BODY:
        return s->limits.body_timeout_ms;
    case HTTP_T_STALL:
        return s->limits.write_stall_ms;
    case HTTP_T_LINGER:
        return HTTP_LINGER_MS;
    default:
        return NEVER_MS;
    }
}

/* Watch and time what this state needs. */
static void http_conn_update(struct http_conn *x)
{
    enum http_wait wait = wait_wanted(x);

    loop_io_want(&x->c.io, io_wanted(x));
    if (wait != x->waiting || x->progress) {
        loop_timer_set(&x->timer, wait_ms(x->s, wait));
        if (wait == HTTP_T_STALL)
            x->unread = conn_unread(&x->c);
    }
    x->waiting = (uint8_t)wait;
    x->progress = false;
    if (x->c.more && wants_read(x))
        http_conn_later(x);
}

void http_conn_drain(struct http_conn *x)
{
    x->progress |= x->state == HTTP_IDLE;
    http_conn_update(x);
}

void http_conn_new(struct http_listener *lis, int fd,
                   const struct sockaddr_storage *peer)
{
    struct http_server *s = lis->s;
    struct http_conn *x = calloc(1, sizeof *x);

    if (!x) {
        close(fd);
        return;
    }
    conn_init(&x->c, s->loop, fd, on_io, x);
    x->s = s;
    x->tag = lis->tag;
    x->peer = *peer;
    x->state = HTTP_IDLE;
    x->task = (struct loop_task){ .fn = http_conn_work, .ud = x };
    loop_timer_init(&x->timer, s->loop, on_timer, x);
    buf_init(&x->in, HTTP_SCRATCH + s->limits.head_bytes);
    x->next = s->conns;
    x->prev = &s->conns;
    if (s->conns)
        s->conns->prev = &x->next;
    s->conns = x;
    s->n_conns++;
    if (lis->tls) {
        x->state = HTTP_SHAKING;
        x->shake = LOOP_READ;
        if (conn_tls(&x->c, lis->tls)) {
            conn_drop(x, false);
            return;
        }
    }
    http_conn_update(x);
}

/* ---- ending an exchange ------------------------------------------------ */

/* The client is to see what we sent: a close with unread bytes would reset
 * the connection and may take the answer with it. */
static void linger(struct http_conn *x)
{
    x->state = HTTP_LINGERING;
    x->discard = HTTP_LINGER_READ;
    x->finished = false;
    buf_clear(&x->in);
}

static void refuse(struct http_conn *x, int status, const char *why,
                   struct str in)
{
    if (http_reply_refusal(x, status, why, in)) {
        x->lost = -ERR_NOMEM;
        return;
    }
    linger(x);
    http_conn_later(x);
}

/* The answer is sent. False when the connection is gone. */
static bool exchange_end(struct http_conn *x)
{
    struct http_req *q = x->q;
    bool unread = q->has_body && !q->body_done;
    bool closing = q->closing, aborted = q->aborted;
    bool reset = aborted && q->until_close;

    request_over(x, aborted ? -ERR_CANCELLED : 0);
    if (aborted) {
        conn_drop(x, reset);
        return false;
    }
    x->noisy = false;
    if (!closing) {
        x->h = (struct http1_head){ 0 };
        x->state = HTTP_IDLE;
        return true;
    }
    if (!unread && !buf_len(&x->in) && conn_peek(&x->c) == 0) {
        conn_finish(&x->c);
        conn_drop(x, false);
        return false;
    }
    linger(x);
    return true;
}

/* ---- the head ---------------------------------------------------------- */

static void head_done(struct http_conn *x, struct str *in)
{
    struct http_req *q = http_req_new(x, *in);

    if (!q) {
        x->lost = -ERR_NOMEM;
        return;
    }
    in->p += x->h.size;
    in->n -= x->h.size;
    x->q = q;
    x->state = HTTP_BUSY;
    x->s->h.on_head(x->s->ud, q);
    if (http_body_wanted(q))
        http_body_take(q, in);
}

/* What came since the head's begin; what is not used is left in *in. */
static void head_feed(struct http_conn *x, struct str *in)
{
    struct http1_limits limits = { x->s->limits.head_bytes,
                                   x->s->limits.max_fields };

    switch (http1_head_feed(&x->h, &limits, *in)) {
    case HTTP1_DONE:
        head_done(x, in);
        break;
    case HTTP1_BAD:
        refuse(x, x->h.status, x->h.why, *in);
        in->n = 0;
        break;
    default:
        if (x->state == HTTP_IDLE && !(x->h.blank_seen && x->h.size == in->n))
            x->state = HTTP_HEAD;
    }
}

/* Bytes in x->in may hold (the rest of) a head. */
static void head_buffered(struct http_conn *x)
{
    struct str in = buf_str(&x->in);
    size_t had = in.n;

    if (x->h.searched == 0)
        x->begun_ns = loop_now_ns(x->s->loop);
    head_feed(x, &in);
    if (x->state == HTTP_LINGERING)
        return;
    buf_consume(&x->in, had - in.n);
    if (buf_len(&x->in) == 0)
        buf_clear(&x->in);
}

static void head_read(struct http_conn *x)
{
    struct str in = { x->s->scratch, 0 };
    ssize_t n = conn_read(&x->c, x->s->scratch, HTTP_HEAD_READ);

    if (n < 0)
        x->lost = -ERR_CLOSED;
    if (n <= 0)
        return;
    if (x->h.searched == 0)
        x->begun_ns = loop_now_ns(x->s->loop);
    in.n = (size_t)n;
    if (buf_len(&x->in) == 0)
        head_feed(x, &in);
    if (in.n == 0)
        return;
    if (buf_put(&x->in, in))
        x->lost = -ERR_NOMEM;
    else if (x->state != HTTP_BUSY && buf_len(&x->in) > in.n)
        head_buffered(x);
}

/* ---- events ------------------------------------------------------------ */

static void do_read(struct http_conn *x)
{
    int peeked;

    if (x->state == HTTP_LINGERING) {
        ssize_t n = x->discard;

        if (n > 0)
            n = recv(x->c.io.fd, x->s->scratch, (size_t)n, MSG_DONTWAIT);
        if (n == 0 && x->discard)
            x->lost = -ERR_CLOSED;
        else if (n > 0)
            x->discard -= (uint32_t)n;
    } else if (x->state == HTTP_BUSY && http_body_wanted(x->q)) {
        x->lost = http_body_read(x->q);
        x->progress = true;
    } else if (x->state == HTTP_BUSY) {
        peeked = conn_peek(&x->c);
        x->noisy = peeked > 0;
        if (peeked < 0)
            x->lost = peeked;
    } else {
        head_read(x);
    }
}

/* Handshakes cost 0.3 ms each: a few per turn, the others keep. */
static bool shake_allowed(struct http_server *s)
{
    uint64_t turn = loop_now_ns(s->loop);

    if (s->shake_turn != turn) {
        s->shake_turn = turn;
        s->shakes = 0;
    }
    return ++s->shakes <= HTTP_SHAKES_PER_TURN;
}

static void tell_stranger(struct http_conn *x)
{
    struct str subject;
    const char *why;

    if (x->s->h.on_stranger && tls_conn_refused(x->c.tls, &subject, &why))
        x->s->h.on_stranger(x->s->ud, x->tag, &x->peer, subject, why);
}

static void do_shake(struct http_conn *x)
{
    int rc;

    if (!shake_allowed(x->s))
        return;
    rc = conn_handshake(&x->c);
    if (rc < 0) {
        tell_stranger(x);
        x->lost = rc;
    } else if (rc > 0) {
        x->shake = (uint8_t)rc;
    } else {
        x->state = HTTP_IDLE;
    }
}

/* Send what is queued; what follows from that. False = gone. */
static bool do_flush(struct http_conn *x)
{
    ssize_t n = x->c.blocked ? 0 : conn_flush(&x->c);
    struct http_req *q = x->q;

    if (n < 0) {
        http_conn_end(x, -ERR_CLOSED);
        return false;
    }
    x->progress |= n > 0;
    if (q) {
        q->bytes_out += (uint64_t)n;
        if (q->above && conn_queued(&x->c) <= x->s->limits.low_water) {
            q->above = false;
            if (!q->ended)
                x->s->h.on_drained(x->s->ud, q);
        }
        if (q->ended && conn_queued(&x->c) == 0 && !x->lost &&
            !exchange_end(x))
            return false;
    }
    if (x->state == HTTP_LINGERING && !x->finished &&
        conn_queued(&x->c) == 0) {
        conn_finish(&x->c);
        x->finished = true;
    }
    return true;
}

static void http_conn_work(void *ud)
{
    struct http_conn *x = ud;

    if (!x->lost && x->q && http_body_wanted(x->q) && buf_len(&x->in))
        do_read(x);
    if (!x->lost && x->q && x->q->part_due) {
        x->q->part_due = false;
        x->s->h.on_part(x->s->ud, x->q);
    }
    if (!x->lost && x->q && x->q->body_due) {
        x->q->body_due = false;
        x->s->h.on_body(x->s->ud, x->q, x->q->body_rc);
    }
    loop_undefer(&x->task);
    if (!x->lost && !do_flush(x))
        return;
    if (!x->lost && buf_len(&x->in) && x->h.searched == 0 &&
        x->state == HTTP_IDLE)
        head_buffered(x);
    else if (!x->lost && x->c.more && wants_read(x))
        do_read(x);
    if (x->lost)
        http_conn_end(x, x->lost);
    else
        http_conn_update(x);
}

static void on_io(void *ud, int what)
{
    struct http_conn *x = ud;

    if (what == LOOP_GONE)
        x->lost = -ERR_CLOSED;
    else if (x->state == HTTP_SHAKING)
        do_shake(x);
    else if (what == LOOP_READ)
        do_read(x);
    else
        x->c.blocked = false;
    if (what == LOOP_WRITE || x->lost)
        http_conn_work(x);
    else
        http_conn_update(x);
}

static void on_timer(void *ud)
{
    struct http_conn *x = ud;

    if (x->waiting != wait_wanted(x)) { /* changed in this turn */
        http_conn_update(x);
        return;
    }
    switch (x->waiting) {
    case HTTP_T_HEAD:
        if (x->state == HTTP_HEAD)
            refuse(x, 408, "the request did not arrive in time",
                   buf_str(&x->in));
        else
            x->lost = -ERR_TIMEOUT;
        break;
    case HTTP_T_BODY:
        http_body_failed(x->q, -ERR_REQUEST_TIMEOUT);
        break;
    case HTTP_T_NONE:
        break;
    case HTTP_T_STALL:
        /* the kernel asks for more only when a third of its buffer, which
         * may be megabytes, is free: look at what the client took */
        if (conn_unread(&x->c) >= x->unread)
            x->lost = -ERR_TIMEOUT;
        break;
    default:
        x->lost = -ERR_TIMEOUT;
    }
    x->waiting = HTTP_T_NONE;
    http_conn_work(x);
}
