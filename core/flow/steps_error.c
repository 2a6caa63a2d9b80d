/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The Penstock Authors */
/*
 * upstream_error: policies hear of a try that failed before its first content
 * and may say what comes next. The try itself is gone by then; what they see
 * was written down while it was there. A kept connection that was dead is no
 * failure of anybody: it is tried again without a word.
 */
#include "flow/policies.h"
#include "flow/retry.h"
#include "flow/steps.h"

#define NS_PER_MS 1000000

struct failed_try {
    struct policy_failed seen; /* r->run.failed: it must be the first */
    struct retry_cause why;
};

static const struct retry_cause *cause(const struct request *r)
{
    return &((const struct failed_try *)(const void *)r->run.failed)->why;
}

/* The provider's words, else ours; without what is secret in them. */
static struct str words_of(struct request *r, const struct attempt *t)
{
    struct str s = { t->fault.message.p, t->fault.message.n };

    return arena_dup(r->arena, attempt_hide(r, s.n ? s : t->why));
}

void error_open(struct request *r, const struct retry_cause *why)
{
    const struct attempt *t = r->attempt;
    const struct attempt_record *rec = &r->records[r->n_attempts - 1];
    struct failed_try *f;

    r->run.failed = NULL;
    if (!policy_set_has(r->gen->policies, PHASE_UPSTREAM_ERROR) ||
        r->answer.content_sent || (why->dead && !r->reuse_retried))
        return;
    f = arena_alloc(r->arena, sizeof *f);
    if (!f)
        return; /* then the gateway's own rule holds */
    f->why = *why;
    f->seen = (struct policy_failed){
        .attempt = r->n_attempts,
        .target = t->target,
        .cls = str_of(fault_class_name(t->fault.cls)),
        .scope = str_of(fault_scope_name(t->fault.scope)),
        .message = words_of(r, t),
        .status = t->host.pub.status,
        .retry_after_ms = t->fault.retry_after_ms,
        .ms = (rec->end_ns - rec->begin_ns) / NS_PER_MS,
        .elapsed_ms = (rec->end_ns - r->begun_ns) / NS_PER_MS,
    };
    r->run.failed = &f->seen;
}

static enum step follow(struct request *r, const struct policy_result *res)
{
    const struct retry_cause *why = cause(r);

    switch (res->verdict) {
    case POLICY_AGAIN:
        return retry_again(r, why, res->after_ms);
    case POLICY_NEXT:
        return res->plan ? retry_moved(r, why, res->plan)
                         : retry_other(r, why);
    case POLICY_GIVE_UP:
        return retry_give_up(r, why);
    default:
        return retry_next(r, why);
    }
}

enum step step_upstream_error(struct request *r)
{
    struct policy_result res;
    enum step next;

    if (r->total_passed) {
        policy_cancel(&r->run);
        return retry_next(r, cause(r));
    }
    next = phase_run(r, PHASE_UPSTREAM_ERROR, STEP_BACKOFF, &res);
    if (next == STEP_WAIT)
        timers_arm(r);
    return next == STEP_BACKOFF ? follow(r, &res) : next;
}
