/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * Running a phase of the policies for a request, and what their verdict makes
 * of it. A refusal is the last word: what earlier tries left behind (an error
 * to be passed on) counts no more.
 */
#include "flow/limits_hold.h"
#include "flow/policies.h"
#include "flow/shadow.h"
#include "flow/queue.h"
#include "flow/steps.h"

static void on_wake(void *req)
{
    request_run(req);
}

void phase_prepare(struct request *r, enum policy_phase p)
{
    r->run.req = r;
    r->run.ended_ns = 0;
    r->run.view = &request_view;
    r->run.arena = r->arena;
    r->run.endpoint = str_of(r->endpoint ? r->endpoint->name : "");
    r->run.dialect = r->endpoint ? r->endpoint->dialect : DIALECT_NONE;
    r->run.body = body_index(r);
    r->run.principal = r->principal;
    r->run.plan = p == PHASE_ROUTE ? &r->plan : NULL;
    r->run.attempt = p == PHASE_ATTEMPT ? r->try_next : NULL;
    if (p == PHASE_LOG && !r->run.ended)
        r->run.ended = log_out(r);
    r->run.claim = limits_claim(r);
    r->run.response = p == PHASE_RESPONSE ? r->resp : NULL;
    /* under a stream's bytes nothing can wait */
    r->run.wake = p == PHASE_OUTPUT ? NULL : on_wake;
}

int phase_ask(struct request *r, enum policy_phase p,
              struct policy_result *out)
{
    phase_prepare(r, p);
    return policy_run(r->gen->policies, p, &r->run, out);
}

static void forget_tries(struct request *r)
{
    r->err.code = ERR_NONE;
    r->err.at[0] = '\0';
    r->kept = (struct kept_error){ 0 };
}

/* A policy's denial becomes the request's error. */
static enum step denied(struct request *r, const struct policy_result *p)
{
    forget_tries(r);
    r->err_policy = p->policy;
    r->retry_after_ms = p->retry_after_ms;
    err_set(&r->err, p->err_code ? p->err_code : ERR_INVALID_REQUEST,
            STR_FMT, STR_ARG(p->message));
    if (!p->err_code) {
        r->err_code = arena_dup(r->arena, p->code);
        r->err_status = p->status;
    }
    return request_fail(r, r->err.code, "client");
}

static enum step failed(struct request *r, const struct policy_result *p)
{
    forget_tries(r);
    r->err_policy = p->policy;
    err_set(&r->err, ERR_POLICY_FAILED, "The policy '" STR_FMT "' failed.",
            STR_ARG(p->policy));
    return request_fail(r, ERR_POLICY_FAILED, "gateway");
}

/* A policy answers itself. How, only the body tells, which is not read for
 * just anybody: so an answer to the head alone waits for both. */
static enum step answered(struct request *r, enum policy_phase p,
                          enum step next, const struct policy_result *out)
{
    r->polite = arena_alloc(r->arena, sizeof *r->polite);
    if (!r->polite)
        return request_fail(r, ERR_OVERLOADED, "gateway");
    *r->polite = *out;
    return p == PHASE_REQUEST ? next : STEP_ANSWER;
}

enum step phase_verdict(struct request *r, enum policy_phase p, enum step next,
                        const struct policy_result *out)
{
    switch (out->verdict) {
    case POLICY_DENY:
        return denied(r, out);
    case POLICY_FAILED:
        return failed(r, out);
    case POLICY_ANSWER:
        return answered(r, p, next, out);
    case POLICY_QUEUE:
        return queue_for_limit(r, out);
    case POLICY_NONE:
    case POLICY_PRINCIPAL:
    case POLICY_SKIP:
    case POLICY_STOP:
    case POLICY_AGAIN:
    case POLICY_NEXT:
    case POLICY_GIVE_UP:
        break;
    }
    return next;
}

enum step phase_run(struct request *r, enum policy_phase p, enum step next,
                    struct policy_result *out)
{
    if (r->flow->shadow)
        shadow_ask(r, p);
    if (!policy_set_has(r->gen->policies, p)) {
        *out = (struct policy_result){ .verdict = POLICY_NONE };
        if (r->shadow && r->flow->shadow)
            shadow_told(r, p, out);
        return next;
    }
    if (phase_ask(r, p, out) == POLICY_WAIT) {
        r->waiting_on = policy_phase_name(p);
        return STEP_WAIT;
    }
    if (r->shadow && r->flow->shadow)
        shadow_told(r, p, out);
    if (p <= PHASE_ROUTE) /* there is little left to do in these steps */
        r->stamp_ns = r->run.ended_ns;
    return phase_verdict(r, p, next, out);
}
