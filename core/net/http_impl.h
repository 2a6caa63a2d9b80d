/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The server's own view: server, connection, request. Included by http_*.c
 * of the server alone.
 *
 * A connection is in one state; one function (http_conn_update) says what is
 * watched and timed in it. Whatever a handler asks for from within a callback
 * is noted and done by the connection's task (http_conn_work) in the same
 * turn: nothing is freed under a handler's feet.
 */
#ifndef PENSTOCK_NET_HTTP_IMPL_H
#define PENSTOCK_NET_HTTP_IMPL_H

#include "net/conn.h"
#include "net/http1.h"
#include "net/http_server.h"

enum {
    HTTP_SCRATCH = 64 * 1024,
    HTTP_HEAD_READ = 40 * 1024, /* one recv while a head is awaited */
    HTTP_LINGER_READ = 16 * 1024, /* thrown away after a refusal; with the
                                     above below 64 KB of an unwanted body */
    HTTP_LINGER_MS = 2000,
    HTTP_DRAIN_IDLE_MS = 10000,
    HTTP_BODY_FIRST = 512 * 1024, /* memory before bytes have come */
    HTTP_BIG = 8 * 1024, /* data from here on is sent at once, not copied */
    HTTP_LISTENERS_MAX = 256,
    HTTP_SHAKES_PER_TURN = 8,
};

struct http_listener {
    struct http_server *s;
    struct loop_io io; /* on a descriptor of our own, see loop_close */
    struct tls_server *tls;
    void *tag;
    uint32_t id; /* 0 = free */
};

struct http_server {
    struct loop *loop;
    struct http_limits limits;
    struct http_handler h;
    void *ud;
    struct http_conn *conns;
    size_t n_conns;
    struct http_listener listeners[HTTP_LISTENERS_MAX];
    uint32_t last_id;
    bool paused; /* at max_connections, or out of descriptors */
    struct loop_timer retry;
    uint64_t shake_turn; /* loop_now_ns of it */
    uint32_t shakes;
    bool draining;
    void (*on_empty)(void *ud);
    void *on_empty_ud;
    struct loop_task empty;
    time_t date_at;
    char date[32];
    char *scratch;
};

enum http_state {
    HTTP_SHAKING, /* TLS handshake */
    HTTP_IDLE,    /* no byte of a request */
    HTTP_HEAD,    /* part of a head */
    HTTP_BUSY,    /* a request is in flight */
    HTTP_LINGERING, /* answered; what still comes is thrown away */
};

enum http_wait { /* what the timer stands for */
    HTTP_T_NONE,
    HTTP_T_HEAD,
    HTTP_T_IDLE,
    HTTP_T_BODY,
    HTTP_T_STALL,
    HTTP_T_LINGER,
};

struct http_conn {
    struct conn c;
    struct http_server *s;
    struct http_conn *next, **prev;
    struct loop_timer timer;
    struct loop_task task;
    struct http_req *q;  /* HTTP_BUSY only */
    struct buf in;       /* read, not yet used: part of a head, or of what
                            follows it */
    struct http1_head h;
    uint64_t begun_ns;   /* first byte of the head */
    void *tag;
    uint32_t discard;    /* HTTP_LINGERING: bytes still thrown away */
    int unread;          /* HTTP_T_STALL: conn_unread when it was set */
    int lost;            /* end with this code as soon as it is safe */
    uint8_t state, waiting;
    uint8_t shake;       /* LOOP_READ or LOOP_WRITE */
    bool noisy;          /* bytes wait that are not wanted now */
    bool progress;       /* bytes went since the timer was set */
    bool finished;       /* HTTP_LINGERING: our end is sent */
    bool parting;        /* http_server_part */
    struct sockaddr_storage peer;
};

struct http_req {
    struct http_conn *x;
    void *user;
    char *block; /* fields and head */
    struct http_header *fields;
    size_t n_fields;
    struct str method, path, query;
    uint64_t begun_ns, bytes_in, bytes_out;

    char *body;
    size_t body_n, body_cap, body_max;
    size_t window; /* most that is held; 0 = all of it */
    uint64_t left; /* of Content-Length */
    struct http1_chunks chunks;
    bool has_body, chunked, expect;
    bool body_asked, body_paused, body_done;
    bool body_due; /* on_body is to be called */
    bool part_due; /* on_part is */
    int body_rc;

    int64_t reply_left; /* of the Content-Length we promised; -1 = none */
    uint8_t minor;
    bool head_only, begun, reply_chunked, until_close;
    bool persistent; /* the client would send another one */
    bool closing;    /* this answer is the last */
    bool ended, aborted, above;
};

/* http_conn.c */
void http_conn_new(struct http_listener *lis, int fd,
                   const struct sockaddr_storage *peer);
/** Close now; the request ends with `rc`. */
void http_conn_end(struct http_conn *x, int rc);
/** Do what was noted at the end of this turn. */
void http_conn_later(struct http_conn *x);
/** Idle ones get their last 10 s. */
void http_conn_drain(struct http_conn *x);

/* http_server.c */
void http_server_gone(struct http_server *s, struct http_conn *x);
struct str http_server_date(struct http_server *s);

/* http_body.c */
/** Bytes that were read already: as many as belong to the body are cut off
 * *in. False = memory is out. */
void http_body_take(struct http_req *q, struct str *in);
/** Read from the socket, at most CONN_TURN_MAX. 0 or -ERR_CLOSED. */
int http_body_read(struct http_req *q);
void http_body_failed(struct http_req *q, int rc);
static inline bool http_body_wanted(const struct http_req *q)
{
    return q->body_asked && !q->body_done && !q->body_paused && !q->body_rc &&
           (!q->window || q->body_n < q->window);
}

/* http_req.c */
struct http_req *http_req_new(struct http_conn *x, struct str head);
void http_req_free(struct http_req *q);

/* http_reply.c */
/** Queue the refusal of what is no valid request; `in` is what came of its
 * head. 0 or -ERR_NOMEM. */
int http_reply_refusal(struct http_conn *x, int status, const char *why,
                       struct str in);

#endif
