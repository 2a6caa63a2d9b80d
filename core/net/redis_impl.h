/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* A Redis client's two halves: the connection (redis_conn.c) and the queue of
 * commands (redis.c). */
#ifndef PENSTOCK_NET_REDIS_IMPL_H
#define PENSTOCK_NET_REDIS_IMPL_H

#include "net/conn.h"
#include "net/redis.h"

enum redis_state {
    REDIS_PAUSE,   /* the next try comes with the timer */
    REDIS_BROKEN,  /* this one failed: see `cause`; told with the timer */
    REDIS_ADDRESS, /* the host's address is not known yet */
    REDIS_CONNECT,
    REDIS_TLS,
    REDIS_HELLO,   /* AUTH, SELECT, PING are under way */
    REDIS_READY,
};

struct redis_entry {
    uint64_t tag;
    uint64_t due_ms;
    uint32_t bytes; /* of the command */
    bool dropped;   /* cancelled */
};

struct redis {
    struct loop *loop;
    struct redis_spec spec;
    enum redis_state state;
    bool down;  /* the last try failed, or a command timed out */
    bool dead;  /* freed within a callback */
    unsigned depth; /* of callbacks */

    struct conn conn; /* open from CONNECT to READY */
    struct redis_codec *codec;
    struct tls_client *tls; /* NULL: none, or tls_why */
    char tls_why[REDIS_WHY];
    char cause[REDIS_WHY];  /* of a try that failed at once */
    struct loop_task more;  /* read on: TLS holds bytes */
    struct loop_timer attempt; /* a try's limit, or the pause before one */
    uint32_t tries;   /* in a row without a reply to a command */
    unsigned hello;   /* replies that are still to come */
    uint64_t ready_ms; /* since when it is READY */
    char why[REDIS_WHY]; /* it is down */

    struct redis_entry *ring; /* a power of 2 of them */
    size_t cap, first, n, sent; /* `sent` of the n are under way */
    uint64_t first_number; /* of the first entry */
    struct buf unsent;     /* the commands of the others */
    struct loop_timer due; /* the first entry's */
    struct loop_task flush;
};

/* redis_conn.c */
void redis_connect(struct redis *r);
/** Close, without a word to those who wait. Idempotent. */
void redis_disconnect(struct redis *r);
/** Next try after a pause. */
void redis_pause(struct redis *r);
void redis_on_attempt(void *ud);
/** Read what is there. */
void redis_on_more(void *ud);
/** Send what is unsent, unless the kernel takes no more now. 0 or -ERR_x: the
 * connection is of no use. */
int redis_send(struct redis *r);

/* redis.c */
/** The connection is good: send. */
void redis_up(struct redis *r);
/** It is not: close, tell all who wait, try again (at once where a good
 * connection was closed by Redis). */
void redis_lost(struct redis *r, const char *why, bool was_good);
/** A reply to the first command. */
void redis_reply(struct redis *r, struct resp *reply);
/** The first command's reply cannot be had. */
void redis_refuse(struct redis *r, const char *why);
/** Around everything that may call back. False: it was freed meanwhile. */
void redis_enter(struct redis *r);
bool redis_leave(struct redis *r);

#endif
