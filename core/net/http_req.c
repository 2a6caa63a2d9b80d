/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* A request as its handler sees it: one block of memory for the head and its
 * fields, one for the body. */
#include "net/http_impl.h"

#include "net/tls_peer.h"

#include <stdlib.h>

struct http_req *http_req_new(struct http_conn *x, struct str head)
{
    const struct http1_head *h = &x->h;
    struct http_req *q = calloc(1, sizeof *q);
    size_t table = h->n_fields * sizeof *q->fields;
    struct str copy = { NULL, h->size };

    if (!q)
        return NULL;
    q->block = malloc(table + h->size);
    if (!q->block) {
        free(q);
        return NULL;
    }
    q->fields = (struct http_header *)(void *)q->block;
    memcpy(q->block + table, head.p, h->size);
    copy.p = q->block + table;
    http1_head_fields(h, copy, q->fields);
    q->x = x;
    q->n_fields = h->n_fields;
    q->method = http1_span_str(h->method, copy);
    q->path = http1_span_str(h->path, copy);
    q->query = http1_span_str(h->query, copy);
    q->begun_ns = x->begun_ns;
    q->bytes_in = h->size;
    q->left = h->length;
    q->chunked = h->chunked;
    q->has_body = h->chunked || h->length > 0;
    q->body_done = !q->has_body;
    q->expect = h->expect_continue;
    q->minor = h->minor;
    q->persistent = h->persistent;
    q->head_only = str_is(q->method, "HEAD");
    q->reply_left = -1;
    return q;
}

void http_req_free(struct http_req *q)
{
    free(q->block);
    free(q->body);
    free(q);
}

void http_req_shrink(struct http_req *q)
{
    free(q->block);
    free(q->body);
    q->block = q->body = NULL;
    q->fields = NULL;
    q->n_fields = q->body_n = q->body_cap = 0;
    q->method = q->path = q->query = STR_NULL;
}

struct str http_req_method(const struct http_req *q)
{
    return q->method;
}

struct str http_req_path(const struct http_req *q)
{
    return q->path;
}

struct str http_req_query(const struct http_req *q)
{
    return q->query;
}

struct str http_req_header(const struct http_req *q, struct str name)
{
    return http_header_get(q->fields, q->n_fields, name);
}

const struct http_header *http_req_headers(const struct http_req *q, size_t *n)
{
    *n = q->n_fields;
    return q->fields;
}

const struct sockaddr_storage *http_req_peer(const struct http_req *q)
{
    return &q->x->peer;
}

void *http_req_listener(const struct http_req *q)
{
    return q->x->tag;
}

int http_req_fd(const struct http_req *q)
{
    return q->x->c.tls ? -1 : q->x->c.io.fd;
}

bool http_req_is_tls(const struct http_req *q)
{
    return q->x->c.tls != NULL;
}

const struct tls_peer *http_req_certificate(const struct http_req *q)
{
    return q->x->c.tls ? tls_conn_peer(q->x->c.tls) : NULL;
}

bool http_req_has_body(const struct http_req *q)
{
    return q->has_body;
}

uint64_t http_req_begun_ns(const struct http_req *q)
{
    return q->begun_ns;
}

uint64_t http_req_bytes_in(const struct http_req *q)
{
    return q->bytes_in;
}

uint64_t http_req_bytes_out(const struct http_req *q)
{
    return q->bytes_out;
}

void http_req_set_user(struct http_req *q, void *user)
{
    q->user = user;
}

void *http_req_user(const struct http_req *q)
{
    return q->user;
}

/* An answer before the body is wanted makes 100 Continue pointless. */
static bool continue_due(const struct http_req *q)
{
    return q->expect && !q->begun && q->body_n == 0 &&
           buf_len(&q->x->in) == 0;
}

void http_req_read_body(struct http_req *q, size_t max)
{
    if (q->body_asked)
        return;
    q->body_asked = true;
    q->body_max = max;
    http_conn_later(q->x);
    if (q->body_done)
        q->body_due = true;
    else if (!q->chunked && q->left > max)
        http_body_failed(q, -ERR_TOO_LARGE);
    else if (continue_due(q) &&
             conn_queue(&q->x->c, STR("HTTP/1.1 100 Continue\r\n\r\n")))
        q->x->lost = -ERR_NOMEM;
}

void http_req_stream_body(struct http_req *q, size_t max, size_t window)
{
    if (!q->body_asked && !q->chunked)
        q->window = window;
    http_req_read_body(q, max);
}

int64_t http_req_length(const struct http_req *q)
{
    return q->chunked ? -1 : (int64_t)q->left + (int64_t)q->body_n;
}

size_t http_req_take_body(struct http_req *q, char *to, size_t n)
{
    if (n > q->body_n)
        n = q->body_n;
    if (n == 0)
        return 0;
    memcpy(to, q->body, n);
    q->body_n -= n;
    if (q->body_n)
        memmove(q->body, q->body + n, q->body_n);
    http_conn_later(q->x);
    return n;
}

void http_req_pause_body(struct http_req *q, bool paused)
{
    q->body_paused = paused;
    http_conn_later(q->x);
}

struct str http_req_body(const struct http_req *q)
{
    return (struct str){ q->body ? q->body : "", q->body_n };
}
