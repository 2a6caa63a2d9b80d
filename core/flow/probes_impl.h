/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* Between probes.c, which decides, and probes_call.c, which asks. */
#ifndef PENSTOCK_FLOW_PROBES_IMPL_H
#define PENSTOCK_FLOW_PROBES_IMPL_H

#include "base/buf.h"
#include "flow/probes.h"
#include "flow/request.h"

/** One under way, or free (at NULL). */
struct probe {
    struct probes *owner;
    const struct target *at; /* one of the host's */
    bool warms;              /* for its connection alone */
    struct arena *arena;
    struct attempt_host host;
    struct credential *credential;
    struct http_call *call;
    struct loop_timer timer;
    struct buf body;
    int status;
};

struct probes {
    struct flow *flow;
    struct generation *gen; /* whose targets are listed; NULL = none are */
    const struct target **list; /* ENGINE_TARGETS_MAX */
    uint16_t *first; /* which of them is the first at the same host */
    size_t n;
    struct loop_timer tick;
    struct probe calls[PROBES_MAX];
};

/** Once, before all else. */
void probe_init(struct probe *c, struct probes *owner);
/** Ask; probe_over is called later, never from within. False: it cannot. */
bool probe_start(struct probe *c, const struct target *t, bool warms);
/** Cancel it, if it is under way. */
void probe_stop(struct probe *c);
/** It is over: what came is in c->body where the list was asked for. */
void probe_over(struct probe *c, enum probing_verdict v, const char *why);
/** Is there anything that can be asked for? */
bool probe_can(const struct target *t);

#endif
