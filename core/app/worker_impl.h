/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* A worker's parts, for the files that make it up. */
#ifndef PENSTOCK_APP_WORKER_IMPL_H
#define PENSTOCK_APP_WORKER_IMPL_H

#include "app/master.h"
#include "engine/addresses.h"
#include "engine/fetched.h"
#include "engine/jwt_keys.h"
#include "flow/flow.h"
#include "net/pause.h"

struct message; /* app/message.h */

struct worker {
    const struct master *m; /* as it was at the fork */
    struct process_cell *process;
    struct loop *loop;
    struct http_client *client;
    struct http_server *server;
    struct plugin_set *plugins;
    struct generation *gen;
    struct flow *flow;
    struct addresses *addresses;
    struct key_table *keys;
    struct jwt_keys *jwt_keys;
    struct fetched_set *fetched;
    struct tls_server **tls;     /* by listener; NULL = plain */
    struct generation *next;     /* prepared beside it; NULL = none */
    struct tls_server **next_tls;
    struct jwt_sources *next_jwts; /* the last part; NULL: not whole */
    uint32_t next_number;
    struct loop_pause preparing; /* open while parts are to come */
    struct flow_listener *tags;  /* by listener */
    uint32_t *ids; /* of http_server_listen, by slot and listener; 0 = not */
    struct loop_io sock;         /* to the master */
    struct loop_timer beat, drain, close_fds, limit;
    uint64_t slow_turns, slow_callbacks, log_lost;
    struct http_client_sums up; /* what metrics have of it */
    uint64_t beat_due_ms, measured_ms; /* worker_vitals.c */
    struct trim trim;
    bool draining, closed;
};

/** Accept on all listeners of a slot, or no more; idempotent. */
int worker_listen(struct worker *w, uint32_t slot);
void worker_unlisten(struct worker *w, uint32_t slot);

/** No new connections, finish, end; idempotent. `replaced`: another has the
 * slot, so that the gateway as a whole stays ready. */
void worker_drain(struct worker *w, bool replaced);

/** Each beat, the next in `next_ms`: how late this one is, and once a second
 * how we are (worker_vitals.c). */
void worker_vitals(struct worker *w, uint64_t next_ms);

/** Something came from the master (worker_hear.c). */
void worker_hear(void *ud, int what);

/** Ask the keeper, by the master, for the newest keys of an issuer. */
void worker_ask_jwks(void *ud, struct str name);

/** The same of a key that is fetched. */
void worker_ask_fetch(void *ud, struct str id);

/** What generation `number` is made of came: it is prepared between requests,
 * and the master told (worker_reload.c). */
void worker_prepare(struct worker *w, struct message *m);
/** From now on it is served. */
void worker_flip(struct worker *w, struct message *m);
/** It is not wanted; idempotent. */
void worker_abandon(struct worker *w);

/** A candidate runs beside it, or no more (worker_shadow.c). */
void worker_shadow(struct worker *w, struct message *m);
/** Tell the master what was seen, where something was. */
void worker_shadow_tell(struct worker *w);

/** Certificates of the listeners as a generation has them, by listener
 * (worker_tls.c); NULL with *err. */
struct tls_server **worker_tls_open(const struct worker *w,
                                    const struct generation *g,
                                    struct err *err);
void worker_tls_close(const struct worker *w, struct tls_server **tls);

#endif
