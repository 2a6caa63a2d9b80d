/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/* The flow of one worker: the http_server's handler, and its requests. */
#include "flow/flow.h"

#include "base/log.h"
#include "flow/probes.h"
#include "flow/queue.h"
#include "flow/refusal.h"
#include "flow/request.h"
#include "flow/shadow.h"
#include "flow/shedding.h"
#include "policy/outside.h"
#include "policy/reach.h"
#include "policy/tick.h"

#include <stdlib.h>
#include <sys/random.h>

#define MAX_REQUESTS 1000000
#define LINE_MAX_BYTES 32768

static void on_head(void *ud, struct http_req *q)
{
    struct flow *f = ud;
    struct request *r = request_new(f, q);
    static const struct http_header json = {
        { "content-type", 12 }, { "application/json", 16 }
    };

    if (r) {
        request_run(r);
        return;
    }
    http_reply(q, 503, &json, 1,
               STR("{\"error\":{\"message\":\"The gateway is out of memory.\","
                   "\"type\":\"server_error\",\"param\":null,"
                   "\"code\":\"overloaded\"}}"));
}

static void on_body(void *ud, struct http_req *q, int rc)
{
    struct request *r = http_req_user(q);

    (void)ud;
    if (!r)
        return;
    r->body_done = true;
    r->body_rc = rc;
    request_run(r);
}

static void on_part(void *ud, struct http_req *q)
{
    struct request *r = http_req_user(q);

    (void)ud;
    if (r && r->attempt && r->attempt->call)
        http_call_feed(r->attempt->call);
}

static void on_drained(void *ud, struct http_req *q)
{
    struct request *r = http_req_user(q);

    (void)ud;
    if (!r || !r->answer.paused)
        return;
    r->answer.paused = false;
    if (r->attempt && r->attempt->call) {
        r->last_data_ms = loop_now_ms(r->flow->env.loop);
        http_call_resume(r->attempt->call);
    }
    timers_arm(r);
}

static void on_end(void *ud, struct http_req *q, int rc)
{
    struct request *r = http_req_user(q);

    (void)ud;
    if (r)
        request_end(r, rc);
}

const struct http_handler *flow_handler(void)
{
    static const struct http_handler handler = {
        .on_head = on_head,
        .on_body = on_body,
        .on_part = on_part,
        .on_drained = on_drained,
        .on_end = on_end,
        .on_refusal = flow_on_refusal,
        .on_stranger = flow_on_stranger,
    };

    return &handler;
}

static void on_flush(void *ud)
{
    (void)ud;
    log_flush();
}

static bool leads(void *ud)
{
    const struct flow_env *env = ud;

    return !env->cells || !env->process ||
           cells_leads(env->cells, env->process);
}

/** What policies of a generation use of this worker; their ticks begin. */
static void lend(struct flow *f, struct generation *g)
{
    const struct policy_ticker who = { leads, &f->env };
    const struct reach_means means = { .loop = f->env.loop,
                                       .client = f->env.client,
                                       .addresses = f->env.addresses,
                                       .jwt_keys = f->env.jwt_keys };

    if (f->env.outside)
        policy_set_outside(g->policies, f->env.outside);
    else
        policy_set_reach(g->policies, &means);
    policy_set_loop(g->policies, f->env.loop);
    g->graves = &f->graves;
    policy_set_kv(g->policies, f->env.kv);
    policy_set_keys(g->policies, f->env.keys);
    engine_use_health(g->engine,
                      f->env.cells ? cells_health(f->env.cells) : NULL,
                      g->number);
    if (f->env.fetched)
        engine_use_fetched(g->engine, f->env.fetched);
    if (policy_ticks_start(g->policies, &who) != 0)
        log_event(EV_policy_error, LOG_Z("phase", "tick"),
                  LOG_Z("error", "no memory: no policy ticks"));
}

struct flow *flow_new(const struct flow_env *env, struct generation *g)
{
    struct flow *f = calloc(1, sizeof *f);

    if (!f)
        return NULL;
    f->env = *env;
    f->slots = slots_new(MAX_REQUESTS);
    f->flush.fn = on_flush;
    buf_init(&f->line, LINE_MAX_BYTES);
    if (!f->slots || getrandom(&f->nonce, sizeof f->nonce, 0) < 0 ||
        getrandom(f->dice, sizeof f->dice, 0) < 0) {
        flow_free(f);
        return NULL;
    }
    if (env->process)
        f->shedding = shedding_new(f);
    if (env->process && !f->shedding) {
        flow_free(f);
        return NULL;
    }
    f->nonce ^= env->boot_id;
    graves_init(&f->graves, env->loop);
    f->gen = generation_ref(g);
    lend(f, g);
    if (env->process && !env->outside)
        f->prober = probes_new(f);
    return f;
}

void flow_free(struct flow *f)
{
    if (!f)
        return;
    while (f->settling)
        request_drop(f->settling);
    probes_free(f->prober);
    flow_shadow_stop(f);
    if (f->gen) {
        policy_ticks_stop(f->gen->policies);
        f->gen->graves = NULL; /* its maker may hold it still */
        generation_unref(f->gen);
        graves_clear(&f->graves);
    }
    requests_free_spare(f);
    slots_free(f->slots);
    json_clear(&f->scratch);
    wire_texts_clear(&f->texts);
    buf_clear(&f->line);
    loop_undefer(&f->flush);
    queue_free(f->queue);
    shedding_free(f->shedding);
    log_flush();
    free(f);
}

void flow_use(struct flow *f, struct generation *g)
{
    struct generation *old = f->gen;

    policy_ticks_stop(old->policies);
    f->gen = generation_ref(g);
    lend(f, g);
    shadow_lend(f);
    generation_unref(old);
}

void flow_addresses_changed(struct flow *f)
{
    struct request *list = f->waiting;

    f->waiting = NULL;
    if (list)
        list->prev_waiting = &list;
    while (list) {
        struct request *r = list;

        request_unwait(r);
        request_run(r);
    }
}

void flow_drain(struct flow *f, bool replaced)
{
    f->draining = !replaced;
    policy_ticks_stop(f->gen->policies);
    probes_free(f->prober);
    f->prober = NULL;
}

size_t flow_inflight(const struct flow *f)
{
    return f->inflight;
}
