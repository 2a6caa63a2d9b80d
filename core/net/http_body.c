/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A request's body: a Content-Length is read straight into its own memory in
 * as few calls as the socket allows; chunks are decoded from the shared
 * scratch. Memory follows the bytes that came, not what a header promised.
 */
#include "net/http_impl.h"

#include <stdlib.h>

static void body_over(struct http_req *q)
{
    q->body_done = true;
    q->body_due = true;
    http_conn_later(q->x);
}

static void part_over(struct http_req *q)
{
    if (!q->window)
        return;
    q->part_due = true;
    http_conn_later(q->x);
}

void http_body_failed(struct http_req *q, int rc)
{
    if (q->body_rc)
        return;
    q->body_rc = rc;
    q->body_due = true;
    q->closing = true;
    http_conn_later(q->x);
}

/* Room for `least` bytes more, at once for `best` where that is not too much
 * for bytes that have not come. */
static bool body_room(struct http_req *q, size_t least, uint64_t best)
{
    size_t cap = q->body_cap * 2;
    char *p;

    if (q->body_cap - q->body_n >= least)
        return true;
    if (best > HTTP_BODY_FIRST || q->body_n + best > HTTP_BODY_FIRST)
        best = q->body_n < HTTP_BODY_FIRST ? HTTP_BODY_FIRST - q->body_n : 0;
    if (cap < q->body_n + best)
        cap = q->body_n + (size_t)best;
    if (cap < q->body_n + least)
        cap = q->body_n + least;
    if (cap > q->body_max)
        cap = q->body_max;
    if (cap - q->body_n < least)
        return false;
    p = realloc(q->body, cap);
    if (!p)
        return false;
    q->body = p;
    q->body_cap = cap;
    return true;
}

static bool body_copy(struct http_req *q, struct str s, uint64_t best)
{
    if (!body_room(q, s.n, best))
        return false;
    if (s.n)
        memcpy(q->body + q->body_n, s.p, s.n);
    q->body_n += s.n;
    return true;
}

static void take_chunks(struct http_req *q, struct str *in)
{
    enum http1_rc rc;

    do {
        struct str data = STR_NULL;
        size_t used = 0;

        rc = http1_chunks_feed(&q->chunks, *in, &used, &data);
        in->p += used;
        in->n -= used;
        q->bytes_in += used;
        if (data.n > q->body_max - q->body_n)
            http_body_failed(q, -ERR_TOO_LARGE);
        else if (data.n && !body_copy(q, data, data.n))
            http_body_failed(q, -ERR_NOMEM);
    } while (rc == HTTP1_DATA && !q->body_rc);
    if (rc == HTTP1_BAD)
        http_body_failed(q, -ERR_INVALID_REQUEST);
    else if (rc == HTTP1_DONE && !q->body_rc)
        body_over(q);
}

void http_body_take(struct http_req *q, struct str *in)
{
    struct str part = *in;

    if (q->chunked) {
        take_chunks(q, in);
        return;
    }
    if (part.n > q->left)
        part.n = (size_t)q->left;
    in->p += part.n;
    in->n -= part.n;
    q->bytes_in += part.n;
    q->left -= part.n;
    if (!body_copy(q, part, q->window ? part.n : part.n + q->left))
        http_body_failed(q, -ERR_NOMEM);
    else if (q->left == 0)
        body_over(q);
    part_over(q);
}

static ssize_t read_length(struct http_req *q, size_t max)
{
    size_t want = q->left < max ? (size_t)q->left : max;
    ssize_t n;

    if (q->window && want > q->window - q->body_n)
        want = q->window - q->body_n;
    if (!body_room(q, 1, q->window ? want : q->left)) {
        http_body_failed(q, -ERR_NOMEM);
        return 0;
    }
    if (want > q->body_cap - q->body_n)
        want = q->body_cap - q->body_n;
    n = conn_read(&q->x->c, q->body + q->body_n, want);
    if (n <= 0)
        return n;
    q->body_n += (size_t)n;
    q->left -= (uint64_t)n;
    q->bytes_in += (uint64_t)n;
    if (q->left == 0)
        body_over(q);
    part_over(q);
    /* a short read has emptied a plain socket */
    return (size_t)n < want && !q->x->c.tls ? 0 : n;
}

static ssize_t read_chunks(struct http_req *q)
{
    struct http_conn *x = q->x;
    ssize_t n = conn_read(&x->c, x->s->scratch, HTTP_SCRATCH);
    struct str in = { x->s->scratch, 0 };

    if (n <= 0)
        return n;
    in.n = (size_t)n;
    take_chunks(q, &in);
    if (in.n && buf_put(&x->in, in))
        return -ERR_CLOSED;
    return n < HTTP_SCRATCH && !x->c.tls ? 0 : n;
}

static void take_buffered(struct http_req *q)
{
    struct buf *b = &q->x->in;
    struct str in = buf_str(b);
    size_t had = in.n;

    http_body_take(q, &in);
    buf_consume(b, had - in.n);
    if (buf_len(b) == 0)
        buf_clear(b);
}

int http_body_read(struct http_req *q)
{
    size_t sum = 0;

    if (buf_len(&q->x->in))
        take_buffered(q);
    while (http_body_wanted(q) && sum < CONN_TURN_MAX) {
        ssize_t n = q->chunked ? read_chunks(q)
                               : read_length(q, CONN_TURN_MAX - sum);

        if (n < 0)
            return -ERR_CLOSED;
        if (n == 0)
            break;
        sum += (size_t)n;
    }
    return 0;
}
