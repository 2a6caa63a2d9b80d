/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * What the master and its children say to each other, over a socketpair of
 * whole messages (SOCK_SEQPACKET): a type, a number, a text, one descriptor.
 * The end of the socketpair is a message too: the other side is gone.
 */
#ifndef PENSTOCK_APP_MESSAGE_H
#define PENSTOCK_APP_MESSAGE_H

#include "base/err.h"

enum message_type {
    MSG_BUNDLE = 1, /* loader: fd is the bundle, text says the rest (JSON) */
    MSG_FAILED,     /* loader, worker: text is why it cannot start */
    MSG_READY,      /* worker, keeper, mock: it serves */
    MSG_ADDRESSES,  /* keeper to master to worker: fd is the snapshot */
    MSG_KEYS,       /* keeper to master to worker: a key table; -1: none */
    MSG_ASK,        /* master to keeper: a ticket, text is for the desk */
    MSG_ANSWER,     /* keeper to master: to that ticket; text, or fd holds it */
    MSG_ADOPT,      /* worker: accept for slot `number` too */
    MSG_RELEASE,    /* worker: no more for slot `number` */
    MSG_PART,       /* worker: let clients connect anew, to any worker */
    MSG_PREPARE,    /* worker: make generation `number` of fd, and hold it */
    MSG_PREPARED,   /* of worker: done; or text says why it cannot */
    MSG_FLIP,       /* worker: serve what was prepared */
    MSG_FLIPPED,    /* of worker: it does */
    MSG_ABANDON,    /* worker: let go of what was prepared */
    MSG_UNLISTENED, /* of worker: it accepts no more */
    MSG_DRAIN,      /* worker: no new connections, finish, end; 1: another
                     * has its place */
    MSG_STOP,       /* end now */
    MSG_REOPEN,     /* log files */
    MSG_JWKS,       /* keeper to master to worker: fd is the issuers' keys */
    MSG_JWKS_ASK,   /* worker to master to keeper: newer ones of jwt `text` */
    MSG_FETCHED,    /* keeper to master to worker: fd is the fetched keys */
    MSG_FETCH_ASK,  /* worker to master to keeper: a newer one of id `text` */
    MSG_SOURCES,    /* loader: fd is the list of files that it reads */
    MSG_SHADOW,     /* worker: run fd beside, for `number` of 10000 requests;
                     * fd -1: no more */
    MSG_SHADOWED,   /* of worker: what it saw, JSON; number 1: it cannot */
    MSG_WISH,       /* keeper: the admin API's call and JSON, "7\n{...}" */
    MSG_WISHED,     /* to keeper: that call's answer, the same way */
    MSG_HAND_OVER,  /* keeper: let go of all but the ledger; another has it */
    MSG_HANDED,     /* of keeper: done; master to its heir: so it is */
    MSG_SWITCHED,   /* master to its heir: it serves now */
};

#define MESSAGE_TEXT_MAX (48 * 1024)

struct message {
    uint32_t type, number;
    int fd; /* -1 = none; the receiver's */
    size_t size;
    char text[MESSAGE_TEXT_MAX + 1]; /* NUL-terminated */
};

/** Two connected ends, close-on-exec; 0 or -ERR_IO. */
int message_pair(int ends[2], struct err *err);

/** Send; fd -1 = none (it stays the caller's). 0, -ERR_CLOSED, -ERR_BUSY (the
 * other side does not read), -ERR_LIMIT, -ERR_IO. */
int message_send(int sock, enum message_type type, uint32_t number,
                 struct str text, int fd);

/** Receive without waiting. 1: *m is filled; 0: nothing there; -ERR_CLOSED:
 * the other side is gone. */
int message_recv(int sock, struct message *m);

#endif
