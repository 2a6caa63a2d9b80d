/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Requests of the keeper's own, one at a time for each errand: the address of
 * the host is waited for, the whole answer collected. Time is the owner's
 * matter: what takes too long is stopped by it.
 */
#ifndef PENSTOCK_KEEPER_ERRAND_H
#define PENSTOCK_KEEPER_ERRAND_H

#include "base/buf.h"
#include "engine/addresses.h"
#include "net/http_client.h"

enum { ERRAND_FIELDS = 12 };

struct errand;

/** What errands share. */
struct errands {
    struct addresses *addresses; /* the keeper's own view of them */
    /** A host without an address: 0 or -ERR_x. */
    int (*resolve)(void *ud, struct str host);
    void *ud;
    struct http_client *client;
    struct addresses_watch watch;
    struct errand *waiting;
};

/** `addresses`, `resolve` and `ud` are filled in before. 0 or -ERR_x. */
int errands_open(struct errands *all, struct loop *l, size_t max_idle,
                 struct err *err);
/** All errands are stopped before; one that was never opened is fine. */
void errands_close(struct errands *all);

/** A request in the making; two fields are in it from the begin. */
struct errand_ask {
    struct http_call_spec spec;
    struct http_header fields[ERRAND_FIELDS];
};

struct errand_ops {
    /** Describe the request: method, URL, more fields, the body. It is asked
     * again when there is an address. NULL, or why there is none. */
    const char *(*on_ask)(void *ud, struct errand_ask *ask);
    void (*on_head)(void *ud, const struct http_answer *a); /* or NULL */
    /** Over: the answer, its body borrowed until the next errand; or `why`
     * not, and `status` 0 where nothing had come. */
    void (*on_done)(void *ud, const char *why, int status, struct str body);
};

struct errand {
    struct errands *all;
    const struct errand_ops *ops;
    void *ud;
    struct http_call *x;
    struct buf body;
    int status;
    struct errand *next, **prev; /* prev NULL: it does not wait */
};

void errand_init(struct errand *e, struct errands *all,
                 const struct errand_ops *ops, void *ud, size_t body_max);
/** Ask. on_done may come before this returns, and begin another. */
void errand_go(struct errand *e);
/** No on_done any more; what came is wiped. Idempotent. */
void errand_stop(struct errand *e);

#endif
