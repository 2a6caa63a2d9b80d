/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * The flow: a request's life from its head to its access line, as a table of
 * named steps (docs/design/request-life.md). One struct flow per worker; it
 * is the http_server's handler.
 */
#ifndef PENSTOCK_FLOW_FLOW_H
#define PENSTOCK_FLOW_FLOW_H

#include "engine/addresses.h"
#include "engine/cells.h"
#include "engine/ledger.h"
#include "engine/plugin.h"
#include "net/http_client.h"
#include "net/http_server.h"

struct flow;
struct generation;
struct fetched_set; /* engine/fetched.h */
struct jwt_keys; /* engine/jwt_keys.h */
struct outside; /* policy/outside.h */
struct policy_probe; /* policy/probe.h */

/** What a worker lends to its flow. */
struct flow_env {
    struct loop *loop;
    struct http_client *client;
    struct cells *cells;            /* may be NULL in tests */
    struct process_cell *process;   /* may be NULL in tests */
    struct addresses *addresses;
    struct jwt_keys *jwt_keys;      /* ps.jwt; may be NULL */
    struct fetched_set *fetched;    /* keys; NULL: none is fetched */
    struct kv *kv;                  /* ps.kv; may be NULL in tests */
    struct ledger_ring *ledger;     /* rows for the keeper; NULL = none */
    const struct key_table *keys;   /* of the store; NULL: there are none */
    struct limiter *limiter;        /* ps.take, entered; may be NULL */
    uint64_t boot_id;
    uint32_t worker;                /* number in request ids and logs */
    /* for `explain -f`: what policies reach in place of the real things, and
     * who hears the whole story of each request, as JSON, when it is over */
    const struct outside *outside;
    void (*story)(void *ud, struct str json);
    void *story_ud;
};

/** One generation in one worker: configuration, engine, policies. */
struct generation *generation_new(struct snapshot *bundle, uint64_t number,
                                  struct plugin_set *plugins, struct err *err);
/** The same under a probe, which is borrowed for its life; NULL = none. */
struct generation *generation_probed(struct snapshot *bundle, uint64_t number,
                                     struct plugin_set *plugins,
                                     struct policy_probe *probe,
                                     struct err *err);
/**
 * The same in parts, for who serves meanwhile: generation_step makes one thing
 * (the configuration, the engine, ..., a policy), some 0.2 ms of the work. 1:
 * there is more to do; 0: it is ready; -ERR_x: it is to be freed. Before that
 * nothing but generation_unref may be done with it.
 */
struct generation *generation_begin(struct snapshot *bundle, uint64_t number,
                                    struct plugin_set *plugins,
                                    struct policy_probe *probe,
                                    struct err *err);
int generation_step(struct generation *g, struct err *err);
const struct config *generation_config(const struct generation *g);
/** The last reference frees it: in a flow policy by policy, between requests,
 * else at once. */
void generation_unref(struct generation *g);

struct flow *flow_new(const struct flow_env *env, struct generation *g);
/** All requests must be over (http_server_free first). */
void flow_free(struct flow *f);
const struct http_handler *flow_handler(void); /* its ud is the struct flow */

/** New requests take `g`; those under way keep theirs. Takes a reference. */
void flow_use(struct flow *f, struct generation *g);

/** The addresses changed: wake who waits for one. */
void flow_addresses_changed(struct flow *f);

/** No more ticks; requests under way go on. /readyz answers 503 from now on,
 * unless another worker took this one's place. */
void flow_drain(struct flow *f, bool replaced);

/** Listener of a request: given to http_server_listen as its tag. */
struct flow_listener {
    const struct conf_listen *conf;
    uint32_t index;
};

size_t flow_inflight(const struct flow *f);

#endif
