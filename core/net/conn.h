/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * A connected socket, plain or TLS: reads into the caller's memory, writes
 * what the kernel takes and queues a copy of the rest. Who owns it decides
 * what is watched; nothing here calls back by itself.
 */
#ifndef PENSTOCK_NET_CONN_H
#define PENSTOCK_NET_CONN_H

#include "base/buf.h"
#include "net/loop.h"
#include "net/tls.h"

#include <sys/types.h>

enum {
    CONN_TURN_MAX = 256 * 1024,      /* bytes each way in one loop turn */
    CONN_QUEUE_MAX = 256 * 1024 * 1024,
};

struct conn {
    struct loop_io io;
    struct tls_conn *tls; /* NULL = plain */
    struct buf out;       /* not yet taken by the kernel */
    bool blocked;         /* the kernel took less than all: wait for it */
    bool more;            /* TLS may hold bytes that no event announces */
};

/** Takes over `fd` (non-blocking). `fn` as in loop_io_init. */
void conn_init(struct conn *c, struct loop *l, int fd,
               void (*fn)(void *ud, int what), void *ud);

/** Serve TLS on it; then call conn_handshake. 0 or -ERR_NOMEM. */
int conn_tls(struct conn *c, struct tls_server *t);

/** Be the client's side of TLS towards `host`; then conn_handshake. */
struct tls_client;
int conn_tls_client(struct conn *c, struct tls_client *t, const char *host);

/** 0 = done, LOOP_READ or LOOP_WRITE = wait for that, -ERR_CLOSED. */
int conn_handshake(struct conn *c);

/** Bytes read, 0 = none now, -ERR_CLOSED = the peer ended or reset. */
ssize_t conn_read(struct conn *c, void *p, size_t n);

/**
 * What a readable socket that we do not read has to say, without taking a
 * byte: 1 = bytes wait, 0 = nothing, -ERR_CLOSED = the peer ended or reset.
 */
int conn_peek(struct conn *c);

/** Append to the queue. 0, -ERR_LIMIT, -ERR_NOMEM. */
int conn_queue(struct conn *c, struct str s);

/**
 * Send the queue and then these parts (at most 3), in one system call where
 * it is plain; what is not taken is queued.
 *
 * Returns bytes taken, -ERR_CLOSED, -ERR_LIMIT, -ERR_NOMEM.
 */
ssize_t conn_write(struct conn *c, const struct str *parts, size_t n);

/** Send the queue: bytes taken, or -ERR_CLOSED. */
ssize_t conn_flush(struct conn *c);

static inline size_t conn_queued(const struct conn *c)
{
    return buf_len(&c->out);
}

/** Bytes that the kernel holds for the peer: falls while the peer reads. */
int conn_unread(const struct conn *c);

/** No more from us: close_notify, FIN. Reading goes on. */
void conn_finish(struct conn *c);

/** Close. `reset` = by RST, for an answer that must not look whole. */
void conn_close(struct conn *c, bool reset);

#endif
